"""Files that are no definitions: each has a plain sentence, with file and table or line, and none stops the
rest.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grantflow.engine.definition import Workflow
from grantflow.engine.loader import LARGEST, DefinitionFaults, examine, load, read
from grantflow.errors import Misconfigured
from tests.engine.sound import SOUND, planted, registry, sound, written


def faults_of(path: Path) -> list[tuple[str, str]]:
    with pytest.raises(DefinitionFaults) as caught:
        read(path)
    return [(fault.kind, str(fault)) for fault in caught.value.faults]


TABLES = [
    # what is planted, the code, and what the sentence must tell
    (('tone = "idle"', 'tone = "idel"'), "unknown-value", '"tone" cannot be "idel"; did you mean "idle"?'),
    (('stage = "closed"', 'stage = "over"'), "unknown-value", 'known: "award", "closed", "decision"'),
    (('tone = "idle"', 'colour = "red"\ntone = "idle"'), "unknown-key", '"colour"; did you mean "tone"?'),
    (('roles = ["manager", "f', 'rolles = ["manager", "f'), "unknown-key", 'did you mean "roles"?'),
    (('from = ["on_hold"]', 'source = ["on_hold"]'), "unknown-key", '"source"; did you mean "from"?'),
    (('from = ["on_hold"]', 'from = "on_hold"'), "wrong-type", 'must be a list; write from = ["on_hold"].'),
    (('from = ["on_hold"]', "from = []"), "empty-list", '"from" is an empty list; write for example from'),
    (('from = ["on_hold"]', "from = [1]"), "wrong-type", '"from" must be text in quotes, not a number'),
    (("quorum = 2", 'quorum = "2"'), "wrong-type", "must be a whole number without quotes, not text"),
    (("quorum = 2", "quorum = true"), "wrong-type", "not true or false"),
    (("quorum = 2", "quorum = 2.5"), "wrong-type", "not a number with a point"),
    (("hidden = true", "hidden = 1"), "wrong-type", '"hidden" must be true or false, not a number'),
    (("hidden = true", "hidden = 2021-11-01"), "wrong-type", "not a date"),
    (('en = "Hold", ru', "ru"), "missing-language", '"label" has no English text; write label = { en = "…"'),
    (('ru = "Удержать"', 'ru = ""'), "missing-language", 'moves[4] "hold": "label" has no Russian text'),
    (('ru = "Удержать"', 'ru = "Удержать", it = "Sospendi"'), "unknown-key", 'unknown language "it"'),
    (('{ en = "Hold", ru = "Удержать" }', '"Hold"'), "missing-language", "must hold both languages"),
    (('ru = "Удержать"', "ru = 7"), "wrong-type", 'the Russian text of "label" must be text in quotes'),
    (('ru = "Удержать"', 'ru = " Удержать"'), "unclean-text", "starts or ends with a blank"),
    (('en = "Hold"', 'en = "Ho\\u0007ld"'), "unclean-text", "the invisible character U+0007"),
    (('en = "Hold"', 'en = "Ho\\u202Eld"'), "unclean-text", "the invisible character U+202E"),
    (('en = "Hold"', f'en = "{"x" * 241}"'), "too-long", "has 241 characters; 240 are the most"),
    (('trigger = "hold"', 'trigger = "Put on hold"'), "bad-name", 'such as "put_on_hold"'),
    (('trigger = "hold"', 'trigger = ""'), "bad-name", "use small Latin letters"),
    (('trigger = "hold"', 'trigger = "удержать"'), "bad-name", '"удержать" in "trigger" is no name'),
    (('trigger = "hold"', f'trigger = "{"x" * 61}"'), "bad-name", "60 at the most"),
    (
        ('trigger = "hold"\n', ""),
        "missing-key",
        '"trigger" is missing; write for example trigger = "approve".',
    ),
    (('say = { en = "Held", ru = "Удержан" }\n', ""), "missing-key", '"say" is missing'),
    (('roles = ["manager"]\nreason', "reason"), "missing-key", '"roles" is missing; write for example roles'),
    (('after = "P14D"', 'after = "14 days"'), "bad-value", 'such as "P14D" (14 days)'),
    (('after = "P14D"', 'after = "P0D"'), "bad-value", "is a length of time of nothing"),
    (('desk = "manager"', 'desk = "manager"\nlane = 20'), "bad-value", "between -9 and 9"),
    (("[states.checked]", '[states.checked]\nname = "x"'), "unknown-key", "the name of a state is its head"),
    (("[states.on_hold]", "[states.On-Hold]"), "bad-name", 'such as "on_hold"'),
    (('initial = "planned"\n', ""), "missing-key", 'top level: "initial" is missing'),
    (('initial = "planned"', 'start = "planned"'), "unknown-key", 'did you mean "initial"?'),
    (('name = "hold_ends"\n', ""), "missing-key", 'deadlines[2] "release": "name" is missing'),
]


@pytest.mark.parametrize(("change", "kind", "words"), TABLES, ids=[f"{t[1]}-{n}" for n, t in enumerate(TABLES)])
def test_a_table_of_the_wrong_form_is_told_in_plain_words(
    tmp_path: Path, change: tuple[str, str], kind: str, words: str
) -> None:
    ((found, text),) = faults_of(written(tmp_path, planted(change)))
    assert found == kind
    assert words in text
    assert text.startswith("tranche.toml: ")


@pytest.mark.parametrize(
    ("data", "kind", "words"),
    [
        (b"", "missing-key", "there are no states"),
        (b"name = ", "toml", "line 1: the file is not TOML: Invalid value at the end of the file"),
        (b'name = "a"\nname = "b"\n', "toml", "line 2: the file is not TOML: Cannot overwrite a value"),
        (b'[states.a]\ntone = "idle"\n[states.a]\n', "toml", "Every name and key may stand once only."),
        (b"just words\n", "toml", "line 1"),
        (b'label = { en = "a"\n', "toml", "line 1"),
        (b"lane = " + b"9" * 5000, "toml", "not TOML"),
        (b"a = " + b"[" * 5000, "toml", "too deep"),
        (b"\xff\xfe\x00n", "not-utf-8", "save it again as UTF-8"),
        ('name = "транш"'.encode("cp1251"), "not-utf-8", "line 1"),
        (
            b'name = "a"\n\nlabel = "\x00"\n',
            "control-character",
            "line 3: holds the invisible character U+0000",
        ),
        (b'name = "a" # \x1b[31m\n', "control-character", "U+001B"),
        ("name = 'a' # \u202egnorw".encode(), "control-character", "U+202E"),
        (b"#" * (LARGEST + 1), "too-large", "larger than 1 MB"),
        (b"states = 3", "not-a-table", "states: must be one table for each state"),
        (b"[states.a]\n[moves]\n", "not-a-table", "each under its own heading [[moves]]"),
        (b"moves = [1]\n[states.a]\n", "not-a-table", "moves[1]: must be a table with keys, not a number."),
        (b"[states]\na = 'x'\n", "not-a-table", "states.a: must be a table with keys, not text."),
    ],
)
def test_a_file_that_is_no_definition_is_told_in_plain_words(
    tmp_path: Path, data: bytes, kind: str, words: str
) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(data)
    found = faults_of(path)
    assert any(code == kind and words in text for code, text in found), found


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    assert read(path).content_hash == sound(tmp_path).content_hash


def test_what_cannot_be_opened_is_a_fault_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    os.symlink(tmp_path / "nowhere", tmp_path / "broken.toml")
    with pytest.raises(DefinitionFaults) as caught:
        load(tmp_path, registry())
    assert [(fault.file, fault.kind) for fault in caught.value.faults] == [
        ("broken.toml", "unreadable"),
        ("folder.toml", "unreadable"),
    ]


def test_two_files_may_not_define_one_workflow(tmp_path: Path) -> None:
    written(tmp_path, SOUND, "a.toml")
    written(tmp_path, SOUND, "b.toml")
    with pytest.raises(DefinitionFaults) as caught:
        load(tmp_path, registry())
    (fault,) = caught.value.faults
    assert (fault.file, fault.kind) == ("b.toml", "duplicate-workflow")
    assert 'the name "tranche" is taken by a.toml' in fault.text


@pytest.mark.parametrize("make", [True, False])
def test_a_folder_without_definitions_is_told(tmp_path: Path, make: bool) -> None:
    folder = tmp_path / "none"
    if make:
        folder.mkdir()
        (folder / "notes.txt").write_text("no definition")
    with pytest.raises(DefinitionFaults, match="no workflow file"):
        load(folder, registry())


def test_a_fault_in_one_file_keeps_all_from_loading_and_a_healthy_neighbour_is_not_blamed(
    tmp_path: Path,
) -> None:
    written(tmp_path, SOUND)
    written(tmp_path, "nonsense", "other.toml")
    with pytest.raises(Misconfigured) as caught:
        load(tmp_path, registry())
    assert str(caught.value).splitlines()[0] == "1 fault in the workflow definitions:"
    workflows, faults = examine(sorted(tmp_path.glob("*.toml")), registry())
    assert list(workflows) == ["tranche"]
    assert [fault.file for fault in faults] == ["other.toml"]


def test_an_unknown_key_next_to_its_right_spelling_does_not_replace_it(tmp_path: Path) -> None:
    _, faults = examine([written(tmp_path, planted(("quorum = 2", "quorum = 2\nqourum = 0")))], registry())
    assert [fault.kind for fault in faults] == ["unknown-key"]


def test_a_value_in_a_message_is_short_and_on_one_line(tmp_path: Path) -> None:
    ((_, text),) = faults_of(written(tmp_path, planted(('trigger = "hold"', f'trigger = """a\n{"b" * 500}"""'))))
    assert "\n" not in text
    assert len(text) < 400


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.data())
def test_a_file_with_a_piece_cut_out_loads_or_is_told_and_never_crashes(tmp_path: Path, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SOUND)))
    length = data.draw(st.integers(0, 120))
    put = data.draw(st.sampled_from(["", "=", '"', "]", "[", "\n", "0", "x", "{", "[[moves]]\n", "[states.paid]\n"]))
    path = written(tmp_path, SOUND[:start] + put + SOUND[start + length :])
    try:
        workflow = read(path)
    except DefinitionFaults as caught:
        assert caught.faults
        assert all(fault.file == "tranche.toml" and fault.text.endswith((".", "?")) for fault in caught.faults)
    else:
        assert isinstance(workflow, Workflow)
    examine([path], registry())
