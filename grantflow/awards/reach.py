"""How far two roles reach into the calls that grants have opened: a national partner into those its organisation's grants
pay for, and no further; an auditor into all that hang under the grants of their programme, however deep.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from grantflow import clock
from grantflow.awards.models import Award
from grantflow.awards.regrant_models import CallFunding
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.identity.access import Held, reaches
from grantflow.identity.models import Person, RoleAssignment

_AWARDS, _PAID = Award.__table__, CallFunding.__table__


@reaches("partner")
def of_partner(row: Any) -> Held:
    """The calls that the grants of this organisation in this programme pay for, but for what is its own in them."""
    found = session().scalars(
        select(CallFunding.call_id)
        .join(Award, Award.case_id == CallFunding.award_id)
        .where(Award.organisation_id == row.organisation_id, Award.programme_id == row.programme_id)
    )
    return Held("partner", calls=frozenset(found), but_of=row.organisation_id)


def under(*where: Any) -> Any:
    """A query of the calls that hang under grants of which these conditions on awards hold, at any depth."""
    first = (
        select(_PAID.c.call_id)
        .join(_AWARDS, _AWARDS.c.case_id == _PAID.c.award_id)
        .where(*where)
        .cte("under", recursive=True)
    )
    below = _PAID.alias("below")
    return select(
        first.union(
            select(below.c.call_id)
            .join(_AWARDS, _AWARDS.c.case_id == below.c.award_id)
            .join(first, first.c.call_id == _AWARDS.c.call_id)
        ).c.call_id
    )


@reaches("auditor")
def of_auditor(row: Any) -> Held | None:
    """Every call under the grants this assignment opens."""
    mine = _AWARDS.c.programme_id == row.programme_id
    if row.alliance_id is not None:
        mine &= _AWARDS.c.case_id.in_(select(Case.id).where(Case.alliance_id == row.alliance_id, Case.kind == "award"))
    calls = frozenset(session().scalars(under(mine)))
    return Held("auditor", calls=calls) if calls else None


def within(programme_id: int) -> Any:
    """SQL on awards: the grants of a programme and all that was passed on from them, wherever: each once."""
    return or_(
        _AWARDS.c.programme_id == programme_id, _AWARDS.c.call_id.in_(under(_AWARDS.c.programme_id == programme_id))
    )


def partners_of(case: Any) -> list[int]:
    """The people who watch over this record as national partners: those of the grant that pays for its call. One query."""
    today, role = clock.today(), RoleAssignment
    found = session().scalars(
        select(role.person_id)
        .join(Person, Person.id == role.person_id)
        .join(Award, (Award.organisation_id == role.organisation_id) & (Award.programme_id == role.programme_id))
        .join(CallFunding, CallFunding.award_id == Award.case_id)
        .where(
            CallFunding.call_id == case.call_id,
            role.role == "partner",
            role.organisation_id != case.organisation_id,
            role.revoked_at.is_(None),
            Person.active,
            or_(role.starts_on.is_(None), role.starts_on <= today),
            or_(role.ends_on.is_(None), role.ends_on >= today),
        )
        .order_by(role.person_id)
    )
    return list(dict.fromkeys(found))
