"""Redis stopped and started again under load: moves are made all the while, and at last every notice has arrived."""

from __future__ import annotations

import http.client
import json
import signal
from collections import Counter
from collections.abc import Callable

from tests import valkey
from tests.faults.house import wait_for
from tests.post import Post
from tests.queue.house import Works


def queue_of(house: Works) -> str:
    """What the server says of its queue."""
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    assert answer.status == 200
    said = json.loads(answer.read())
    connection.close()
    return str(said["queue"])


def test_redis_stopped_under_load_makes_mail_late_and_nothing_else(
    build: Callable[..., Works], redis: valkey.Server, post: tuple[Post, int], thorough: bool
) -> None:
    rounds, moves = (10, 20) if thorough else (2, 5)
    handler, port = post
    house = build(smtp_host="127.0.0.1", smtp_port=str(port))
    programs = house.run(*["worker"] * (2 if thorough else 1), "scheduler")
    house.start()
    caller = house.caller(house.case())
    for _ in range(rounds):
        for _ in range(moves):
            assert caller.post() == 303
        house.tell(20)  # in their hands while Redis goes
        redis.stop()
        for _ in range(moves):
            assert caller.post() == 303, "a move is made, Redis or not"
        wait_for(lambda: queue_of(house) == "away")
        redis.start()
    wait_for(lambda: house.waiting() == 0, 180)
    assert house.stop(signal.SIGTERM) == 0
    for program in programs:
        assert program.stop() == 0, program.log.read_text()
    told = [row.message_id for row in house.told()]
    assert len(told) == rounds * (2 * moves + 20)
    assert Counter(handler.numbers) == Counter(told), "nobody was killed, so each came once"
