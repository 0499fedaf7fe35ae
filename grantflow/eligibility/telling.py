"""Owns the letters an act over many applications would send to applicants: counted in a fixed number of queries, three of
them shown as their readers would get them; and the mark of all that was looked at.

Leaves sending to the moves themselves, what would happen to each application to `bulk`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select

from grantflow import clock
from grantflow.cases import rehearsal
from grantflow.cases.notices import catalogue
from grantflow.cases.service import Outcome, fire
from grantflow.db import session
from grantflow.eligibility.bulk import RESTORE, Looked
from grantflow.eligibility.restoring import NOTICE, told
from grantflow.errors import GrantFlowError, Refused
from grantflow.history.canonical import sha256
from grantflow.identity.access import Actor
from grantflow.identity.models import Person, RoleAssignment
from grantflow.submissions.rows import APPLICATIONS

_R, _P = RoleAssignment.__table__.c, Person.__table__.c


def letters(
    act: str, call_case: Any, lines: Sequence[Looked], words: Mapping[str, Any], actor: Actor, seen: str
) -> rehearsal.Letters:
    """What would be sent if these lines were done with these words. `mark` covers the lines and the words too, so that
    whatever changes is looked at anew."""
    going = [line for line in lines if line.goes]
    pairs = _told_again(going) if act == RESTORE else _applicants(call_case.id, going)
    samples = _samples(act, call_case.id, going, words, actor) if pairs else ()
    made = rehearsal.expected([(name, reader) for name, _case, reader in pairs], call_case, samples, "", seen)
    names = [[line.notice, dict(line.subject)] for line in made.lines]
    to = sorted((name, case_id, reader.id) for name, case_id, reader in pairs)
    return rehearsal.Letters(
        mark(lines, [dict(words), names, to]), made.seen, made.total, made.lines, made.withheld, made.samples
    )


def mark(lines: Iterable[Looked], said: Any = None) -> str:
    """A word for what would happen to each, and what would be said: any change makes another."""
    what = [[line.row.id, line.row.version, line.goes, line.last] for line in lines]
    text = json.dumps([what, said], ensure_ascii=False, sort_keys=True)
    return f"{sum(1 for one in what if one[2])}.{sha256(text.encode())[:32]}"


def _readers() -> Any:
    return rehearsal.READERS.add_columns(_R.organisation_id).join(RoleAssignment.__table__, _R.person_id == _P.id)


def _applicants(call_id: int, going: Sequence[Looked]) -> list[tuple[str, int, Any]]:
    """Who applies for the bodies whose applications would go on at once: notice, application, reader."""
    if not going:
        return []
    today = clock.now().date()
    of_call = select(APPLICATIONS.c.organisation_id).where(APPLICATIONS.c.call_id == call_id)
    held = session().execute(
        _readers()
        .where(
            _R.role == "applicant", _R.revoked_at.is_(None), _P.active, _R.organisation_id.in_(of_call),
            or_(_R.starts_on.is_(None), _R.starts_on <= today), or_(_R.ends_on.is_(None), _R.ends_on >= today),
        )
        .order_by(_P.id)
        .distinct()
    )  # fmt: skip
    people: dict[int, list[Any]] = defaultdict(list)
    for row in held:
        people[row.organisation_id].append(row)
    return [
        (name, line.row.id, reader)
        for line in going
        if line.last and line.move is not None
        for name in line.move.notices
        if "applicant" in catalogue()[name].to
        for reader in people[line.row.organisation_id]
    ]


def _told_again(going: Sequence[Looked]) -> list[tuple[str, int, Any]]:
    """Whoever was told of what is taken back now."""
    pairs = told(line.row.id for line in going)
    readers = {
        row.id: row
        for row in session().execute(rehearsal.READERS.where(_P.id.in_({person for _case, person in pairs})))
    }
    return [(NOTICE, case_id, readers[person_id]) for case_id, person_id in pairs if readers[person_id].active]


def _samples(
    act: str, call_id: int, going: Sequence[Looked], words: Mapping[str, Any], actor: Actor
) -> tuple[rehearsal.Sample, ...]:
    """Letters of the first few that would go on, written by the moves themselves and taken back."""
    chosen = [line.row for line in going if line.last][: rehearsal.SAMPLES]
    done: list[Outcome] = []

    def do() -> Outcome:
        for row in chosen:
            try:
                done.append(make(act, row.id, row.version, words, actor))
            except GrantFlowError:  # it would be refused when it is done, and say why
                continue
        if not done:
            raise Refused
        return done[-1]

    try:
        made = rehearsal.act(call_id, do, seen="")
    except Refused:
        return ()
    return made.samples if isinstance(made, rehearsal.Letters) else ()


def make(
    act: str, case_id: int, version: int, words: Mapping[str, Any], actor: Actor, *, key: str | None = None,
    wait: timedelta = timedelta(0),
) -> Outcome:  # fmt: skip
    """The move of one application, as on its own page: the same guards, votes and history."""
    payload = {"sections": list(words["sections"])} if "sections" in words else {}
    return fire(
        case_id, act, actor=actor, payload=payload, reason=words.get("reason", ""), key=key, version=version,
        letters_wait=wait,
    )  # fmt: skip
