"""Whom a change of bank details concerns: who is told, by which address too, and how they could be reached before it.

It changes nothing. A contact that is as new as the change itself is no other channel, so each says since when it is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from grantflow import clock
from grantflow.awards.models import Award
from grantflow.db import session
from grantflow.disbursements.models import AccountChange
from grantflow.history.models import Event, PrivateValue
from grantflow.identity import sponsors
from grantflow.identity.models import AccountLink, Organisation, Person, RoleAssignment
from grantflow.submissions.models import ApplicationVersion
from grantflow.submissions.rows import terms_of

FRESH = timedelta(days=30)
"""A contact that came or changed so shortly before a change of account is shown as new: it may be part of a fraud."""
_E, _P, _R, _V = Event.__table__.c, PrivateValue.__table__.c, RoleAssignment.__table__.c, ApplicationVersion.__table__.c
_PEOPLE, _LINKS = Person.__table__, AccountLink.__table__


def bodies_of(award: Award, *payees: int | None) -> list[int]:
    """The grantee, and whoever receives or would receive its money."""
    receiving = [one for one in (award.payee_id, *payees) if one is not None]
    return list(dict.fromkeys([award.organisation_id, *receiving]))


def acting_for(award: Award, *payees: int | None) -> list[int]:
    """Who acts for the grantee or for whoever receives its money, today."""
    return list(dict.fromkeys(person for body in bodies_of(award, *payees) for person in sponsors.people_of(body)))


def to_tell(award: Award, earlier: Iterable[AccountChange], *payees: int | None) -> list[int]:
    """The new contacts and the old: who acts today, and who named the present account, whether they still act or not."""
    named: list[int | None] = [one.asked_by_id for one in earlier if one.state == "confirmed"]
    last = named[-1] if named else award.accepted_by_id
    return list(dict.fromkeys([*acting_for(award, *payees), *([last] if last is not None else [])]))


def finance_of(programme_id: int, besides: int | None = None) -> list[int]:
    """Who sees to the money of a programme today; staff are not told of what they did themselves."""
    today = clock.today()
    query = select(_R.person_id).where(
        _R.role == "finance", _R.programme_id == programme_id, _R.revoked_at.is_(None), _R.person_id != (besides or 0),
        or_(_R.starts_on.is_(None), _R.starts_on <= today), or_(_R.ends_on.is_(None), _R.ends_on >= today),
    )  # fmt: skip
    return list(dict.fromkeys(session().scalars(query.order_by(_R.id))))


def former_addresses(person_ids: Sequence[int]) -> list[tuple[int, int]]:
    """The address each of these people had before the changes of late, if any: the person, and the number of the link that
    was sent there."""
    rows = session().execute(
        select(_LINKS.c.id, _LINKS.c.person_id, _LINKS.c.email_key, _PEOPLE.c.email_key.label("present"))
        .join(_PEOPLE, _PEOPLE.c.id == _LINKS.c.person_id)
        .where(
            _LINKS.c.kind == "undo", _LINKS.c.person_id.in_(person_ids), _LINKS.c.created_at >= clock.now() - FRESH
        )
        .order_by(_LINKS.c.id)
    )  # fmt: skip
    found: dict[int, int] = {}
    for row in rows:
        if row.email_key != row.present:
            found.setdefault(row.person_id, row.id)
    return list(found.items())


@dataclass
class Contact:
    """Somebody who acts for a body: since when, whether no more, and which addresses they had until lately."""

    person: Any
    body_id: int
    since: datetime
    until: datetime | None
    fresh: bool
    addresses: list[tuple[str, datetime]] = field(default_factory=list)


@dataclass(frozen=True)
class Phone:
    """A telephone number or address of the application as it was sent, under the question's own words."""

    label: Any
    value: str
    since: datetime


@dataclass(frozen=True)
class Known:
    """How the grantee, and a sponsor, could be reached before a change was asked for."""

    people: list[Contact]
    phones: list[Phone]
    bodies: dict[int, Organisation]

    @property
    def new(self) -> list[Contact]:
        """Those who came, went or changed their address shortly before it was asked for, or since."""
        return [one for one in self.people if one.fresh or one.until is not None or one.addresses]


def known(award: Award, change: AccountChange) -> Known:
    """The contacts of a grant beside a change of its account: five queries."""
    since = change.asked_at - FRESH
    wanted = bodies_of(award, change.payee_id)
    bodies = {row.id: row for row in session().scalars(select(Organisation).where(Organisation.id.in_(wanted)))}
    people = _people(wanted, since)
    _addresses(people, since)
    return Known(people, _phones(award.application_id, change.asked_at), bodies)


def _people(wanted: list[int], since: datetime) -> list[Contact]:
    rows = session().execute(
        select(_R.organisation_id, _R.granted_at, _R.revoked_at, _PEOPLE)
        .join(_PEOPLE, _PEOPLE.c.id == _R.person_id)
        .where(_R.role == "applicant", _R.organisation_id.in_(wanted))
        .where(or_(_R.revoked_at.is_(None), _R.revoked_at >= since))
        .order_by(_R.id)
    )
    return [Contact(row, row.organisation_id, row.granted_at, row.revoked_at, row.granted_at >= since) for row in rows]


def _addresses(people: list[Contact], since: datetime) -> None:
    """Put to each the addresses they had until lately, and when each was changed."""
    rows = session().execute(
        select(_E.case_id, _E.at, _P.value)
        .join(PrivateValue.__table__, (_P.case_id == _E.case_id) & (_P.seq == _E.seq) & (_P.name == "email:before"))
        .where(
            _E.case_id.in_([one.person.id for one in people]), _E.at >= since,
            _E.move.in_(("address_changed", "address_restored")),
        )
        .order_by(_E.id)
    )  # fmt: skip
    for row in rows:
        for one in people:
            if one.person.id == row.case_id:
                one.addresses.append((json.loads(row.value) if row.value else "", row.at))


def _phones(application_id: int, before: datetime) -> list[Phone]:
    """The telephones of the application as it was sent last before the change was asked for."""
    sent = session().execute(
        select(_V.answers, _V.pack_hash, _V.submitted_at)
        .where(_V.case_id == application_id, _V.submitted_at <= before)
        .order_by(_V.n.desc())
        .limit(1)
    ).one_or_none()  # fmt: skip
    if sent is None:
        return []
    answers = json.loads(sent.answers)
    return [
        Phone(question.label, str(answers[code]), sent.submitted_at)
        for code, question in terms_of(sent.pack_hash).questions.items()
        if getattr(question, "format", None) == "phone" and answers.get(code)
    ]
