"""The embedded web server with its embedded worker: one process, one machine, nothing else needed.

Production uses gunicorn with `wsgi:app`; mail and deadlines are then done by the worker of each web process.
"""

from __future__ import annotations

import errno
import signal
import socket
import threading
from collections.abc import Callable
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


class _Counted:
    """Counts requests under way, so that stopping can wait for them: waitress itself would drop them."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self.app = app
        self._under_way = 0
        self._idle = threading.Condition()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        with self._idle:
            self._under_way += 1
        try:
            return list(self.app(environ, start_response))
        finally:
            with self._idle:
                self._under_way -= 1
                self._idle.notify_all()

    def wait(self, seconds: float) -> None:
        with self._idle:
            self._idle.wait_for(lambda: self._under_way == 0, seconds)


def serve(app: Flask, sock: socket.socket, *, threads: int = 8) -> None:
    """Serve until asked to stop (Ctrl+C or SIGTERM); requests under way are answered, the worker ends its round."""
    from waitress.server import create_server

    from grantflow.cases.worker import EmbeddedWorker

    counted = _Counted(app.wsgi_app)
    server = create_server(counted, sockets=[sock], threads=threads, ident="GrantFlow", channel_timeout=120)
    worker = EmbeddedWorker(app) if app.config["GRANTFLOW"].worker else None

    def stop(_signal: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
    if worker is not None:
        worker.start()
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        counted.wait(_CALM_SECONDS)
        server.close()
        if worker is not None:
            worker.stop()
