"""Owns the ways of the lines in the picture of a workflow: along the gaps between the boxes, never through
one.

Leaves the places of the boxes to `layout` and pixels to `diagram`. The lattice has a line for each column
and row and one for each gap between them, so box (c, r) stands at point (2c + 1, 2r + 1). Lines that share
their beginning or their end may run on one track; any others on one line are given tracks of their own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Set
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import combinations, count, pairwise, permutations

from grantflow.engine.layout import Edge, Plan, main_edges

Point = tuple[int, int]
_ACROSS, _DOWN = 78.0, 36.0
_BEND, _CROSSING, _CROWD, _SHARED = 30.0, 26.0, 40.0, 0.4
_STEPS = ((1, 0), (0, 1), (0, -1), (-1, 0))


@dataclass
class Segment:
    """A straight piece of a line. `line` is the lattice line it runs on, `track` its place beside others
    there.
    """

    edge: Edge
    across: bool
    line: int
    start: int
    end: int
    pinned: bool = False
    track: float = 0.0

    @property
    def low(self) -> int:
        """The lesser end on the lattice."""
        return min(self.start, self.end)

    @property
    def high(self) -> int:
        """The greater end on the lattice."""
        return max(self.start, self.end)

    def meets(self, other: Segment, boxes: Set[Point]) -> bool:
        """Whether the two touch on their line; on opposite sides of one box they do not."""
        if self.low < other.high and other.low < self.high:
            return True
        if self.low != other.high and other.low != self.high:
            return False
        at = self.low if self.low == other.high else self.high
        return ((at, self.line) if self.across else (self.line, at)) not in boxes


@dataclass
class Routes:
    """Every line as its straight pieces in order, with tracks, and the widest crowd of tracks on each
    line.
    """

    lines: dict[Edge, list[Segment]] = field(default_factory=dict)
    across: dict[int, float] = field(default_factory=dict)
    down: dict[int, float] = field(default_factory=dict)


def route(drawn: Plan) -> Routes:
    """Find a way for each step, main line first, then the short ones; then spread what runs side by side."""
    straight = main_edges(drawn)
    boxes = {(2 * column + 1, 2 * row + 1) for column, row in drawn.cells.values()}
    used: dict[frozenset[Point], list[Edge]] = defaultdict(list)
    through: dict[tuple[Point, bool], list[Edge]] = defaultdict(list)

    def distance(edge: Edge) -> tuple[bool, int, int]:
        (a, b), (c, d) = drawn.cells[edge[0]], drawn.cells[edge[1]]
        return edge not in straight, abs(a - c) + abs(b - d), list(drawn.edges).index(edge)

    routes = Routes()
    for edge in sorted(drawn.edges, key=distance):
        way = _way(edge, drawn, boxes, used, through)
        for before, after in pairwise(way):
            used[frozenset((before, after))].append(edge)
        for (a, _), here, (c, _) in zip(way, way[1:], way[2:], strict=False):
            if (a == here[0]) == (c == here[0]):
                through[here, a == here[0]].append(edge)
        routes.lines[edge] = _segments(edge, way, edge in straight)
    _spread(routes, boxes)
    return routes


def _kin(one: Edge, other: Edge) -> bool:
    return one[0] == other[0] or one[1] == other[1]


def _way(
    edge: Edge,
    drawn: Plan,
    boxes: set[Point],
    used: dict[frozenset[Point], list[Edge]],
    through: dict[tuple[Point, bool], list[Edge]],
) -> list[Point]:
    """The cheapest way: short, with few bends, few crossings and little company but its own kin."""
    (a, b), (c, d) = drawn.cells[edge[0]], drawn.cells[edge[1]]
    start, goal = (2 * a + 1, 2 * b + 1), (2 * c + 1, 2 * d + 1)
    width, height = 2 * drawn.columns, 2 * drawn.rows
    # Many lines into one box off the main row gather in the gap before it, like rain in a gutter.
    gathering = sum(target == edge[1] for _, target in drawn.edges) > 2
    ticket = count()
    queue: list[tuple[float, int, Point, Point, tuple[Point, ...]]] = [(0.0, next(ticket), start, (0, 0), (start,))]
    done: set[tuple[Point, Point]] = set()
    while queue:
        cost, _, here, heading, way = heappop(queue)
        if here == goal:
            return list(way)
        if (here, heading) in done:
            continue
        done.add((here, heading))
        for step in _STEPS:
            there = (here[0] + step[0], here[1] + step[1])
            if not (0 <= there[0] <= width and 0 <= there[1] <= height) or (there in boxes and there != goal):
                continue
            if step == (-heading[0], -heading[1]) and here != start:
                continue
            price = _ACROSS if step[0] else _DOWN
            company = used[frozenset((here, there))]
            if any(_kin(edge, other) for other in company):
                price *= _SHARED
            narrow = (here[1] if step[0] else here[0]) % 2  # beside boxes there is less room than in a gap
            price += (_CROWD if narrow else _CROWD / 3) * sum(not _kin(edge, other) for other in company)
            if here != start:
                if step != heading:
                    price += _BEND
                else:
                    crossed = through[here, step[0] != 0]
                    price += _CROSSING * sum(not _kin(edge, other) for other in crossed)
            # Room that a box would take is better left empty, and a side is for the step to the next column.
            price += 24.0 * (there[0] % 2 == 1 == there[1] % 2 and there != goal)
            if step[0] and b != d and (here == start or there == goal):
                price += 60.0 if gathering else 16.0 * (abs(a - c) > 1)
            # Round the outside is the last resort.
            price += 20.0 * (there[0] in (0, width) if step[1] else there[1] in (0, height))
            # To leave to the left or to arrive from the right reads against the grain.
            price += 30.0 * ((here == start and step == (-1, 0)) + (there == goal and step == (-1, 0)))
            heappush(queue, (cost + price, next(ticket), there, step, (*way, there)))
    raise AssertionError("the outer gaps lead round everything")


def _segments(edge: Edge, way: list[Point], straight: bool) -> list[Segment]:
    found: list[Segment] = []
    for before, after in pairwise(way):
        across = before[1] == after[1]
        if found and found[-1].across == across:
            found[-1].end = after[0] if across else after[1]
        elif across:
            found.append(Segment(edge, True, before[1], before[0], after[0]))
        else:
            found.append(Segment(edge, False, before[0], before[1], after[1]))
    if straight and len(found) == 1:
        found[0].pinned = True
    return found


def _spread(routes: Routes, boxes: Set[Point]) -> None:
    """Give tracks to what would lie upon each other, in the order that crosses least."""
    by_line: dict[tuple[bool, int], list[Segment]] = defaultdict(list)
    for segments in routes.lines.values():
        for segment in segments:
            by_line[segment.across, segment.line].append(segment)
    crowds = [crowd for line in by_line.values() for crowd in _crowds(_bundles(line, boxes), boxes)]
    for crowd in crowds:
        _set(crowd)
    # Every order is tried where that is quick; a workflow of dozens of states is not drawn for its beauty.
    most = 5 if len(routes.lines) <= 30 else 3 if len(routes.lines) <= 50 else 1
    for _ in range(2):
        for crowd in crowds:
            if 1 < len(crowd) <= most:
                _set(min(permutations(crowd), key=lambda order: _tangle(order, routes)))
    for (across, line), segments in by_line.items():
        room = routes.across if across else routes.down
        room[line] = max(abs(segment.track) for segment in segments)


def _bundles(line: list[Segment], boxes: Set[Point]) -> list[list[Segment]]:
    """Pieces that run on one track: kin that meet, and nobody else."""
    bundles: list[list[Segment]] = []
    company = Counter(segment.edge[1] for segment in line)
    # Lines that end together are joined first: many lines into one box shall show one tip, not several.
    for segment in sorted(line, key=lambda s: (not s.pinned, -company[s.edge[1]], s.edge[1], s.low, s.high)):
        for bundle in bundles:
            met = [other for other in bundle if segment.meets(other, boxes)]
            if met and all(_kin(segment.edge, other.edge) for other in met):
                bundle.append(segment)
                break
        else:
            bundles.append([segment])
    return bundles


def _crowds(bundles: list[list[Segment]], boxes: Set[Point]) -> list[list[list[Segment]]]:
    """Bundles that touch, each crowd by itself."""
    crowds: list[list[list[Segment]]] = []
    for bundle in bundles:
        near = [crowd for crowd in crowds if any(_touch(bundle, other, boxes) for other in crowd)]
        crowds = [crowd for crowd in crowds if crowd not in near]
        crowds.append([*(b for crowd in near for b in crowd), bundle])
    return crowds


def _touch(one: list[Segment], other: list[Segment], boxes: Set[Point]) -> bool:
    return any(a.meets(b, boxes) for a in one for b in other)


def _set(order: tuple[list[Segment], ...] | list[list[Segment]]) -> None:
    """Number the tracks around the middle, or around the main line where it is among them."""
    pinned = [index for index, bundle in enumerate(order) if any(segment.pinned for segment in bundle)]
    middle = pinned[0] if pinned else (len(order) - 1) / 2
    for index, bundle in enumerate(order):
        for segment in bundle:
            segment.track = index - middle


def _tangle(order: tuple[list[Segment], ...], routes: Routes) -> float:
    """Crossings of the whole picture if this crowd stood in this order, and a little for what lies off the
    middle.
    """
    _set(order)
    shapes = [(edge, shape(segments)) for edge, segments in routes.lines.items()]
    crossings = 0.0
    for (edge, one), (rival, other) in combinations(shapes, 2):
        if not _kin(edge, rival):
            crossings += sum(_cross(*a, *b) for a in pairwise(one) for b in pairwise(other))
    return crossings + 0.01 * sum(abs(segment.track) for bundle in order for segment in bundle)


def shape(segments: list[Segment]) -> list[tuple[float, float]]:
    """The corners of a line on the lattice, moved aside by its tracks: enough to count crossings."""
    first, last = segments[0], segments[-1]
    aside = [segment.line + segment.track * 0.08 for segment in segments]
    points = [(float(first.start), aside[0]) if first.across else (aside[0], float(first.start))]
    for index in range(1, len(segments)):
        a, b = aside[index - 1], aside[index]
        points.append((b, a) if segments[index - 1].across else (a, b))
    points.append((float(last.end), aside[-1]) if last.across else (aside[-1], float(last.end)))
    return points


def _cross(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]) -> bool:
    if (a[0] == b[0]) == (c[0] == d[0]):
        return False
    if a[0] == b[0]:
        a, b, c, d = c, d, a, b
    return min(a[0], b[0]) < c[0] < max(a[0], b[0]) and min(c[1], d[1]) < a[1] < max(c[1], d[1])
