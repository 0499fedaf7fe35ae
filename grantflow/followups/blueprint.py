"""The blueprint of reports and checks. Writing is in `writing`, lists and the bodies of case pages in
`views`."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("followups", __name__)
