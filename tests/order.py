"""In which order the tests come, and which of them one process runs: so that none waits long for the last one.

A file stays in one process. The tests in a browser stay all together: two browsers on two processors take longer side by
side than one after the other.
"""

from __future__ import annotations

from typing import Any

import pytest

IN_A_BROWSER = ("tests/journeys/", "tests/look/test_browser.py")
LONG = ("tests/demo/", "tests/queue/", "tests/faults/", "tests/lives/", "tests/benchmarks/", "tests/concurrency/")
"""Few tests each, and long ones: begun last they would leave one process alone with them at the end."""


def the_long_ones_first(items: list[pytest.Item]) -> None:
    """Put those in a browser before all others, then the other long ones; among each the order stays."""
    items.sort(key=lambda item: (not item.nodeid.startswith(IN_A_BROWSER), not item.nodeid.startswith(LONG)))


def scheduler(config: pytest.Config, log: Any) -> Any:
    """What gives work to the processes: a file at a time, all that is in a browser at once."""
    from xdist.scheduler import LoadFileScheduling

    class OneBrowser(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "browser" if nodeid.startswith(IN_A_BROWSER) else str(super()._split_scope(nodeid))

    config.option.loadscopereorder = False  # the order is the one above
    return OneBrowser(config, log)
