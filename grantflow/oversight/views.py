"""The auditor's pages: the list of cases, and verification with its result. Nothing here edits.

The time line of a case is on the case's own page; histories as workbooks are in `exporting`.
"""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from grantflow import clock
from grantflow.cases import words
from grantflow.cases.access import see
from grantflow.identity.access import access
from grantflow.identity.session import current_actor
from grantflow.oversight import desk as _desk  # noqa: F401  what waits for an auditor registers itself
from grantflow.oversight import exporting as _exporting  # noqa: F401  its pages belong to the same blueprint
from grantflow.oversight import queries, service
from grantflow.oversight.blueprint import bp
from grantflow.paging import number
from grantflow.rendering import clean_text, language

__all__ = ["bp"]


@bp.get("/audit")
@access("auditor", "manager")
def index() -> str:
    """Every case in scope, newest event first, with filters; the chain's health on top."""
    text, kind = clean_text(request.args.get("q"))[:100], request.args.get("kind", "")
    page = number(request.args.get("page"))
    found = queries.find(current_actor(), text=text, kind=kind, number=page, language=language())
    return render_template(
        "oversight/index.html",
        found=found, q=text, kind=kind, kinds=queries.KINDS, called=words.KINDS, checkpoint=queries.last_checkpoint(),
    )  # fmt: skip


@bp.post("/audit/verify")
@access("auditor", "manager")
def verify() -> str:
    """Walk all chains now and say what was found."""
    return _result(service.verify_and_record(current_actor()), None)


@bp.post("/cases/<int:case_id>/verify")
@access("auditor", "manager", "officer", "finance")
def verify_case(case_id: int) -> str:
    """Walk one chain now and say what was found."""
    case = see(case_id, current_actor())
    return _result(service.verify_and_record(current_actor(), case_id), case)


def _result(report: Any, case: Any) -> str:
    return render_template("oversight/verified.html", report=report, case=case, at=clock.now())
