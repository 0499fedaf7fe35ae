"""May this actor make this move now? The one verdict that greys the button, fills its tooltip and is the error.

It reads and never writes. Roles and separation of duties are judged here, all else by the guards of the stages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import bindparam, select

from grantflow import clock
from grantflow.cases import definitions
from grantflow.cases.context import Context
from grantflow.db import connection, session
from grantflow.engine.definition import Move
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.identity.labels import role_names

_EVENTS = Event.__table__
_PAST = (
    select(_EVENTS.c.move, _EVENTS.c.actor_id, _EVENTS.c.seq)
    .where(_EVENTS.c.case_id == bindparam("wanted"))
    .order_by(_EVENTS.c.seq)
)


class Passed:
    """Who made which move of a case, read once: what `distinct_from` and `quorum` judge by."""

    def __init__(self, case: Any, move_needs_it: bool) -> None:
        self.rows = connection().execute(_PAST, {"wanted": case.id}).all() if move_needs_it else []
        self.since = case.since_seq

    def makers(self, move: Move) -> list[int | None]:
        """Who last made that move, in the whole life of the case; of one that takes votes, everybody whose vote made it."""
        return [row.actor_id for row in self.rows if row.move == move.name][-move.quorum :]

    def voters(self, move: str) -> list[int | None]:
        """Who has voted for that move since the case came into its present state."""
        return [row.actor_id for row in self.rows if row.move == move and row.seq > self.since]


def needs_past(moves: Iterable[Move]) -> bool:
    """Whether any of these moves depends on who made earlier ones."""
    return any(move.distinct_from or move.quorum > 1 for move in moves)


class LabelText:
    """A label of a definition whose str() is in the reader's language at the moment of reading."""

    def __init__(self, label: Any) -> None:
        self.label = label

    def __str__(self) -> str:
        from flask_babel import get_locale

        locale = get_locale()
        return str(self.label.in_(locale.language if locale else "en"))


def judge(ctx: Context, past: Passed) -> Verdict:
    """The first no, or a yes: role, separation of duties, then the guards in the order of the definition."""
    move = ctx.move
    held = ctx.actor.roles_on(ctx.case)
    ctx.role = next((role for role in move.roles if role in held), "")
    if not ctx.role:
        return no(_("Only %(who)s may do this.", who=role_names(move.roles)))
    for other in move.distinct_from:
        earlier = ctx.workflow.moves_by_name[other]
        if ctx.actor.person_id is not None and ctx.actor.person_id in past.makers(earlier):
            return no(_("This needs a second person: the step “%(step)s” was yours.", step=LabelText(earlier.say)))
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


def not_from_here(case: Any) -> object:
    """The sentence that a move does not start in the state in which the case stands."""
    label = definitions.pinned(case.workflow_hash).state(case.state).label
    return _("This cannot be done while the state is “%(state)s”.", state=LabelText(label))


def ask(case: Any, move: Move, actor: Actor, past: Passed | None = None) -> Verdict:
    """May this actor make this move now? The payload is not known yet: guards that judge it answer yes."""
    if case.state not in move.source:
        return no(not_from_here(case))
    workflow = definitions.pinned(case.workflow_hash)
    ctx = Context(session(), case, workflow, move, actor, clock.now(), asking=True)
    return judge(ctx, past or Passed(case, needs_past([move])))


def moves_for(case: Any, actor: Actor) -> list[tuple[Move, Verdict]]:
    """The moves that can be seen from the present state, each with its verdict; of several with one trigger, one."""
    workflow = definitions.pinned(case.workflow_hash)
    seen = [move for move in workflow.moves_from(case.state) if not move.hidden]
    past = Passed(case, needs_past(seen))
    chosen: dict[str, tuple[Move, Verdict]] = {}
    for move in seen:
        if move.trigger not in chosen or not chosen[move.trigger][1]:
            verdict = ask(case, move, actor, past)
            if move.trigger not in chosen or verdict:
                chosen[move.trigger] = (move, verdict)
    return list(chosen.values())
