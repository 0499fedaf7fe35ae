"""The chapters of a rehearsal from the opening of a call to its results: applications are written, checked, scored and
decided, each by the moves of whoever does it.

What follows a grant is in `grant`.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from flask_babel import lazy_gettext as _

from grantflow.cases import service, texts
from grantflow.db import unit_of_work
from grantflow.eligibility import service as eligibility
from grantflow.errors import Refused
from grantflow.programmes.service import load_pack
from grantflow.rehearsals import people, profiles, writing
from grantflow.rehearsals.teller import DAY, HOUR, WHY, Rooms, Teller, owner_of
from grantflow.scoring import service as scoring
from grantflow.submissions import service as submissions


def opened(tell: Teller) -> Rooms:
    """The programme is founded, the call opens, one applicant has a draft to send and two have sent theirs."""
    call, zone = tell.call, tell.call.zone
    tell.now = call.opens_at - 31 * DAY
    with tell.at(tell.now):
        with unit_of_work():
            loaded = load_pack(tell.pack, people.SHELL)
        people.hire(loaded.programme_id, tell.language, zone)
        for name, said in tell.letters.items():
            with unit_of_work():
                texts.write(loaded.programme_id, name, said, actor=people.actor("manager"), seen=0)
    with tell.at(call.opens_at - 4 * DAY):
        for trigger in ("approve", "schedule"):
            tell.fire(tell.call_id, trigger, "manager")
    tell.wait(call.opens_at + HOUR)
    if service.get(tell.call_id).stage != "submission":
        raise Refused(
            _("This call never opens to applicants: by its workflow what was applied for is taken over from a file.")
        )
    with tell.at(call.opens_at + min(DAY, (call.closes_at - call.opens_at) / 4)):
        bodies = people.enter_applicants(tell.language, zone, None)
        setting = tell.setting()
        answers = {"applicant1": profiles.meeting(tell.terms, setting)}
        answers["applicant2"] = profiles.meeting(tell.terms, tell.setting(2))
        if (failing := profiles.failing(tell.terms, tell.setting(3))) is not None:
            answers["applicant3"] = failing
        drafts = {}
        for name, given in answers.items():
            writer = people.actor(name)
            with unit_of_work():
                drafts[name] = int(submissions.start_draft(call.code, bodies[name], actor=writer).id)
            writing.write_application(drafts[name], tell.terms, given, writer)
            if name != "applicant1" and not submissions.check(drafts[name]):
                with unit_of_work():
                    submissions.submit(drafts[name], actor=writer)
        mine, here = {"case_id": drafts["applicant1"]}, {"code": call.code}
    return [
        ("visitor", "call", "programmes.call", here),
        ("visitor", "to_read", "programmes.to_read", here),
        ("visitor", "precheck", "eligibility.check", here),
        ("applicant", "form", "submissions.tasks", mine),
        ("applicant", "check", "submissions.check", mine),
        ("applicant", "apply", "submissions.apply", here),
        ("officer", "pipeline", "eligibility.pipeline", here),
        ("manager", "health", "submissions.health", here),
    ]


def checked(tell: Teller) -> Rooms:
    """The call closes; the rules run on all that was sent."""
    with tell.at(tell.call.closes_at - HOUR):
        for case in tell.cases("application", "preparation"):
            if not submissions.check(case.id):
                with unit_of_work():
                    submissions.submit(case.id, actor=people.actor(owner_of(case.id)))
        if not tell.cases("application", "submission"):
            raise Refused(
                _("The invented answers cannot be sent: something in the form wants a person. Fill in the form as the "
                  "applicant and send it, then go on.")
            )  # fmt: skip
    tell.wait(tell.closed + timedelta(minutes=1))
    with tell.at(tell.between(Decimal("0.1"))):
        with unit_of_work():
            eligibility.run_all(tell.call_id, actor=people.actor("officer1"))
        rooms: Rooms = []
        for case in tell.cases("application", "submission"):
            rooms.append(("officer", f"checklist:{case.ref}", "cases.show", {"case_id": case.id}))
        first = {"case_id": tell.first()}
        rooms.append(("officer", "pipeline", "eligibility.pipeline", {"code": tell.call.code}))
    return [
        *rooms,
        ("applicant", "case", "cases.show", first),
        ("manager", "call_case", "cases.show", {"case_id": tell.call_id}),
    ]


def read_by_panel(tell: Teller) -> Rooms:
    """Officers pass and refuse; the panel is composed, and all but one member have declared that nothing ties them."""
    with tell.at(tell.between(Decimal("0.3"))):
        for case in tell.cases("application", "submission"):
            try:
                tell.fire(case.id, "pass", "officer1")
            except Refused:
                for officer in ("officer1", "officer2"):
                    tell.fire(case.id, "refuse", officer, reason=WHY)
    tell.wait(tell.last_appeal())  # the panel begins when nobody refused may appeal any more
    with tell.at(tell.between(Decimal("0.35"))):
        members = people.panel(tell.terms, tell.language, tell.call.zone)
        due = tell.between(Decimal("0.7")).date()
        with unit_of_work():
            scoring.compose_panel(tell.call_id, members, actor=people.actor("manager"), reviews_due_on=due)
        tell.fire(tell.call_id, "start_evaluation", "manager")
    with tell.at(tell.between(Decimal("0.4"))):
        first = tell.first()
        names = people.panellists()
        for name in names[:1] + names[2:]:
            _declare(tell, name)
        with unit_of_work():
            scoring.declare_interest(first, "none", actor=people.actor(names[1]))
        panel = tell.panel()
        others = [case.id for case in tell.cases("application", "scoring") if case.id != first]
        rooms: Rooms = [("panellist", "review", "scoring.review", {"case_id": first})]
        rooms += [("panellist", "interest", "scoring.interest", {"case_id": other}) for other in others[:1]]
    return [
        *rooms,
        ("chair", "board", "scoring.board", {"panel_id": panel}),
        ("applicant", "case", "cases.show", {"case_id": first}),
        ("officer", "case", "cases.show", {"case_id": first}),
    ]


def _declare(tell: Teller, name: str) -> None:
    actor = people.actor(name)
    for case in tell.cases("application", "scoring"):
        if scoring.declared(case.id, actor.person_id) is None:
            with unit_of_work():
                scoring.declare_interest(case.id, "none", actor=actor)


def ranked(tell: Teller) -> Rooms:
    """Every member scores, the first application highest; the chair closes the scoring and ranks."""
    rubric = tell.terms.rubric
    steps = (rubric.max - rubric.min) // rubric.step
    with tell.at(tell.between(Decimal("0.6"))):
        first = tell.first()
        for name in people.panellists():
            _declare(tell, name)
            actor = people.actor(name)
            for case in tell.cases("application", "scoring"):
                points = rubric.max if case.id == first else rubric.min + rubric.step * (steps * 7 // 10)
                marks = {one.code: scoring.Mark(points, WHY) for one in rubric.criteria}
                review = scoring.read_review(case.id, actor.person_id)
                if (review is None or review.submitted_at is None) and scoring.declared(
                    case.id, actor.person_id
                ) == "none":
                    with unit_of_work():
                        scoring.submit_review(case.id, scoring.Written(marks, WHY), actor=actor)
    with tell.at(tell.between(Decimal("0.8"))):
        for trigger in ("close_scoring", "rank"):
            for case in tell.cases("application", "scoring"):
                tell.fire(case.id, trigger, "panel1")
        panel = tell.panel()
    return [
        ("chair", "ranking", "scoring.ranking", {"panel_id": panel}),
        ("chair", "decide", "cases.move", {"case_id": first, "trigger": "award"}),
        ("applicant", "case", "cases.show", {"case_id": first}),
    ]


def awarded(tell: Teller) -> Rooms:
    """The chair decides in the order of the ranking while the money lasts; the manager announces."""
    with tell.at(tell.between(Decimal("0.9"))):
        left, threshold = tell.call.budget_minor, tell.terms.rubric.threshold * 100
        order = [
            (row.entry.key, row.entry.takes_minor, row.entry.mean or 0) for row in scoring.ranking_of(tell.call_id).rows
        ]
        first = tell.first()
        for case_id, asked, mean in order:
            if case_id == first and asked <= left and mean >= threshold:
                left -= asked
                tell.fire(case_id, "award", "panel1", payload={"amount_minor": asked})
            else:
                tell.fire(case_id, "decline", "panel1", reason=WHY)
        tell.fire(tell.call_id, "decide", "panel1")
    with tell.at(tell.results):
        tell.fire(tell.call_id, "announce", "manager")
        award = tell.award()
    return [
        ("applicant", "offer", "cases.show", {"case_id": award}),
        ("applicant", "accept", "cases.move", {"case_id": award, "trigger": "accept"}),
        ("visitor", "results", "publication.results", {"code": tell.call.code}),
        ("officer", "case", "cases.show", {"case_id": first}),
        ("manager", "call_case", "cases.show", {"case_id": tell.call_id}),
    ]
