"""Amending live cases: which of them go to the newer version of their definition, in which state, and what that means.

`plan()` looks and changes nothing, `carry_out()` does exactly what a plan says, all or nothing. The map is the engine's
`statemap`; the one case and its event are the door's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grantflow import clock
from grantflow.cases import deadlines, definitions
from grantflow.cases.context import Context
from grantflow.cases.judging import LabelText
from grantflow.cases.models import Case
from grantflow.cases.service import change_definition
from grantflow.db import writing
from grantflow.engine.definition import Workflow
from grantflow.engine.registry import registry
from grantflow.engine.statemap import Leaving, StateMap, read_map
from grantflow.errors import GrantFlowError, Misconfigured, Refused, Stale
from grantflow.history.canonical import canonical, sha256
from grantflow.history.models import Event
from grantflow.identity.access import Actor

_CASES, _EVENTS = Case.__table__, Event.__table__
MAY = {"manager", "admin", "system"}
_LOT = 500


@dataclass(frozen=True)
class Chosen:
    """Which live cases are meant: those of one workflow, perhaps of one call, programme or version, perhaps ended ones."""

    name: str
    call_id: int | None = None
    programme_id: int | None = None
    version: str = ""
    """The beginning of the hash of the version they leave; empty for every older one."""
    ends: bool = False


@dataclass(frozen=True)
class Going:
    """A case that moves: its row, the version and the state it leaves, and the state it goes on in."""

    case: Any
    old: Workflow
    state: str

    @property
    def stays(self) -> bool:
        """Whether it keeps its state."""
        return bool(self.state == self.case.state)


@dataclass
class Plan:
    """What carrying out would do: the preview, and what is compared before it is done."""

    new: Workflow
    map: StateMap
    going: list[Going] = field(default_factory=list)
    staying: list[tuple[Any, Any]] = field(default_factory=list)
    """Cases that keep their version, each with the sentence why."""
    blocked: list[tuple[Any, Any]] = field(default_factory=list)
    """Cases for which the map cannot hold, each with the sentence why: while there is one, nothing moves."""
    votes: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """Votes under way by the name of their move, and whether they go on counting."""
    desks: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Cases by the desk they leave and the one they come to; "" is nobody's."""
    dates: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Deadlines by their name and what becomes of them: "ends", "begins", "moves" or "falls at once"."""
    guards: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Guards the older version did not have there and that say no today: the name of the move and the sentence."""
    duties: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Moves that ask for another person than an earlier step did, by a name no event of these cases has."""
    finals: Counter[tuple[str, bool]] = field(default_factory=Counter)
    """Cases that keep their state while it becomes an end (true) or stops being one."""

    @property
    def versions(self) -> dict[int, int]:
        """The cases that move with their versions as they were looked at."""
        return {going.case.id: going.case.version for going in self.going}

    @property
    def mark(self) -> str:
        """A short word for exactly this plan: another case, event, map or definition makes another one."""
        cases = [[g.case.id, g.case.version, g.state] for g in self.going]
        return sha256(canonical([self.new.content_hash, self.map.reason, cases]).encode())[:12]


def called(case: Any) -> str:
    """A case as the shell and a refusal name it: its number, else its name in the chain."""
    return str(case.ref or f"{case.kind}/{case.id}")


def plan(chosen: Chosen, file: Path, actor: Actor) -> Plan:
    """Look at the chosen cases and the map, inside a unit of work; the cases are locked until it ends.

    Raises DefinitionFaults with all that is wrong with the map, Misconfigured for a workflow or version that is not
    there, Refused for somebody who manages none of the cases.
    """
    new = _in_force(chosen.name)
    known = [workflow for workflow in definitions.versions_of(new.name) if workflow.content_hash != new.content_hash]
    older = _of_version(chosen.version, known, new) if chosen.version else known
    rows = _rows(chosen, [workflow.content_hash for workflow in older])
    mine = [row for row in rows if actor.roles_on(row) & MAY]
    if (rows and not mine) or not actor.has(*MAY):
        raise Refused(_("Only the programme manager may move cases to another version."))
    live = {row.workflow_hash for row in mine if chosen.ends or not definitions.card(row).final}
    leaving = [Leaving(workflow, chosen.ends) for workflow in older if workflow.content_hash in live]
    made = Plan(new, read_map(file, new, leaving, known))
    theirs = {row.id for row in rows} - {row.id for row in mine}
    made.staying = [(row, _("it belongs to a programme of other managers")) for row in rows if row.id in theirs]
    for row in mine:
        old = definitions.pinned(row.workflow_hash)
        if old.state(row.state).final and not chosen.ends:
            made.staying.append((row, _("it has ended and stays with the version it ended under")))
            continue
        _judge(made, Going(row, old, made.map.target(row.state)), actor)
    _votes(made)
    return made


def carry_out(
    chosen: Chosen, file: Path, actor: Actor, *, seen: Mapping[int, int] | None = None, mark: str = ""
) -> Plan:
    """Move what a plan says, one event for each case, inside a unit of work: all of them or none.

    `seen` is `versions` of the plan that was looked over, `mark` its word: Stale, naming the cases, where they are not
    what they were. Refused while the map cannot hold for one of them. A second time there is nothing left to move.
    """
    made = plan(chosen, file, actor)
    if seen is not None and (other := _changed(made, seen)):
        raise Stale(_("These cases changed since the preview: %(cases)s. Look at it anew.", cases=", ".join(other)))
    if mark and mark != made.mark:
        raise Stale(_("What would be done is no longer what the preview showed. Look at it anew."))
    if made.blocked:
        raise Refused(_("The map does not hold for every case, so none was moved. The preview says for which."))
    for going in made.going:
        change_definition(
            going.case.id, made.new, going.state, actor=actor, reason=made.map.reason, version=going.case.version
        )
    return made


def _in_force(name: str) -> Workflow:
    try:
        return definitions.current(name)
    except KeyError:
        names = ", ".join(sorted(definitions.all_current()))
        raise Misconfigured(f"There is no workflow {name!r}; there are: {names}.") from None


def _of_version(wanted: str, older: Sequence[Workflow], new: Workflow) -> list[Workflow]:
    found = [workflow for workflow in older if workflow.content_hash.startswith(wanted.lower())]
    if len(found) == 1:
        return found
    if not found and new.content_hash.startswith(wanted.lower()):
        raise Misconfigured(f"{wanted} is the version of {new.name!r} that is in force; name the one that cases leave.")
    said = f"Several versions of {new.name!r} begin" if found else f"No older version of {new.name!r} begins"
    known = ", ".join(workflow.content_hash[:12] for workflow in found or older) or "none"
    raise Misconfigured(f"{said} with {wanted}; there are: {known}.")


def _rows(chosen: Chosen, hashes: list[str]) -> list[Any]:
    query = select(_CASES).where(_CASES.c.workflow_hash.in_(hashes)).order_by(_CASES.c.id).with_for_update()
    if chosen.call_id is not None:
        query = query.where(_CASES.c.call_id == chosen.call_id)
    if chosen.programme_id is not None:
        query = query.where(_CASES.c.programme_id == chosen.programme_id)
    return list(writing().execute(query).all())


def _judge(made: Plan, going: Going, actor: Actor) -> None:
    """Take a case up among those that go, or among those for which the map cannot hold."""
    case, new = going.case, made.new
    card = new.state(going.state)
    if (broken := _broken(case, str(card.stage))) is not None:
        label = LabelText(card.label)
        sentence = _("in “%(state)s” it would be without the facts of that stage (%(rule)s)", state=label, rule=broken)
        made.blocked.append((case, sentence))
        return
    now = clock.now()
    entered = {} if going.stays else {"since_at": now, "since_seq": case.version + 1}
    there = SimpleNamespace(**{**case._mapping, "state": going.state, "stage": str(card.stage), **entered})
    ctx = Context(writing(), there, new, None, actor, there.since_at, asking=True)  # type: ignore[arg-type]
    try:
        wanted = deadlines.planned(ctx, going.state)
    except GrantFlowError as error:
        made.blocked.append((case, _("a date of its new state is not known: %(why)s", why=str(error) or "—")))
        return
    made.going.append(going)
    _dates(made, there, wanted, now)
    left = going.old.state(case.state)
    if left.desk != card.desk:
        made.desks[left.desk or "", card.desk or ""] += 1
    if going.stays and left.final != card.final:
        made.finals[going.state, card.final] += 1
    _moves(made, going, ctx)


def _broken(case: Any, stage: str) -> str | None:
    """The rule of the database that a case would break in that stage, tried and taken back; None where it fits."""
    if stage == case.stage:
        return None
    current = writing()
    trial = current.begin_nested()
    try:
        current.execute(update(_CASES).where(_CASES.c.id == case.id).values(stage=stage))
    except IntegrityError as error:
        found = re.search(r"\bck_\w+", str(error.orig))
        return _rule(found[0]) if found else " ".join(str(error.orig).split())
    finally:
        trial.rollback()
    return None


def _rule(constraint: str) -> str:
    tables = (t for t in Case.metadata.tables if constraint.startswith(f"ck_{t}_"))
    table = max(tables, key=len, default="")
    return f"{table}, {constraint.removeprefix(f'ck_{table}_').replace('_', ' ')}"


def _dates(made: Plan, case: Any, wanted: list[dict[str, Any]], now: Any) -> None:
    surplus, missing = deadlines.against(case, wanted)
    gone, come = {row.name for row in surplus}, {row["name"]: row["due_at"] for row in missing}
    for name in gone - come.keys():
        made.dates[name, "ends"] += 1
    for name, due in come.items():
        made.dates[name, "falls at once" if due <= now else "moves" if name in gone else "begins"] += 1


def _moves(made: Plan, going: Going, ctx: Context) -> None:
    """What the newer version asks of its next moves that the older did not ask there."""
    had = {(move.name, guard) for move in going.old.moves_from(going.case.state) for guard in move.guards}
    for move in made.new.moves_from(going.state):
        ctx.move = move
        for name in move.guards:
            if (move.name, name) in had:
                continue
            try:
                verdict = registry.guards[name](ctx)
                because = "" if verdict else str(verdict.because)
            except GrantFlowError as error:
                because = str(error) or name
            if because:
                made.guards[move.name, because] += 1
        for other in move.distinct_from:
            if other not in going.old.moves_by_name:
                made.duties[move.name, other] += 1


def _votes(made: Plan) -> None:
    """Which votes under way go on counting: those on a move of the same name, of a case that keeps its state."""
    for start in range(0, len(made.going), _LOT):
        lot = {going.case.id: going for going in made.going[start : start + _LOT]}
        query = select(_EVENTS.c.case_id, _EVENTS.c.move).join(_CASES, _CASES.c.id == _EVENTS.c.case_id)
        query = query.where(_EVENTS.c.case_id.in_(list(lot)), _EVENTS.c.seq > _CASES.c.since_seq)
        for row in writing().execute(query):
            going = lot[row.case_id]
            old = going.old.moves_by_name.get(row.move)
            if old is None or old.quorum < 2:
                continue
            new = made.new.moves_by_name.get(row.move)
            counts = going.stays and new is not None and new.quorum > 1 and going.state in new.source
            made.votes[row.move, counts] += 1


def _changed(made: Plan, seen: Mapping[int, int]) -> list[str]:
    """The cases that are not what they were when they were looked over, by number or name."""
    now = {going.case.id: going.case for going in made.going}
    odd = sorted(n for n in now.keys() | seen.keys() if n not in now or seen.get(n) != now[n].version)
    rows = {row.id: row for row in writing().execute(select(_CASES).where(_CASES.c.id.in_(odd)))}
    return [called(rows[number]) if number in rows else str(number) for number in odd]
