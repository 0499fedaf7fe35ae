"""Owns attached files: what may come in, told by content; where they lie; and the way out again.

Files lie under generated names in the installation's `files` folder. A row is written only once the file
is safely
on the disk; a file whose row failed is litter, never a loss.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import unicodedata
import zipfile
import zlib
from pathlib import Path
from typing import IO

import filetype
from flask import current_app
from flask_babel import lazy_gettext as _
from sqlalchemy import func, insert, select, update

from grantflow import clock
from grantflow.cases import bell
from grantflow.cases.service import lock
from grantflow.config import Settings
from grantflow.db import after_commit, session, writing
from grantflow.errors import NotFound, Refused
from grantflow.identity.access import Actor
from grantflow.identity.labels import Joined
from grantflow.programmes.questions import Question
from grantflow.rendering import file_size
from grantflow.submissions.rows import APPLICATIONS, FILES, may_write, row_of, terms_of

KINDS = {"pdf": "PDF", "docx": "Word (DOCX)", "xlsx": "Excel (XLSX)", "jpg": "JPG", "png": "PNG"}
TYPES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jpg": "image/jpeg",
    "png": "image/png",
}
_BY_MIME = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}
_OFFICE = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx"}
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""A compound file: an old Office document, or a new one under a password."""
_PROGRAMS = ("vbaproject.bin", ".vbs", ".exe", ".dll", ".js", ".jar", ".bat", ".cmd", ".ps1", ".scr",
    ".docm", ".dotm", ".xlsm", ".xltm", ".xlam", ".pptm")  # fmt: skip
_WITHIN = ("/activex/", "/macrosheets/")
"""Folders of programs inside an office file: controls, and the sheets of macros that were before Visual Basic."""
_EXECUTABLE = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa")
MOST_MEMBERS, MOST_UNPACKED, MOST_RATIO = 5_000, 300_000_000, 100
"""What a parcel may say it holds: members, octets when unpacked, and how many times the octets that came in."""
RATIO_FROM = 20_000_000
"""Below this an honest table of zeros packs well too, and nothing that small can hurt."""
MOST_TYPES = 1_000_000


def settings() -> Settings:
    """The settings this app was made with."""
    found: Settings = current_app.config["GRANTFLOW"]
    return found


def most_octets(question: Question) -> int:
    """How large a file of a question may be: what its pack allows, and never more than the installation takes."""
    return min(question.max_mb, settings().upload_mb) * 1_000_000


def kind_of(data: bytes) -> str:
    """What a file is by its content: pdf, docx, xlsx, jpg, png. Refused: anything else, passwords, macros,
    damage."""
    if data.startswith(_OLD_OFFICE):
        raise Refused(_("This is an old Office file, or one with a password. Save it as PDF, without a password."))
    if data.startswith(b"PK"):
        return _office(data)
    if data.startswith(_EXECUTABLE):
        raise Refused(_("This is a program, whatever its name says. Attach a paper: PDF or a picture."))
    guessed = filetype.guess(data[:8192])
    kind = _BY_MIME.get(guessed.mime) if guessed is not None else None
    if kind is None:
        raise Refused(_("By its content this is none of the kinds named here, whatever its name says."))
    if kind == "pdf" and b"/Encrypt" in data:
        raise Refused(_("This PDF has a password or is locked. Print it to a new PDF and attach that."))
    return kind


def _office(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parcel:
            entries = parcel.infolist()
            _bounded(entries, len(data))
            if any(entry.flag_bits & 1 for entry in entries):
                raise Refused(_("This file has a password. Save it without one and attach it again."))
            names = {entry.filename for entry in entries}
            kinds = _content_types(parcel, names)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, zlib.error, KeyError):
        raise Refused(_("This file is damaged. Save it anew and attach it again.")) from None
    small = [name.lower() for name in names]
    programs = any(name.endswith(_PROGRAMS) or any(folder in name for folder in _WITHIN) for name in small)
    if programs or b"macroenabled" in kinds.lower():
        raise Refused(_("This file holds a program (a macro). Save it without macros, or as PDF."))
    for member, kind in _OFFICE.items():
        if member in names and "[Content_Types].xml" in names:
            return kind
    raise Refused(_("An archive cannot be read by those who judge. Attach the papers one by one, as PDF or pictures."))


def _bounded(entries: list[zipfile.ZipInfo], packed: int) -> None:
    """Refused where the parcel says it would become too much when opened: too many members, too many octets, far more
    than what came in, or members that lie over each other. Nothing is unpacked for it."""
    whole = sum(entry.file_size for entry in entries)
    stored = sum(entry.compress_size for entry in entries)
    if (
        len(entries) > MOST_MEMBERS
        or whole > MOST_UNPACKED
        or stored > packed
        or (whole > RATIO_FROM and whole > MOST_RATIO * packed)
    ):
        raise Refused(
            _(
                "Unpacked, this file would become far larger than a paper is: %(size)s. Save it anew without its "
                "pictures, or as PDF.",
                size=file_size(whole),
            )
        )


def _content_types(parcel: zipfile.ZipFile, names: set[str]) -> bytes:
    """The list of what the members are, as far as it is sensible to read."""
    if "[Content_Types].xml" not in names:
        return b""
    with parcel.open("[Content_Types].xml") as listed:
        return listed.read(MOST_TYPES)


def clean_name(name: str, kind: str) -> str:
    """The name people see: without folders and invisible signs, with the ending of what it really is."""
    bare = unicodedata.normalize("NFC", name or "").replace("\\", "/").rsplit("/", 1)[-1]
    bare = "".join(c for c in bare if unicodedata.category(c)[0] != "C" and c not in '<>:"|?*').strip(" .")
    stem, dot, ending = bare.rpartition(".")
    endings = {"jpg": ("jpg", "jpeg")}.get(kind, (kind,))
    if not dot or ending.lower() not in endings:
        stem, ending = bare or str(_("file")), kind
    return f"{stem[:200] or _('file')}.{ending}"


def add_file(case_id: int, question: str, filename: str, stream: IO[bytes], *, actor: Actor) -> int:
    """Attach a file to a question of a draft; gives back its number. Needs a unit of work around it.

    Refused with what to do instead: too large, empty, of another kind than the question names (by
    content), under a
    password, with macros, one too many, or a draft that cannot be written now.
    """
    case, row = lock(case_id), row_of(case_id)
    terms = terms_of(row.pack_hash)
    asked = terms.questions.get(question)
    section = next((s for s in terms.form if any(q.code == question for q in s.questions)), None)
    if asked is None or asked.kind != "file":
        raise NotFound
    verdict = may_write(case, row, actor, section)
    if not verdict:
        raise Refused(verdict.because)
    most = most_octets(asked)
    data = stream.read(most + 1)
    if not data:
        raise Refused(_("This file is empty. Look whether it opens on your own device, then attach it again."))
    if len(data) > most:
        raise Refused(
            _(
                "This file is larger than %(size)s. Make it smaller, or attach it in parts.",
                size=file_size(most),
            )
        )
    kind = kind_of(data)
    if kind not in asked.accept:
        kinds = Joined(KINDS[k] for k in asked.accept)
        raise Refused(_("By its content this is %(kind)s. Attach one of: %(kinds)s.", kind=KINDS[kind], kinds=kinds))
    digest = hashlib.sha256(data).hexdigest()
    here = (
        session()
        .execute(
            select(FILES.c.id, FILES.c.sha256)
            .where(FILES.c.case_id == case_id, FILES.c.question == question, FILES.c.removed_at.is_(None))
            .order_by(FILES.c.id)
        )
        .all()
    )
    for known in here:
        if known.sha256 == digest:  # pressed twice, or sent again: the same file stands once
            return int(known.id)
    if len(here) >= asked.max_files:
        raise Refused(_("There is no room for another file here. Take one away first."))
    stored = _store(data)
    now = clock.now()
    file_id = writing().execute(
        insert(FILES)
        .values(
            case_id=case_id, question=question, stored_name=stored, filename=clean_name(filename, kind),
            size=len(data), sha256=digest, content_type=TYPES[kind],
            uploaded_by=actor.person_id, uploaded_at=now, scan="waiting" if settings().scan else "none",
        )
        .returning(FILES.c.id)
    ).scalar_one()  # fmt: skip
    writing().execute(
        update(APPLICATIONS).where(APPLICATIONS.c.case_id == case_id).values(revision=row.revision + 1, saved_at=now)
    )
    if settings().scan:
        after_commit(bell.ring_for_long_work)
    return int(file_id)


def _store(data: bytes) -> str:
    """Put the bytes on the disk under a new name, for good: file and folder are flushed before the row is
    written."""
    name = secrets.token_hex(24)
    folder = settings().files / name[:2]
    folder.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    holder = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(holder)
    finally:
        os.close(holder)
    return name


def remove_file(case_id: int, file_id: int, *, actor: Actor) -> None:
    """Take a file out of the draft. Versions already sent keep it. Needs a unit of work around it."""
    case, row = lock(case_id), row_of(case_id)
    found = session().execute(select(FILES).where(FILES.c.id == file_id, FILES.c.case_id == case_id)).one_or_none()
    if found is None:
        raise NotFound
    terms = terms_of(row.pack_hash)
    section = next((s for s in terms.form if any(q.code == found.question for q in s.questions)), None)
    verdict = may_write(case, row, actor, section)
    if not verdict:
        raise Refused(verdict.because)
    if found.removed_at is not None:
        return
    now = clock.now()
    writing().execute(update(FILES).where(FILES.c.id == file_id).values(removed_at=now, removed_by=actor.person_id))
    writing().execute(
        update(APPLICATIONS).where(APPLICATIONS.c.case_id == case_id).values(revision=row.revision + 1, saved_at=now)
    )


def path_of(stored_name: str) -> Path:
    """Where a stored file lies."""
    return settings().files / stored_name[:2] / stored_name


def used(case_id: int) -> int:
    """Octets of all files attached now."""
    return int(
        session().scalar(
            select(func.coalesce(func.sum(FILES.c.size), 0)).where(
                FILES.c.case_id == case_id, FILES.c.removed_at.is_(None)
            )
        )
        or 0
    )
