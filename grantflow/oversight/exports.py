"""A case's or a call's history as a workbook: the same rows as the page, with all that a stranger needs to verify them.

It reads and writes nothing else; who may ask for it is checked by the rows the asker may see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select

from grantflow import clock
from grantflow.cases import definitions, words
from grantflow.cases.access import visible_to
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Workflow
from grantflow.errors import NotFound
from grantflow.history.canonical import canonical
from grantflow.history.models import Event, PrivateValue
from grantflow.identity.access import Actor
from grantflow.identity.labels import ROLE_LABELS
from grantflow.programmes.models import Call
from grantflow.rendering import language
from grantflow.workbook import Book

_CASES, _EVENTS, _PRIVATE = Case.__table__, Event.__table__, PrivateValue.__table__


def cases_of(actor: Actor, *, case_ids: list[int] | None = None, call_code: str | None = None) -> list[Any]:
    """The cases asked for that this actor may see, with their descendants, in order; NotFound where there are none."""
    query = select(_CASES).where(visible_to(actor)).order_by(_CASES.c.id)
    if call_code is not None:
        call_id = session().scalar(select(Call.case_id).where(Call.code == call_code))
        query = query.where(or_(_CASES.c.call_id == call_id, _CASES.c.id == call_id))
    else:
        family = select(_CASES.c.id).where(_CASES.c.id.in_(case_ids or [])).cte("family", recursive=True)
        family = family.union(select(_CASES.c.id).where(_CASES.c.parent_id == family.c.id))
        query = query.where(_CASES.c.id.in_(select(family.c.id)))
    found = list(session().execute(query))
    if not found:
        raise NotFound
    return found


def _line(
    row: Any, case: Any, held: tuple[Workflow | None, Workflow | None], beside: dict[str, str | None], lang: str
) -> list[Any]:
    """One event in words. `held` are the versions of the workflow it was in before and after."""
    move: Any = str(words.record_label(row.move))
    before, workflow = held
    left: dict[str | None, str] = {}
    states: dict[str | None, str] = {}
    if workflow is not None:
        left = {state.name: state.label.in_(lang) for state in (before or workflow).states}
        states = {state.name: state.label.in_(lang) for state in workflow.states}
        known = workflow.moves_by_name.get(row.move) if row.seq > 1 else None
        move = known.say.in_(lang) if known else move
    changes = "\n".join(_change(change, beside) for change in row.facts.get("changes", []))
    other = {name: value for name, value in row.facts.items() if name != "changes"}
    return [
        case.ref or "", f"{case.kind}/{case.id}", case.title, row.seq, row.at, move,
        left.get(row.from_state, row.from_state or ""), states.get(row.to_state, row.to_state or ""),
        beside.get("actor") or _("erased on request"), str(ROLE_LABELS.get(row.role, row.role)), row.actor_id,
        beside.get("reason", ""), changes, canonical(other) if other else "",
        row.trigger, row.move, row.from_state or "", row.to_state or "", row.key or "",
        canonical(row.facts), canonical(row.private), row.prev_hash, row.hash,
    ]  # fmt: skip


def _state(case: Any, lang: str) -> str:
    return definitions.pinned(case.workflow_hash).state(case.state).label.in_(lang) if case.workflow_hash else ""


def _change(change: dict[str, Any], beside: dict[str, str | None]) -> str:
    name = change["field"]
    if change.get("private"):
        gone = _("erased on request")
        before, after = beside.get(f"{name}:before") or gone, beside.get(f"{name}:after") or gone
    else:
        before, after = _plain(change["before"]), _plain(change["after"])
    return f"{name}: {before} → {after}"


def _plain(value: Any) -> str:
    if isinstance(value, dict) and {"minor", "currency"} <= value.keys():
        from grantflow.money import Money

        return f"{Money(value['minor'], value['currency']).amount} {value['currency']}"
    return "" if value is None else value if isinstance(value, str) else canonical(value)


def _lines(cases: list[Any], progress: Callable[[int, int], None] | None, lang: str) -> Iterator[list[Any]]:
    import json

    for number, case in enumerate(cases, 1):
        beside: dict[int, dict[str, str | None]] = {}
        for row in session().execute(select(_PRIVATE).where(_PRIVATE.c.case_id == case.id)):
            value = json.loads(row.value) if row.value is not None else None
            beside.setdefault(row.seq, {})[row.name] = (
                value if value is None or isinstance(value, str) else _plain(value)
            )
        rows = session().execute(select(_EVENTS).where(_EVENTS.c.case_id == case.id).order_by(_EVENTS.c.seq)).all()
        held = definitions.along(case, rows)
        for row, versions in zip(rows, zip([None, *held], held, strict=False), strict=True):
            yield _line(row, case, versions, beside.get(row.seq, {}), lang)
        if progress is not None:
            progress(number, len(cases))


def history_workbook(
    out: Path | Any,
    actor: Actor,
    *,
    case_ids: list[int] | None = None,
    call_code: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write the history of cases, with all that hangs on them, or of a whole call; gives back the number of events."""
    cases = cases_of(actor, case_ids=case_ids, call_code=call_code)
    book = Book()
    headers = [
        (_("Number"), 16), (_("Case in the chain"), 16), (_("Title"), 36), (_("Event"), 7), (_("Time, UTC"), 19),
        (_("What happened"), 34), (_("From"), 18), (_("To"), 18), (_("Who"), 24), (_("In the role of"), 22),
        (_("Person's number"), 10), (_("Reason"), 40), (_("Before → after"), 44), (_("Further facts"), 40),
        ("trigger", 16), ("move", 16), ("from", 14), ("to", 14), ("key", 14), ("facts", 30), ("private", 30),
        ("prev", 20), ("hash", 20),
    ]  # fmt: skip
    lang = language()
    count = book.sheet(_("History"), headers, _lines(cases, progress, lang))
    book.sheet(
        _("Cases"),
        [
            (_("Number"), 16),
            (_("Case in the chain"), 16),
            (_("Title"), 44),
            (_("State"), 22),
            (_("Events"), 8),
            (_("Last hash"), 70),
        ],
        ([c.ref or "", f"{c.kind}/{c.id}", c.title, _state(c, lang), c.version, c.head_hash] for c in cases),
    )
    book.notes(
        _("About"),
        [
            (_("Written at, UTC"), clock.now()),
            (_("Cases"), len(cases)),
            (_("Events"), count),
            (_("Canonical form"), "grantflow/1"),
            (
                _("To verify"),
                _(
                    "Each event is JSON with the keys v, case, seq, at, actor, role, for, trigger, move, from, to, facts, private, "
                    "key, prev: keys sorted, no blanks, UTF-8; its SHA-256 is the hash. The first prev of a case is the SHA-256 of "
                    "“grantflow/1/” and the case. Times have six digits after the point and a Z. An empty cell is null."
                ),
            ),
        ],
    )
    book.save(out)
    return count
