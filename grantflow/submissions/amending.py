"""Owns moving applications to the newer terms of their call: what of their answers is kept and lost, and doing it.

Leaves the versions of terms and what differs between them to `programmes.versions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, select, update

from grantflow import clock
from grantflow.cases import definitions, words
from grantflow.cases.service import get, record
from grantflow.db import session, writing
from grantflow.engine.definition import Stage
from grantflow.errors import NotFound, Refused, Stale
from grantflow.history.canonical import canonical, sha256
from grantflow.identity.access import Actor
from grantflow.programmes.queries import call_by_code, terms_by_hash
from grantflow.programmes.questions import Question, gaps
from grantflow.programmes.terms import Terms
from grantflow.programmes.versions import Differences, differences, versions
from grantflow.submissions.rows import APPLICATIONS, CALLS, CASES, FILES, draft_of, files_of_many, mode

_OPEN = (Stage.PREPARATION, Stage.SUBMISSION)
_WORDS = {"text", "long_text"}

words.fact(answers_lost=_("Answers set aside"), answers_missing=_("Still to be answered"))
words.open_to_applicants("terms_changed")


@dataclass(frozen=True)
class Going:
    """An application that moves: what of its answers is kept and lost, and which questions it has yet to answer."""

    case: Any
    row: Any
    answers: Mapping[str, Any]
    kept: tuple[str, ...]
    lost: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its number, else its name in the chain."""
        return _name(self.case)

    @property
    def state(self) -> str:
        """The name of the state in which it stands and stays."""
        return str(self.case.state)


@dataclass
class Plan:
    """What carrying out would do to the applications of a call."""

    code: str
    number: int
    new: Terms
    changes: dict[int, dict[str, list[str]]] = field(default_factory=dict)
    """What differs from each earlier version that an application is held to: the codes, by kind."""
    going: list[Going] = field(default_factory=list)
    staying: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def versions(self) -> dict[int, tuple[int, int]]:
        """The applications that move, each with the version of its case and of its draft as they were looked at."""
        return {going.case.id: (going.case.version, going.row.revision) for going in self.going}

    @property
    def mark(self) -> str:
        """A short word for exactly this plan."""
        seen = [[number, *pair] for number, pair in self.versions.items()]
        return sha256(canonical([self.new.content_hash, seen]).encode())[:12]


def plan(code: str, actor: Actor, only: Sequence[str] = (), *, hold: bool = True) -> Plan:
    """Look at the applications of a call that are held to earlier terms; with `hold`, inside a unit of work, locked.

    Raises NotFound for no such call or application, Refused for somebody who does not manage the call.
    """
    call = call_by_code(code)
    if not actor.roles_on(get(call.case_id)) & {"manager", "admin", "system"}:
        raise Refused(_("Only the programme manager may change a call."))
    current, new = writing() if hold else session(), terms_by_hash(call.pack_hash)
    query = (
        select(CASES).where(CASES.c.kind == "application", CASES.c.call_id == call.case_id).order_by(CASES.c.id)
    )  # fmt: skip
    cases = current.execute(query.with_for_update() if hold else query).all()
    if only:
        named = {_name(case): case for case in cases}
        if unknown := [name for name in only if name not in named]:
            raise NotFound(_("This call has no application %(names)s.", names=", ".join(unknown)))
        cases = [case for name, case in named.items() if name in only]
    drafts = select(APPLICATIONS).where(APPLICATIONS.c.call_id == call.case_id)
    rows = {row.case_id: row for row in current.execute(drafts) if row.pack_hash != call.pack_hash}
    order = versions(call.case_id)
    made = Plan(code, _number(order, call.pack_hash), new)
    for old in sorted({row.pack_hash for row in rows.values()}, key=lambda known: _number(order, known)):
        made.changes[_number(order, old)] = _codes(differences(terms_by_hash(old), new))
    files = files_of_many(rows)
    for case in cases:
        if (row := rows.get(case.id)) is None:
            continue
        if (why := _stays(case, row, new)) is not None:
            made.staying.append((_name(case), why))
        else:
            made.going.append(compare(case, row, new, files[case.id]))
    return made


def carry_out(
    code: str,
    actor: Actor,
    reason: str,
    only: Sequence[str] = (),
    *,
    seen: Mapping[int, Any] | None = None,
    mark: str = "",
) -> Plan:
    """Move what a plan says, one event for each application, inside a unit of work: all of them or none.

    A lost answer leaves the draft and is kept beside the event; what was sent stays as it was sent. Stale where an
    application, or one of its answers, is not what it was when the plan was looked over: `seen` are its versions, `mark`
    its mark; one of the two at least.
    """
    made = plan(code, actor, only)
    now = made.versions
    if seen is not None and (odd := sorted(n for n in now.keys() | seen.keys() if now.get(n) != seen.get(n))):
        names = ", ".join(_name(get(number)) for number in odd)
        raise Stale(_("These cases changed since the preview: %(cases)s. Look at it anew.", cases=names))
    if mark and mark != made.mark:
        raise Stale(_("What would be done is no longer what the preview showed. Look at it anew."))
    if not reason.strip():
        raise Refused(_("Write the reason: it will stand in the history."))
    for going in made.going:
        move(going, made.new, actor, reason)
    return made


def held_to_earlier(call_ids: Iterable[int]) -> dict[str, int]:
    """How many applications of these calls could be moved to newer terms, by the code of the call."""
    query = (
        select(CALLS.c.code, func.count().label("applications"))
        .join(APPLICATIONS, APPLICATIONS.c.call_id == CALLS.c.case_id)
        .where(CALLS.c.case_id.in_(list(call_ids)), APPLICATIONS.c.pack_hash != CALLS.c.pack_hash)
        .where(APPLICATIONS.c.stage.in_(_OPEN))
        .group_by(CALLS.c.code)
        .order_by(CALLS.c.code)
    )
    return {row.code: row.applications for row in session().execute(query)}


def compare(case: Any, row: Any, new: Terms, files: Mapping[str, Any]) -> Going:
    """What becomes of an application's answers under other terms; changes nothing."""
    old, draft = terms_by_hash(row.pack_hash), draft_of(row, files)
    answers = carried(old, new, draft.values)
    kept = [code for code, value in draft.values.items() if answers.get(code) == value]
    lost = [code for code in draft.values if code not in kept]
    for code in draft.raw:
        before, after = old.questions.get(code), new.questions.get(code)
        if after is None or before is None or not _alike(before, after):
            lost.append(code)
    missing = [question.code for question in gaps(new.questions.values(), answers)]
    return Going(case, row, answers, tuple(kept), tuple(dict.fromkeys(lost)), tuple(missing))


def carried(old: Terms, new: Terms, answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers given under one version of terms that may stand under another."""
    fits = {code: _fitting(old.questions.get(code), new.questions.get(code), value) for code, value in answers.items()}
    return {code: value for code, value in fits.items() if value is not None}


def _fitting(before: Question | None, after: Question | None, value: Any) -> Any:
    """The answer as it may stand under the newer question, a part of it where some ticks are gone; None if nothing may."""
    if before is None or after is None or not _alike(before, after):
        return None
    if after.kind == "choice":
        return value if value in after.values else None
    if after.kind == "choices":
        return [tick for tick in value if tick in after.values] or None
    if after.kind in ("declaration", "consent"):
        return value if before.text == after.text else None
    if after.kind == "computed":
        return None
    if after.kind == "table":
        return _lines(before, after, value) or None
    return value


def _lines(before: Question, after: Question, lines: Any) -> list[dict[str, Any]]:
    """The lines of a table with the cells that may stand in its newer columns; those of which nothing may are gone."""
    was, now = ({column.code: column for column in question.columns} for question in (before, after))
    same = {code for code in was.keys() & now.keys() if was[code].kind == now[code].kind}
    cells = ({code: cell for code, cell in line.items() if code in same} for line in lines)
    fits = (
        {code: cell for code, cell in line.items() if now[code].kind != "choice" or now[code].option(cell)}
        for line in cells
    )
    return [line for line in fits if line]


def _alike(before: Question, after: Question) -> bool:
    return before.kind == after.kind or {before.kind, after.kind} <= _WORDS


def _stays(case: Any, row: Any, new: Terms) -> Any | None:
    """Why an application keeps the terms it has; None where it may be moved."""
    if case.stage not in _OPEN:
        return _("it was checked, or has ended, under the terms it has")
    if definitions.pinned(case.workflow_hash).moves_from(case.state, "grant_appeal"):
        return _("an appeal is under way, which is decided under the terms it has")
    if mode(case) == "returned":
        return _("it is with the applicant for correction")
    if new.currency != row.currency:
        return _("the call now counts in another currency")
    return None


def move(going: Going, new: Terms, actor: Actor, reason: str = "") -> None:
    """Hold an application to other terms, inside a unit of work that holds its lock: one event, with what was set aside."""
    current, row = writing(), going.row
    typed = {code: raw for code, raw in row.typed.items() if code not in going.lost}
    answers = {code: value for code, value in going.answers.items() if new.questions[code].kind != "file"}
    current.execute(
        update(APPLICATIONS)
        .where(APPLICATIONS.c.case_id == going.case.id)
        .values(pack_hash=new.content_hash, answers=answers, typed=typed, revision=row.revision + 1)
    )
    writer = max(row.saved.values(), key=lambda touched: touched["revision"], default={"by": None})["by"]
    aside = []
    for code in going.lost:
        before = row.typed.get(code, row.answers.get(code))
        if before is not None:
            aside.append((code, before, answers.get(code), writer))
    current.execute(
        update(FILES)
        .where(FILES.c.case_id == going.case.id, FILES.c.question.in_(going.lost), FILES.c.removed_at.is_(None))
        .values(removed_at=clock.now(), removed_by=actor.person_id)
    )
    old = terms_by_hash(row.pack_hash)
    record(
        going.case.id,
        "terms_changed",
        actor=actor,
        role=next((role for role in ("manager", "applicant") if role in actor.roles_on(going.case)), ""),
        facts=_said("answers_lost", old, going.lost) | _said("answers_missing", new, going.missing),
        changes=[("terms", row.pack_hash, new.content_hash)],
        private_changes=aside,
        reason=reason,
    )


def _said(name: str, terms: Terms, codes: Iterable[str]) -> dict[str, Any]:
    labels = [terms.questions[code].label for code in codes if code in terms.questions]
    return {name: {lang: ", ".join(label.in_(lang) for label in labels) for lang in ("en", "ru")}} if labels else {}


def _codes(found: Differences) -> dict[str, list[str]]:
    return {kind.replace("_", " "): [code for code, _label in parts] for kind, parts in found.items()}


def _number(order: Sequence[str], number: str) -> int:
    """The number of a version: its latest place, because a call may come back to earlier terms."""
    return max((at for at, known in enumerate(order, 1) if known == number), default=0)


def _name(case: Any) -> str:
    return str(case.ref or f"{case.kind}/{case.id}")
