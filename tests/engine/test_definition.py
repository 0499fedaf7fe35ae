"""Definitions as values: the hash of their content, the way there and back, deadlines, labels."""

from __future__ import annotations

import json
import random
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from grantflow.engine.definition import Deadline, Label, Move, State, Workflow
from grantflow.engine.loader import read
from tests.engine.sound import SOUND, planted, sound, written

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,11}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=40).filter(
    lambda text: text == text.strip() and text
)
LABELS = st.builds(Label, en=TEXTS, ru=TEXTS)
TONES = st.sampled_from(["idle", "move", "done", "stop", "hold"])
STAGES = st.sampled_from(["preparation", "submission", "scoring", "disbursement", "closed", "refused"])


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    """Any definition of the right form, sound or not."""
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    places = st.sampled_from(names)
    states = [
        State(
            name=name,
            label=draw(LABELS),
            tone=draw(TONES),
            stage=draw(STAGES),
            final=draw(st.booleans()),
            lane=draw(st.integers(-2, 2)),
        )
        for name in names
    ]
    moves = draw(
        st.lists(
            st.builds(
                Move,
                name=NAMES,
                trigger=NAMES,
                source=st.lists(places, min_size=1, max_size=3, unique=True).map(tuple),
                to=st.none() | places,
                label=LABELS,
                say=LABELS,
                hint=st.none() | LABELS,
                roles=st.lists(NAMES, max_size=2).map(tuple),
                guards=st.lists(NAMES, max_size=2).map(tuple),
                quorum=st.integers(0, 3),
                reason=st.sampled_from(["none", "optional", "required"]),
                hidden=st.booleans(),
            ),
            max_size=6,
            unique_by=lambda move: move.name,
        )
    )
    after = st.sampled_from(["P5D", "PT12H", "P1Y2M", "field:awards.lapses"])
    deadlines = draw(st.lists(st.builds(Deadline, name=NAMES, state=places, after=after, trigger=NAMES), max_size=2))
    return Workflow(
        name=draw(NAMES),
        label=draw(LABELS),
        initial=draw(places),
        states=tuple(states),
        moves=tuple(moves),
        deadlines=tuple(deadlines),
    )


@settings(max_examples=30, deadline=None)
@given(workflows())
def test_a_definition_comes_back_from_its_stored_content_unchanged(workflow: Workflow) -> None:
    back = Workflow.from_content(workflow.content)
    assert back == workflow
    assert back.content_hash == workflow.content_hash
    assert [state.name for state in back.states] == [state.name for state in workflow.states]


@settings(max_examples=20, deadline=None)
@given(workflows(), workflows())
def test_equal_hashes_mean_equal_definitions(one: Workflow, other: Workflow) -> None:
    assert (one.content_hash == other.content_hash) is (one == other)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(_value, value)) + ",\n]" if value else "[]"
    return json.dumps(value, ensure_ascii=False)


def _rewritten(raw: dict[str, Any], shuffle: random.Random) -> str:
    """The same content in another hand: keys shuffled, comments, blanks, long lists, defaults written out."""

    def keys(table: dict[str, Any]) -> str:
        items = list(table.items())
        shuffle.shuffle(items)
        return "".join(f"{' ' * shuffle.randrange(3)}{k}   = {_value(v)}  # a word\n\n" for k, v in items)

    head = {key: value for key, value in raw.items() if key not in ("states", "moves", "deadlines")}
    text = "# another hand\n" + keys(head)
    for name, state in raw["states"].items():
        text += f"[ states . {name} ]\n" + keys({"final": False, "lane": 0, **state})
    for move in raw["moves"]:
        text += "[[ moves ]]\n" + keys({"quorum": 1, "guards": [], "kind": "plain", "name": move["trigger"], **move})
    for deadline in raw["deadlines"]:
        text += "[[deadlines]]\n" + keys(deadline)
    return text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_hash_does_not_see_layout_comments_order_of_keys_or_defaults(
    tmp_path: Path, shuffle: random.Random
) -> None:
    text = _rewritten(tomllib.loads(SOUND), shuffle)
    assert text != SOUND
    assert read(written(tmp_path, text)).content_hash == sound(tmp_path).content_hash


@pytest.mark.parametrize(
    "change",
    [
        ('name = "tranche"', 'name = "instalment"'),
        ('initial = "planned"', 'initial = "checked"'),
        ('en = "Planned"', 'en = "Foreseen"'),
        ('ru = "Проверен"', 'ru = "Сверен"'),
        ('desk = "manager"', 'desk = "finance"'),
        ('tone = "idle"', 'tone = "move"'),
        ('stage = "closed"\nfinal = true', 'stage = "closed"'),
        ('to = "approved_first"', 'to = "paid"'),
        ('from = ["on_hold"]', 'from = ["on_hold", "paid"]'),
        ('roles = ["manager", "finance"]', 'roles = ["manager"]'),
        ("quorum = 2", "quorum = 3"),
        ('distinct_from = ["prepare"]\n', ""),
        ('guards = ["disbursements.gates_open"]\n', ""),
        ('after = "P14D"', 'after = "P15D"'),
        ("hidden = true", "hidden = false"),
        ('reason = "required"', 'reason = "optional"'),
        ('form = "disbursements.prepare"\n', ""),
        ('en = "Whoever prepared it', 'en = "Who prepared it'),
    ],
)  # fmt: skip
def test_the_hash_sees_every_change_of_meaning(tmp_path: Path, change: tuple[str, str]) -> None:
    assert read(written(tmp_path, planted(change))).content_hash != sound(tmp_path).content_hash


def test_the_hash_sees_the_order_of_states_and_of_moves(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    turned = workflow.model_copy(update={"states": workflow.states[::-1]})
    assert Workflow(**turned.__dict__).content_hash != workflow.content_hash
    assert [state.name for state in workflow.states][:3] == ["planned", "checked", "approved_first"]


def test_the_canonical_content_is_settled(tmp_path: Path) -> None:
    # Running cases are pinned to this hash in a database. If this test fails, they have lost their
    # definition.
    workflow = sound(tmp_path)
    assert workflow.content.startswith('{"deadlines":[{"after":"field:disbursements.planned_on",')
    assert workflow.content_hash == "f932a6db8424a397d5fcadc872f31760264c8998aef07124f00c2009ddb2702e"


def test_content_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="not of format 1"):
        Workflow.from_content('{"format": 2}')


def test_a_definition_cannot_be_changed(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    with pytest.raises(ValidationError, match="frozen"):
        workflow.move("hold").quorum = 3  # type: ignore[misc]


def test_moves_are_asked_for_by_state_and_trigger(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    assert [move.name for move in workflow.moves_from("checked")] == ["approve", "hold", "cancel"]
    assert [move.name for move in workflow.moves_from("approved_first", "approve")] == ["approve_second"]
    assert workflow.moves_from("nowhere") == ()
    assert [deadline.name for deadline in workflow.deadlines_of("on_hold")] == ["hold_ends"]
    assert workflow.move("prepare").name == workflow.move("prepare").trigger == "prepare"


@pytest.mark.parametrize("what", ["state", "move"])
def test_an_unknown_name_is_told_with_its_workflow(tmp_path: Path, what: str) -> None:
    with pytest.raises(KeyError, match=f'Workflow "tranche" has no {what} "nowhere"'):
        getattr(sound(tmp_path), what)("nowhere")


def test_a_label_speaks_the_language_asked_for() -> None:
    label = Label(en="Paid", ru="Выплачен")
    spoken = [label.in_(language) for language in ("en", "ru", "ru_RU", "ru-RU", "RU", "fi", "")]
    assert spoken == ["Paid", *["Выплачен"] * 4, "Paid", "Paid"]


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("P14D", "2022-02-14T10:00"),
        ("P2W", "2022-02-14T10:00"),
        ("PT36H", "2022-02-01T22:00"),
        ("P1M", "2022-02-28T10:00"),
        ("P6M", "2022-07-31T10:00"),
        ("P1Y1M1DT1H1M1S", "2023-03-01T11:01:01"),
        ("P24M", "2024-01-31T10:00"),
    ],
)
def test_a_deadline_counts_months_by_the_calendar_and_hours_by_the_clock(after: str, due: str) -> None:
    deadline = Deadline(name="d", state="s", after=after, trigger="t")
    assert deadline.due(datetime(2022, 1, 31, 10, tzinfo=UTC)) == datetime.fromisoformat(due).replace(tzinfo=UTC)
    assert deadline.field is None


def test_a_deadline_of_a_field_names_its_source() -> None:
    deadline = Deadline(name="d", state="s", after="field:awards.offer_lapses", trigger="t")
    assert deadline.field == "awards.offer_lapses"
    with pytest.raises(ValueError, match="known only to its source"):
        deadline.due(datetime(2022, 1, 1, tzinfo=UTC))


IMPOSSIBLE = [
    "",
    "P",
    "PT",
    "P1DT",
    "14 days",
    "P0D",
    "PT0S",
    "P-1D",
    "P1.5D",
    "p1d",
    "P101Y",
    "P1D\n",
    "P٣D",
]
IMPOSSIBLE += ["P99999999999D", "PT99999999999999999999S", "field:", "field:A.b", "field:a..b", "field:a.b "]


@pytest.mark.parametrize("after", IMPOSSIBLE)
def test_an_impossible_length_of_time_is_refused(after: str) -> None:
    with pytest.raises(ValidationError):
        Deadline(name="d", state="s", after=after, trigger="t")
