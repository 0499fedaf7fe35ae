"""A case's or a call's history as a workbook: the same rows as the page, with all that a stranger needs to verify them.

It writes what a cut-off names and nothing else, a lot of events at a time, so that the longest history needs no more
memory than a short one. Who may ask for it is for `asked`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from grantflow.cases import definitions, words
from grantflow.db import session
from grantflow.engine.definition import Workflow
from grantflow.history.canonical import canonical
from grantflow.history.models import Event, PrivateValue
from grantflow.identity.labels import ROLE_LABELS
from grantflow.oversight.cutoff import Chain, CutOff, Window
from grantflow.rendering import language
from grantflow.workbook import Book

_EVENTS, _PRIVATE = Event.__table__, PrivateValue.__table__
_E, _P = _EVENTS.c, _PRIVATE.c


def _line(
    row: Any, case: Chain, held: tuple[Workflow | None, Workflow | None], beside: dict[str, str | None], lang: str
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
        case.ref, f"{case.kind}/{case.id}", case.title, row.seq, row.at, move,
        left.get(row.from_state, row.from_state or ""), states.get(row.to_state, row.to_state or ""),
        beside.get("actor") or _("erased on request"), str(ROLE_LABELS.get(row.role, row.role)), row.actor_id,
        beside.get("reason", ""), changes, canonical(other) if other else "",
        row.trigger, row.move, row.from_state or "", row.to_state or "", row.key or "",
        canonical(row.facts), canonical(row.private), row.prev_hash, row.hash,
    ]  # fmt: skip


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


class Written:
    """What has been written of each chain, for the sheet of cases and for whoever waits."""

    def __init__(self, cut_off: CutOff, progress: Callable[[int, int], None] | None) -> None:
        self.cut_off, self.progress = cut_off, progress
        self.done, self.of = 0, cut_off.events
        self.last_at: datetime | None = None
        self.ends: dict[int, tuple[str, str]] = {}
        """State in words and last hash, by case."""

    def lines(self, lang: str) -> Iterator[list[Any]]:
        """Every event as a row, read in lots; the queries of a lot are a fixed number."""
        for window in self.cut_off.windows():
            yield from self._lot(window, lang)
            if self.progress is not None:
                self.progress(self.done, self.of)

    def _lot(self, window: Window, lang: str) -> Iterator[list[Any]]:
        chains = {chain.id: chain for chain in window.chains}
        known = _E.case_id.in_(chains)
        within = _E.seq.between(window.first, window.last)
        private: dict[tuple[int, int], dict[str, str | None]] = {}
        beside = select(_PRIVATE).where(_P.case_id.in_(chains), _P.seq.between(window.first, window.last))
        for row in session().execute(beside.order_by(_P.case_id, _P.seq, _P.name)):
            value = json.loads(row.value) if row.value is not None else None
            private.setdefault((row.case_id, row.seq), {})[row.name] = (
                value if value is None or isinstance(value, str) else _plain(value)
            )
        changed = select(_E.case_id, _E.seq, _E.move, _E.facts).where(known, _E.move == definitions.CHANGED)
        versions: dict[int, list[Any]] = {}
        for row in session().execute(changed.order_by(_E.case_id, _E.seq)):
            if row.seq <= chains[row.case_id].last:
                versions.setdefault(row.case_id, []).append(row)
        for row in session().execute(select(_EVENTS).where(known, within).order_by(_E.case_id, _E.seq)):
            chain = chains[row.case_id]
            if row.seq > chain.last:
                continue
            changes = versions.get(chain.id, [])
            held = definitions.at(chain, changes, row.seq)
            before = definitions.at(chain, changes, row.seq - 1) if row.seq > 1 else None
            self.done += 1
            if row.seq == chain.last:
                state = held.state(row.to_state).label.in_(lang) if held is not None else ""
                self.ends[chain.id] = (state, row.hash)
                self.last_at = max(row.at, self.last_at or row.at)
            yield _line(row, chain, (before, held), private.get((row.case_id, row.seq), {}), lang)


def write(out: Any, cut_off: CutOff, progress: Callable[[int, int], None] | None = None) -> None:
    """Write the histories up to a cut-off as a workbook in the reader's language, to a path or an open file.

    The same cut-off in the same language gives the same bytes, whoever asks and when: no instant of the writing stands
    in the file. Only what is erased on request in the meantime is missing in the later one.
    """
    lang, written = language(), Written(cut_off, progress)
    headers = [
        (_("Number"), 16), (_("Case in the chain"), 16), (_("Title"), 36), (_("Event"), 7), (_("Time, UTC"), 19),
        (_("What happened"), 34), (_("From"), 18), (_("To"), 18), (_("Who"), 24), (_("In the role of"), 22),
        (_("Person's number"), 10), (_("Reason"), 40), (_("Before → after"), 44), (_("Further facts"), 40),
        ("trigger", 16), ("move", 16), ("from", 14), ("to", 14), ("key", 14), ("facts", 30), ("private", 30),
        ("prev", 20), ("hash", 20),
    ]  # fmt: skip
    with Book() as book:
        book.sheet(_("History"), headers, written.lines(lang))
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
            ([c.ref, f"{c.kind}/{c.id}", c.title, *_end(written, c)] for c in cut_off.chains),
        )
        book.notes(
            _("About"),
            [
                (_("Last event, UTC"), written.last_at),
                (_("Fingerprint of the cut-off"), cut_off.fingerprint),
                (_("Cases"), len(cut_off.chains)),
                (_("Events"), written.done),
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
        book.save(out, written.last_at)


def _end(written: Written, chain: Chain) -> tuple[str, int, str]:
    state, last_hash = written.ends.get(chain.id, ("", ""))
    return state, chain.last, last_hash
