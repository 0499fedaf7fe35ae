"""Walking the chains and the checkpoints, and naming the first break of each in words.

It only reads. What a break means for the house is for people to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow.db import session
from grantflow.history import checkpoints
from grantflow.history.canonical import digest_of_written, event_hash, genesis, merkle_root
from grantflow.history.models import Checkpoint, CheckpointHead, Event, PrivateValue
from grantflow.history.store import as_object

_EVENTS, _PRIVATE, _CASES = Event.__table__, PrivateValue.__table__, checkpoints.CASES


@dataclass(frozen=True)
class Break:
    """A place where the history does not hold: which case or checkpoint, which event, and what is wrong there."""

    where: str
    seq: int | None
    what: Any

    def __str__(self) -> str:
        return f"{self.where}, {self.seq}: {self.what}" if self.seq is not None else f"{self.where}: {self.what}"


@dataclass
class Report:
    """The result of a verification: what was read, and every break found (the first one of each chain)."""

    cases: int = 0
    events: int = 0
    erased: int = 0
    checkpoints: int = 0
    breaks: list[Break] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is broken."""
        return not self.breaks


def _chain(name: str, case: Any, events: Iterable[Any], beside: dict[tuple[int, str], Any], report: Report) -> None:
    expected, previous = 1, genesis(name)
    for event in events:
        report.events += 1
        if event["seq"] != expected:
            report.breaks.append(Break(name, expected, _("this event is missing")))
            return
        if event["prev_hash"] != previous:
            report.breaks.append(Break(name, expected, _("it does not follow from the event before it")))
            return
        if event_hash(as_object(name, event)) != event["hash"]:
            report.breaks.append(Break(name, expected, _("its content is not what was written")))
            return
        for label, written in event["private"].items():
            kept = beside.get((expected, label))
            if kept is None:
                report.breaks.append(Break(name, expected, _("the value beside it was removed, not erased")))
                return
            if kept.value is None:
                report.erased += 1
            elif digest_of_written(kept.salt, kept.value) != written:
                report.breaks.append(Break(name, expected, _("a name or reason beside it was changed")))
                return
        expected, previous = expected + 1, event["hash"]
    if case.version != expected - 1:
        what = _("the case counts %(counts)d events, the chain has %(has)d", counts=case.version, has=expected - 1)
        report.breaks.append(Break(name, min(case.version, expected - 1) + 1, what))
    elif case.head_hash != previous:
        report.breaks.append(Break(name, expected - 1, _("the case points to another last event")))


def _walk(cases: Sequence[Any], report: Report) -> None:
    """Walk the chains of cases that follow one another by number, in two queries however many they are."""
    first, last = cases[0].id, cases[-1].id
    events: dict[int, list[Any]] = {}
    rows = select(_EVENTS).where(_EVENTS.c.case_id.between(first, last)).order_by(_EVENTS.c.case_id, _EVENTS.c.seq)
    for event in session().execute(rows).mappings():
        events.setdefault(event["case_id"], []).append(event)
    beside: dict[int, dict[tuple[int, str], Any]] = {}
    for row in session().execute(select(_PRIVATE).where(_PRIVATE.c.case_id.between(first, last))):
        beside.setdefault(row.case_id, {})[row.seq, row.name] = row
    for case in cases:
        report.cases += 1
        _chain(f"{case.kind}/{case.id}", case, events.get(case.id, ()), beside.get(case.id, {}), report)


def verify_case(case_id: int) -> Report:
    """Walk one chain."""
    report = Report()
    case = session().execute(select(_CASES).where(_CASES.c.id == case_id)).one_or_none()
    if case is None:
        report.breaks.append(Break(f"case {case_id}", None, _("there is no such case")))
    else:
        _walk([case], report)
    return report


AT_ONCE = 100
"""Chains read together: to ask for each alone takes longer than to walk it."""


def verify_all(progress: Callable[[int, int], None] | None = None) -> Report:
    """Walk every chain, then the checkpoints over them, and look for events that belong to no case."""
    report = Report()
    current = session()
    cases = current.execute(select(_CASES).order_by(_CASES.c.id)).all()
    for start in range(0, len(cases), AT_ONCE):
        _walk(cases[start : start + AT_ONCE], report)
        if progress is not None:
            progress(report.cases, len(cases))
    known = {case.id for case in cases}
    for orphan in current.scalars(select(_EVENTS.c.case_id).distinct().order_by(_EVENTS.c.case_id)):
        if orphan not in known:
            report.breaks.append(Break(f"case {orphan}", None, _("it has events, but the case is gone")))
    _checkpoints({case.id: case for case in cases}, report)
    return report


def _checkpoints(cases: dict[int, Any], report: Report) -> None:
    current = session()
    rows = current.execute(select(Checkpoint.__table__).order_by(Checkpoint.seq)).all()
    heads = CheckpointHead.__table__
    grown: dict[int, list[Any]] = {}
    for head in current.execute(select(heads).order_by(heads.c.checkpoint, heads.c.case_id)):
        grown.setdefault(head.checkpoint, []).append(head)
    known: dict[int, tuple[str, int, str]] = {}
    previous, expected = checkpoints.FIRST, 1
    gone: set[int] = set()
    for row in rows:
        report.checkpoints += 1
        name = f"checkpoint {row.seq}"
        known |= {head.case_id: (head.case, head.version, head.hash) for head in grown.get(row.seq, [])}
        mapping = dict(row._mapping)
        if row.seq != expected:
            report.breaks.append(Break(f"checkpoint {expected}", None, _("this checkpoint is missing")))
            return
        if row.prev_hash != previous or checkpoints.checkpoint_hash(mapping) != row.hash:
            report.breaks.append(Break(name, None, _("it is not what was written")))
            return
        if merkle_root([checkpoints.leaf(*known[case_id]) for case_id in sorted(known)]) != row.root:
            report.breaks.append(Break(name, None, _("its root does not cover the heads beside it")))
            return
        previous, expected = row.hash, expected + 1
        for head in grown.get(row.seq, []):
            if head.case_id not in cases:
                if head.case_id not in gone:
                    gone.add(head.case_id)
                    report.breaks.append(
                        Break(head.case, None, _("checkpoint %(n)d knew it, but it is gone", n=row.seq))
                    )
                continue
            written = current.scalar(
                select(_EVENTS.c.hash).where(_EVENTS.c.case_id == head.case_id, _EVENTS.c.seq == head.version)
            )
            if written != head.hash:
                what = _("checkpoint %(n)d saw another event here", n=row.seq)
                report.breaks.append(Break(head.case, head.version, what))
