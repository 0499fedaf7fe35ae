"""Reading reports and checks: rows with their terms, drafts with their files, and what an officer's lists
show.

It changes nothing. Whoever shows a single row has asked `cases.access` before; lists join on what the reader
may see.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select

from grantflow.awards.models import Award
from grantflow.awards.queries import award, card, terms_of
from grantflow.cases import titles
from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.disbursements.models import Tranche
from grantflow.errors import NotFound
from grantflow.followups import sustainability
from grantflow.followups.models import Check, Report, ReportFile, ReportVersion
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.paging import Page
from grantflow.programmes.models import Place
from grantflow.programmes.terms import Checks
from grantflow.programmes.terms import Report as Plan
from grantflow.submissions.answers import Draft
from grantflow.submissions.models import Application

PAGE = 25


def report(case_id: int) -> Report:
    """The report of a case; NotFound where there is none."""
    found = session().get(Report, case_id)
    if found is None:
        raise NotFound
    return found


def check(case_id: int) -> Check:
    """The check of a case; NotFound where there is none."""
    found = session().get(Check, case_id)
    if found is None:
        raise NotFound
    return found


def plan_of(row: Report) -> Plan:
    """What the call's terms ask in this report."""
    found = terms_of(award(row.award_id)).report(row.kind)
    if found is None:
        raise NotFound
    return found


def checks_of(row: Check) -> Checks:
    """What the call's terms ask in a check."""
    return terms_of(award(row.award_id)).checks


def files_of(case_id: int) -> dict[str, list[dict[str, Any]]]:
    """The files attached to a report now, by question, as answers hold them."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in session().scalars(
        select(ReportFile)
        .where(ReportFile.report_id == case_id, ReportFile.removed_at.is_(None))
        .order_by(ReportFile.id)
    ):
        found.setdefault(row.question, []).append(
            {
                "id": row.id,
                "name": row.filename,
                "size": row.size,
                "sha256": row.sha256,
                "type": row.content_type,
            }
        )
    return found


def draft_of(row: Report | Check) -> Draft:
    """What is written so far, a report's files among the values."""
    files = files_of(row.case_id) if isinstance(row, Report) else {}
    return Draft({**(row.answers or {}), **files}, dict(row.typed or {}))


def versions_of(case_id: int) -> list[ReportVersion]:
    """A report as it was sent, each time, the first one first."""
    return list(
        session().scalars(select(ReportVersion).where(ReportVersion.report_id == case_id).order_by(ReportVersion.n))
    )


def reports_of(award_id: int) -> list[tuple[Report, Any]]:
    """The reports of a grant with the rows of their cases, in order."""
    rows = session().execute(
        select(Report, Case).join(Case, Case.id == Report.case_id).where(Report.award_id == award_id).order_by(Report.n)
    )
    return [(row, case_row) for row, case_row in rows]


def checks_of_award(award_id: int) -> list[tuple[Check, Any]]:
    """The checks of a grant with the rows of their cases, in order."""
    rows = session().execute(
        select(Check, Case)
        .join(Case, Case.id == Check.case_id)
        .where(Check.award_id == award_id)
        .order_by(Check.months)
    )
    return [(row, case_row) for row, case_row in rows]


def tranche_waiting_for(report_id: int) -> Tranche | None:
    """The tranche that a report releases, if there is one."""
    return session().scalars(select(Tranche).where(Tranche.condition_case_id == report_id).order_by(Tranche.n)).first()


# ---------------------------------------------------------------------------------- officers' page
VIEWS = ("work", "filled", "open", "late", "planned", "settled")


@dataclass(frozen=True)
class Line:
    """A check in the officers' list."""

    case: Any
    check: Check
    award: Award
    organisation: Organisation
    place: Place | None
    state: Any


@dataclass(frozen=True)
class Board:
    """The officers' page of checks: counts, one page of lines, how the cohort stands, and by district."""

    view: str
    counts: dict[str, int]
    lines: tuple[Line, ...]
    page: Page
    cohort: Cohort


def _view(name: str, now: Any) -> Any:
    if name == "filled":
        return Case.state == "filled"
    if name == "open":
        return Case.state == "open"
    if name == "late":
        return (Case.state == "open") & (Case.due_at < now)
    if name == "planned":
        return Case.state == "planned"
    if name == "settled":
        return Case.stage == "closed"
    return Case.state.in_(("open", "filled"))


def board(actor: Actor, now: Any, view: str = "work", page: int = 1) -> Board:
    """Checks as this reader may see them. An unknown view is "work"; a page beyond the end is the last
    one."""
    view = view if view in VIEWS else "work"
    visible = (visible_to(actor), Case.stage != "refused")
    sums = [func.sum(case((_view(name, now), 1), else_=0)) for name in VIEWS]
    row = session().execute(select(*sums).select_from(Check).join(Case, Case.id == Check.case_id).where(*visible)).one()
    counts = {name: int(value or 0) for name, value in zip(VIEWS, row, strict=True)}
    shown = Page(page, counts[view], PAGE)
    found = (
        session()
        .execute(
            select(Case, Check, Award, Organisation, Place)
            .join(Check, Check.case_id == Case.id)
            .join(Award, Award.case_id == Check.award_id)
            .join(Organisation, Organisation.id == Award.organisation_id)
            .join(Application, Application.case_id == Award.application_id)
            .outerjoin(Place, Place.id == Application.district_id)
            .where(*visible, _view(view, now))
            .order_by(Check.opens_on, Award.number, Check.months)
            .limit(PAGE)
            .offset(shown.offset)
        )
        .all()
    )
    titles.load(k for k, *_rest in found)
    lines = tuple(Line(c, k, a, o, p, card(c)) for c, k, a, o, p in found)
    return Board(view, counts, lines, shown, cohort(actor))


@dataclass(frozen=True)
class Cohort:
    """How the enterprises stand: verdicts by month, by district, and how many are left as time goes on."""

    months: tuple[sustainability.Standing, ...]
    districts: tuple[tuple[Any, tuple[sustainability.Standing, ...]], ...]
    survival: tuple[sustainability.Survival, ...]


def cohort(actor: Actor) -> Cohort:
    """The settled checks this reader may see, counted in every way the page shows. One query."""
    rows = (
        session()
        .execute(
            select(Check.award_id, Place.id, Place.name, Check.months, Check.verdict)
            .select_from(Check)
            .join(Case, Case.id == Check.case_id)
            .join(Award, Award.case_id == Check.award_id)
            .join(Application, Application.case_id == Award.application_id)
            .outerjoin(Place, Place.id == Application.district_id)
            .where(visible_to(actor), Check.verdict.is_not(None))
            .order_by(Place.id, Check.award_id, Check.months)
        )
        .all()
    )
    names: dict[Any, Any] = {}
    by_place: dict[Any, list[tuple[int, str]]] = {}
    by_award: dict[int, list[tuple[int, str]]] = {}
    for award_id, place_id, name, month, verdict in rows:
        names[place_id] = name
        by_place.setdefault(place_id, []).append((month, str(verdict)))
        by_award.setdefault(award_id, []).append((month, str(verdict)))
    return Cohort(
        tuple(sustainability.standing((month, str(verdict)) for *_rest, month, verdict in rows)),
        tuple((names[place], tuple(sustainability.standing(pairs))) for place, pairs in by_place.items()),
        tuple(sustainability.survival(by_award.values())),
    )
