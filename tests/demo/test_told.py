"""What the demo tells, stage by stage: a whole history, right numbers, money that adds up, busy desks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from grantflow import clock
from grantflow.awards.models import Award
from grantflow.cases import desk
from grantflow.cases.models import Case, CaseDeadline, Letter, Outbox
from grantflow.db import session
from grantflow.demo import build, cast, content
from grantflow.disbursements.models import Payment, Tranche
from grantflow.followups.models import Check
from grantflow.history import verify
from grantflow.history.models import Event
from grantflow.identity import passwords
from grantflow.identity.access import actor_for
from grantflow.identity.service import person_by_email
from grantflow.programmes import inquiry_queries
from grantflow.programmes import models as programmes
from grantflow.scoring.models import Decision, Review
from grantflow.submissions.models import Application

Opened = Callable[[str], Flask]
ORDER = list(build.STAGES)


def after(stage: str, other: str) -> bool:
    return ORDER.index(stage) >= ORDER.index(other)


def contest() -> programmes.Call:
    return session().scalars(select(programmes.Call).filter_by(code=build.CONTEST)).one()


def states(kind: str, call_id: int | None = None) -> Counter[str]:
    query = select(Case.state, func.count()).where(Case.kind == kind).group_by(Case.state)
    if call_id is not None:
        query = query.where(Case.call_id == call_id)
    return Counter({str(state): count for state, count in session().execute(query)})


def test_the_chain_of_every_case_and_every_checkpoint_is_whole(open_app: Opened, stage: str) -> None:
    open_app(stage)
    report = verify.verify_all()
    assert report.breaks == []
    assert report.events > 150 and report.checkpoints >= 1


def test_the_contest_has_its_nineteen_applications_from_five_districts(open_app: Opened, stage: str) -> None:
    open_app(stage)
    call = contest()
    rows = (
        session()
        .execute(
            select(Case.ref, Application.district_id, Application.submitted_at)
            .join(Application, Application.case_id == Case.id)
            .where(Case.call_id == call.case_id, Application.submitted_version.is_not(None))
            .order_by(Case.ref)
        )
        .all()
    )
    assert len(rows) == (19 if after(stage, "eligibility") else 9)
    assert [row.ref for row in rows] == [f"KR-2021-{n:04d}" for n in range(1, len(rows) + 1)]
    if after(stage, "eligibility"):
        assert len({row.district_id for row in rows}) == 5
    assert all(call.opens_at <= row.submitted_at for row in rows)


def test_the_districts_of_the_contest_stand_amended_in_its_history(open_app: Opened, stage: str) -> None:
    open_app(stage)
    scopes = session().scalars(select(programmes.CallScope).filter_by(call_id=contest().case_id)).all()
    assert len([row for row in scopes if row.until_on is None]) == 5
    assert len([row for row in scopes if row.until_on is not None]) == 2
    amended = (
        session().scalars(select(Event).where(Event.case_id == contest().case_id, Event.move == "scope_amended")).all()
    )
    assert len(amended) == 1


def test_the_stage_one_stopped_at_is_today(open_app: Opened, stage: str) -> None:
    open_app(stage)
    days = (clock.today("Europe/Moscow") - build.STAGES[stage]).days
    shown = contest().opens_at.astimezone(clock.ZoneInfo("Europe/Moscow")).date()
    assert (shown - clock.date(2021, 10, 1)).days == days
    call = session().scalars(select(programmes.Call).filter_by(code=build.OPEN_CALL)).one()
    assert states("call")["open"] >= 1
    assert call.opens_at < clock.now() < call.closes_at


def test_nothing_that_has_fallen_due_is_left_and_every_letter_can_be_read(open_app: Opened, stage: str) -> None:
    app = open_app(stage)
    late = select(func.count()).where(CaseDeadline.closed_at.is_(None), CaseDeadline.due_at <= clock.now())
    assert session().scalar(late) == 0
    assert session().scalar(select(func.count()).where(Outbox.sent_at.is_(None))) == 0
    letters = session().scalar(select(func.count()).select_from(Letter))
    own = select(func.count()).select_from(Outbox).where(Outbox.withheld.is_(None))
    assert letters == session().scalar(own) > 50
    written = select(func.count()).select_from(Letter).join(Outbox, Outbox.message_id == Letter.message_id)
    assert session().scalar(written.where(Letter.created_at < Outbox.created_at)) == 0
    assert app.test_client().get("/mailbox").status_code == 200


def test_money_adds_up(open_app: Opened, stage: str) -> None:
    open_app(stage)
    awards = session().scalars(select(Award)).all()
    own = set(session().scalars(select(Case.id).where(Case.kind == "award", Case.call_id == contest().case_id)))
    ledger = dict(
        session().execute(select(Payment.award_id, func.sum(Payment.amount_minor)).group_by(Payment.award_id)).all()
    )
    for row in awards:
        assert row.paid_minor == ledger.get(row.case_id, 0) <= row.amount_minor
        parts = session().scalars(select(Tranche.amount_minor).where(Tranche.award_id == row.case_id)).all()
        assert sum(parts) in (0, row.amount_minor)
    granted = [row for row in awards if row.case_id in own]
    kept = sum(row.amount_minor for row in granted if row.terminated_at is None)
    assert kept <= contest().budget_minor
    assert bool(granted) == after(stage, "award")
    if stage == "end":
        assert sum(row.paid_minor for row in granted) == kept > 0


def test_every_sign_in_works_and_every_desk_shows_what_it_should(open_app: Opened, stage: str) -> None:
    app = open_app(stage)
    people = content.read("people", content.People).people
    busy = set()
    for one in people:
        client = app.test_client()
        entered = client.post("/sign-in", data={"email": one.email, "password": cast.PASSWORD})
        assert entered.status_code in (302, 303), one.code
        page = client.get("/desk")
        assert page.status_code == 200, one.code
        person = person_by_email(one.email)
        assert person is not None
        with app.test_request_context():
            waiting = desk.items(actor_for(person))
        if waiting:
            busy.add(one.code)
        if one.role in ("applicant", "finance", "auditor"):
            assert [item.what for item in waiting if not item.due_at] == [], one.code
    assert busy == {one.code for one in people}


def test_the_door_shows_everybody_with_the_password(open_app: Opened) -> None:
    app = open_app("open")
    page = app.test_client().get("/sign-in").get_data(as_text=True)
    people = content.read("people", content.People).people
    assert len(people) == 13
    # Whoever comes only in a later stage is not there yet.
    known = [one for one in people if person_by_email(one.email)]
    assert len(known) == 13
    assert all(one.email in page for one in known) and cast.PASSWORD in page
    assert all(passwords.fault(cast.PASSWORD, email=one.email) is None for one in people)


def test_at_the_default_stage_the_money_stands_at_every_step(open_app: Opened) -> None:
    open_app("paying")
    assert build.DEFAULT == "paying"
    tranches, reports, awards = (states(kind, contest().case_id) for kind in ("tranche", "report", "award"))
    for state in ("paid", "due", "checked", "first_approved", "ready", "planned"):
        assert tranches[state] >= 1, state
    assert reports["submitted"] >= 1 and reports["changes_asked"] >= 1 and reports["accepted"] >= 5
    assert awards == {"active": 11, "suspended": 1, "refused": 1}
    held = session().scalars(
        select(Tranche)
        .join(Case, Case.id == Tranche.case_id)
        .where(Case.state == "due", Tranche.condition_case_id.in_(
            select(Case.id).where(Case.kind == "report", Case.state == "assigned")
        ))
    ).all()  # fmt: skip
    assert len(held) == 1
    late = session().scalars(select(Event).where(Event.move == "late", Event.case_id.in_(
        select(Case.id).where(Case.kind == "report"))
    )).all()  # fmt: skip
    assert len(late) >= 2
    reversed_ = session().scalars(select(Payment).filter_by(kind="reversal")).all()
    assert len(reversed_) == 1


def test_twelve_enterprises_of_thirty_have_a_grant_one_of_them_from_the_reserve(open_app: Opened) -> None:
    from grantflow.programmes.measures import achieved

    open_app("paying")
    programme = session().scalars(select(programmes.Programme).filter_by(code="prozvet")).one()
    granted = achieved("enterprises_granted", programme.id)
    target = session().scalars(select(programmes.Indicator).filter_by(code="enterprises_granted")).one()
    assert granted is not None and (granted.value, target.target) == (12, 30)
    kinds = Counter(session().scalars(select(Decision.kind).where(Decision.call_id == contest().case_id)))
    assert kinds == {"awarded": 13, "reserve": 1, "declined": 2}
    applications = states("application", contest().case_id)
    assert applications["finally_ineligible"] == 2 and applications["withdrawn"] == 1 and applications["lapsed"] == 3


def test_who_is_refused_was_refused_by_two_officers_and_one_appealed_to_somebody_else(open_app: Opened) -> None:
    open_app("end")
    refused = (
        session().scalars(select(Case.id).where(Case.kind == "application", Case.state == "finally_ineligible")).all()
    )
    ends = session().scalars(
        select(Event.move).where(Event.case_id.in_(refused), Event.to_state == "finally_ineligible")
    )
    assert sorted(ends) == ["let_stand", "uphold_refusal"]
    for case_id in refused:
        votes = session().scalars(select(Event.actor_id).where(Event.case_id == case_id, Event.move == "refuse")).all()
        assert len(votes) == len(set(votes)) == 2


def test_at_the_end_every_grant_is_closed_by_its_checks(open_app: Opened) -> None:
    open_app("end")
    assert states("award", contest().case_id) == {"closed": 12, "refused": 1}
    assert contest().stage == "closed"
    last = session().scalars(select(Check.verdict).where(Check.months == 24, Check.verdict.is_not(None))).all()
    assert Counter(last) == {"sustainable": 9, "at_risk": 2, "ceased": 1}
    assert states("check")["no_answer"] == 1


def test_the_panel_of_the_contest_declared_scored_and_ranked_everything(open_app: Opened) -> None:
    open_app("end")
    sent = (
        session()
        .execute(
            select(Review.case_id, func.count())
            .join(Case, Case.id == Review.case_id)
            .where(Case.call_id == contest().case_id, Review.status == "locked")
            .group_by(Review.case_id)
        )
        .all()
    )
    assert sorted(count for _case, count in sent) == [4, 4, *[5] * 14]


def test_attached_papers_are_files_a_reader_can_open(built: Callable[[str], Path]) -> None:
    files = [path for path in (built("open") / "files").rglob("*") if path.is_file() and path.name != "demo"]
    assert len(files) > 20
    for path in files:
        data = path.read_bytes()
        assert data.startswith(b"%PDF-1.4") and data.endswith(b"%%EOF\n")
        start = re.search(rb"startxref\n(\d+)\n", data)
        assert start is not None and data[int(start[1]) :].startswith(b"xref")


@pytest.mark.parametrize(
    "day", ["2021-10-23", "2021-11-12", "2021-12-08", "2022-02-23", "2022-07-12", "2024-01-24", "2025-03-20"]
)
def test_every_stage_has_a_day_of_its_own(day: str) -> None:
    assert day in {found.isoformat() for found in build.STAGES.values()}


def test_the_open_call_has_questions_answered_for_all_one_told_to_one_and_one_that_waits(
    open_app: Opened, stage: str
) -> None:
    open_app(stage)
    call_id = session().scalars(select(programmes.Call.case_id).filter_by(code=build.OPEN_CALL)).one()
    shown, page = inquiry_queries.published(call_id, None)
    assert page.total == 3 and any(one.earlier for one in shown)
    assert all(text.en and text.ru for one in shown for text in (one.latest.wording, one.latest.text) if one.latest)
    everything, _page = inquiry_queries.for_staff(call_id, 1)
    officer = person_by_email("officer1@demo.example")
    assert officer is not None
    assert [one.latest is None for one in everything] == [True, False, False, False, False]
    assert sum(not one.public for one in everything if one.latest) == 1
    assert any(row.call_id == call_id for row in inquiry_queries.waiting(actor_for(officer)))
