"""The blueprint of oversight. Exports of history are in `exporting`, the auditor's other pages in `views`."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("oversight", __name__)
