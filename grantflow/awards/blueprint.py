"""The blueprint of awards, which its modules of pages share."""

from flask import Blueprint

bp = Blueprint("awards", __name__)
