"""Every rule of the lint has a fault planted for it. The sound definition has none, so a rule that is taken
away leaves its planted fault unfound, and its test fails.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from grantflow.engine.lint import KINDS, lint
from grantflow.engine.loader import DefinitionFaults, examine, load
from tests.engine.sound import SOUND, planted, registry, sound, written

LOST = """\
[states.lost]
label = { en = "Lost", ru = "Утерян" }
tone = "hold"
stage = "disbursement"

"""
# kind, the change to the sound text, the table that is blamed, and a word of the sentence
PLANTS: list[tuple[str, list[tuple[str, str]], str, str]] = [
    (
        "unknown-state",
        [('to = "approved_first"', 'to = "aproved_first"')],
        'moves[2] "approve"',
        'mean "approved_first"?',
    ),
    (
        "unknown-state",
        [('from = ["planned"]\nto', 'from = ["planed"]\nto')],
        'moves[1] "prepare"',
        'mean "planned"?',
    ),
    ("unknown-state", [('initial = "planned"', 'initial = "plannd"')], "top level", 'mean "planned"?'),
    (
        "unknown-state",
        [('state = "on_hold"', 'state = "hold"')],
        'deadlines[2] "hold_ends"',
        'mean "on_hold"?',
    ),
    ("unknown-guard", [("gates_open", "gate_open")], 'moves[1] "prepare"', "disbursements.gates_open"),
    (
        "unknown-effect",
        [("disbursements.number", "disbursements.numbr")],
        'moves[1] "prepare"',
        "disbursements.number",
    ),
    ("unknown-notice", [('["prepared"]', '["preparde"]')], 'moves[1] "prepare"', 'mean "prepared"?'),
    (
        "unknown-form",
        [("disbursements.prepare", "disbursements.prep")],
        'moves[1] "prepare"',
        "disbursements.prepare",
    ),
    (
        "unknown-role",
        [('["manager", "finance"]', '["manger", "finance"]')],
        'moves[3] "approve_second"',
        '"manager"?',
    ),
    ("unknown-desk", [('desk = "manager"', 'desk = "manger"')], "states.approved_first", 'mean "manager"?'),
    ("unknown-desk", [('desk = "manager"', 'desk = "system"')], "states.approved_first", "nobody sits"),
    (
        "unknown-source",
        [("planned_on", "planed_on")],
        'deadlines[1] "planned_date"',
        "disbursements.planned_on",
    ),
    (
        "unknown-move",
        [('["prepare", "approve"]', '["prepar", "approve"]')],
        'moves[3] "approve_second"',
        '"prepare"?',
    ),
    ("duplicate-name", [('name = "approve_second"\n', "")], 'moves[3] "approve"', 'name = "approve_2"'),
    (
        "duplicate-name",
        [('name = "hold_ends"', 'name = "planned_date"')],
        'deadlines[2] "planned_date"',
        "taken",
    ),
    (
        "listed-twice",
        [('["manager", "finance"]', '["manager", "finance", "manager"]')],
        'moves[3] "approve_second"',
        "once is enough",
    ),
    (
        "no-roles",
        [('roles = ["manager"]\nreason', "roles = []\nreason")],
        'moves[4] "hold"',
        "nobody may make",
    ),
    ("quorum", [("quorum = 2", "quorum = 0")], 'moves[3] "approve_second"', "quorum of 0"),
    ("quorum", [("quorum = 2", "quorum = 500")], 'moves[3] "approve_second"', "50 at the most"),
    ("quorum", [("hidden = true", "hidden = true\nquorum = 2")], 'moves[7] "remind"', "only the system"),
    (
        "distinct-system",
        [('distinct_from = ["prepare"]', 'distinct_from = ["remind"]')],
        'moves[2] "approve"',
        "only the system",
    ),
    ("system-only", [("\nhidden = true", "")], 'moves[7] "remind"', "hidden = true"),
    ("wrong-language", [('ru = "Запланирован"', 'ru = "Planned"')], "states.planned", "not Russian"),
    ("wrong-language", [('en = "Held"', 'en = "Удержан"')], 'moves[4] "hold"', "not English"),
    ("same-label", [('en = "Checked"', 'en = "Planned"')], "states.checked", 'like the state "planned"'),
    ("same-label", [('en = "Cancel"', 'en = "Prepare"')], 'moves[6] "cancel"', 'like that of "prepare"'),
    (
        "long-label",
        [('en = "Approved by the first",', 'en = "Approved by the first of the two finance officers",')],
        "states.approved_first",
        "40 at most",
    ),
    (
        "unreachable",
        [('"approved_first"]\nto = "on_hold"', '"approved_first"]')],
        "states.on_hold",
        "no move leads here",
    ),
    ("initial-final", [('initial = "planned"', 'initial = "paid"')], "top level", "final state"),
    (
        "dead-end",
        [("[states.cancelled]", LOST + "[states.cancelled]"), ('to = "cancelled"', 'to = "lost"')],
        "states.lost",
        "final = true",
    ),
    (
        "final-with-moves",
        [('"approved_first"]\nto = "on_hold"', '"approved_first", "paid"]\nto = "on_hold"')],
        "states.paid",
        '"hold" would lead out',
    ),
    (
        "final-with-deadline",
        [('state = "on_hold"', 'state = "paid"')],
        'deadlines[2] "hold_ends"',
        "nothing is due",
    ),
    (
        "final-with-desk",
        [('stage = "closed"', 'stage = "closed"\ndesk = "finance"')],
        "states.paid",
        "for ever",
    ),
    (
        "leads-back",
        [('from = ["on_hold"]\nto', 'from = ["on_hold", "checked"]\nto')],
        'moves[5] "release"',
        'leave "to" out',
    ),
    (
        "ambiguous",
        [('trigger = "cancel"', 'trigger = "release"\nname = "cancel"')],
        'moves[6] "cancel"',
        'could as well mean "release"',
    ),
    (
        "distinct-impossible",
        [('roles = ["finance"]\nguards', 'roles = ["finance"]\ndistinct_from = ["release"]\nguards')],
        'moves[1] "prepare"',
        "never have been made before",
    ),
    (
        "deadline-unavailable",
        [('state = "on_hold"', 'state = "checked"')],
        'deadlines[2] "hold_ends"',
        'not start in "checked"',
    ),
    (
        "deadline-not-system",
        [('["manager", "system"]', '["manager"]')],
        'deadlines[2] "hold_ends"',
        'add "system"',
    ),
    (
        "deadline-needs-a-person",
        [('["manager", "system"]', '["manager", "system"]\nreason = "required"')],
        'deadlines[2] "hold_ends"',
        "a written reason",
    ),
    (
        "deadline-needs-a-person",
        [('["manager", "system"]', '["manager", "system"]\nquorum = 3')],
        'deadlines[2] "hold_ends"',
        "3 votes",
    ),
]

CIRCLE = """
[states.ring]
label = { en = "In the ring", ru = "В круге" }
tone = "move"
stage = "disbursement"

[states.rung]
label = { en = "Still in the ring", ru = "Всё ещё в круге" }
tone = "move"
stage = "disbursement"

[[moves]]
trigger = "round"
from = ["ring"]
to = "rung"
label = { en = "Go round", ru = "Дальше по кругу" }
say = { en = "Went round", ru = "Круг пройден" }
roles = ["manager"]

[[moves]]
trigger = "back_round"
from = ["rung"]
to = "ring"
label = { en = "Go back round", ru = "Обратно по кругу" }
say = { en = "Went back round", ru = "Круг пройден обратно" }
roles = ["manager"]

[[moves]]
trigger = "enter"
from = ["planned"]
to = "ring"
label = { en = "Enter the ring", ru = "Войти в круг" }
say = { en = "Entered the ring", ru = "Вход в круг" }
roles = ["manager"]
"""
SHADOW = """
[[moves]]
name = "release_if_open"
trigger = "release"
from = ["on_hold"]
to = "approved_first"
label = { en = "Release onwards", ru = "Снять удержание и продолжить" }
say = { en = "Released onwards", ru = "Удержание снято, работа продолжена" }
roles = ["manager"]
guards = ["disbursements.gates_open"]
"""


def found_in(folder: Path, text: str) -> list[tuple[str, str, str]]:
    _, faults = examine([written(folder, text)], registry())
    return [(fault.kind, fault.table, fault.text) for fault in faults]


def test_the_sound_definition_has_no_fault(tmp_path: Path) -> None:
    assert found_in(tmp_path, SOUND) == []
    assert lint(sound(tmp_path), registry()) == []
    written(tmp_path, SOUND)
    assert list(load(tmp_path, registry())) == ["tranche"]


@pytest.mark.parametrize(
    ("kind", "changes", "table", "words"), PLANTS, ids=[f"{p[0]}-{n}" for n, p in enumerate(PLANTS)]
)
def test_a_planted_fault_is_found_and_told_with_its_table(
    tmp_path: Path, kind: str, changes: list[tuple[str, str]], table: str, words: str
) -> None:
    faults = found_in(tmp_path, planted(*changes))
    assert [(k, t) for k, t, _ in faults if k == kind] == [(kind, table)], faults
    assert words in next(text for k, _, text in faults if k == kind)


def test_most_planted_faults_are_the_only_ones_told(tmp_path: Path) -> None:
    # A slip of the pen must not bring a list of consequences with it: an unknown state is not also a lost
    # state.
    alone = {"unknown-state", "unknown-guard", "unknown-role", "duplicate-name", "quorum", "wrong-language"}
    for kind, changes, _, _ in PLANTS:
        if kind in alone:
            others = {k for k, _, _ in found_in(tmp_path, planted(*changes))} - {kind}
            assert others <= {"deadline-needs-a-person"}, (kind, others)


def test_a_circle_without_a_way_to_an_end_is_found(tmp_path: Path) -> None:
    faults = found_in(tmp_path, SOUND + CIRCLE)
    assert [(k, t) for k, t, _ in faults] == [
        ("no-way-to-an-end", "states.ring"),
        ("no-way-to-an-end", "states.rung"),
    ]


def test_a_guarded_move_behind_an_unguarded_one_is_found(tmp_path: Path) -> None:
    faults = found_in(tmp_path, SOUND + SHADOW)
    assert [(k, t) for k, t, _ in faults] == [("shadowed", 'moves[8] "release_if_open"')]


def test_the_unguarded_move_may_stand_last(tmp_path: Path) -> None:
    before, _, after = SOUND.partition('[[moves]]\ntrigger = "release"')
    assert found_in(tmp_path, before + SHADOW + '\n[[moves]]\ntrigger = "release"' + after) == []


def test_a_deadline_without_any_move_is_found(tmp_path: Path) -> None:
    text = SOUND[: SOUND.rindex("release")] + "relaese" + SOUND[SOUND.rindex("release") + len("release") :]
    assert [(k, t) for k, t, _ in found_in(tmp_path, text)] == [("unknown-trigger", 'deadlines[2] "hold_ends"')]


@pytest.mark.parametrize(("to", "words"), [(("auditer",), "is no role"), (("system",), "reads no mail")])
def test_a_notice_that_nobody_can_receive_is_found(tmp_path: Path, to: tuple[str, ...], words: str) -> None:
    known = registry()
    known.notice("prepared", to=to)
    (fault,) = lint(sound(tmp_path), known)
    assert (fault.kind, fault.table) == ("notice-to-nobody", 'moves[1] "prepare"')
    assert words in fault.text


def test_every_kind_of_the_lint_has_a_planted_fault() -> None:
    by_hand = {"no-way-to-an-end", "shadowed", "unknown-trigger", "notice-to-nobody"}
    assert {plant[0] for plant in PLANTS} | by_hand == set(KINDS)
    assert len(KINDS) >= 30


def test_a_move_of_the_system_asks_no_person_for_a_reason_or_a_form(tmp_path: Path) -> None:
    changes = [("hidden = true", 'hidden = true\nreason = "required"\nform = "disbursements.prepare"')]
    faults = [(k, text) for k, _, text in found_in(tmp_path, planted(*changes))]
    assert sum(kind == "system-only" for kind, _ in faults) == 2
    assert sum(kind == "deadline-needs-a-person" for kind, _ in faults) == 2


def test_five_faults_in_one_file_and_two_in_another_are_all_told_at_once(tmp_path: Path) -> None:
    five = planted(
        ('roles = ["manager"]\nreason', 'rolles = ["manager"]\nreason'),
        ("gates_open", "gate_open"),
        ("quorum = 2", 'quorum = "2"'),
        ('stage = "closed"', 'stage = "close"'),
        ('to = "approved_first"', 'to = "aproved_first"'),
    )
    written(tmp_path, five)
    two = planted(
        ('name = "tranche"', 'name = "trunk"'),
        ("quorum = 2", "quorum = 0"),
        ('tone = "idle"', 'tone = "idel"'),
    )
    written(tmp_path, two, "trunk.toml")
    with pytest.raises(DefinitionFaults) as caught:
        load(tmp_path, registry())
    told = [(fault.file, fault.kind) for fault in caught.value.faults]
    assert told == [
        ("tranche.toml", "unknown-value"),
        ("tranche.toml", "wrong-type"),
        ("tranche.toml", "unknown-key"),
        ("tranche.toml", "unknown-state"),
        ("tranche.toml", "unknown-guard"),
        ("trunk.toml", "unknown-value"),
        ("trunk.toml", "quorum"),
    ]
    assert str(caught.value).startswith("7 faults in the workflow definitions:\ntranche.toml: states.paid: ")


def test_a_mended_table_is_not_blamed_for_its_stand_ins(tmp_path: Path) -> None:
    text = planted(('trigger = "hold"', 'triger = "Hold!"'), ('roles = ["manager"]\nkind', "kind"))
    assert {k for k, _, _ in found_in(tmp_path, text)} == {"unknown-key", "bad-name", "missing-key"}


@pytest.mark.parametrize("initial", ["", "initial = 3", 'initial = "Pland"'])
def test_a_beginning_that_is_not_there_does_not_make_every_state_unreachable(tmp_path: Path, initial: str) -> None:
    faults = found_in(tmp_path, planted(('initial = "planned"', initial)))
    assert len(faults) == 1
    assert faults[0][1] == "top level"


def test_the_tables_of_a_fault_are_counted_from_one(tmp_path: Path) -> None:
    (fault,) = examine([written(tmp_path, planted(("gates_open", "x")))], registry())[1]
    assert str(fault).startswith('tranche.toml: moves[1] "prepare": there is no guard "disbursements.x"')
