"""Every word a person reads is there in both languages, and the Russian is typeset as Russian.

How to bring the Russian catalogue up to the code, after words were added or changed:

    python grantflow/translations/update.py            # extracts, merges, compiles; says how many are missing
    python grantflow/translations/update.py --missing  # lists them with their places
    (write the Russian into grantflow/translations/ru/LC_MESSAGES/messages.po, and run the first line again)

Texts of workflows, notices, packs and the demo stand in their TOML files in both languages.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.mofile import read_mo
from flask import Flask
from flask_babel import force_locale, gettext, ngettext
from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("update", ROOT / "grantflow" / "translations" / "update.py")
assert SPEC and SPEC.loader
update = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(update)

PLACE = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%")
CYRILLIC = re.compile(r"[А-Яа-яЁё]")
LATIN_WORD = re.compile(r"[A-Za-z][A-Za-z0-9-]{2,}")
KEPT_LATIN = {
    "GrantFlow", "XLSX", "PDF", "DOCX", "CSV", "JSON", "UTF-8", "SHA-256", "UTC", "IBAN", "WCAG", "axe", "AA",
    "Tab", "cookie", "Office", "null", "English", "PROZVET", "CVR", "NIP", "Y-tunnus", "organisasjonsnummer",
    "organisationsnummer", "registrikood", "codice", "fiscale",
}  # fmt: skip
"""Names and abbreviations that Russian writes in Latin letters. Addresses and keys of JSON are cut out."""
NOT_WORDS = re.compile(
    r"\w+@[\w.]+|https?://\S+|GRANTFLOW_\w+|grantflow/1/|v, case, seq, at, actor, role, for, trigger,"
    r" move, from, to, facts, private, key, prev|\bprev\b|`[^`]*`"
)
WITHOUT_YO = (
    r"(?i)\b(отчет\w*|счет|прием(а|у|ом)?|еще|ее|ждет|идет|(при|на|про)йдет|начнет(ся)?|расчет\w*|учет(а|у|ом)?|заем|"
    r"объем\w*|четырех|трех|четвертый|тверд\w+|зеленый|звездочк\w*|утвержден|подтвержден|включен|учтен\w*)\b"
)


@cache
def catalogue() -> list[Message]:
    """The messages of the Russian catalogue, its header aside."""
    return [message for message in update.kept() if message.id]


def forms(message: Message) -> list[str]:
    """The Russian words of a message, one or three."""
    return list(message.string) if isinstance(message.string, tuple | list) else [message.string]


def english(message: Message) -> str:
    """The English words, of the plural where there is one."""
    return message.id[1] if isinstance(message.id, tuple) else message.id


@cache
def tomls() -> list[tuple[Path, dict[str, str]]]:
    """Every pair of texts in the definitions, packs and content: file, {en, ru}."""

    def pairs(value: Any) -> Iterator[dict[str, str]]:
        if isinstance(value, dict):
            texts = {key: value[key] for key in ("en", "ru") if isinstance(value.get(key), str)}
            if texts:
                yield texts
            for inner in value.values():
                yield from pairs(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from pairs(inner)

    files = sorted(path for folder in ("workflows", "grantflow") for path in (ROOT / folder).rglob("*.toml"))
    return [(path, pair) for path in files for pair in pairs(tomllib.loads(path.read_text(encoding="utf-8")))]


@cache
def russian() -> list[tuple[str, str]]:
    """Every Russian text with where it stands."""
    words = [(f"po: {english(message)[:50]}", form or "") for message in catalogue() for form in forms(message)]
    return words + [(f"{path.name}: {pair.get('en', '')[:50]}", pair.get("ru", "")) for path, pair in tomls()]


read_the_code = update.found


@cache
def found() -> list[Any]:
    """Every message of the code with its place: reading all of it takes seconds, and it is read once."""
    return list(read_the_code())


@cache
def merged() -> Any:
    """The catalogue as the script would write it now."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(update, "found", found)
        return update.merged()


def test_every_word_of_the_code_has_its_russian() -> None:
    missing = {message.id for message in merged() if message.id and not update.is_whole(message)}
    places = [f"{file}:{line}: {words}" for file, line, words, _context in found() if words in missing]
    assert places == [], "no Russian yet: see grantflow/translations/update.py --missing"


def test_the_catalogue_holds_no_guess_and_no_word_the_code_has_lost() -> None:
    kept, used = update.kept(), {message.id for message in merged()}
    assert [message.id for message in kept if message.fuzzy and message.id] == []
    assert not kept.obsolete
    assert [message.id for message in kept if message.id and message.id not in used] == []


def test_the_bytes_do_not_depend_on_the_order_in_which_files_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    once = update.po_bytes(merged())
    monkeypatch.setattr(update, "found", lambda: reversed(found()))
    assert once == update.po_bytes(update.merged())
    assert b"\n#:" not in once, "no line numbers: they change with every edit"


def test_what_is_filled_in_stands_in_every_form() -> None:
    wrong = [
        (english(message), form)
        for message in catalogue()
        for form in forms(message)
        if set(PLACE.findall(english(message))) != set(PLACE.findall(form))
    ]
    assert wrong == []


def test_what_the_program_reads_is_what_people_wrote() -> None:
    with update.MO.open("rb") as file:
        compiled = {
            tuple(message.id) if message.pluralizable else message.id: forms(message) for message in read_mo(file)
        }
    assert {words: said for words, said in compiled.items() if words} == {m.id: forms(m) for m in catalogue()}


def test_russian_counts_in_three_forms(app: Flask) -> None:
    expected = {
        1: "1 заявка",
        2: "2 заявки",
        5: "5 заявок",
        11: "11 заявок",
        21: "21 заявка",
        104: "104 заявки",
    }
    with app.test_request_context(), force_locale("ru"):
        assert {n: ngettext("%(num)d application", "%(num)d applications", n) for n in expected} == expected


def test_english_needs_no_catalogue(app: Flask) -> None:
    with app.test_request_context(), force_locale("en"):
        assert gettext("Applications") == "Applications"
        assert ngettext("%(num)d application", "%(num)d applications", 1) == "1 application"
        assert ngettext("%(num)d application", "%(num)d applications", 21) == "21 applications"


def test_what_the_form_library_says_by_itself_is_russian_too(app: Flask) -> None:
    from flask_wtf import FlaskForm
    from wtforms import IntegerField, SelectChoice, SelectField

    class Small(FlaskForm):
        which = SelectField(choices=[SelectChoice("a", "A")])
        number = IntegerField()

    with app.test_request_context(method="POST", data={"which": "z", "number": "x"}), force_locale("ru"):
        form = Small()
        assert not form.validate()
        said = [error for errors in form.errors.values() for error in errors]
    assert len(said) == 2
    assert all(CYRILLIC.search(str(error)) for error in said), said


def test_latin_letters_in_russian_are_names_only() -> None:
    found = []
    for message in catalogue():
        for form in forms(message):
            bare = NOT_WORDS.sub(" ", PLACE.sub(" ", form))
            found += [(word, form) for word in LATIN_WORD.findall(bare) if word not in KEPT_LATIN]
            if LATIN_WORD.search(bare) and not CYRILLIC.search(bare):
                assert form in KEPT_LATIN, form
    assert found == []


def test_no_russian_word_hides_a_latin_letter() -> None:
    mixed = re.compile(r"\b(?=\w*[A-Za-z])(?=\w*[А-Яа-яЁё])\w+\b")
    assert [
        (where, mixed.findall(PLACE.sub(" ", text))) for where, text in russian() if mixed.search(PLACE.sub(" ", text))
    ] == []


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        ("quotes are «…»", r'"|”|^[^„]*“'),
        ("three dots are one sign", r"\.\.\."),
        ("a dash is —, with blanks around it", r"(?<=[А-Яа-яё»)]) [-–] (?=[А-Яа-яё«(])"),
        ("a no-break space stands before %, ₽ and №", r"[\d)s] (?=%(?!\()|₽)|[\d](?=%(?!\()|₽)"),
        ("ё is written", WITHOUT_YO),
        ("«вы» has a small letter inside a sentence", r"(?<=[а-яё,] )(Вы|Вас|Вам|Вами|Ваш\w*)\b"),
        ("nobody is asked “please”, nothing is shouted", r"[Пп]ожалуйста|!"),
        ("no officialese", r"\b[Дд]анн(ый|ая|ое|ого|ой)\b|[Оо]существл|[Яя]вляется|в рамках|\bпосредством\b"),
        ("a person has no sex here", r"\(а\)|\bбыл/а\b"),
        ("no blank stands before a stop or twice", r" [,.;:?](?=\s|$)|  "),
    ],
)
def test_russian_is_set_as_russian(rule: str, pattern: str) -> None:
    wrong = re.compile(pattern)
    assert [(where, text) for where, text in russian() if wrong.search(text)] == [], rule


def test_texts_in_toml_stand_in_both_languages() -> None:
    wrong = []
    for path, pair in tomls():
        en, ru = pair.get("en", ""), pair.get("ru", "")
        bare = LATIN_WORD.search(PLACE.sub("", ru)) and not CYRILLIC.search(ru)
        if not en.strip() or not ru.strip() or CYRILLIC.search(en) or (bare and ru != en):
            wrong.append((path.name, en[:60], ru[:60]))
        if sorted(re.findall(r"\{\w+\}", en)) != sorted(re.findall(r"\{\w+\}", ru)):
            wrong.append((path.name, en[:60], "other braces"))
    assert wrong == []


class Texts(HTMLParser):
    """Collects what a person reads in a page: text and the attributes that are read out."""

    READ = ("title", "aria-label", "placeholder", "alt", "label", "data-l")

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("code", "script", "style")
        self.read += [value for name, value in attrs if name in self.READ and value]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("code", "script", "style")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.read.append(data)


ENVIRONMENT = Environment(extensions=["jinja2.ext.do"], autoescape=True)
TEMPLATES = sorted(path for kind in ("*.html", "*.txt") for path in (ROOT / "templates").rglob(kind))
TRANSLATED = {"_", "gettext", "ngettext", "pgettext"}
BARE_ALLOWED = {"GrantFlow", "UTC", "PDF", "XLSX", "SHA-256", "nbsp", "English"}


def _said_bare(tree: nodes.Template) -> Iterator[str]:
    """Sentences written in an expression of a template without being translated."""
    translated: set[int] = set()
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in TRANSLATED:
            translated.update(id(const) for const in call.find_all(nodes.Const))
    for compared in tree.find_all(nodes.Compare):
        translated.update(id(const) for const in compared.find_all(nodes.Const))
    for const in tree.find_all(nodes.Const):
        if (
            isinstance(const.value, str)
            and id(const) not in translated
            and re.match(r"[A-Z][a-z]+( [a-z]|[.:…]?$)", const.value)
        ):
            yield const.value


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_a_template_holds_no_bare_english(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    data = "".join(
        value if kind == "data" else "·" for _line, kind, value in ENVIRONMENT.lex(source) if kind != "comment"
    )
    reader = Texts()
    reader.feed(data)
    words = {word for text in reader.read for word in LATIN_WORD.findall(re.sub(r"·-\w+", "", text))} - BARE_ALLOWED
    assert words == set(), f"{path.name}: wrap it in _('…')"
    assert [text for text in _said_bare(ENVIRONMENT.parse(source)) if text not in BARE_ALLOWED] == []


SAYING = {"flash", "Refused", "Unreadable", "ValidationError", "no", "NotFound", "Stale"}
"""Calls whose first argument is read by a person."""


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted((ROOT / "grantflow").rglob("*.py"))
        if not {"cli", "migrations", "translations", "engine"} & set(path.relative_to(ROOT).parts)
    ],
    ids=lambda path: path.relative_to(ROOT / "grantflow").as_posix(),
)
def test_a_module_says_nothing_untranslated(path: Path) -> None:
    bare = []
    for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        said = call.args[:1] if name in SAYING or name.endswith("Field") else []
        said += [word.value for word in call.keywords if word.arg in ("label", "description", "message", "because")]
        for text in said:
            literal = text.value if isinstance(text, ast.Constant) else "x x" if isinstance(text, ast.JoinedStr) else ""
            if isinstance(literal, str) and re.search(r"[A-Za-z]{2}.* |^[A-Z][a-z]{2}", literal):
                bare.append(f"{path.name}:{call.lineno}: {ast.unparse(text)}")
    assert bare == []
