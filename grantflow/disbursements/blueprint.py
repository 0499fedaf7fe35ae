"""The blueprint on which every page of this package stands."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("disbursements", __name__)
