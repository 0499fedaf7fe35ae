"""The blueprint of the pages of eligibility: the officer's are in `views`, the public one in `visitor`."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("eligibility", __name__)
