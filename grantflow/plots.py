"""Charts as inline SVG without styles: bars with a plan, rank cells with an interval, step and line plots.

It owns geometry only; the words, the numbers in the table beside a plot and what they mean are the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup, escape

Number = int | float
CELL = (18.0, 286.0)
"""Left and right end of a rank cell's axis, in its 304 pixels."""


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _svg(opening: str, shapes: Sequence[str]) -> Markup:
    return Markup(opening + "".join(shapes) + "</svg>")  # noqa: S704 numbers, and words escaped where they enter


def _share(value: Number, of: Number) -> float:
    return 0.0 if of <= 0 else max(0.0, min(100.0, float(value) / float(of) * 100))


def bar(
    value: Number,
    target: Number,
    plan: Number | None = None,
    inner: Number | None = None,
    *,
    bare: bool = False,
) -> Markup:
    """A bar from zero to `target`, a tick at `plan`; with `inner`, `value` is pale and `inner` dark.

    Decoration beside figures that say the same, so it is hidden from screen readers. `bare` draws no track.
    """
    shapes = ['<rect class="track" x="0" y="1" width="100" height="10"/>']
    if inner is None:
        shapes.append(f'<rect class="f1" x="0" y="1" width="{_n(_share(value, target))}" height="10"/>')
    else:
        shapes.append(f'<rect class="f2" x="0" y="1" width="{_n(_share(value, target))}" height="10"/>')
        shapes.append(f'<rect class="f1" x="0" y="1" width="{_n(_share(inner, target))}" height="10"/>')
    if plan is not None and 0 < plan <= target:
        shapes.append(f'<path class="goal" d="M{_n(min(99.4, _share(plan, target)))} 0v12"/>')
    kind = "gf-bar bare" if bare else "gf-bar"
    opening = f'<svg class="{kind}" viewBox="0 0 100 12" preserveAspectRatio="none"'
    return _svg(opening + ' aria-hidden="true" focusable="false">', shapes)


def _cell_x(value: Number, low: Number, high: Number) -> float:
    left, right = CELL
    return left if high <= low else left + (float(value) - low) / (high - low) * (right - left)


def _cell(kind: str, shapes: list[str]) -> Markup:
    return _svg(f'<svg class="gf-cell {kind}" aria-hidden="true" focusable="false">', shapes)


def rank_head(
    low: Number, high: Number, ticks: Sequence[Number], line: Number | None = None, words: str = ""
) -> Markup:
    """The axis of a plot column for the table's head: ticks, and the money line with its words."""
    shapes = [f'<text x="{_n(_cell_x(t, low, high))}" y="34" text-anchor="middle">{_n(float(t))}</text>' for t in ticks]
    if line is not None:
        x = min(250.0, max(54.0, _cell_x(line, low, high)))
        shapes.append(f'<text x="{_n(x)}" y="14" text-anchor="middle" class="moneytext">{escape(words)}</text>')
    return _cell("", shapes)


def rank_cell(
    value: Number | None,
    low: Number,
    high: Number,
    ticks: Sequence[Number],
    between: tuple[Number, Number] | None = None,
    line: Number | None = None,
    tone: str = "",
) -> Markup:
    """A dot with its interval in a table's row. tone: '' above the line, 'near' on both sides, 'out' below.

    With `value` None only grid and money line are drawn (the row of the money line itself).
    """
    shapes = []
    if value is not None:
        for tick in ticks:
            x = _n(_cell_x(tick, low, high))
            shapes.append(f'<line class="grid" x1="{x}" x2="{x}" y1="0" y2="100%"/>')
    if line is not None:
        x = _n(_cell_x(line, low, high))
        shapes.append(f'<line class="money" x1="{x}" x2="{x}" y1="0" y2="100%"/>')
    if between is not None:
        first, second = (_n(_cell_x(v, low, high)) for v in between)
        shapes.append(f'<line class="ci" x1="{first}" x2="{second}" y1="50%" y2="50%"/>')
    if value is not None:
        shapes.append(f'<circle class="pt" cx="{_n(_cell_x(value, low, high))}" cy="50%" r="5"/>')
    return _cell(tone, shapes)


@dataclass(frozen=True)
class Series:
    """One line of a plot: points (x, y) in order, a name for its end, and perhaps a band (x, low, high)."""

    points: Sequence[tuple[Number, Number]]
    name: str = ""
    band: Sequence[tuple[Number, Number, Number]] = ()


def _steps(points: Sequence[tuple[float, float]]) -> str:
    out = f"M{_n(points[0][0])} {_n(points[0][1])}"
    for x, y in points[1:]:
        out += f"H{_n(x)}V{_n(y)}"
    return out


def _line(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)


def plot(
    series: Sequence[Series],
    label: str,
    *,
    top: Number,
    unit: str = "",
    x_ticks: Sequence[tuple[Number, str]] = (),
    y_ticks: Sequence[tuple[Number, str]] = (),
    x_name: str = "",
    under: Sequence[str] = (),
    under_name: str = "",
    steps: bool = False,
    height: int = 268,
) -> Markup:
    """A plot from zero to `top` of at most two series (solid, then dashed), labelled at their ends.

    `label` is one sentence for those who do not see it; `steps` draws survival; `under` is a row of numbers
    below the axis (how many were watched). `unit` follows the value at a line's end. Without points: nothing.
    """
    drawn = [s for s in series if s.points]
    if not drawn:
        return Markup("")
    left, right, y0, y1 = 44.0, 490.0, 12.0, 12.0 + height
    xs = [float(x) for s in drawn for x, _y in s.points] + [float(x) for x, _w in x_ticks]
    lo, hi = min(xs), max(xs)

    def px(x: Number) -> float:
        return left if hi == lo else left + (float(x) - lo) / (hi - lo) * (right - left)

    def py(y: Number) -> float:
        return y1 - _share(y, top) / 100 * (y1 - y0)

    out: list[str] = []
    for value, words in y_ticks:
        out.append(f'<path class="grid" d="M44 {_n(py(value))}H490"/>')
        out.append(f'<text x="36" y="{_n(py(value) + 4)}" text-anchor="end">{escape(words)}</text>')
    for s in drawn:
        if s.band:
            lows = [(px(x), py(a)) for x, a, _b in s.band]
            highs = [(px(x), py(b)) for x, _a, b in s.band]
            path = _steps if steps else _line
            back = path(list(reversed(lows))) if not steps else _back(lows)
            out.append(f'<path class="zone" d="{path(highs)}L{back[1:]}Z"/>')
    for number, s in enumerate(drawn[:2], start=1):
        points = [(px(x), py(y)) for x, y in s.points]
        out.append(f'<path class="s{number}" d="{(_steps if steps else _line)(points)}"/>')
        if not steps:
            out += [f'<circle class="p{number}" cx="{_n(x)}" cy="{_n(y)}" r="3.5"/>' for x, y in points]
    out.append(f'<path class="axis" d="M44 {_n(y1)}H490"/>')
    for value, words in x_ticks:
        x = _n(px(value))
        out.append(f'<path class="axis" d="M{x} {_n(y1)}v5"/>')
        out.append(f'<text x="{x}" y="{_n(y1 + 20)}" text-anchor="middle">{escape(words)}</text>')
    ends = sorted(((py(s.points[-1][1]), n, s) for n, s in enumerate(drawn[:2], start=1)), key=lambda e: e[0])
    floor = -99.0
    for y, number, s in ends:
        y = floor = max(y, floor + 16)
        words = " ".join(w for w in (_n(float(s.points[-1][1])) + (f"\u00a0{unit}" if unit else ""), s.name) if w)
        out.append(f'<text class="t{number}" x="500" y="{_n(y + 4)}">{escape(words)}</text>')
    if x_name:
        out.append(f'<text x="504" y="{_n(y1 + 20)}">{escape(x_name)}</text>')
    for (value, _w), words in zip(x_ticks, under, strict=False):
        place = f'x="{_n(px(value))}" y="{_n(y1 + 44)}"'
        out.append(f'<text class="strong" {place} text-anchor="middle">{escape(words)}</text>')
    if under:
        out.append(f'<text x="504" y="{_n(y1 + 44)}">{escape(under_name)}</text>')
    tall = y1 + (54 if under else 30)
    opening = f'<svg class="gf-plot" viewBox="0 0 580 {_n(tall)}" role="img" aria-label="{escape(label)}">'
    return _svg(opening, out)


def columns(
    stacks: Sequence[tuple[str, Sequence[int]]],
    names: Sequence[str],
    label: str,
    words: Callable[[int], str],
    height: int = 200,
) -> Markup:
    """Stacked columns from zero: for each name under the axis, one part a series (four at most), named beside the last.

    `words` says a value; the sum stands over each column. `label` is one sentence for those who do not see it.
    """
    top = max((sum(parts) for _name, parts in stacks), default=0)
    if top <= 0:
        return Markup("")
    left, right, y1 = 8.0, 420.0, 24.0 + height
    step = (right - left) / max(len(stacks), 3)
    wide = min(step * 0.62, 56.0)
    out: list[str] = []
    ends: list[tuple[float, str]] = []
    for place, (name, parts) in enumerate(stacks):
        middle, y = left + step * (place + 0.5), y1
        for number, part in enumerate(parts[:4], start=1):
            if part <= 0:
                continue
            tall = part / top * height
            y -= tall
            size = f'x="{_n(middle - wide / 2)}" y="{_n(y)}" width="{_n(wide)}" height="{_n(tall)}"'
            out.append(f'<rect class="c{number}" {size}/>')
            if place == len(stacks) - 1:
                ends.append((y + tall / 2, names[number - 1]))
        if sum(parts) > 0 and len(stacks) <= 4:
            said = f'x="{_n(middle)}" y="{_n(y - 7)}" text-anchor="middle"'
            out.append(f'<text class="strong" {said}>{escape(words(sum(parts)))}</text>')
        out.append(f'<text x="{_n(middle)}" y="{_n(y1 + 20)}" text-anchor="middle">{escape(name)}</text>')
    out.append(f'<path class="axis" d="M{_n(left)} {_n(y1)}H{_n(left + step * len(stacks))}"/>')
    beside, floor = left + step * (len(stacks) - 0.5) + wide / 2 + 10, -99.0
    for y, name in sorted(ends):
        floor = max(y, floor + 16)
        out.append(f'<text x="{_n(beside)}" y="{_n(floor + 4)}">{escape(name)}</text>')
    opening = f'<svg class="gf-plot" viewBox="0 0 580 {_n(y1 + 30)}" role="img" aria-label="{escape(label)}">'
    return _svg(opening, out)


def _back(points: Sequence[tuple[float, float]]) -> str:
    """The lower edge of a stepped band, walked from right to left."""
    turned = list(reversed(points))
    out = f"M{_n(turned[0][0])} {_n(turned[0][1])}"
    for (_x, _y), (x, y) in pairwise(turned):
        out += f"V{_n(y)}H{_n(x)}"
    return out
