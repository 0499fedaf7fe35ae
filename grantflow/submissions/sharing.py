"""Owns the question who writes an application, and which of its sections: whoever acts for the organisation, and those
who were invited and came.

Inviting them is `inviting`'s, whose draft it is `owners`'; when anything may be written at all is `rows`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from grantflow.db import connection, session
from grantflow.identity.access import Actor
from grantflow.prepared import Prepared
from grantflow.submissions.models import Collaborator

COLLABORATORS = Collaborator.__table__
_C = COLLABORATORS.c
_STANDING = (_C.accepted_at.is_not(None), _C.ended_at.is_(None))
_SHARE = Prepared(
    select(_C.whole, _C.sections).where(
        _C.case_id == bindparam("wanted"), _C.person_id == bindparam("writer"), *_STANDING
    )
)


@dataclass(frozen=True)
class Share:
    """What of an application somebody writes. A member acts for the organisation and has the whole."""

    whole: bool
    sections: frozenset[str] = frozenset()
    member: bool = False

    def opens(self, section: str) -> bool:
        """Whether that section is theirs to read and to write."""
        return self.whole or section in self.sections


_MEMBER = Share(True, member=True)


def share_of(case: Any, actor: Actor) -> Share | None:
    """What this actor writes of an application; None for everybody who has no part in it."""
    if actor.everywhere or "applicant" in actor.roles_on(case):
        return _MEMBER
    if actor.person_id is None:
        return None
    row = _SHARE.one(connection(), {"wanted": case.id, "writer": actor.person_id})
    return None if row is None else Share(row.whole, frozenset(row.sections))


def shared_with(actor: Actor) -> list[int]:
    """The applications somebody was invited to and writes in."""
    if actor.person_id is None:
        return []
    return list(session().scalars(select(_C.case_id).where(_C.person_id == actor.person_id, *_STANDING)))
