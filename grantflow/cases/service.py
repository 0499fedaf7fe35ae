"""The one door. `fire()` moves a case and remembers it in the same breath; `open_case()` begins one; `record()` writes
what happened without a move. Nothing else changes a state or writes history.

Rules live in the definitions and in the guards the stages register; rows of a stage are changed by its effects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import bindparam, insert, inspect, select, update

from grantflow import clock
from grantflow.cases import deadlines, definitions, outbox
from grantflow.cases.context import Context, plain
from grantflow.cases.models import Case
from grantflow.db import connection, insert_if_new, session, writing
from grantflow.engine.definition import Move, Workflow
from grantflow.engine.machine import lifecycle_of
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import NotFound, Refused, Stale
from grantflow.history import store
from grantflow.history.canonical import genesis
from grantflow.history.models import Event
from grantflow.identity import door
from grantflow.identity.access import SCOPES, Actor
from grantflow.identity.labels import role_names

_CASES = Case.__table__
_EVENTS = Event.__table__
_ONE = select(_CASES).where(_CASES.c.id == bindparam("wanted"))
_LOCKED = _ONE.with_for_update()
_BY_OPEN_KEY = select(_CASES).where(_CASES.c.open_key == bindparam("wanted"))
# SET holds the columns whose values are given, beside the two of WHERE.
_GO_ON = (
    update(_CASES)
    .where(_CASES.c.id == bindparam("this_case"), _CASES.c.version == bindparam("seen_version"))
    .returning(*_CASES.c)
)
_VISIT = (
    select(_EVENTS.c.move, _EVENTS.c.actor_id, _EVENTS.c.seq)
    .where(_EVENTS.c.case_id == bindparam("wanted"))
    .order_by(_EVENTS.c.seq)
)


@dataclass(frozen=True)
class Outcome:
    """What a move did. `moved` is false for a vote that did not yet suffice and for a move that stays in its state."""

    case: Any
    event: Any
    moved: bool
    replayed: bool = False


class Passed:
    """Who made which move of a case, read once: what `distinct_from` and `quorum` judge by."""

    def __init__(self, case: Any, move_needs_it: bool) -> None:
        self.rows = connection().execute(_VISIT, {"wanted": case.id}).all() if move_needs_it else []
        self.since = case.since_seq

    def last_actor(self, move: str) -> int | None:
        """Who last made that move, in the whole life of the case."""
        return next((row.actor_id for row in reversed(self.rows) if row.move == move), None)

    def voters(self, move: str) -> list[int | None]:
        """Who has voted for that move since the case came into its present state."""
        return [row.actor_id for row in self.rows if row.move == move and row.seq > self.since]


def _needs_past(moves: Iterable[Move]) -> bool:
    return any(move.distinct_from or move.quorum > 1 for move in moves)


def get(case_id: int) -> Any:
    """The case's row as it stands; NotFound where there is none."""
    row = connection().execute(_ONE, {"wanted": case_id}).one_or_none()
    if row is None:
        raise NotFound
    return row


def lock(case_id: int) -> Any:
    """The case's row, nobody else's to change until this unit of work ends; NotFound where there is none.

    It is the one lock of everything that belongs to a case: whoever writes a stage's row takes it first, so that no
    two writers take the same two rows in different order.
    """
    writing()
    row = connection().execute(_LOCKED, {"wanted": case_id}).one_or_none()
    if row is None:
        raise NotFound
    return row


def _judge(ctx: Context, past: Passed) -> Verdict:
    """The first no, or a yes: role, separation of duties, then the guards in the order of the definition."""
    move = ctx.move
    roles = ctx.actor.roles_on(ctx.case) & set(move.roles)
    if not roles:
        return no(_("Only %(who)s may do this.", who=role_names(move.roles)))
    ctx.role = next(role for role in move.roles if role in roles)
    for other in move.distinct_from:
        if ctx.actor.person_id is not None and past.last_actor(other) == ctx.actor.person_id:
            earlier = ctx.workflow.moves_by_name[other].say
            return no(_("This needs a second person: the step “%(step)s” was yours.", step=LabelText(earlier)))
    if move.quorum > 1 and ctx.actor.person_id in past.voters(move.name):
        missing = move.quorum - len(past.voters(move.name))
        return no(
            lazy_ngettext(
                "You have voted already; one more person is needed.",
                "You have voted already; %(num)d more people are needed.",
                missing,
            )
        )
    for name in move.guards:
        verdict = registry.guards[name](ctx)
        if not verdict:
            return verdict
    return YES


class LabelText:
    """A label of a definition whose str() is in the reader's language at the moment of reading."""

    def __init__(self, label: Any) -> None:
        self.label = label

    def __str__(self) -> str:
        from flask_babel import get_locale

        locale = get_locale()
        return str(self.label.in_(locale.language if locale else "en"))


def _context(case: Any, workflow: Workflow, move: Move, actor: Actor, **more: Any) -> Context:
    ctx = Context(session(), case, workflow, move, actor, clock.now(), **more)
    ctx._fire, ctx._open = _fire_as_system, open_case
    return ctx


def _fire_as_system(case_id: int, trigger: str, **arguments: Any) -> Outcome:
    from grantflow.identity.access import SYSTEM

    return fire(case_id, trigger, **{"actor": SYSTEM, **arguments})


def ask(case: Any, move: Move, actor: Actor, past: Passed | None = None) -> Verdict:
    """May this actor make this move now? The same verdict greys the button, fills its tooltip and is the error."""
    workflow = definitions.pinned(case.workflow_hash)
    if case.state not in move.source:
        here = LabelText(workflow.state(case.state).label)
        return no(_("This cannot be done while the state is “%(state)s”.", state=here))
    ctx = _context(case, workflow, move, actor, asking=True)
    return _judge(ctx, past or Passed(case, _needs_past([move])))


def moves_for(case: Any, actor: Actor) -> list[tuple[Move, Verdict]]:
    """The moves that can be seen from the present state, each with its verdict; of several with one trigger, one."""
    workflow = definitions.pinned(case.workflow_hash)
    seen = [move for move in workflow.moves_from(case.state) if not move.hidden]
    past = Passed(case, _needs_past(seen))
    chosen: dict[str, tuple[Move, Verdict]] = {}
    for move in seen:
        if move.trigger not in chosen or not chosen[move.trigger][1]:
            verdict = ask(case, move, actor, past)
            if move.trigger not in chosen or verdict:
                chosen[move.trigger] = (move, verdict)
    return list(chosen.values())


def fire(
    case_id: int,
    trigger: str,
    *,
    actor: Actor,
    payload: dict[str, Any] | None = None,
    reason: str = "",
    key: str | None = None,
    version: int | None = None,
) -> Outcome:
    """Move a case one step and remember it: lock, authorise, guard, move, effects, one event, notices, all or nothing.

    A repeated `key` gives back the first outcome and changes nothing. `version` is what the person saw: if the case
    has gone on since, Stale. Raises Refused with the verdict's sentence, NotFound for no such case. Every event, a
    vote that moves nothing included, raises the version: that makes two simultaneous approvals safe.
    """
    case = lock(case_id)
    if key is not None and (earlier := store.by_key(connection(), case_id, key)) is not None:
        return Outcome(case, earlier, earlier.from_state != earlier.to_state, replayed=True)
    if case.workflow_hash is None:
        raise Refused(_("This record has no workflow; nothing moves it."))
    workflow = definitions.pinned(case.workflow_hash)
    if version is not None and version != case.version:
        raise Stale(_("This was changed while you were reading it. Look at it as it is now, then decide."))
    moves = workflow.moves_from(case.state, trigger)
    if not moves:
        here = LabelText(workflow.state(case.state).label)
        raise Refused(_("This cannot be done while the state is “%(state)s”.", state=here))
    past = Passed(case, _needs_past(moves))
    refusals: list[Verdict] = []
    for move in moves:
        ctx = _context(case, workflow, move, actor, payload=dict(payload or {}), reason=reason.strip())
        verdict = _judge(ctx, past)
        if verdict:
            break
        refusals.append(verdict)
    else:
        raise Refused(refusals[0].because)
    if move.reason == "required" and not ctx.reason:
        raise Refused(_("Write the reason: it will stand in the history."))
    return _carry_out(ctx, past, trigger, key)


def _carry_out(ctx: Context, past: Passed, trigger: str, key: str | None) -> Outcome:
    case, move, workflow = ctx.case, ctx.move, ctx.workflow
    seq = case.version + 1
    if move.quorum > 1:
        votes = len(past.voters(move.name)) + 1
        ctx.fact("vote", {"number": votes, "of": move.quorum})
        enough = votes >= move.quorum
    else:
        enough = True
    to_state = lifecycle_of(workflow).advance(case.state, move) if enough else case.state
    if enough:
        for name in move.effects:
            registry.effects[name](ctx)
    event = _write_event(ctx, seq, trigger, case.state, to_state, key, case.head_hash)
    columns = {"version": seq, "head_hash": event["hash"], **ctx.scope}
    if to_state != case.state:
        columns |= {
            "state": to_state,
            "stage": str(workflow.state(to_state).stage),
            "since_at": ctx.now,
            "since_seq": seq,
            "due_at": deadlines.enter(ctx, to_state),
        }
    after = _go_on(case, columns)
    if enough:
        outbox.write(ctx, after, event)
    forget(case.id)
    return Outcome(after, event, to_state != case.state)


def _go_on(case: Any, columns: dict[str, Any]) -> Any:
    """The version-checked UPDATE of a case; gives back its row as it now is. Stale where another was faster."""
    where = {"this_case": case.id, "seen_version": case.version}
    after = connection().execute(_GO_ON, where | columns).one_or_none()
    if after is None:
        raise Stale(_("Somebody else was a moment faster. Look at it as it is now, then decide."))
    return after


def _write_event(
    ctx: Context, seq: int, trigger: str, from_state: str | None, to_state: str | None, key: str | None, prev_hash: str
) -> dict[str, Any]:
    facts = dict(ctx.facts)
    if ctx.changes:
        facts["changes"] = ctx.changes
    private = dict(ctx.private)
    private["actor"] = (ctx.actor.name, ctx.actor.person_id)
    if ctx.reason:
        private["reason"] = (ctx.reason, ctx.actor.person_id)
    case = ctx.case
    return store.append(
        connection(),
        name=f"{case.kind}/{case.id}",
        case_id=case.id,
        seq=seq,
        at=ctx.now,
        actor_id=ctx.actor.person_id,
        role=ctx.role,
        for_id=None,
        trigger=trigger,
        move=ctx.move.name,
        from_state=from_state,
        to_state=to_state,
        facts=facts,
        private=private,
        key=key,
        prev_hash=prev_hash,
    )


def forget(case_id: int) -> None:
    """Make the session's objects of this case be read again: the door writes past the ORM."""
    current = session()
    if not (loaded := current.identity_map):
        return
    if (row := loaded.get(_CASE.identity_key_from_primary_key((case_id,)))) is not None:
        current.expire(row)
    for mapper in _stages():
        if (row := loaded.get(mapper.identity_key_from_primary_key((case_id,)))) is not None:
            current.expire(row, ["stage"])


_CASE = inspect(Case)


@lru_cache(maxsize=1)
def _stages() -> tuple[Any, ...]:
    """What is mapped on a table whose stage follows the case's."""
    return tuple(mapper for mapper in Case.registry.mappers if {"case_id", "stage"} <= set(mapper.local_table.c.keys()))


class _Record:
    """What `record()` and `open_case()` put in the place of a move: a name and nothing to be moved by."""

    def __init__(self, name: str) -> None:
        self.name = name


def open_case(
    kind: str,
    *,
    actor: Actor,
    title: str = "",
    workflow: str | None = None,
    key: str | None = None,
    parent: Any = None,
    role: str = "",
    facts: dict[str, Any] | None = None,
    private: dict[str, tuple[Any, int | None]] | None = None,
    **scope: Any,
) -> Any:
    """Begin a case and write its first event, inside a unit of work. Gives back its row.

    Runs the workflow of that name (default: the kind's own), pinned at its present version; a kind that only records
    runs none. Scope columns not given are the parent's. A repeated `key` gives back the case first opened under it.
    A deadline that a stage's row decides opens once the row is there and `deadlines.reckon()` is called.
    Whether this actor may open it is for the use case that calls.
    """
    from grantflow.cases.models import WORKFLOW_KINDS

    current = writing()
    if key is not None and (known := current.execute(_BY_OPEN_KEY, {"wanted": key}).one_or_none()) is not None:
        return known
    now = clock.now()
    columns: dict[str, Any] = {c: getattr(parent, c) for c in (*SCOPES, "call_id")} if parent is not None else {}
    columns |= scope | {"parent_id": parent.id if parent is not None else scope.get("parent_id")}
    definition = definitions.current(workflow or kind) if kind in WORKFLOW_KINDS else None
    if definition is not None:
        first = definition.state(definition.initial)
        columns |= {
            "workflow_hash": definitions.pin(definition), "state": first.name, "stage": str(first.stage),
        }  # fmt: skip
    columns |= {
        "kind": kind, "title": title, "version": 0, "head_hash": "", "opened_at": now, "since_at": now,
        "since_seq": 0, "open_key": key,
    }  # fmt: skip
    begin = insert(_CASES) if key is None else insert_if_new(_CASES)
    case = current.execute(begin.returning(*_CASES.c), columns).one_or_none()
    if case is None:  # somebody opened it under this key at the same moment
        return current.execute(_BY_OPEN_KEY, {"wanted": key}).one()
    roles = actor.roles_on(case)
    ctx = Context(current, case, definition, _Record("open"), actor, now, role=role or _one_of(roles))  # type: ignore[arg-type]
    ctx.facts |= plain(facts or {})
    ctx.private |= private or {}
    event = _write_event(ctx, 1, "open", None, case.state, key, genesis(f"{kind}/{case.id}"))
    columns = {"version": 1, "head_hash": event["hash"]}
    if definition is not None:
        columns |= {"since_seq": 1, "due_at": deadlines.enter(ctx, definition.initial, sources=False)}
    return _go_on(case, columns)


def _one_of(roles: set[str]) -> str:
    from grantflow.identity.models import ROLES

    return next((role for role in ("system", "admin", *ROLES) if role in roles), "")


def record(
    case_id: int,
    what: str,
    *,
    actor: Actor,
    role: str = "",
    facts: dict[str, Any] | None = None,
    changes: Iterable[tuple[str, Any, Any]] = (),
    private_changes: Iterable[tuple[str, Any, Any, int | None]] = (),
    reason: str = "",
    key: str | None = None,
    notices: Iterable[tuple[str, list[int], dict[str, Any]]] = (),
) -> Any:
    """Write an event without a move: an extension, a role granted, changed details, an auditor's view.

    Raises the case's version like any event. A repeated `key` changes nothing and gives back the first event.
    """
    current, case = writing(), lock(case_id)
    if key is not None and (earlier := store.by_key(connection(), case_id, key)) is not None:
        return earlier
    roles = actor.roles_on(case)
    ctx = Context(
        current,
        case,
        None,  # type: ignore[arg-type]  # a record runs no workflow
        _Record(what),  # type: ignore[arg-type]
        actor,
        clock.now(),
        role=role or _one_of(roles),
        reason=reason.strip(),
    )
    ctx.facts |= plain(facts or {})
    for name, before, after in changes:
        ctx.change(name, before, after)
    for name, before, after, of in private_changes:
        ctx.change(name, before, after, private=True, of=of)
    for notice, people, params in notices:
        ctx.notify(notice, people, **params)
    event = _write_event(ctx, case.version + 1, what, case.state, case.state, key, case.head_hash)
    _go_on(case, {"version": case.version + 1, "head_hash": event["hash"]})
    outbox.write(ctx, case, event)
    forget(case_id)
    return event


door.hand_over(open_case=open_case, record=record)
