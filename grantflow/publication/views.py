"""The public page of a contest's results. Before the announcement there is no such page.

What stands in it, and what never does, is decided in `queries`.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request

from grantflow.identity.access import PUBLIC, access
from grantflow.paging import number
from grantflow.publication.queries import results_of
from grantflow.scoring.composition import SEAT_LABELS

bp = Blueprint("publication", __name__)


@bp.get("/calls/<code>/results")
@access(PUBLIC)
def results(code: str) -> str:
    """The ranked list by rating, a page at a time to be read; `?page=all` is the whole list, to be printed."""
    whole = request.args.get("page") == "all"
    asked = (None, None) if whole else (number(request.args.get("page")), number(request.args.get("further")))
    return render_template("publication/results.html", found=results_of(code, *asked), whole=whole, seats=SEAT_LABELS)
