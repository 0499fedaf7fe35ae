"""The one door. `fire()` moves a case and remembers it in the same breath; `open_case()` begins one; `record()` writes
what happened without a move; `change_definition()` puts it under a newer version of its definition. Nothing else changes
a state or writes history.

Rules live in the definitions and in the guards the stages register, asked in `judging`; the row of the case is read and
written through `rows`; rows of a stage are changed by its effects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import bindparam, insert, select

from grantflow import clock
from grantflow.cases import deadlines, definitions, outbox, sealed
from grantflow.cases.context import Context, plain
from grantflow.cases.judging import Passed, ask, judge, moves_for, needs_past, not_from_here
from grantflow.cases.models import WORKFLOW_KINDS, Case
from grantflow.cases.rows import forget, get, go_on, lock, lock_parts
from grantflow.db import insert_if_new, session, unit_connection, writing
from grantflow.engine.definition import Workflow
from grantflow.engine.machine import lifecycle_of
from grantflow.engine.registry import registry
from grantflow.engine.verdict import Verdict
from grantflow.errors import Refused, Stale
from grantflow.history import store
from grantflow.history.canonical import genesis
from grantflow.identity import door
from grantflow.identity.access import SCOPES, SYSTEM, Actor
from grantflow.identity.models import ROLES

__all__ = [
    "Outcome", "Passed", "ask", "change_definition", "fire", "forget", "get", "lock", "lock_parts", "moves_for",
    "open_case", "record",
]  # fmt: skip

_CASES = Case.__table__
AT_ONCE = timedelta(0)
_BY_OPEN_KEY = select(_CASES).where(_CASES.c.open_key == bindparam("wanted"))


@dataclass(frozen=True)
class Outcome:
    """What a move did. `moved` is false for a vote that did not yet suffice and for a move that stays in its state."""

    case: Any
    event: Any
    moved: bool
    replayed: bool = False


def _fire_as_system(case_id: int, trigger: str, **arguments: Any) -> Outcome:
    return fire(case_id, trigger, **{"actor": SYSTEM, **arguments})


def fire(
    case_id: int,
    trigger: str,
    *,
    actor: Actor,
    payload: dict[str, Any] | None = None,
    reason: str = "",
    key: str | None = None,
    version: int | None = None,
    locked: Any = None,
    letters_wait: timedelta = AT_ONCE,
) -> Outcome:
    """Move a case one step and remember it: lock, authorise, guard, move, effects, one event, notices, all or nothing.

    A repeated `key` gives back the first outcome and changes nothing. `version` is what the person saw: if the case
    has gone on since, Stale. `locked` is its row, where the caller had to look at it first, as `lock()` gave it in this
    unit of work. `letters_wait`: how long its letters lie before they leave; until
    then the move is not told to those outside. Raises Refused with the verdict's sentence,
    NotFound for no such case. Every event, a vote that moves nothing included, raises the version: that makes two
    simultaneous approvals safe.
    """
    case = lock(case_id) if locked is None else locked
    if key is not None and (earlier := store.by_key(unit_connection(), case_id, key)) is not None:
        return Outcome(case, earlier, earlier.from_state != earlier.to_state, replayed=True)
    if case.workflow_hash is None:
        raise Refused(_("This record has no workflow; nothing moves it."))
    workflow = definitions.pinned(case.workflow_hash)
    if version is not None and version != case.version:
        raise Stale(_("This was changed while you were reading it. Look at it as it is now, then decide."))
    moves = workflow.moves_from(case.state, trigger)
    if not moves:
        raise Refused(not_from_here(case))
    past = Passed(case, needs_past(moves))
    current, now, reason = session(), clock.now(), reason.strip()
    refusals: list[Verdict] = []
    for move in moves:
        ctx = Context(current, case, workflow, move, actor, now, payload=dict(payload or {}), reason=reason)
        ctx.wait = letters_wait
        ctx._fire, ctx._open = _fire_as_system, open_case
        verdict = judge(ctx, past)
        if verdict:
            break
        refusals.append(verdict)
    else:
        raise Refused(refusals[0].because)
    if move.reason == "required" and not reason:
        raise Refused(_("Write the reason: it will stand in the history."))
    return _carry_out(ctx, past, trigger, key)


def _carry_out(ctx: Context, past: Passed, trigger: str, key: str | None) -> Outcome:
    case, move, workflow = ctx.case, ctx.move, ctx.workflow
    seq, enough = case.version + 1, True
    if move.quorum > 1:
        votes = len(past.voters(move.name)) + 1
        ctx.fact("vote", {"number": votes, "of": move.quorum})
        enough = votes >= move.quorum
    to_state = lifecycle_of(workflow).advance(case.state, move) if enough else case.state
    if enough:
        for name in move.effects:
            registry.effects[name](ctx)
    event = _write_event(ctx, seq, trigger, case.state, to_state, key, case.head_hash)
    columns = {"version": seq, "head_hash": event["hash"], **ctx.scope}
    if to_state != case.state:
        if ctx.wait:
            sealed.tell_later(ctx, seq)
        columns |= {
            "state": to_state,
            "stage": str(workflow.state(to_state).stage),
            "since_at": ctx.now,
            "since_seq": seq,
            "due_at": deadlines.enter(ctx, to_state),
        }
    after = go_on(ctx.connection, case, columns)
    if enough:
        outbox.write(ctx, after, event)
    forget(case.id)
    return Outcome(after, event, to_state != case.state)


def _write_event(
    ctx: Context, seq: int, trigger: str, from_state: str | None, to_state: str | None, key: str | None, prev_hash: str
) -> dict[str, Any]:
    facts = {**ctx.facts, "changes": ctx.changes} if ctx.changes else ctx.facts
    private = {**ctx.private, "actor": (ctx.actor.name, ctx.actor.person_id)}
    if ctx.reason:
        private["reason"] = (ctx.reason, ctx.actor.person_id)
    case = ctx.case
    return store.append(
        ctx.connection,
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
    return go_on(ctx.connection, case, columns)


def _one_of(roles: set[str]) -> str:
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
    if key is not None and (earlier := store.by_key(unit_connection(), case_id, key)) is not None:
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
    go_on(ctx.connection, case, {"version": case.version + 1, "head_hash": event["hash"]})
    outbox.write(ctx, case, event)
    forget(case_id)
    return event


def change_definition(
    case_id: int, to: Workflow, state: str, *, actor: Actor, reason: str, version: int | None = None
) -> Any | None:
    """Put a case under another version of its definition, in a state of that version; gives back its row.

    It is an event, not a move: no guard is asked, no effect runs, no notice goes out. A case that changes its state
    enters it now, and votes under way begin anew; one that stays keeps its time and its votes. Deadlines are reckoned
    anew. None, and nothing changed, for a case that is under that version already. `version` is what was looked over:
    Stale if the case has gone on since. Which cases, to which states, and by whom is for `amending`.
    """
    current, case = writing(), lock(case_id)
    if case.workflow_hash == to.content_hash:
        return None
    if case.workflow_hash is None:
        raise Refused(_("This record has no workflow; nothing moves it."))
    if version is not None and version != case.version:
        raise Stale(_("Somebody else was a moment faster. Look at it as it is now, then decide."))
    now, seq, roles = clock.now(), case.version + 1, actor.roles_on(case)
    role = "manager" if "manager" in roles else _one_of(roles)
    ctx = Context(current, case, to, _Record(definitions.CHANGED), actor, now, role=role, reason=reason.strip())  # type: ignore[arg-type]
    ctx.change("definition", case.workflow_hash, definitions.pin(to))
    event = _write_event(ctx, seq, definitions.CHANGED, case.state, state, None, case.head_hash)
    columns = {"version": seq, "head_hash": event["hash"], "workflow_hash": to.content_hash}
    if state != case.state:
        columns |= {"state": state, "stage": str(to.state(state).stage), "since_at": now, "since_seq": seq}
    elif (stage := str(to.state(state).stage)) != case.stage:
        columns["stage"] = stage
    after = go_on(ctx.connection, case, columns)
    forget(case_id)
    deadlines.carry_over(replace(ctx, case=after, now=after.since_at), state)
    return get(case_id)


door.hand_over(open_case=open_case, record=record)
