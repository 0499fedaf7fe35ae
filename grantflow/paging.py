"""A page of a long list: which one an address asks for, and which rows stand on it.

It only counts; the rows are read by whoever lists them, the links are drawn by the macro `pager`.
"""

from __future__ import annotations

from dataclasses import dataclass


def number(text: str | None) -> int:
    """A page number from an address; 1 for anything that is none."""
    return max(1, int(text)) if text and text.isascii() and text.isdigit() and len(text) < 7 else 1


@dataclass(frozen=True)
class Page:
    """A page of `size` rows out of `total`. Whoever asks for one beyond the end is given the last."""

    asked: int
    total: int
    size: int

    @property
    def last_number(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.total // self.size))

    @property
    def number(self) -> int:
        """Which page this is."""
        return min(max(1, self.asked), self.last_number)

    @property
    def offset(self) -> int:
        """How many rows stand before it."""
        return (self.number - 1) * self.size

    @property
    def first(self) -> int:
        """The number of its first row; 0 where there is none."""
        return self.offset + 1 if self.total else 0

    @property
    def last(self) -> int:
        """The number of its last row."""
        return min(self.total, self.offset + self.size)

    @property
    def before(self) -> int | None:
        """The page before it, if there is one."""
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        """The page after it, if there is one."""
        return self.number + 1 if self.number < self.last_number else None

    @property
    def rows(self) -> slice:
        """Its rows, where the whole list is at hand."""
        return slice(self.offset, self.last)

    def holding(self, place: int) -> int:
        """The number of the page on which the row stands that has so many before it."""
        return place // self.size + 1
