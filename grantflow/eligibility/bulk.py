"""Owns what an act over many applications would do to each of them, without doing it: it goes, or does not and why.

It asks what the moves ask, of all at once and in a fixed number of queries. It is advice: `fire()` judges each anew when
it is done, in `doing`. Which letters it would send is `telling`'s.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import and_, func, or_, select

from grantflow.cases import definitions
from grantflow.cases.judging import not_from_here
from grantflow.cases.service import get
from grantflow.db import session
from grantflow.eligibility.queries import Checked, checked_of
from grantflow.eligibility.restoring import judged_meanwhile
from grantflow.eligibility.rules import version_of
from grantflow.eligibility.standing import RESULTS, is_waiting
from grantflow.engine.definition import Move
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.identity.labels import role_names
from grantflow.programmes.closing import last_day
from grantflow.submissions.rows import call_of, terms_of

CHECK, RETURN, REFUSE, RESTORE = "check", "return", "refuse", "restore"
CHECKERS = ("officer", "manager")
_E = Event.__table__.c


@dataclass(frozen=True)
class Looked:
    """One application: whether it goes, why not, the move, and whether that is all it needs or another vote is missing."""

    row: Any
    goes: bool
    why: Any = ""
    move: Move | None = None
    last: bool = True


def look(act: str, rows: Sequence[Any], actor: Actor) -> list[Looked]:
    """What the act would do to each of these, in their order."""
    return [_checks(row, actor) for row in rows] if act == CHECK else _moves(act, rows, actor)


def _checks(row: Any, actor: Actor) -> Looked:
    if not actor.roles_on(row) & set(CHECKERS):
        return Looked(row, False, _("Only a programme officer runs the checks."))
    if not is_waiting(row):
        return Looked(row, False, _("It does not wait for its check."))
    return Looked(row, True)


def _moves(trigger: str, rows: Sequence[Any], actor: Actor) -> list[Looked]:
    found: dict[int, Move] = {}
    for row in rows:
        moves = definitions.pinned(row.workflow_hash).moves_from(row.state, trigger)
        if moves:
            found[row.id] = moves[0]
    voters = _voters([row for row in rows if row.id in found and found[row.id].quorum > 1], trigger)
    in_the_way = {
        name: _JUDGES[name]([row for row in rows if row.id in found and name in found[row.id].guards])
        for name in sorted({name for move in found.values() for name in move.guards} & set(_JUDGES))
    }
    return [_one(row, found.get(row.id), actor, voters[row.id], in_the_way) for row in rows]


def _one(row: Any, move: Move | None, actor: Actor, voters: set[int], in_the_way: dict[str, dict[int, Any]]) -> Looked:
    """In the order in which the move itself is judged."""
    if move is None:
        return Looked(row, False, not_from_here(row))
    if not actor.roles_on(row) & set(move.roles):
        return Looked(row, False, _("Only %(who)s may do this.", who=role_names(move.roles)), move)
    if actor.person_id in voters:
        missing = move.quorum - len(voters)
        why = lazy_ngettext(
            "You have voted already; one more person is needed.",
            "You have voted already; %(num)d more people are needed.",
            missing,
        )
        return Looked(row, False, why, move)
    for name in move.guards:
        if why := in_the_way.get(name, {}).get(row.id):
            return Looked(row, False, why, move)
    return Looked(row, True, "", move, len(voters) + 1 >= move.quorum)


def _voters(rows: Sequence[Any], trigger: str) -> dict[int, set[int]]:
    """Who has voted for it since each came into its present state; one query."""
    since = {row.id: row.since_seq for row in rows}
    voters: dict[int, set[int]] = defaultdict(set)
    if since:
        named = {
            move.name for row in rows for move in definitions.pinned(row.workflow_hash).moves_from(row.state, trigger)
        }
        votes = select(_E.case_id, _E.seq, _E.actor_id).where(_E.case_id.in_(list(since)), _E.move.in_(sorted(named)))
        for vote in session().execute(votes):
            if vote.seq > since[vote.case_id]:
                voters[vote.case_id].add(vote.actor_id)
    return voters


def _not_checked(rows: Sequence[Any]) -> dict[int, Any]:
    """Those whose latest run is of an older version, of other terms, or of another day; or that have none."""
    ids = [row.id for row in rows]
    checked = checked_of(ids)
    fresh = {row.id for row in rows if row.id in checked and checked[row.id].version == row.submitted_version}
    latest: dict[int, dict[str, int]] = defaultdict(dict)
    marks = select(_E.case_id, _E.move, func.max(_E.seq).label("seq")).where(
        _E.case_id.in_(ids), _E.move.in_(("rules_run", "terms_changed"))
    )
    for mark in session().execute(marks.group_by(_E.case_id, _E.move)) if ids else ():
        latest[mark.case_id][mark.move] = mark.seq
    fresh = {n for n in fresh if latest[n].get("rules_run", 0) > latest[n].get("terms_changed", 0)}
    fresh -= _of_another_day([row for row in rows if row.id in fresh], checked)
    said = _("The rules were not run on what was sent last. Run them first.")
    return {row.id: said for row in rows if row.id not in fresh}


def _of_another_day(rows: Sequence[Any], checked: dict[int, Checked]) -> set[int]:
    """Those judged by other versions of the rules than hold on the closing day, which may have been put off."""
    dated = [row for row in rows if any(r.valid_from or r.valid_to for r in terms_of(row.pack_hash).eligibility)]
    if not dated:
        return set()
    day = last_day(call_of(dated[0].call_id))
    runs = [and_(RESULTS.c.run == n, RESULTS.c.case_id.in_([row.id for row in dated if checked[row.id].run == n]))
            for n in sorted({checked[row.id].run for row in dated})]  # fmt: skip
    used: dict[int, set[Any]] = defaultdict(set)
    for result in session().execute(select(RESULTS.c.case_id, RESULTS.c.code, RESULTS.c.params).where(or_(*runs))):
        used[result.case_id].add((result.code, result.params.get("since")))
    held = {
        pack: {(rule.code, version_of(rule).get("since")) for rule in terms_of(pack).rules_on(day)}
        for pack in {row.pack_hash for row in dated}
    }
    return {row.id for row in dated if used[row.id] != held[row.pack_hash]}


def _judged_meanwhile(rows: Sequence[Any]) -> dict[int, Any]:
    """All of them, once the panel of the call has begun."""
    verdict = judged_meanwhile(get(rows[0].call_id)) if rows else None
    return {} if verdict is None or verdict else {row.id: verdict.because for row in rows}


_JUDGES: dict[str, Callable[[Sequence[Any]], dict[int, Any]]] = {
    "eligibility.checked": _not_checked,
    "eligibility.not_judged_yet": _judged_meanwhile,
}
"""What the guards of these moves say, asked of all at once. A guard that is not here is asked when it is done."""
