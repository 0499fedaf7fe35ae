"""The bell that wakes the worker after a commit. It carries nothing: whoever hears it looks into the outbox.

If nobody hears it, the next ring or the worker's own round finds the same rows.
"""

from __future__ import annotations

import threading

_rung = threading.Event()


def ring() -> None:
    """Wake the worker of this process."""
    _rung.set()


def wait(seconds: float) -> bool:
    """Sleep until the bell rings or the time is over; whether it rang."""
    rang = _rung.wait(seconds)
    _rung.clear()
    return rang
