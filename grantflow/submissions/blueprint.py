"""The blueprint of the applicant's pages, and the one way a page comes to its application.

The pages themselves are in `views` (writing), `papers` (reading) and `desk` (the case's page, staff and
desk).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint

from grantflow.cases import sealed
from grantflow.cases.access import see
from grantflow.cases.service import get
from grantflow.errors import NotFound
from grantflow.identity.session import current_actor
from grantflow.money import Money
from grantflow.programmes import bounds
from grantflow.programmes.questions import Question
from grantflow.submissions import budget, countries, hanging
from grantflow.submissions.files import most_octets
from grantflow.submissions.queries import Sheet, sheet_of
from grantflow.submissions.sharing import Share, share_of

bp = Blueprint("submissions", __name__)


def sheet_for(case_id: int) -> Sheet:
    return sheet_of(see(case_id, current_actor(), "application"))


def writer_in(case_id: int, section: str | None = None, *, whole: bool = False) -> tuple[Any, Share]:
    """The application's case and what the visitor writes of it; NotFound for whoever has no part in it, not in this
    section, or not in the whole where that is asked for."""
    case, actor = get(case_id), current_actor()
    share = share_of(case, actor) if case.kind == "application" else None
    if share is None or (whole and not share.whole) or (section is not None and not share.opens(section)):
        raise NotFound
    return sealed.one_as_told(case, actor), share


def case_of_writer(case_id: int) -> Any:
    """The application's case, for those who write the whole of it; others who may read it are shown the case's page."""
    return writer_in(case_id, whole=True)[0]


def writer_of(case_id: int, section: str | None = None) -> Sheet:
    """The application, for those who write it or this section of it, with all that a page of it needs."""
    return sheet_of(writer_in(case_id, section)[0])


@bp.app_template_filter("decimal")
def _decimal(value: str | int | None) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))


@bp.app_template_filter("iso_day")
def _iso_day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


@bp.app_template_filter("country")
def _country(code: str) -> str:
    return countries.name_of(code)


@bp.app_template_filter("instant")
def _instant(stamped: str) -> datetime:
    return datetime.fromisoformat(stamped)


@bp.app_template_filter("computed_said")
def _computed_said(question: Question, value: Any, currency: str) -> str:
    return hanging.said(question, value, currency)


@bp.app_template_global("money_in")
def _money_in(minor: int | None, currency: str) -> Money | None:
    return None if minor is None else Money(minor, currency)


@bp.app_template_global("line_sum")
def _line_sum(line: dict[str, Any]) -> int:
    return budget.line_sum(Decimal(line["quantity"]), line["price_minor"])


@bp.app_template_filter("bounds_said")
def _bounds_said(question: Question) -> str:
    return bounds.said(question)


@bp.app_template_filter("most_octets")
def _most_octets(question: Question) -> int:
    return most_octets(question)


@bp.app_template_filter("accept_of")
def _accept_of(kinds: tuple[str, ...]) -> str:
    return ",".join(".jpg,.jpeg" if kind == "jpg" else f".{kind}" for kind in kinds)
