"""Reports and checks: what is asked, what is kept, what a verdict follows from, and when a grant closes."""

from __future__ import annotations

import io
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError, IntegrityError

from grantflow import clock
from grantflow.cases import deadlines, service
from grantflow.cases.models import CaseDeadline, Outbox
from grantflow.db import session, unit_of_work
from grantflow.disbursements.schedule import add_months
from grantflow.engine.registry import registry
from grantflow.errors import NotFound, Refused, Stale
from grantflow.followups import checks, drafts, queries, reports
from grantflow.followups.models import Check, ReportVersion
from grantflow.followups.service import add_file, faults_in_report, remove_file, save_check, save_report
from grantflow.money import Money
from grantflow.programmes.measures import achieved
from grantflow.programmes.parts import add_period
from tests.awards.scene import FINAL, INTERIM, NO_WAY, STOPPED, WORKING, Scene, pack


def save(scene: Scene, case_id: int, typed: dict[str, Any], revision: int = 0, actor: Any = None) -> drafts.Saved:
    with unit_of_work():
        return save_report(case_id, typed, revision=revision, actor=actor)


def test_a_started_grant_has_its_reports_and_checks_with_their_days(scene: Scene) -> None:
    award_id = scene.active()
    award = scene.award(award_id)
    assert award.starts_on is not None and award.ends_on is not None
    for asked in pack().call("KR-2021").terms.reports:
        assert scene.report(award_id, asked.code).due_on == add_period(award.starts_on, asked.due)
    for months in (6, 12, 24):
        assert scene.check(award_id, months).opens_on == add_months(award.ends_on, months)
    assert scene.row(scene.check(award_id, 24).case_id).ref == "KR-2021-0001-G-C24"
    assert scene.row(scene.report(award_id, "interim").case_id).due_at is not None


# ----------------------------------------------------------------------------------------- reports
def test_a_half_written_report_is_kept_with_what_cannot_be_read(scene: Scene) -> None:
    award_id = scene.active()
    grantee, report = scene.grantees[award_id], scene.report(award_id, "interim")
    typed = {"done": "Walls painted.", "people_so_far": {"women": "four", "men": "", "not_stated": ""}}
    saved = save(scene, report.case_id, typed, 0, grantee)
    assert saved.revision == 1 and [str(f.sentence) for f in saved.faults]
    again = queries.draft_of(scene.report(award_id, "interim"))
    assert again.values == {"done": "Walls painted."} and again.raw["people_so_far"]["women"] == "four"
    with pytest.raises(Refused, match="answers are still missing"):
        scene.fire(report, "submit", grantee)


def test_a_report_is_not_written_over_by_a_colleague(scene: Scene) -> None:
    award_id = scene.active()
    grantee, report = scene.grantees[award_id], scene.report(award_id, "interim")
    save(scene, report.case_id, {"done": "First."}, 0, grantee)
    with pytest.raises(Stale):
        save(scene, report.case_id, {"done": "Second."}, 0, grantee)
    assert save(scene, report.case_id, {"done": "First."}, 0, grantee).revision == 1, "the same words are no clash"


def test_nobody_else_writes_a_report(scene: Scene) -> None:
    award_id, other = scene.active(), scene.active()
    report = scene.report(award_id, "interim")
    for actor in (scene.officer, scene.finance, scene.grantees[other]):
        with pytest.raises(Refused, match="Only the grantee"):
            save(scene, report.case_id, {"done": "Mine."}, 0, actor)


def test_a_sent_report_keeps_its_version_for_ever(scene: Scene) -> None:
    award_id = scene.active()
    report = scene.report(award_id, "interim")
    scene.fire(report, "submit", scene.grantees[award_id], payload={"answers": INTERIM})
    assert scene.report(award_id, "interim").spent == Money(4_800_000, "RUB")
    (version,) = queries.versions_of(report.case_id)
    assert version.digest == reports.digest_of(version.answers) and version.answers["done"] == INTERIM["done"]
    table = ReportVersion.__table__
    for statement in (update(table).values(n=2), delete(table)):
        with pytest.raises(DatabaseError), unit_of_work() as current:
            current.execute(statement)
    with pytest.raises(Refused, match="has been sent"):
        save(scene, report.case_id, {"done": "Other."}, 1, scene.grantees[award_id])


def test_a_report_sent_back_is_corrected_and_sent_again_as_a_second_version(scene: Scene) -> None:
    award_id = scene.active()
    report, grantee = scene.report(award_id, "interim"), scene.grantees[award_id]
    scene.fire(report, "submit", grantee, payload={"answers": INTERIM})
    scene.fire(report, "ask_changes", scene.officer, reason="Date the receipt.")
    save(scene, report.case_id, {"done": "The room is ready; the receipt is dated."}, 1, grantee)
    with pytest.raises(Refused, match="One answer is still missing"):
        scene.fire(report, "submit", grantee)  # the file named by the first version was never attached
    scene.fire(report, "submit", grantee, payload={"answers": {**INTERIM, "done": "Dated."}})
    assert [v.n for v in queries.versions_of(report.case_id)] == [1, 2]


def test_sending_a_report_twice_with_one_key_sends_it_once(scene: Scene) -> None:
    award_id = scene.active()
    report, grantee = scene.report(award_id, "interim"), scene.grantees[award_id]
    scene.fire(report, "submit", grantee, payload={"answers": INTERIM}, key="r1")
    assert scene.fire(report, "submit", grantee, payload={"answers": INTERIM}, key="r1").replayed
    assert len(queries.versions_of(report.case_id)) == 1


def test_a_receipt_is_attached_read_by_content_and_taken_away(scene: Scene) -> None:
    award_id = scene.active()
    grantee, report = scene.grantees[award_id], scene.report(award_id, "interim")
    pdf = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
    with unit_of_work():
        first = add_file(report.case_id, "receipts", "Чек 18.pdf", io.BytesIO(pdf), actor=grantee)
        assert add_file(report.case_id, "receipts", "again.pdf", io.BytesIO(pdf), actor=grantee) == first
    assert queries.draft_of(scene.report(award_id, "interim")).values["receipts"][0]["name"] == "Чек 18.pdf"
    assert "receipts" not in {fault.question for fault in faults_in_report(report.case_id)}
    with unit_of_work(), pytest.raises(Refused, match="This is a program"):
        add_file(report.case_id, "receipts", "cheque.pdf", io.BytesIO(b"MZ\x90\x00"), actor=grantee)
    with unit_of_work(), pytest.raises(NotFound):
        add_file(report.case_id, "done", "x.pdf", io.BytesIO(pdf), actor=grantee)
    with unit_of_work():
        remove_file(report.case_id, first, actor=grantee)
    assert "receipts" not in queries.draft_of(scene.report(award_id, "interim")).values


def test_a_late_report_is_told_once_and_stays_where_it_is(scene: Scene) -> None:
    award_id = scene.active()
    report = scene.report(award_id, "interim")
    with clock.at(clock.local(report.due_on, 23, 59, "Europe/Moscow") + timedelta(minutes=2)):
        deadlines.sweep()
        deadlines.sweep()
    assert scene.state(report.case_id) == "assigned"
    told = session().scalars(select(Outbox.person_id).filter_by(case_id=report.case_id, notice="report_late")).all()
    assert scene.grantees[award_id].person_id in told and len(told) == len(set(told))


def test_a_report_is_not_accepted_while_the_grant_is_suspended(scene: Scene) -> None:
    award_id = scene.active()
    report = scene.report(award_id, "interim")
    scene.fire(report, "submit", scene.grantees[award_id], payload={"answers": INTERIM})
    scene.fire(award_id, "suspend", scene.manager, reason="A visit comes first.")
    with pytest.raises(Refused, match="A visit comes first"):
        scene.fire(report, "accept", scene.officer)


def test_a_report_of_a_completed_grant_is_not_opened_again(scene: Scene) -> None:
    award_id = scene.completed()
    with pytest.raises(Refused, match="completed on the strength"):
        scene.fire(scene.report(award_id, "final"), "reopen", scene.officer, reason="A receipt.")


def test_a_grant_is_not_completed_while_a_report_is_missing(scene: Scene) -> None:
    award_id = scene.active()
    scene.paid(award_id, 1)
    with pytest.raises(Refused, match=r"RUB 132,000\.00 of RUB 330,000\.00 is paid"):
        scene.fire(award_id, "complete", scene.officer)


# ------------------------------------------------------------------------------------------ checks
@pytest.mark.parametrize(
    ("answers", "verdict", "reason"),
    [
        (WORKING, "sustainable", "Operating: yes. Ways with evidence: From own sales. So: sustainable."),
        (NO_WAY, "at_risk", "Operating: yes. Ways with evidence: none. So: at risk."),
        (STOPPED, "ceased", "Operating: no. So: ceased."),
        (
            {**WORKING, "way_sales_evidence": "—"},
            "at_risk",
            "Operating: yes. Named without evidence: From own sales. So: at risk.",
        ),
    ],
)
def test_a_verdict_follows_from_the_answers_and_says_why(
    scene: Scene, answers: dict[str, Any], verdict: str, reason: str
) -> None:
    award_id = scene.completed()
    row = scene.settled(award_id, 6, answers)
    assert row.verdict == verdict == scene.state(row.case_id)
    assert str(checks.reasoning(row)) == reason
    assert row.verified_by_id == scene.officer.person_id


def test_a_check_keeps_jobs_and_the_share_of_grants(scene: Scene) -> None:
    row = scene.settled(scene.completed(), 6, WORKING)
    assert (row.jobs_women, row.jobs_men, row.jobs_not_stated) == (3, 0, 0)
    assert row.grant_income_share == 25 and row.ways["sales"] == {
        "held": True,
        "evidence": "Tax return of 2022",
        "share": "75",
    }


def test_an_unanswered_question_keeps_a_check_from_being_sent(scene: Scene) -> None:
    award_id = scene.completed()
    row = scene.check(award_id, 6)
    scene.fire(row, "open", scene.officer)
    with pytest.raises(Refused, match="still missing"):
        scene.fire(row, "fill", scene.grantees[award_id], payload={"answers": {"operating": True}})
    with unit_of_work():
        save_check(
            row.case_id,
            {"operating": "no", "stopped_why": "The rent rose."},
            revision=0,
            actor=scene.grantees[award_id],
        )
    scene.fire(row, "fill", scene.grantees[award_id])
    assert scene.check(award_id, 6).operating is False


def test_a_check_opens_by_itself_and_closes_without_an_answer(scene: Scene) -> None:
    award_id = scene.completed()
    row = scene.check(award_id, 6)
    morning = clock.local(row.opens_on, 9, 1, "Europe/Moscow")
    with clock.at(morning):
        deadlines.sweep()
        assert scene.state(row.case_id) == "open"
    with clock.at(morning + timedelta(days=45)):
        deadlines.sweep()
    assert scene.state(row.case_id) == "no_answer"
    assert scene.check(award_id, 6).verdict == "no_answer"


def test_answers_asked_for_again_are_given_again(scene: Scene) -> None:
    award_id = scene.completed()
    row = scene.check(award_id, 6)
    scene.fire(row, "open", scene.officer)
    scene.fire(row, "fill", scene.grantees[award_id], payload={"answers": NO_WAY})
    scene.fire(row, "ask_again", scene.officer, reason="Does nobody buy from you?")
    scene.fire(row, "fill", scene.grantees[award_id], payload={"answers": WORKING})
    scene.fire(row, "verify", scene.officer)
    assert scene.state(row.case_id) == "sustainable"


def test_the_last_check_closes_the_grant(scene: Scene) -> None:
    award_id = scene.completed()
    scene.settled(award_id, 6, WORKING)
    scene.settled(award_id, 12, NO_WAY)
    assert scene.state(award_id) == "followup"
    with pytest.raises(Refused, match="1 check is still ahead: after 24 months"):
        scene.fire(award_id, "close", scene.officer)
    scene.settled(award_id, 24, STOPPED)
    assert scene.state(award_id) == "closed"


@pytest.mark.parametrize(
    "values",
    [
        {"verdict": "sustainable", "operating": False},
        {"verdict": "ceased", "operating": True},
        {"verdict": None},
        {"verdict": "unknown"},
        {"verified_by_id": None},
        {"grant_income_share_bp": 10_001},
        {"jobs_women": -1},
    ],
)
def test_the_database_itself_refuses_a_verdict_against_its_answers(scene: Scene, values: dict[str, Any]) -> None:
    row = scene.settled(scene.completed(), 6, WORKING)
    with pytest.raises(IntegrityError), unit_of_work() as current:
        current.execute(update(Check.__table__).where(Check.__table__.c.case_id == row.case_id).values(values))


def test_the_results_count_enterprises_by_their_latest_verdict(scene: Scene) -> None:
    lasting, fallen, silent = scene.completed(), scene.completed(), scene.completed()
    for award_id in (lasting, fallen, silent):
        scene.settled(award_id, 6, WORKING)
    scene.settled(fallen, 12, NO_WAY)
    scene.fire(scene.check(silent, 12), "open", scene.officer)
    scene.fire(scene.check(silent, 12), "give_up", scene.officer)
    found = achieved("enterprises_sustainable", scene.programme)
    assert found is not None and found.value == 2, "silence keeps the verdict before it"


def test_a_cancelled_check_has_no_deadline_left(scene: Scene) -> None:
    award_id = scene.active()
    for actor in (scene.manager, scene.officer2):
        scene.fire(award_id, "terminate", actor, reason="Sold.")
    row = scene.check(award_id, 6)
    left = session().scalars(select(CaseDeadline).filter_by(case_id=row.case_id, closed_at=None)).all()
    assert not left and service.get(row.case_id).state == "cancelled"
    assert FINAL["done"]


def test_a_grant_with_a_report_open_again_is_not_reported(scene: Scene) -> None:
    award_id = scene.active()
    scene.paid(award_id, 1)
    report = scene.reported(award_id, "interim")
    judge = registry.guards["followups.reports_accepted"]
    verdict = judge(SimpleNamespace(case=scene.row(award_id)))
    assert not verdict and "1 report is not accepted yet" in str(verdict.because)
    scene.fire(report, "reopen", scene.officer, reason="A receipt is not dated.")
    verdict = judge(SimpleNamespace(case=scene.row(award_id)))
    assert "2 reports are not accepted yet" in str(verdict.because)
