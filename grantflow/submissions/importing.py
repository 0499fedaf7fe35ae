"""Owns bringing the applications of a file into a call: everything is looked at first, then all is written, or nothing.

Reading a line is `translating`'s, opening an application is `taking`'s. What became of an application is a move of the
definition ("award", "decline") fired here by its trigger: its guard and effect belong to a later stage, which no import
of this one names. A line that is here already is told by its key and never brought twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import select

from grantflow import clock
from grantflow.cases import definitions
from grantflow.cases.service import fire, get, lock, record
from grantflow.db import session, writing
from grantflow.engine.definition import Workflow
from grantflow.errors import GrantFlowError, Invalid, NotFound, Refused
from grantflow.history.models import Event
from grantflow.identity.access import Actor
from grantflow.programmes.queries import call_by_code, districts_of_region, terms_by_hash, workflow_for
from grantflow.submissions import mapping as mappings
from grantflow.submissions import tables
from grantflow.submissions.rows import CASES, call_of
from grantflow.submissions.taking import TAKE_OVER, Origin, bring, call_takes, key_of
from grantflow.submissions.translating import RowFault, Taken, Translator

Progress = Callable[[int, int], None]
MAY_IMPORT = ("manager", "officer")
AWARD, DECLINE = "award", "decline"


@dataclass(frozen=True)
class Known:
    """A line that was imported before: its fingerprint, and where it came from."""

    digest: str
    file: str
    line: int


@dataclass
class Plan:
    """A file that was looked at from end to end: what is wrong with it, and how much of it can be brought."""

    call: Any
    mapping: mappings.Mapping
    table: tables.Table
    translator: Translator
    good: int = 0
    here: int = 0
    """Lines that were brought before, unchanged."""
    others: int = 0
    """Lines of other calls the mapping names."""
    nobodys: int = 0
    """Lines of no call the mapping names."""
    faults: list[RowFault] = field(default_factory=list)
    bad_lines: set[int] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)
    """Columns that hold something and are not taken over."""

    @property
    def lines(self) -> int:
        """Lines of this call in the file."""
        return self.good + self.here + len(self.bad_lines)


def look(file: Path, call_code: str, mapping_file: Path, actor: Actor, progress: Progress) -> Plan:
    """Look at a whole file: change nothing, find every fault.

    Raises DefinitionFaults for a mapping that does not fit, Invalid for a file that cannot be read or lacks columns,
    Refused for somebody who may not import here or a call that takes nothing, NotFound for no such call.
    """
    try:
        call = call_by_code(call_code)
    except NotFound:
        raise NotFound(_("There is no call %(code)s.", code=call_code)) from None
    call_case = get(call.case_id)
    if not actor.roles_on(call_case) & set(MAY_IMPORT):
        raise Refused(_("Only a manager or an officer of the call’s programme may import into it."))
    mapping = mappings.read(mapping_file)
    terms = terms_by_hash(call.pack_hash)
    districts = [place.code for place in districts_of_region(call)]
    mappings.check(mapping, mapping_file.name, call.code, terms, districts)
    if not (verdict := call_takes(str(call_case.stage))):
        raise Refused(verdict.because)
    _can_take(definitions.current(workflow_for(call.programme_id, "application")), mapping)
    table = tables.open_table(file, mappings.layout_of(mapping), mapping.columns())
    _columns_there(mapping, table)
    translator = Translator(mapping, table, call.code, terms, set(districts), call.zone, clock.today(call.zone))
    plan = Plan(call_of(call.case_id), mapping, table, translator, unread=mappings.unread(mapping, table.headers))
    _read_all(plan, progress)
    return plan


def _can_take(workflow: Workflow, mapping: mappings.Mapping) -> None:
    """Refused where the definition has no way in for such applications, or none to the outcomes of the mapping."""
    entry = workflow.moves_from(workflow.initial, TAKE_OVER)
    if not entry:
        raise Refused(_("The programme’s applications (%(workflow)s) cannot be imported.", workflow=workflow.name))
    told = mapping.outcome
    wanted = [AWARD, *([DECLINE] if told.declined else [])] if told else []
    for trigger in wanted:
        if not workflow.moves_from(str(entry[0].to), trigger):
            raise Refused(
                _(
                    "The programme decides on its applications itself (%(workflow)s): import them without an outcome.",
                    workflow=workflow.name,
                )
            )


def _columns_there(mapping: mappings.Mapping, table: tables.Table) -> None:
    """Raise Invalid with every column that is missing or stands twice."""
    wrong: dict[str, Any] = {}
    for column, where in mapping.columns().items():
        count = len(table.places.get(tables.same(column), ()))
        if count == 0:
            wrong[where + column] = _("The file has no column “%(column)s” (%(where)s).", column=column, where=where)
        elif count > 1:
            wrong[where + column] = _("The column “%(column)s” stands %(count)s times.", column=column, count=count)
    if wrong:
        raise Invalid(_("The columns do not fit the mapping."), wrong)


def _known(call: Any) -> dict[str, Known]:
    """The lines imported into a call before, by their keys, in one query."""
    rows = session().execute(
        select(CASES.c.open_key, Event.facts)
        .join(Event, (Event.case_id == CASES.c.id) & (Event.seq == 1))
        .where(CASES.c.call_id == call.case_id, CASES.c.kind == "application", CASES.c.open_key.like("import/%"))
    )
    return {key: Known(facts["source_digest"], facts["source_file"], facts["source_line"]) for key, facts in rows}


def _read_all(plan: Plan, progress: Progress) -> None:
    known, seen = _known(plan.call), dict[str, int]()
    unnamed = set[int]()
    for done, line in enumerate(plan.table.lines(), 1):
        progress(done, max(plan.table.expected, done))
        if not plan.translator.mine(line):
            ours = plan.translator.anybodys(line)
            plan.others, plan.nobodys = plan.others + ours, plan.nobodys + (not ours)
            continue
        unnamed |= {at for at, name in enumerate(plan.table.headers) if not name and tables.text_of(_at(line, at))}
        taken = _judged(plan, line, known, seen)
        if isinstance(taken, Taken):
            plan.good += 1
        elif taken is None:
            plan.here += 1
        else:
            plan.faults += taken
            plan.bad_lines.add(line.number)
    plan.unread += [str(_("column %(number)s, which has no name", number=at + 1)) for at in sorted(unnamed)]


def _at(line: tables.Line, place: int) -> tables.Cell:
    return line.cells[place] if place < len(line.cells) else None


def _judged(
    plan: Plan, line: tables.Line, known: dict[str, Known], seen: dict[str, int]
) -> Taken | list[RowFault] | None:
    """The line to be brought, None for one that is here already, or all that is wrong with it."""
    taken = plan.translator.read(line)
    if not isinstance(taken, Taken):
        return taken
    column, key = ", ".join(plan.mapping.key), key_of(plan.call.code, taken.key)
    if key in seen:
        told = _("The same stands in line %(line)s already; one line is one application.", line=seen[key])
        return [RowFault(line.number, column, told)]
    seen[key] = line.number
    before = known.get(key)
    if before is None:
        return taken
    if before.digest == taken.digest:
        return None
    told = _(
        "It was imported before, from %(file)s, line %(line)s, with other values. What is here is not changed.",
        file=before.file, line=before.line,
    )  # fmt: skip
    return [RowFault(line.number, column, told)]


def carry_out(plan: Plan, actor: Actor, progress: Progress) -> int:
    """Bring every good line, inside a unit of work; gives back how many. What fails here fails for all of them.

    The file is read once more, line by line, so that the memory it takes does not grow with it; the bytes are those
    that were looked at.
    """
    writing()
    case = lock(plan.call.case_id)  # two imports into one call come one after the other
    if not (verdict := call_takes(str(case.stage))):
        raise Refused(verdict.because)
    brought = 0
    for taken in _again(plan):
        origin = Origin(plan.table.name, plan.table.sha256, taken.line)
        try:
            _bring(plan, case, taken, origin, actor)
        except GrantFlowError as error:
            sentence = str(error) or type(error).__name__
            raise Invalid(_("line %(line)s: %(reason)s", line=taken.line, reason=sentence)) from error
        brought += 1
        progress(brought, max(plan.good, brought))
    if brought:
        record(
            plan.call.case_id,
            "applications_imported",
            actor=actor,
            facts={
                "source_file": plan.table.name, "source_sha256": plan.table.sha256,
                "imported": brought, "left_out": len(plan.bad_lines),
            },
        )  # fmt: skip
    return brought


def _again(plan: Plan) -> Iterator[Taken]:
    known, seen = _known(plan.call), dict[str, int]()
    for line in plan.table.lines():
        if line.number not in plan.bad_lines and plan.translator.mine(line):
            taken = _judged(plan, line, known, seen)
            if isinstance(taken, list):  # imported by somebody else since it was looked at
                raise Invalid("\n".join(map(str, taken)))
            if taken is not None:
                yield taken


def _bring(plan: Plan, call_case: Any, taken: Taken, origin: Origin, actor: Actor) -> None:
    case = bring(plan.call, call_case, taken, origin, key=key_of(plan.call.code, taken.key), actor=actor)
    told = taken.outcome
    if told is None:
        return
    payload = {"amount": told.amount, "on": told.on, "origin": origin.facts}
    fire(case.id, AWARD if told.awarded else DECLINE, actor=actor, payload=payload, key="outcome")


def told(plan: Plan) -> Iterator[Any]:
    """What somebody who imports must know before the count: columns left aside, lines of no call, every bad line."""
    if plan.unread:
        yield _("Not taken over: %(columns)s.", columns=", ".join(plan.unread))
    if plan.nobodys:
        yield lazy_ngettext(
            "%(num)d line belongs to no call of the mapping.",
            "%(num)d lines belong to no call of the mapping.",
            plan.nobodys,
        )
    yield from plan.faults


def counted(plan: Plan, brought: int) -> Any:
    """The last line: how many were imported, and what of the rest."""
    parts = [
        lazy_ngettext("%(num)d application imported", "%(num)d applications imported", brought),
    ]
    if plan.here:
        parts.append(lazy_ngettext("%(num)d was here already", "%(num)d were here already", plan.here))
    if plan.bad_lines:
        parts.append(lazy_ngettext("%(num)d bad line", "%(num)d bad lines", len(plan.bad_lines)))
    if plan.others:
        parts.append(lazy_ngettext("%(num)d line is of other calls", "%(num)d lines are of other calls", plan.others))
    return _("%(call)s: %(parts)s.", call=plan.call.code, parts=", ".join(map(str, parts)))
