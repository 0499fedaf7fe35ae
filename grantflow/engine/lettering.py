"""Owns how labels fit into the boxes of the picture: one size of box for all, lines broken between words.

Leaves drawing to `diagram`. Widths are estimated, because a server has no fonts; the estimate is on the
safe side of the faces that the style sheet names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_EM = 13.0
_BOLD = 1.07
_PADDING = 15.0
_NARROWEST, _WIDEST = 92, 148
_NARROW = frozenset("fijlrtI.,:;!|'’()[] -")
_WIDE = frozenset("mwMWшщжмюыфШЩЖМЮЫФДЪ—…%@")


@dataclass(frozen=True, slots=True)
class Lettering:
    """The size of every box in pixels, and the lines of each label."""

    width: float
    height: float
    leading: float
    lines: dict[str, list[str]]


def letter(labels: Mapping[str, str]) -> Lettering:
    """The narrowest boxes in which every label takes two lines at most, or three where two do not do."""
    for most in (2, 3):
        for width in range(_NARROWEST, _WIDEST + 1, 4):
            lines = {name: broken(label, width - _PADDING) for name, label in labels.items()}
            fits = all(width_of(line) <= width - _PADDING for each in lines.values() for line in each)
            if fits and all(len(each) <= most for each in lines.values()):
                return _sized(width, lines)
    width = max(_WIDEST, *(int(width_of(word) + _PADDING) + 1 for label in labels.values() for word in label.split()))
    return _sized(width, {name: broken(label, width - _PADDING) for name, label in labels.items()})


def width_of(text: str) -> float:
    """The estimated width in pixels of a text in bold, as the box of the present state shows it."""
    ems = sum(0.34 if c in _NARROW else 0.86 if c in _WIDE else 0.67 if c.isupper() else 0.575 for c in text)
    return ems * _EM * _BOLD


def broken(label: str, room: float) -> list[str]:
    """A label broken between words into as few lines as fit, of lengths as equal as can be."""
    words = label.split()
    for count in range(1, len(words) + 1):
        ways = [way for way in _ways(words, count) if all(width_of(line) <= room for line in way)]
        if ways:
            return min(ways, key=lambda way: max(map(width_of, way)))
    return words


def _ways(words: list[str], count: int) -> list[list[str]]:
    if count == 1:
        return [[" ".join(words)]]
    cuts = range(1, len(words) - count + 2)
    return [[" ".join(words[:cut]), *rest] for cut in cuts for rest in _ways(words[cut:], count - 1)]


def _sized(width: float, lines: dict[str, list[str]]) -> Lettering:
    most = max(len(each) for each in lines.values())
    return Lettering(float(width), 38.0 if most == 1 else 14.0 + 15.0 * most, 15.0, lines)
