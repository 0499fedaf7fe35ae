"""How pages and their files travel: what a browser may load and keep, and where the files are found.

What stands on a page is `rendering`'s and the templates'.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, Response, current_app, has_request_context, request, url_for

FILES = ("static", "bootstrap.static")
"""The endpoints that serve files."""
YEAR = 365 * 24 * 3600
ROOT = "grantflow.root"
"""Where a request that another application passed on says that one's own root: the files are that one's."""
_hashes: dict[tuple[str, float], str] = {}


def asset(filename: str, endpoint: str = "static") -> str:
    """The address of a served file with the hash of its content: under it a browser keeps the file for a year and
    never asks again. A file that is not there is a KeyError or FileNotFoundError, for it is a fault of the template."""
    owner = current_app.blueprints[endpoint.partition(".")[0]] if "." in endpoint else current_app
    path = Path(str(owner.static_folder), filename)
    stamp = (str(path), path.stat().st_mtime)
    if stamp not in _hashes:
        _hashes[stamp] = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    address = url_for(endpoint, filename=filename, v=_hashes[stamp])
    if has_request_context() and ROOT in request.environ:
        return str(request.environ[ROOT]) + address.removeprefix(request.script_root)
    return address


POLICY = "; ".join(
    (
        "default-src 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)


def install_headers(app: Flask) -> None:
    """No request to another host, nothing inline, no frames; pages are not kept by shared caches, files by all."""

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        response.headers.setdefault(
            "Permissions-Policy",
            "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
        )
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
        if request.endpoint in FILES and response.status_code in (200, 304):
            kept = response.cache_control
            # With "no-cache", which Flask sets, a browser asks for each file again at every page, by a poor line too.
            kept.no_cache = None
            kept.public, kept.immutable = True, "v" in request.args
            kept.max_age = YEAR if kept.immutable else 3600
        elif not response.cache_control:
            response.cache_control.private, response.cache_control.no_cache = True, True
        return response
