"""Brings the Russian catalogue up to the words of the code: extract, merge, compile. A script.

    python grantflow/translations/update.py            # writes messages.po and messages.mo of Russian
    python grantflow/translations/update.py --missing  # lists what has no Russian yet, and where it stands

English is the language of the source and needs no catalogue. Nothing in the files depends on the day or on
line numbers: two runs over the same words give the same bytes. A word that changed is a new word, no guess is
carried over. Whether the catalogue is whole is the business of tests/rules/test_translations.py.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PO = HERE / "ru" / "LC_MESSAGES" / "messages.po"
MO = PO.with_suffix(".mo")
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "__": None,
    "lazy_gettext": None,
    "lazy_ngettext": (1, 2),
    "lazy_pgettext": ((1, "c"), 2),
    "lazy_npgettext": ((1, "c"), 2, 3),
}
HEADER = "# Russian words of GrantFlow. Written by update.py; translate here, then run it again.\n#"
ALWAYS = datetime(2021, 11, 1, tzinfo=UTC)


def _ours(folder: str) -> bool:
    below = Path(folder).resolve().relative_to(ROOT).parts
    return bool(below) and below[0] in ("grantflow", "templates") and below[-1] != "__pycache__"


def found() -> Iterator[tuple[str, int, str | tuple[str, ...], str | None]]:
    """Every message of the code and the templates: file, line, words (singular and plural), context."""
    with (HERE / "babel.cfg").open(encoding="utf-8") as config:
        methods, options = parse_mapping_cfg(config)  # type: ignore[no-untyped-call]
    for file, line, words, _notes, context in extract_from_dir(
        ROOT, methods, options, KEYWORDS, directory_filter=_ours
    ):
        yield file, line, words, context


def extracted() -> Catalog:
    """The words of the code as they are now, without translations."""
    template = Catalog(project="GrantFlow", charset="utf-8")
    for _file, _line, words, context in found():
        template.add(words, context=context)
    return template


def kept() -> Catalog:
    """The Russian catalogue as it lies in the repository."""
    with PO.open("rb") as file:
        return read_po(file, locale="ru", charset="utf-8")


def merged() -> Catalog:
    """The Russian catalogue brought up to the code: new words empty, words no longer used left out."""
    old = kept() if PO.exists() else Catalog(locale="ru")
    new = Catalog(
        locale="ru",
        project="GrantFlow",
        version="1",
        header_comment=HEADER,
        charset="utf-8",
        fuzzy=False,
        creation_date=ALWAYS,
        revision_date=ALWAYS,
        last_translator="GrantFlow contributors",
        language_team="ru",
        msgid_bugs_address="see the programme",
    )
    for message in extracted():
        if message.id:
            known = old.get(message.id, message.context)
            words = known.string if known is not None and type(known.id) is type(message.id) else None
            new.add(message.id, words, context=message.context)
    return new


def is_whole(message: Message) -> bool:
    """Whether every form of a message has Russian words."""
    forms = message.string if isinstance(message.string, tuple | list) else [message.string]
    return len(forms) == (3 if message.pluralizable else 1) and all(forms)


def po_bytes(catalogue: Catalog) -> bytes:
    """The catalogue as the text file that people edit."""
    out = io.BytesIO()
    write_po(out, catalogue, width=110, no_location=True, sort_output=True)
    return out.getvalue()


def mo_bytes(catalogue: Catalog) -> bytes:
    """The catalogue as the file that the program reads."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def main(arguments: list[str]) -> int:
    """Write both files, or list what is missing. 1 if something has no Russian yet."""
    catalogue = merged()
    missing = {message.id for message in catalogue if message.id and not is_whole(message)}
    if "--missing" in arguments:
        for file, line, words, _context in found():
            if words in missing:
                print(f"{file}:{line}: {words if isinstance(words, str) else ' | '.join(words)}")
    else:
        PO.parent.mkdir(parents=True, exist_ok=True)
        PO.write_bytes(po_bytes(catalogue))
        MO.write_bytes(mo_bytes(catalogue))
        print(f"{len(catalogue)} messages, {len(missing)} without Russian")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
