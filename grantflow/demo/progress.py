"""Owns telling how far a long piece of work is: one line that renews itself on a terminal, calm lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_PAUSE = 0.1
"""Seconds between two renewals of the line."""


class Progress:
    """Work of `total` steps in named phases; `total` may grow while it runs."""

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out if out is not None else sys.stderr
        self.live = self.out.isatty()
        self.total = self.done = 0
        self._phase = ""
        self._told: set[str] = set()
        self._last = 0.0

    def step(self, phase: str) -> None:
        """One more step is done, of that phase."""
        self.done += 1
        if self.live:
            now = time.monotonic()
            if phase != self._phase or now - self._last >= _PAUSE:
                self._last = now
                self.out.write(f"\r\x1b[K{self.percent:3d} %  {phase}")
                self.out.flush()
        elif phase not in self._told:
            self._told.add(phase)
            self.out.write(f"{self.percent:3d} %  {phase}\n")
            self.out.flush()
        self._phase = phase

    @property
    def percent(self) -> int:
        """How much is done, in per cent, never 100 before the end."""
        return min(99, self.done * 100 // max(1, self.total))

    def end(self, text: str) -> None:
        """The work is done: the last line stays."""
        self.out.write(f"\r\x1b[K{text}\n" if self.live else f"{text}\n")
        self.out.flush()

    def clear(self) -> None:
        """Take the line away, so that an error stands alone."""
        if self.live:
            self.out.write("\r\x1b[K")
            self.out.flush()
