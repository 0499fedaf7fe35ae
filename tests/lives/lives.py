"""What people do, well or badly, one step after another: every step is a name and a seed.

`SAID` names the steps. A step asks the world who and what there is, chooses by its seed, and tries it by the services;
Refused, Invalid, Stale and NotFound are answers, anything else is a fault of GrantFlow.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from grantflow import clock
from grantflow.cases import definitions, service
from grantflow.cases.models import WORKFLOW_KINDS, Case
from grantflow.db import session, unit_of_work
from grantflow.disbursements.models import Tranche
from grantflow.eligibility import service as eligibility
from grantflow.engine.definition import Move
from grantflow.errors import GrantFlowError, Invalid, NotFound, Refused, Stale
from grantflow.followups import checks as checking
from grantflow.followups import drafts
from grantflow.followups import queries as followed
from grantflow.followups.models import Report
from grantflow.history import verify
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.scoring import service as scoring
from grantflow.submissions import service as submissions
from tests.awards.scene import FINAL, INTERIM, NO_WAY, STOPPED, WORKING, Scene
from tests.lives.watch import Watch
from tests.lives.world import APPLICANTS, CODE, READERS, World
from tests.submissions.conftest import ANSWERS

ORDINARY = (Refused, Invalid, Stale, NotFound)
REASONS = ("", "", "As agreed on the telephone.", "  ", "Причина: проверка.", "x" * 500)
TYPED = ("", "1.3.2022", "412 000", "-5", "yes", "Отвечено.", "99999999999999999", "x" * 6000)


class Lives:
    """All lives of one contest from a chapter on, with the watch over them."""

    def __init__(self, world: World, chapter: str) -> None:
        world.begin(chapter)
        self.world, self.steps = world, 0
        self.watch = Watch()
        self.known: dict[str, Actor] = {}
        self.said: Counter[str] = Counter()
        self.keyed: list[tuple[int, str, str, str, int, dict[str, Any], str]] = []

    def step(self, name: str, seed: int) -> None:
        """One step, then a look at everything."""
        self.world.now += timedelta(seconds=7)
        self.steps += 1
        with clock.at(self.world.now):
            SAID[name](self, random.Random(f"{name}/{seed}"))
        with clock.at(self.world.now):
            self.watch.look()

    def end(self) -> None:
        """The whole history holds."""
        report = verify.verify_all()
        assert report.whole, report.breaks
        session().rollback()

    # ------------------------------------------------------------------------------------------------ small tools
    def people(self) -> list[tuple[str, Actor]]:
        """Everybody with the roles of now."""
        return [(code, self.actor(code)) for code in self.world.people]

    def actor(self, code: str) -> Actor:
        """Somebody with the roles of now, read again only after roles were given."""
        if code not in self.known:
            self.known[code] = self.world.actor(code)
        return self.known[code]

    def cases(self, *kinds: str) -> list[Any]:
        """Cases that run a workflow; calls few, so that each has its turn."""
        table = Case.__table__
        query = select(table).where(table.c.kind.in_(kinds or WORKFLOW_KINDS)).order_by(table.c.id)
        return list(session().execute(query))

    def tries(self, what: str, act: Callable[[], Any]) -> Any:
        """Try it: done, or an ordinary answer that changed nothing. Gives back what it gave, or the error."""
        before = self.watch.mark()
        try:
            with unit_of_work():
                given = act()
        except ORDINARY as answer:
            assert isinstance(answer, NotFound) or str(answer) or getattr(answer, "fields", None), "no with no word why"
            assert self.watch.mark() == before, f"{what} was answered with {answer!r}, and yet something changed"
            self.said[f"{what}: {type(answer).__name__}"] += 1
            return answer
        self.said[f"{what}: done"] += 1
        return given

    def fires(
        self, what: str, case: Any, trigger: str, code: str, payload: dict[str, Any], reason: str, **more: Any
    ) -> Any:
        """Try a move."""
        actor = self.actor(code)
        return self.tries(
            what, lambda: service.fire(case.id, trigger, actor=actor, payload=payload, reason=reason, **more)
        )

    # ------------------------------------------------------------------------------------------------ what is given
    def payload(self, case: Any, trigger: str, rnd: random.Random) -> dict[str, Any]:
        """What a form of this move would give."""
        today = clock.today("Europe/Moscow")
        if case.kind == "application" and trigger == "return":
            return {"sections": rnd.sample(["people", "project", "budget", "plan"], 2)}
        if case.kind == "application" and trigger == "award":
            return rnd.choice([{}, {"amount_minor": 15_000_000}, {"amount_minor": rnd.randint(1, 30_000_000)}])
        if case.kind == "award" and trigger == "accept":
            return Scene.acceptance()
        if case.kind == "award" and trigger == "sign":
            number = rnd.choice([f"{case.id}/{self.steps}", "7/2021"])
            days = rnd.choice([90, 300])
            return {
                "agreement_no": number,
                "signed_on": today,
                "starts_on": today,
                "ends_on": today + timedelta(days=days),
            }
        if trigger == "approve_first":
            return {"amount_minor": session().get_one(Tranche, case.id).amount_minor}
        if trigger == "pay":
            return {"bank_ref": rnd.choice([f"PP-{case.id}-{self.steps}", "PP-7"]), "booked_on": today}
        if case.kind == "report" and trigger == "submit":
            kind = session().get_one(Report, case.id).kind
            return {"answers": INTERIM if kind == "interim" else FINAL}
        if trigger == "fill":
            return {"answers": rnd.choice([WORKING, WORKING, NO_WAY, STOPPED])}
        return {}

    def nonsense(self, rnd: random.Random) -> dict[str, Any]:
        """What no form gives, of the types a form has."""
        values: tuple[Any, ...] = (None, "", "-1", 0, -1, 10**15, date(1999, 1, 1), date(2099, 1, 1), [], {}, True)
        names = ("amount_minor", "currency", "bank_ref", "booked_on", "answers", "sections", "agreement_no", "signed_on",
                 "starts_on", "ends_on", "bank_account", "bank_name", "signatory", "bank_code", "amount")  # fmt: skip
        return {name: rnd.choice(values) for name in rnd.sample(names, 5)}

    # -------------------------------------------------------------------------------------------------- the steps
    def goes_on(self, rnd: random.Random) -> None:
        """Somebody who may make a move makes it as one would: what leads on is likelier than what ends a life."""
        people = self.people()
        here = self.cases()
        rnd.shuffle(here)
        if rnd.random() < 0.6:  # what moved last moves on, so that some lives get far
            here.sort(key=lambda case: case.since_at, reverse=True)
        ends = rnd.random() < 0.05
        for case in here:
            open_moves: list[tuple[Move, str]] = []
            for move in definitions.pinned(case.workflow_hash).moves_from(case.state):
                if (move.kind == "stop") != ends:
                    continue
                able = [(code, actor) for code, actor in people if actor.roles_on(case) & set(move.roles)]
                rnd.shuffle(able)
                found = next((code for code, actor in able if service.ask(case, move, actor)), None)
                if found is not None:
                    open_moves += [(move, found)] * (6 if move.kind == "primary" else 1)
            if open_moves:
                move, code = rnd.choice(open_moves)
                reason = "As agreed." if move.reason == "required" else rnd.choice(REASONS)
                payload = self.payload(case, move.trigger, rnd)
                session().rollback()
                key = f"key-{self.steps}"
                given = self.fires("goes on", case, move.trigger, code, payload, reason, key=key, version=case.version)
                if not isinstance(given, GrantFlowError):
                    self.keyed.append((case.id, move.trigger, code, key, given.event["seq"], payload, reason))
                return
        session().rollback()

    def anybody(self, rnd: random.Random) -> None:
        """Anybody tries anything: any trigger of the case's machine, or none of them, with any words."""
        case = rnd.choice(self.cases())
        workflow = definitions.pinned(case.workflow_hash)
        triggers = [*sorted({move.trigger for move in workflow.moves}), "no_such_move"]
        near = sorted({move.trigger for move in workflow.moves_from(case.state)}) or triggers
        trigger = rnd.choice(near if rnd.random() < 0.7 else triggers)
        code = rnd.choice(list(self.world.people))
        actor, told = self.actor(code), []
        for move in workflow.moves_from(case.state, trigger):
            told.append(bool(service.ask(case, move, actor)))
        payload = self.payload(case, trigger, rnd) if rnd.random() < 0.5 else self.nonsense(rnd)
        session().rollback()
        given = self.fires("anybody", case, trigger, code, payload, rnd.choice(REASONS))
        if not any(told):
            assert isinstance(given, Refused), f"{trigger} was shown as refused, and then {given!r}"

    def alone(self, rnd: random.Random) -> None:
        """One person tries to be two: to follow their own step where another must, or to vote once more."""
        found = []
        for case in self.cases():
            for move in definitions.pinned(case.workflow_hash).moves_from(case.state):
                others = (*move.distinct_from, *([move.name] if move.quorum > 1 else []))
                query = select(Event.actor_id).where(
                    Event.case_id == case.id, Event.move.in_(others), Event.actor_id.is_not(None)
                )
                found += (
                    [(case, move, actor) for actor in session().scalars(query.distinct().order_by(Event.actor_id))]
                    if others
                    else []
                )
        if not found:
            return
        case, move, person_id = rnd.choice(found)
        code = next(code for code, known in self.world.people.items() if known == person_id)
        payload = self.payload(case, move.trigger, rnd)
        session().rollback()
        self.fires("alone", case, move.trigger, code, payload, "As agreed.")

    def again(self, rnd: random.Random) -> None:
        """A request comes twice: the first outcome is given, nothing happens."""
        if not self.keyed:
            return
        case_id, trigger, code, key, seq, payload, reason = rnd.choice(self.keyed)
        before = self.watch.mark()
        given = self.fires("again", service.get(case_id), trigger, code, payload, reason, key=key, version=1)
        assert not isinstance(given, GrantFlowError) and given.replayed, f"{trigger} again: {given!r}"
        assert given.event.seq == seq and self.watch.mark() == before

    def stale(self, rnd: random.Random) -> None:
        """Somebody presses a button of a page that has grown old."""
        case = rnd.choice(self.cases())
        moves = definitions.pinned(case.workflow_hash).moves_from(case.state)
        if not moves or case.version < 2:
            return
        move, code = rnd.choice(moves), rnd.choice(list(self.world.people))
        payload = self.payload(case, move.trigger, rnd)
        session().rollback()
        given = self.fires("stale", case, move.trigger, code, payload, "As agreed.", version=case.version - 1)
        assert isinstance(given, Stale), f"{move.trigger} on an old page: {given!r}"

    def time(self, rnd: random.Random) -> None:
        """Hours or months pass, and the worker does its round."""
        self.world.later(
            **rnd.choice([{"hours": 3}, {"days": 2}, {"days": 9}, {"days": 16}, {"days": 50}, {"days": 200}])
        )

    def begins(self, rnd: random.Random) -> None:
        """Somebody begins a draft, for a body of theirs or of others; sometimes the request comes twice."""
        code, body = rnd.choice(list(self.world.people)), rnd.choice(self.world.bodies)
        if rnd.random() < 0.7:
            code = rnd.choice(list(APPLICANTS))
            body = self.world.bodies[APPLICANTS[code]]
        if len(self.cases("application")) > 7:
            return
        actor, key = self.actor(code), f"begin-{rnd.randint(1, 3)}"
        first = self.tries("begins", lambda: submissions.start_draft(CODE, body, actor=actor, key=key))
        if not isinstance(first, GrantFlowError):
            before = self.watch.mark()
            second = self.tries("begins", lambda: submissions.start_draft(CODE, body, actor=actor, key=key))
            assert second.id == first.id and self.watch.mark() == before

    def writes(self, rnd: random.Random) -> None:
        """Somebody saves a section of an application, whole or in part, from a page old or new."""
        found = self.cases("application")
        if not found:
            return
        case, section = rnd.choice(found), rnd.choice(list(ANSWERS))
        typed = dict(ANSWERS[section])
        if rnd.random() < 0.4:
            name = rnd.choice(list(typed))
            typed[name] = rnd.choice(TYPED) if isinstance(typed[name], str) else typed[name]
        code = rnd.choice(list(APPLICANTS) if rnd.random() < 0.8 else list(self.world.people))
        actor, revision = self.actor(code), submissions.row_of(case.id).revision - (rnd.random() < 0.1)
        self.tries("writes", lambda: submissions.save_section(case.id, section, typed, revision=revision, actor=actor))

    def sends(self, rnd: random.Random) -> None:
        """An applicant who has the whole application sends it, or the correction of it."""
        found = [c for c in self.cases("application") if c.state in ("draft", "reopened", "returned")] or self.cases(
            "application"
        )
        if not found:
            return
        case, actor = rnd.choice(found), self.actor(rnd.choice(list(APPLICANTS)))
        key, version = f"send-{self.steps}", case.version - (rnd.random() < 0.1)
        self.tries("sends", lambda: submissions.submit(case.id, actor=actor, key=key, version=version))

    def examines(self, rnd: random.Random) -> None:
        """The rules are run, one is proposed to pass and decided on by a second, an applicant is given more time."""
        found = self.cases("application")
        if not found:
            return
        case = rnd.choice([c for c in found if c.state == "submitted"] or found)
        actor = self.actor(rnd.choice(["officer", "officer2", "manager", "anna", "auditor"]))
        what = rnd.choice(["rules", "rules", "waives", "seconds", "extends"])
        if what == "rules":
            self.tries("rules", lambda: eligibility.run_checks(case.id, actor=actor))
        elif what in ("waives", "seconds"):
            rules = scoring.terms_of(submissions.row_of(case.id).pack_hash).eligibility
            rule, reason = rnd.choice([*(r.code for r in rules), "no_such_rule"]), rnd.choice(REASONS)
            if what == "waives":
                self.tries(what, lambda: eligibility.waive(case.id, rule, reason, actor=actor))
            else:
                agrees = rnd.random() < 0.8
                self.tries(what, lambda: eligibility.second(case.id, rule, agrees, reason, actor=actor))
        else:
            until, reason = clock.now() + timedelta(days=rnd.randint(-2, 90)), rnd.choice(REASONS)
            self.tries("extends", lambda: submissions.extend_deadline(case.id, until, reason, actor=actor))

    def seats(self, rnd: random.Random) -> None:
        """A manager composes the panel, whole, smaller or with another chair."""
        members = self.world.seated()
        if rnd.random() < 0.4:
            members.pop(rnd.randrange(1, len(members)))
        if rnd.random() < 0.2:
            members = [scoring.Member(m.person_id, m.seat, m.organisation_id, n == 1) for n, m in enumerate(members)]
        actor = self.actor(rnd.choice(["manager", "manager2", "manager2", "officer", "chair"]))
        self.tries(
            "seats", lambda: scoring.compose_panel(self.world.call, members, actor=actor, reason="As it must be.")
        )
        self.known.clear()

    def reads(self, rnd: random.Random) -> None:
        """A member declares an interest or none, saves or sends a review; the chair opens one again."""
        found = self.cases("application")
        if not found:
            return
        case = rnd.choice([c for c in found if c.state == "in_scoring"] or found)
        code = rnd.choice([reader for reader, _seat in READERS] if rnd.random() < 0.95 else list(self.world.people))
        actor, what = (
            self.actor(code),
            rnd.choice(["declares", "declares", "saves", "sends", "sends", "sends", "opens"]),
        )
        if what == "declares":
            kind = rnd.choice(["none"] * 9 + ["family"])
            self.tries(what, lambda: scoring.declare_interest(case.id, kind, actor=actor, note="Said freely."))
        elif what == "opens":
            of, reason = self.world.people[rnd.choice(READERS)[0]], rnd.choice(REASONS)
            self.tries(what, lambda: scoring.reopen_review(case.id, of, reason, actor=actor))
        else:
            given = self.world.review(case.id, rnd.randint(2, 5))
            if rnd.random() < 0.2:
                criterion = rnd.choice(list(given.marks))
                given.marks[criterion] = scoring.Mark(rnd.choice([None, Decimal(-1), Decimal("2.75"), Decimal(77)]))
            act = scoring.save_review if what == "saves" else scoring.submit_review
            self.tries(f"{what} a review", lambda: act(case.id, given, actor=actor))

    def answers(self, rnd: random.Random) -> None:
        """A grantee types into a report or a check."""
        found = [
            c for c in self.cases("report", "check") if c.state in ("assigned", "changes_asked", "open", "planned")
        ]
        if not found:
            return
        case, actor = rnd.choice(found), self.actor(rnd.choice(list(APPLICANTS)))
        typed = {"done": rnd.choice(TYPED), "lessons": "Order early.", "operating": "yes", "income": rnd.choice(TYPED)}
        if case.kind == "report":
            revision = followed.report(case.id).revision
            self.tries("types", lambda: drafts.save_report(case.id, typed, revision=revision, actor=actor))
        else:
            revision = followed.check(case.id).revision
            self.tries("types", lambda: checking.save_check(case.id, typed, revision=revision, actor=actor))


SAID: dict[str, Callable[[Lives, random.Random], None]] = {
    "goes_on": Lives.goes_on, "anybody": Lives.anybody, "alone": Lives.alone, "again": Lives.again, "stale": Lives.stale, "time": Lives.time,
    "begins": Lives.begins, "writes": Lives.writes, "sends": Lives.sends, "examines": Lives.examines,
    "seats": Lives.seats, "reads": Lives.reads, "answers": Lives.answers,
}  # fmt: skip
OFTEN = ["goes_on"] * 9 + ["anybody"] * 3 + ["alone"] * 3 + ["reads"] * 3 + ["time"] * 2 + ["sends"] * 2 + [
    "again", "stale", "begins", "writes", "examines", "seats", "answers",
]  # fmt: skip
"""How often each is done: most steps lead on."""
