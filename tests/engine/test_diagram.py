"""The picture is the table: every state and step is in it, readable, and no line runs through a box."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from grantflow.engine.definition import Label, Move, State, Workflow
from grantflow.engine.diagram import mermaid, svg
from grantflow.engine.layout import edges_of, main_line
from grantflow.engine.lettering import broken, letter, width_of
from grantflow.engine.loader import read
from tests.engine.sound import sound
from tests.engine.test_definition import workflows

HOUSE = sorted((Path(__file__).parents[2] / "workflows").glob("*.toml"))
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
Box = tuple[float, float, float, float]


class Picture:
    """An SVG taken apart again."""

    def __init__(self, markup: str) -> None:
        self.markup = markup
        self.root = ElementTree.fromstring(markup)  # noqa: S314 - our own markup
        self.nodes = [g for g in self.root.findall("g") if "node" in g.get("class", "").split()]
        self.edges = [p for p in self.root.findall("path") if "edge" in p.get("class", "").split()]
        self.tips = [p for p in self.root.findall("path") if "tip" in p.get("class", "").split()]

    def boxes(self) -> list[Box]:
        found = []
        for node in self.nodes:
            rect = node.find("rect")
            assert rect is not None
            x, y, width, height = (float(rect.get(key, "")) for key in ("x", "y", "width", "height"))
            found.append((x, y, x + width, y + height))
        return found

    def label(self, node: ElementTree.Element) -> str:
        return " ".join(text.text or "" for text in node.findall("text"))

    def lines(self) -> list[list[tuple[float, float]]]:
        """The points of each line; the corner of a curve is its control point, so that nothing is left
        out.
        """
        found = []
        for edge in self.edges:
            numbers = [float(n) for n in NUMBER.findall(edge.get("d", ""))]
            found.append(list(zip(numbers[::2], numbers[1::2], strict=True)))
        return found


def runs_through(line: list[tuple[float, float]], box: Box) -> bool:
    left, top, right, bottom = box[0] + 0.5, box[1] + 0.5, box[2] - 0.5, box[3] - 0.5
    for (x0, y0), (x1, y1) in pairwise(line):
        if min(x0, x1) < right and max(x0, x1) > left and min(y0, y1) < bottom and max(y0, y1) > top:
            return True
    return False


def assert_sound(picture: Picture, workflow: Workflow) -> None:
    boxes = picture.boxes()
    assert len(boxes) == len(workflow.states)
    assert len(picture.edges) == len(edges_of(workflow))
    for line in picture.lines():
        assert not any(runs_through(line, box) for box in boxes), line
        for (x0, y0), (x1, y1) in pairwise(line):
            assert abs(x0 - x1) < 0.2 or abs(y0 - y1) < 0.2, "lines run upright or level"
    for one, other in combinations(boxes, 2):
        apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
        assert apart, "boxes stand apart"
    _, _, width, height = map(float, picture.root.get("viewBox", "").split())
    for x, y in [point for line in picture.lines() for point in line]:
        assert 0 <= x <= width
        assert 0 <= y <= height
    assert not re.search(r"\b(style|id|onclick|href)=", picture.markup)
    assert "nan" not in picture.markup


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("path", HOUSE, ids=lambda path: path.stem)
def test_every_definition_of_the_house_is_drawn_whole(path: Path, language: str) -> None:
    workflow = read(path)
    picture = Picture(svg(workflow, language))
    assert_sound(picture, workflow)
    assert [picture.label(node) for node in picture.nodes] == [s.label.in_(language) for s in workflow.states]
    ends = [picture.label(n) for n in picture.nodes if "end" in n.get("class", "").split()]
    assert ends == [state.label.in_(language) for state in workflow.states if state.final]
    assert not any({"been", "now"} & set(n.get("class", "").split()) for n in [*picture.nodes, *picture.edges])


@pytest.mark.parametrize("path", HOUSE, ids=lambda path: path.stem)
def test_the_main_line_of_the_house_is_one_straight_row_that_ends_well(path: Path) -> None:
    workflow = read(path)
    main = main_line(workflow)
    assert main[0] == workflow.initial
    assert workflow.state(main[-1]).tone != "stop"
    boxes = dict(zip(workflow.states_by_name, Picture(svg(workflow, "en")).boxes(), strict=True))
    assert len({boxes[name][1] for name in main}) == 1
    assert all(boxes[one][2] < boxes[other][0] for one, other in pairwise(main))


def on_each_other(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> bool:
    for (ax, ay), (bx, by) in pairwise(one):
        for (cx, cy), (dx, dy) in pairwise(other):
            level = ay == by and cy == dy and abs(ay - cy) < 3
            upright = ax == bx and cx == dx and abs(ax - cx) < 3
            if level and min(max(ax, bx), max(cx, dx)) - max(min(ax, bx), min(cx, dx)) > 3:
                return True
            if upright and min(max(ay, by), max(cy, dy)) - max(min(ay, by), min(cy, dy)) > 3:
                return True
    return False


@pytest.mark.parametrize("path", HOUSE, ids=lambda path: path.stem)
def test_only_lines_with_a_common_end_run_on_one_track(path: Path) -> None:
    workflow = read(path)
    picture = Picture(svg(workflow, "en"))
    for one, other in combinations(picture.lines(), 2):
        kin = _same_box(picture, one[0], other[0]) or _same_box(picture, one[-1], other[-1])
        assert kin or not on_each_other(one, other), (one, other)


def _same_box(picture: Picture, one: tuple[float, float], other: tuple[float, float]) -> bool:
    def near(point: tuple[float, float], box: Box) -> bool:
        return box[0] - 9 <= point[0] <= box[2] + 9 and box[1] - 9 <= point[1] <= box[3] + 9

    return any(near(one, box) and near(other, box) for box in picture.boxes())


@settings(max_examples=25, deadline=None)
@given(workflows())
def test_any_definition_at_all_can_be_drawn(workflow: Workflow) -> None:
    for language in ("en", "ru"):
        assert_sound(Picture(svg(workflow, language)), workflow)
    assert mermaid(workflow, "ru").startswith("stateDiagram-v2\n")


def test_the_way_of_a_case_is_lit_up_with_its_steps_numbered(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    way = ["planned", "checked", "on_hold", "checked"]
    picture = Picture(svg(workflow, "en", way, "approved_first"))
    kinds = {picture.label(node): set(node.get("class", "").split()) - {"node"} for node in picture.nodes}
    assert kinds == {
        "Planned": {"been"},
        "Checked": {"been"},
        "On hold": {"been"},
        "Approved by the first": {"now"},
        "Paid": {"end"},
        "Cancelled": {"end"},
    }
    been = [e.findtext("title") for e in picture.edges if "been" in e.get("class", "").split()]
    assert sorted(map(str, been)) == ["Approve as first", "Hold", "Prepare", "Release"]
    ords = [text.text for text in picture.root.findall("text") if text.get("class") == "ord"]
    assert ords == ["1", "2 · 4", "5", "3"]


def test_the_present_state_may_end_the_way_or_follow_it(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    assert svg(workflow, "en", ["planned", "checked"], "checked") == svg(workflow, "en", ["planned"], "checked")


def test_a_state_visited_often_shows_its_first_and_last_turn(tmp_path: Path) -> None:
    way = ["planned", *["checked", "on_hold"] * 5]
    picture = Picture(svg(sound(tmp_path), "en", way, "checked"))
    assert "2 … 12" in [text.text for text in picture.root.findall("text")]


def test_a_state_that_an_older_definition_had_is_left_out(tmp_path: Path) -> None:
    workflow = sound(tmp_path)
    assert svg(workflow, "en", ["planned", "gone"], "checked") == svg(workflow, "en", ["planned"], "checked")
    with pytest.raises(KeyError, match='no state "gone"'):
        svg(workflow, "en", [], "gone")


@pytest.mark.parametrize(
    ("language", "way", "here", "words"),
    [
        ("en", [], "planned", "Tranche: now Planned, where it began."),
        ("ru", [], "planned", "Транш, сейчас: Запланирован. Это начало пути."),
        (
            "en",
            ["planned", "checked", "on_hold"],
            "checked",
            "Tranche, the way so far: Planned, Checked, On hold; now Checked again.",
        ),
        (
            "ru",
            ["planned", "checked", "on_hold"],
            "checked",
            "Транш, пройденный путь: Запланирован, Проверен, Удержан; сейчас: снова Проверен.",
        ),
        (
            "en",
            [],
            None,
            "Tranche: from Planned to Paid or Cancelled. The main way: Planned, Checked, Approved by the first, Paid.",
        ),
        (
            "ru-RU",
            [],
            None,
            "Транш, начало: Запланирован; возможный конец: Выплачен или Отменён. "
            "Основной путь: Запланирован, Проверен, Утверждён первым, Выплачен.",
        ),
    ],
)
def test_the_picture_is_told_in_words(
    tmp_path: Path, language: str, way: list[str], here: str | None, words: str
) -> None:
    root = Picture(svg(sound(tmp_path), language, way, here)).root
    assert (root.get("role"), root.get("aria-label")) == ("img", words)


def test_markup_in_a_label_is_text(tmp_path: Path) -> None:
    nasty = Label(en="<script>\"&'", ru="<b>жирно</b>")
    workflow = sound(tmp_path)
    states = tuple(state.model_copy(update={"label": nasty}) for state in workflow.states)
    moves = tuple(move.model_copy(update={"label": nasty}) for move in workflow.moves)
    evil = Workflow(name="evil", label=nasty, initial=workflow.initial, states=states, moves=moves, deadlines=())
    for language in ("en", "ru"):
        markup = svg(evil, language, ["planned"], "checked")
        assert "<script" not in markup
        assert "<b>" not in markup
        picture = Picture(markup)
        assert picture.label(picture.nodes[0]) == nasty.in_(language)


def test_labels_fit_into_their_boxes() -> None:
    for path in HOUSE:
        for language in ("en", "ru"):
            labels = {s.name: s.label.in_(language) for s in read(path).states}
            letters = letter(labels)
            assert letters.width <= 148
            for name, lines in letters.lines.items():
                assert " ".join(lines) == labels[name]
                assert len(lines) <= 2
                assert all(width_of(line) <= letters.width - 10 for line in lines)


def test_a_label_is_broken_into_lines_of_like_length() -> None:
    assert broken("Returned for correction", 110) == ["Returned for", "correction"]
    assert broken("Paid", 110) == ["Paid"]
    assert broken("Противоправительственность", 50) == ["Противоправительственность"]
    assert letter({"a": "Превысокомногорассмотрительствующий"}).width > 250


def test_the_picture_does_not_depend_on_the_run(tmp_path: Path) -> None:
    code = (
        "import sys, hashlib; from pathlib import Path\n"
        "from grantflow.engine.loader import read; from grantflow.engine.diagram import svg\n"
        "text = ''.join(svg(read(Path(p)), 'en') for p in sys.argv[1:])\n"
        "print(hashlib.sha256(text.encode()).hexdigest())\n"
    )
    folder = Path(__file__).parents[2]
    told = {
        subprocess.run(
            [sys.executable, "-c", code, *map(str, HOUSE)],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def step(name: str, source: str, to: str, label: Label) -> Move:
    return Move(name=name, trigger=name, source=(source,), to=to, label=label, say=label, roles=("officer",))


def test_a_large_workflow_is_drawn_too() -> None:
    label = Label(en="A state", ru="Состояние")
    states = tuple(
        State(name=f"s{n}", label=label, tone="stop" if n % 3 == 2 else "move", stage="scoring") for n in range(40)
    )
    moves = tuple(
        step(f"m{n}_{times}", f"s{n}", f"s{(n * times) % 40}", label)
        for n in range(1, 40)
        for times in (2, 3)
        if n * (times - 1) % 40
    )
    workflow = Workflow(name="large", label=label, initial="s1", states=states, moves=moves)
    assert_sound(Picture(svg(workflow, "en")), workflow)


def test_mermaid_tells_every_step_once(tmp_path: Path) -> None:
    text = mermaid(sound(tmp_path), "en")
    assert text.splitlines()[:3] == ["stateDiagram-v2", "    direction LR", '    state "Planned" as planned']
    assert text.count("-->") == 1 + 9 + 2
    assert "    [*] --> planned\n" in text
    assert "    checked --> approved_first: Approve as first\n" in text
    assert "    paid --> [*]\n" in text
    assert '    state "Утверждён первым" as approved_first\n' in mermaid(sound(tmp_path), "ru")


def test_mermaid_is_not_broken_by_words_and_signs_of_its_own() -> None:
    label = Label(en='End; of: "x" #1 <b> %% {y}', ru="Конец")
    states = (
        State(name="note", label=label, tone="idle", stage="preparation"),
        State(name="end", label=label, tone="done", stage="closed", final=True),
    )
    moves = tuple(step(name, "note", "end", Label(en=name, ru="Да")) for name in ("finish", "stop"))
    text = mermaid(Workflow(name="w", label=label, initial="note", states=states, moves=moves), "en")
    assert 'state "End#59; of#58; #34;x#34; #35;1 #60;b#62; #37;#37; #123;y#125;" as note_\n' in text
    assert "note_ --> end_: finish / stop\n" in text
