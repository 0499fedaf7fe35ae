"""A real mail server on loopback that keeps the number of every message it accepted."""

from __future__ import annotations

import asyncio
import email
import email.policy
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.faults.house import free_port


class Post:
    """Slow, so that a kill finds the sender at work; it waits with every message while `go` is not set, and accepts
    none while it shall `refuse`."""

    def __init__(self) -> None:
        self.kept: list[EmailMessage] = []
        self.asked = 0
        self.refuse = False
        self.slow = 0.01
        self.go = threading.Event()
        self.go.set()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.asked += 1
        await asyncio.get_running_loop().run_in_executor(None, self.go.wait)
        await asyncio.sleep(self.slow)
        if self.refuse:
            return "451 not now"
        self.kept.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        await asyncio.sleep(self.slow)  # accepted, and the sender does not know it yet
        return "250 OK"

    @property
    def numbers(self) -> list[str]:
        """The number of each message, in the order they came."""
        return [str(message["Message-ID"]) for message in self.kept]


@pytest.fixture
def post() -> Iterator[tuple[Post, int]]:
    """The server, and the port where it listens."""
    handler = Post()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield handler, controller.port
    handler.go.set()
    controller.stop()
