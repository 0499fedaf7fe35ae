"""The auditor's pages: the list of cases, verification with its result, and histories as workbooks. Nothing here edits.

The time line of a case is on the case's own page.
"""

from __future__ import annotations

import io
from typing import Any

from flask import Blueprint, Response, render_template, request, send_file
from flask_babel import gettext as _

from grantflow import clock
from grantflow.cases import words
from grantflow.cases.access import see
from grantflow.identity.access import access
from grantflow.identity.session import current_actor
from grantflow.oversight import desk as _desk  # noqa: F401  what waits for an auditor registers itself
from grantflow.oversight import queries, service
from grantflow.paging import number
from grantflow.rendering import clean_text, language

bp = Blueprint("oversight", __name__)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


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


@bp.get("/cases/<int:case_id>/history.xlsx")
@access("auditor", "manager")
def case_workbook(case_id: int) -> Response:
    """The history of a case and of all that hangs on it."""
    case = see(case_id, current_actor())
    name = f"{case.ref or f'{case.kind}-{case.id}'} {_('history')}.xlsx"
    return _workbook(name, f"{case.kind}/{case.id}", case_ids=[case_id])


@bp.get("/calls/<code>/history.xlsx")
@access("auditor", "manager")
def call_workbook(code: str) -> Response:
    """The history of a call, its applications, awards, tranches, reports and checks."""
    return _workbook(f"{code} {_('history')}.xlsx", f"call {code}", call_code=code)


def _workbook(name: str, scope: str, **which: Any) -> Response:
    from grantflow.oversight.exports import history_workbook  # its library is slow to import, and few need it

    file = io.BytesIO()
    count = history_workbook(file, current_actor(), **which)
    service.record_export(current_actor(), scope, count)
    file.seek(0)
    return send_file(file, mimetype=XLSX, as_attachment=True, download_name=name)
