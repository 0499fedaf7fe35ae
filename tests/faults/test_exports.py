"""The embedded server killed while it makes an export, or asked to stop: the next one makes it, once."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.faults.exports import Wanted
from tests.faults.house import House, wait_for


def test_a_server_killed_half_way_leaves_it_to_the_next_with_one_file_and_one_notice(
    build: Callable[..., House],
) -> None:
    house = build()
    wanted = Wanted(house, events=1500)
    house.start()
    wait_for(wanted.half_made)
    house.stop(signal.SIGKILL)
    assert wanted.row().state == "being_made" and len(wanted.files()) == 1
    wanted.let_the_lease_end()
    house.start()
    wait_for(lambda: wanted.row().state == "ready", 120)
    assert wanted.row().attempts == 2 and house.stop(signal.SIGTERM) == 0
    wanted.judge()


def test_a_server_asked_to_stop_gives_it_back(build: Callable[..., House]) -> None:
    house = build()
    wanted = Wanted(house, events=1500)
    house.start()
    wait_for(wanted.half_made)
    assert house.stop(signal.SIGTERM) == 0
    left = wanted.row()
    assert (left.state, left.attempts, left.lease_until) == ("waiting", 0, None) and wanted.files() == []
