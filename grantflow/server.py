"""The embedded web server with its embedded worker: one process, one machine, nothing else needed.

Production uses gunicorn with `wsgi:app`; mail and deadlines are then left to `grantflow worker` (see `workers`).
"""

from __future__ import annotations

import errno
import gc
import signal
import socket
import threading
import time
from typing import Any

from flask import Flask

from grantflow.errors import Misconfigured

_CALM_SECONDS = 10.0
"""How long requests under way may take to end once the server was asked to stop."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, or Misconfigured with what to do where the port is taken or the address is not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise Misconfigured(
                f"Port {port} on {host} is taken, perhaps by a GrantFlow that still runs. "
                f"Stop that one, or choose another port: --port {port + 1 if port < 65535 else 8000}"
            ) from None
        if error.errno == errno.EACCES:
            raise Misconfigured(f"Port {port} is reserved for the system. Choose one above 1023: --port 8000") from None
        raise Misconfigured(f"{host} is no address of this machine ({error.strerror}).") from None
    except OverflowError:
        sock.close()
        raise Misconfigured(f"There is no port {port}. Choose one between 1024 and 65535: --port 8000") from None
    sock.listen(128)
    return sock


class _Stop:
    """Whether somebody asked to stop. Asked a second time, it interrupts at once."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, _signal: int = 0, _frame: Any = None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def _open(channels: dict[int, Any]) -> bool:
    """Whether a request is being received, worked on or answered on any connection."""
    return any(
        channel.request is not None or channel.requests or channel.total_outbufs_len
        for channel in list(channels.values())
        if hasattr(channel, "requests")
    )


def serve(app: Flask, sock: socket.socket, *, threads: int = 8) -> None:
    """Serve until asked to stop (Ctrl+C or SIGTERM); requests under way are answered, the worker ends its round.

    waitress's own loop drops at a signal what waits for a thread; here the loop is ours: asked to stop, it takes no
    new connection and goes on until nothing is under way, ten seconds at most.
    """
    from waitress import wasyncore
    from waitress.server import create_server

    from grantflow.cases.worker import EmbeddedWorker

    channels: dict[int, Any] = {}
    server = create_server(
        app.wsgi_app, channels, sockets=[sock], threads=threads, ident="GrantFlow", channel_timeout=120
    )
    worker = EmbeddedWorker(app) if app.config["GRANTFLOW"].embedded_worker else None
    stop = _Stop()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
    gc.freeze()  # a full look for garbage passes over what stays: it would hold a request for a seventh of a second
    if worker is not None:
        worker.start()

    def turn(seconds: float) -> None:
        wasyncore.loop(seconds, use_poll=True, map=channels, count=1)

    try:
        while not stop.asked:
            turn(0.5)
        turn(0)  # whoever is already at the door comes in
        wasyncore.dispatcher.close(server)
        last = time.monotonic() + _CALM_SECONDS
        while _open(channels) and time.monotonic() < last:
            turn(0.1)
    except KeyboardInterrupt:
        pass
    finally:
        server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(channels)
        if worker is not None:
            worker.stop()
