"""The words of notices and their versions: as the files have them until a manager writes others for a programme.

A version is never changed: a letter says for ever which one it was. What a version may hold is judged here; the pages
are in `register`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, func, select

from grantflow import clock
from grantflow.cases.models import Case, NoticeText
from grantflow.cases.notices import PLACEHOLDERS, catalogue
from grantflow.cases.outbox import DIGESTS
from grantflow.cases.service import record
from grantflow.db import insert_if_new, session, writing
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history import store
from grantflow.history.canonical import sha256
from grantflow.identity.access import Actor
from grantflow.identity.models import Person

SUBJECT, TEXT = 160, 2000
"""The longest subject and text of a notice, in characters; a subject longer than this is cut by mail programs."""
LANGUAGES = ("en", "ru")
_ROWS, _C, _PEOPLE = NoticeText.__table__, Case.__table__.c, Person.__table__
# Asked for every letter, and built once.
_OF_CASE = select(_C.id, _C.kind, _C.programme_id).where(_C.id == bindparam("wanted"))
_NEWEST = (
    select(_ROWS)
    .where(_ROWS.c.programme_id == bindparam("programme"), _ROWS.c.notice == bindparam("named"))
    .order_by(_ROWS.c.version.desc())
    .limit(1)
)
_KNOWN = select(_ROWS.c.id).where(_ROWS.c.key == bindparam("known"))


@dataclass(frozen=True)
class Words:
    """A notice's words in both languages, and the version they are; without a number they are the files' own."""

    subject: Mapping[str, str]
    text: Mapping[str, str]
    id: int | None = None
    version: int = 0


def standard(name: str) -> Words:
    """The words as the files have them."""
    notice = catalogue()[name]
    return Words({"en": notice.subject.en, "ru": notice.subject.ru}, {"en": notice.text.en, "ru": notice.text.ru})


def _words(row: Any) -> Words:
    return Words(row.subject, row.text, row.id, row.version)


def programme_of(case_id: int | None) -> int | None:
    """The programme whose words count for a notice about this case."""
    if case_id is None:
        return None
    row = session().execute(_OF_CASE, {"wanted": case_id}).one()
    return int(row.id) if row.kind == "programme" else row.programme_id


def versions(programme_id: int, name: str) -> list[Any]:
    """Every version a manager wrote for this programme, the newest first."""
    query = select(_ROWS).where(_ROWS.c.programme_id == programme_id, _ROWS.c.notice == name)
    return list(session().execute(query.order_by(_ROWS.c.version.desc())))


def writers(programme_id: int, name: str) -> dict[int, Any]:
    """Who wrote the versions: number, names."""
    query = select(_PEOPLE.c.id, _PEOPLE.c.name_en, _PEOPLE.c.name_ru).where(
        _PEOPLE.c.id.in_(select(_ROWS.c.by_id).where(_ROWS.c.programme_id == programme_id, _ROWS.c.notice == name))
    )
    return {row.id: row for row in session().execute(query)}


def changed(programme_id: int) -> dict[str, Words]:
    """The notices whose words a manager of this programme wrote anew, as they count now; in one query."""
    latest = select(func.max(_ROWS.c.id)).where(_ROWS.c.programme_id == programme_id).group_by(_ROWS.c.notice)
    rows = session().execute(select(_ROWS).where(_ROWS.c.id.in_(latest), _ROWS.c.origin == "manager"))
    return {row.notice: _words(row) for row in rows}


def current(name: str, programme_id: int | None) -> Words:
    """The words that count now: the newest a manager wrote for the programme, else those of the files."""
    if programme_id is not None:
        row = session().execute(_NEWEST, {"programme": programme_id, "named": name}).one_or_none()
        if row is not None and row.origin == "manager":
            return _words(row)
    return standard(name)


def of_ids(ids: set[int]) -> dict[int, Words]:
    """The versions with these numbers, in one query."""
    rows = session().execute(select(_ROWS).where(_ROWS.c.id.in_(ids))) if ids else ()
    return {row.id: _words(row) for row in rows}


def pin(name: str, words: Words) -> int:
    """The number of the version these words are, inside a unit of work; the files' own are stored when first used."""
    if words.id is not None:
        return words.id
    said = {"subject": dict(words.subject), "text": dict(words.text)}
    print_ = sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode())
    key = f"all/{name}/{print_}"
    if (found := writing().scalar(_KNOWN, {"known": key})) is None:
        row = {"key": key, "notice": name, "version": 0, "origin": "standard", "at": clock.now(), **said}
        writing().execute(insert_if_new(_ROWS), row)
        found = writing().scalar(_KNOWN, {"known": key})
    assert found is not None
    return int(found)


# what may be written
def editable(name: str) -> bool:
    """Letters about accounts and access, and those that gather others, belong to no programme: none has its own words."""
    return catalogue()[name].code not in ("N-01", "N-19") and name not in DIGESTS


def allowed(name: str) -> set[str]:
    """The words in braces that this notice has values for: those its own text uses, and those every notice has."""
    words = standard(name)
    used = {word for said in (words.subject, words.text) for text in said.values() for word in _placeholders(text)}
    return {"ref", "title", *used}


def _placeholders(text: str) -> set[str]:
    """The words in braces; ValueError where a brace stands alone or holds more than a word."""
    found = set()
    for _text, name, spec, conversion in Formatter().parse(text):
        if name is not None:
            if spec or conversion or name not in PLACEHOLDERS:
                raise ValueError(name)
            found.add(name)
    return found


def faults(name: str, said: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What keeps these words from being taken, a sentence for each field, such as `subject_en`."""
    found: dict[str, Any] = {}
    known = allowed(name)
    for part, longest in (("subject", SUBJECT), ("text", TEXT)):
        for language in LANGUAGES:
            text, where = said[part].get(language, "").strip(), f"{part}_{language}"
            if not text:
                found[where] = _("Write it in both languages: each reader gets their own.")
            elif len(text) > longest:
                found[where] = _(
                    "This is longer than %(num)s characters. Shorten it by %(more)s.",
                    num=longest, more=len(text) - longest,
                )  # fmt: skip
            else:
                try:
                    unknown = sorted(_placeholders(text) - known)
                except ValueError as error:
                    unknown = (
                        [] if "brace" in str(error) or "'}'" in str(error) or "'{'" in str(error) else [str(error)]
                    )
                    if not unknown:
                        found[where] = _("A brace stands alone here. Braces go in pairs round one word.")
                if unknown:
                    found[where] = _(
                        "{%(word)s} has no value in this notice. Known: %(words)s.",
                        word=unknown[0], words=", ".join(f"{{{word}}}" for word in sorted(known)),
                    )  # fmt: skip
    return found


def _may(programme_id: int, actor: Actor, name: str) -> None:
    if name not in catalogue() or programme_id not in actor.scopes("manager", "programme_id"):
        raise NotFound
    if not editable(name):
        raise Refused(
            _(
                "Letters about accounts, and those that gather others, are the same everywhere; nobody changes them for a programme."
            )
        )


def write(
    programme_id: int,
    name: str,
    said: Mapping[str, Mapping[str, str]] | None,
    *,
    actor: Actor,
    seen: int,
    key: str | None = None,
) -> int:
    """Make these words the programme's newest version, inside a unit of work; None: the files' words count again.

    `seen` is the version the writer had before them: if there is a newer one, Refused. A repeated `key` does nothing.
    """
    _may(programme_id, actor, name)
    writing().execute(select(_C.id).where(_C.id == programme_id).with_for_update())
    rows = versions(programme_id, name)
    version = rows[0].version if rows else 0
    if key is not None and store.by_key(session().connection(), programme_id, key) is not None:
        return version
    if seen != version:
        raise Refused(
            _("Somebody else wrote a newer version meanwhile. What you typed is kept; compare it with theirs.")
        )
    if said is not None and (wrong := faults(name, said)):
        raise Invalid(_("This cannot be taken yet."), wrong)
    before = current(name, programme_id)
    words = standard(name) if said is None else None
    subject = dict(words.subject) if words else {lang: said["subject"][lang].strip() for lang in LANGUAGES}  # type: ignore[index]
    text = dict(words.text) if words else {lang: said["text"][lang].strip() for lang in LANGUAGES}  # type: ignore[index]
    if subject == dict(before.subject) and text == dict(before.text):
        raise Refused(_("These are the words that count already."))
    version += 1
    writing().execute(
        _ROWS.insert().values(
            key=f"{programme_id}/{name}/{version}", notice=name, programme_id=programme_id, version=version,
            origin="manager" if said is not None else "standard", subject=subject, text=text,
            by_id=actor.person_id, at=clock.now(),
        )
    )  # fmt: skip
    record(
        programme_id,
        "notice_text_changed",
        actor=actor,
        role="manager",
        facts={"notice": name, "number": catalogue()[name].code, "version": version},
        changes=[(f"{part}_{lang}", getattr(before, part)[lang], after[lang])
                 for part, after in (("subject", subject), ("text", text)) for lang in LANGUAGES],
        key=key,
    )  # fmt: skip
    return version
