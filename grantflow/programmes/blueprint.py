"""The blueprint of the pages of programmes and calls that ask who somebody is."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("programmes", __name__)
