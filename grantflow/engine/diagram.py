"""Owns the picture of a workflow, drawn from its table: Mermaid text for a page of prose, SVG for the screen.

Leaves the places of the boxes to `layout`, the ways of the lines to `routing`, and all colours to the style
sheet: the SVG carries classes only (gf-flow; node, been, now, end; edge, tip, dot, ord), no styles and no
ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise

from grantflow.engine.definition import Workflow
from grantflow.engine.layout import Edge, Plan, edges_of, plan
from grantflow.engine.lettering import Lettering, letter
from grantflow.engine.routing import Routes, Segment, route

_WORDS = {
    "en": {
        "path": "{name}, the way so far: {way}; now {here}.",
        "begun": "{name}: now {here}, where it began.",
        "whole": "{name}: from {first} to {ends}. The main way: {way}.",
        "again": "{state} again",
        "or": " or ",
    },
    "ru": {
        "path": "{name}, пройденный путь: {way}; сейчас: {here}.",
        "begun": "{name}, сейчас: {here}. Это начало пути.",
        "whole": "{name}, начало: {first}; возможный конец: {ends}. Основной путь: {way}.",
        "again": "снова {state}",
        "or": " или ",
    },
}
_TRACK_ACROSS, _TRACK_DOWN, _PORT = 9.0, 10.0, 16.0
_PAGE, _GAP_LEAST, _GAP_MOST = 1180.0, 24.0, 44.0
_CHANNEL, _MARGIN, _CORNER = 28.0, 11.0, 6.0
# Words that mean something to Mermaid where a state's name may stand.
_MERMAID_WORDS = {"as", "choice", "class", "classdef", "click", "default", "direction", "end", "fork", "hide"}
_MERMAID_WORDS |= {"href", "join", "note", "of", "scale", "state", "style"}


def mermaid(workflow: Workflow, language: str) -> str:
    """The workflow as a Mermaid state diagram; moves between the same two states share an arrow."""
    lines = ["stateDiagram-v2", "    direction LR"]
    for state in workflow.states:
        lines.append(f'    state "{_plain(state.label.in_(language))}" as {_word(state.name)}')
    lines.append(f"    [*] --> {_word(workflow.initial)}")
    for (source, target), moves in edges_of(workflow).items():
        says = dict.fromkeys(_plain(move.label.in_(language)) for move in moves)
        lines.append(f"    {_word(source)} --> {_word(target)}: {' / '.join(says)}")
    lines += [f"    {_word(state.name)} --> [*]" for state in workflow.states if state.final]
    return "\n".join(lines) + "\n"


def svg(workflow: Workflow, language: str, path: Sequence[str] = (), here: str | None = None) -> str:
    """The workflow as inline SVG with the way a case has come: `path`, the states visited in order, up to
    `here`.

    Without `here` it is the picture of the workflow alone. States of `path` that this definition does not
    have (a case that was moved to it from an older one) are left out. The result is markup, escaped
    throughout.
    """
    visited = [name for name in path if name in workflow.states_by_name]
    if here is not None and visited[-1:] != [here]:
        visited.append(here)
    drawn, routes = _laid(workflow.content_hash, workflow)
    sheet = _Sheet(workflow, language[:2].lower() if language[:2].lower() in _WORDS else "en", drawn, routes)
    return sheet.draw(visited, here)


_plans: dict[str, tuple[Plan, Routes]] = {}


def _laid(key: str, workflow: Workflow) -> tuple[Plan, Routes]:
    """Places and ways, worked out once for each definition; they are the same in every language."""
    if key not in _plans:
        drawn = plan(workflow)
        _plans[key] = (drawn, route(drawn))
    return _plans[key]


class _Sheet:
    """One picture in pixels: the sizes of boxes and gaps in one language, then the drawing."""

    def __init__(self, workflow: Workflow, language: str, drawn: Plan, routes: Routes) -> None:
        self.workflow, self.language, self.drawn, self.routes = workflow, language, drawn, routes
        self.letters: Lettering = letter({s.name: s.label.in_(language) for s in workflow.states})
        # As airy as the page's width allows; a longer workflow scrolls.
        spare = (_PAGE - drawn.columns * self.letters.width) / max(drawn.columns - 1, 1)
        gap = max(_GAP_LEAST, min(_GAP_MOST, spare - 2))
        self.xs = self._lines(drawn.columns, self.letters.width, gap, _TRACK_ACROSS, routes.down)
        self.ys = self._lines(drawn.rows, self.letters.height, _CHANNEL, _TRACK_DOWN, routes.across)

    @staticmethod
    def _lines(count: int, box: float, gap: float, track: float, crowds: Mapping[int, float]) -> list[float]:
        """Where each lattice line lies: odd ones through boxes, even ones through the gaps, wide as they
        need.
        """
        at, lines = 0.0, []
        for line in range(2 * count + 1):
            if line % 2:
                size = box
            elif 0 < line < 2 * count:
                size = gap + 2 * track * crowds.get(line, 0.0)
            else:  # the outer gaps are there only where a line runs round
                size = _MARGIN + (2 * track * (crowds[line] + 0.5) if line in crowds else 0.0)
            lines.append(at + size / 2)
            at += size
        return [*lines, at]

    def draw(self, visited: Sequence[str], here: str | None) -> str:
        been = set(pairwise(visited))
        width, height = self.xs[-1], self.ys[-1]
        edges: dict[bool, list[str]] = {False: [], True: []}
        tips: dict[str, bool] = {}
        for edge, segments in self.routes.lines.items():
            line, tip = self._line(segments)
            edges[edge in been].append(self._edge(edge, line, edge in been))
            tips[tip] = tips.get(tip, False) or edge in been
        parts = [*edges[False], *edges[True]]
        parts += [
            f'<path class="tip{" been" if lit else ""}" d="{tip}"/>'
            for tip, lit in sorted(tips.items(), key=lambda t: t[1])
        ]
        parts += [self._node(name, visited, here) for name in self.workflow.states_by_name]
        box = f'width="{_px(width)}" height="{_px(height)}" viewBox="0 0 {_px(width)} {_px(height)}"'
        label = escape(self.sentence(visited, here))
        return f'<svg class="gf-flow" {box} role="img" aria-label="{label}">{"".join(parts)}</svg>'

    def sentence(self, visited: Sequence[str], here: str | None) -> str:
        """The picture in words, for those who cannot see it."""
        words = _WORDS[self.language]
        name = self.workflow.label.in_(self.language)
        if here is None:
            ends = words["or"].join(self._label(s.name) for s in self.workflow.states if s.final)
            way = ", ".join(map(self._label, self.drawn.main))
            return words["whole"].format(name=name, first=self._label(self.workflow.initial), ends=ends, way=way)
        said: list[str] = []
        for index, state in enumerate(visited):
            label = self._label(state)
            said.append(words["again"].format(state=label) if state in visited[:index] else label)
        if len(said) == 1:
            return words["begun"].format(name=name, here=said[0])
        return words["path"].format(name=name, way=", ".join(said[:-1]), here=said[-1])

    def _label(self, name: str) -> str:
        return self.workflow.state(name).label.in_(self.language)

    def _edge(self, edge: Edge, line: str, been: bool) -> str:
        says = " / ".join(dict.fromkeys(m.label.in_(self.language) for m in self.drawn.edges[edge]))
        return f'<path class="edge{" been" if been else ""}" d="{line}"><title>{escape(says)}</title></path>'

    def _line(self, segments: list[Segment]) -> tuple[str, str]:
        """The path of a line with rounded corners, and of its tip."""
        points = self._corners(segments)
        (x0, y0), (x1, y1) = points[-2], points[-1]
        dx, dy = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
        tip_x, tip_y = x1 - 2 * dx, y1 - 2 * dy
        points[-1] = (x1 - 8 * dx, y1 - 8 * dy)
        drawn = [f"M{_point(points[0])}"]
        for before, corner, after in zip(points, points[1:], points[2:], strict=False):
            radius = min(_CORNER, _apart(before, corner) / 2, _apart(corner, after) / 2)
            start, end = _toward(corner, before, radius), _toward(corner, after, radius)
            drawn.append(f"L{_point(start)}Q{_point(corner)} {_point(end)}")
        drawn.append(f"L{_point(points[-1])}")
        back = f"l{-8 * dx} -4.5v9z" if dx else f"l-4.5 {-8 * dy}h9z"
        return "".join(drawn), f"M{_point((tip_x, tip_y))}{back}"

    def _corners(self, segments: list[Segment]) -> list[tuple[float, float]]:
        """The corners in pixels, from the edge of one box to the edge of the other."""
        aside = [self._aside(segment) for segment in segments]
        half_x, half_y = self.letters.width / 2, self.letters.height / 2

        def port(segment: Segment, at: int, aside: float, toward: int) -> tuple[float, float]:
            if segment.across:
                return self.xs[at] + (half_x if toward > at else -half_x), aside
            return aside, self.ys[at] + (half_y if toward > at else -half_y)

        first, last = segments[0], segments[-1]
        points = [port(first, first.start, aside[0], first.end)]
        for index in range(1, len(segments)):
            before, after = aside[index - 1], aside[index]
            points.append((after, before) if segments[index - 1].across else (before, after))
        points.append(port(last, last.end, aside[-1], last.start))
        return points

    def _aside(self, segment: Segment) -> float:
        """Where a segment lies across its direction; beside a box its tracks keep within the box's side."""
        if segment.across:
            at, full, room = self.ys[segment.line], _TRACK_DOWN, self.letters.height / 2 - 9
        else:
            at, room = self.xs[segment.line], self.letters.width / 2 - 12
            full = _PORT if segment.line % 2 else _TRACK_ACROSS
        crowd = (self.routes.across if segment.across else self.routes.down)[segment.line]
        step = min(full, room / crowd) if segment.line % 2 and crowd else full
        return at + segment.track * step

    def _node(self, name: str, visited: Sequence[str], here: str | None) -> str:
        column, row = self.drawn.cells[name]
        x = self.xs[2 * column + 1] - self.letters.width / 2
        y = self.ys[2 * row + 1] - self.letters.height / 2
        kinds = ["node"]
        if name == here:
            kinds.append("now")
        elif name in visited:
            kinds.append("been")
        if self.workflow.state(name).final:
            kinds.append("end")
        lines = self.letters.lines[name]
        middle = x + self.letters.width / 2
        first = y + self.letters.height / 2 + 4.5 - (len(lines) - 1) * self.letters.leading / 2
        texts = "".join(_text(middle, first + index * self.letters.leading, line) for index, line in enumerate(lines))
        size = f'width="{_px(self.letters.width)}" height="{_px(self.letters.height)}" rx="3"'
        box = f'<g class="{" ".join(kinds)}"><rect x="{_px(x)}" y="{_px(y)}" {size}/>{texts}</g>'
        return box + self._order(x - 6, y - 9, [i for i, v in enumerate(visited, 1) if v == name], name == here)

    @staticmethod
    def _order(x: float, y: float, turns: list[int], now: bool) -> str:
        """The badge that says as which step of the way a state was entered; of many visits the first and
        last.
        """
        if not turns:
            return ""
        text = " · ".join(map(str, turns)) if len(turns) <= 3 else f"{turns[0]} … {turns[-1]}"
        width = max(20.0, 8 + 6.4 * len(text))
        size = f'width="{_px(width)}" height="18" rx="9"'
        badge = f'<rect class="dot{" now" if now else ""}" x="{_px(x)}" y="{_px(y)}" {size}/>'
        return badge + _text(x + width / 2, y + 13, text, ' class="ord"')


def _toward(corner: tuple[float, float], other: tuple[float, float], radius: float) -> tuple[float, float]:
    share = radius / (_apart(corner, other) or 1.0)
    return corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance of two points on one line, upright or level."""
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _point(at: tuple[float, float]) -> str:
    return f"{_px(at[0])} {_px(at[1])}"


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text{more} x="{_px(x)}" y="{_px(y)}" text-anchor="middle">{escape(text)}</text>'


def _word(name: str) -> str:
    return f"{name}_" if name in _MERMAID_WORDS else name


def _plain(text: str) -> str:
    """A label for Mermaid, with the characters it would read as its own written as codes."""
    return "".join(f"#{ord(c)};" if c in '#;:"<>%{}[]' else c for c in text)
