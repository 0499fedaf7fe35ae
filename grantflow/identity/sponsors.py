"""Fiscal sponsors: a registered body that receives the money of a group that is not registered, once a person of it has
agreed. Each step is an event in the files of both.

Writing functions need a unit of work around them. That the money goes there is made true where an account is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import insert, or_, select, update

from grantflow import clock
from grantflow.db import session, writing
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.identity import door, words
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation, RoleAssignment, Sponsorship, name_of
from grantflow.identity.profiles import own_body
from grantflow.identity.roles import CASES

_ROWS, _BODIES, _ROLES = Sponsorship.__table__, Organisation.__table__, RoleAssignment.__table__
UNREGISTERED = "initiative_group"
NO_SPONSORS = (UNREGISTERED, "ip", "self_employed")
"""Legal forms that cannot stand for a group: it would be one person's account, or nobody's."""
LIVING = ("asked", "agreed")
MOST_FOUND = 10


def may_sponsor() -> Any:
    """The condition on organisations: registered bodies that still stand for themselves."""
    return _BODIES.c.merged_into_id.is_(None) & _BODIES.c.legal_form.not_in(NO_SPONSORS)


def find_sponsors(text: str, besides: int) -> list[Any]:
    """Bodies one may ask, by their whole number or at least four letters of a name in any script; ten at most."""
    number, key = "".join(text.split()), words.search_key(text)
    where = _BODIES.c.inn == number
    if len(key) >= 4:
        where = or_(where, _BODIES.c.search_key.contains(key, autoescape=True))
    if not number:
        return []
    query = select(_BODIES).where(where, may_sponsor(), _BODIES.c.id != besides)
    return list(session().execute(query.order_by(_BODIES.c.search_key, _BODIES.c.id).limit(MOST_FOUND)))


def ask_sponsor(actor: Actor, group_id: int, sponsor_id: int, said: str = "", *, key: str | None = None) -> int:
    """Ask a body to receive the money for a group. Refused while another is asked or has agreed; gives back the number."""
    _lock(group_id)
    group = own_body(actor, group_id)
    if group.legal_form != UNREGISTERED:
        raise Refused(_("Only a group that is not registered needs a fiscal sponsor."))
    sponsor = (
        writing()
        .execute(select(_BODIES).where(_BODIES.c.id == sponsor_id, may_sponsor(), _BODIES.c.id != group_id))
        .one_or_none()
    )
    if sponsor is None:
        raise Invalid(fields={"sponsor": _("Choose the organisation from the list.")})
    if len(said) > 1000:
        raise Invalid(fields={"words": _("Shorten it to 1,000 characters.")})
    living = sponsorships_of([group_id], states=LIVING)
    if living and living[0].sponsor_id == sponsor_id:
        return int(living[0].id)  # pressed twice
    if living:
        raise Refused(_("Another organisation is asked or has agreed already. End that first."))
    now = clock.now()
    number = (
        writing()
        .execute(
            insert(_ROWS)
            .values(
                group_id=group_id,
                sponsor_id=sponsor_id,
                state="asked",
                words=said,
                asked_by_id=actor.person_id,
                asked_at=now,
            )
            .returning(_ROWS.c.id)
        )
        .scalar_one()
    )
    facts = {"sponsor": _both(sponsor), "group": _both(group)}
    people = people_of(sponsor_id)
    told = [("sponsor_asked", people, {"organisation": _both(group), "note": said, "page": "/organisation"})]
    door.record(group_id, "sponsor_asked", actor=actor, role="applicant", facts=facts, key=key)
    door.record(sponsor_id, "sponsoring_asked", actor=actor, facts=facts, notices=told)
    return int(number)


def answer(actor: Actor, sponsorship_id: int, agrees: bool, *, key: str | None = None) -> None:
    """Agree or decline, by a person of the sponsor. The same answer again changes nothing."""
    row = _of_sponsor(actor, sponsorship_id)
    state = "agreed" if agrees else "declined"
    if row.state == state:
        return
    if row.state != "asked":
        raise Refused(_("This was answered already."))
    _close(actor, row, state, key)


def end(actor: Actor, sponsorship_id: int, *, reason: str, key: str | None = None) -> None:
    """End it, by a person of either side, with a reason. What was accepted under it stays paid as agreed."""
    row = _row(sponsorship_id)
    if not {row.group_id, row.sponsor_id} & actor.scopes("applicant", "organisation_id"):
        raise NotFound
    _lock(row.group_id)
    row = _row(sponsorship_id)
    if row.state == "ended":
        return
    if row.state not in LIVING:
        raise Refused(_("This was answered already."))
    if not reason.strip():
        raise Invalid(fields={"reason": _("Write the reason: it will stand in the history.")})
    _close(actor, row, "ended", key, reason)


def _close(actor: Actor, row: Any, state: str, key: str | None, reason: str = "") -> None:
    bodies = {
        b.id: b for b in writing().execute(select(_BODIES).where(_BODIES.c.id.in_((row.group_id, row.sponsor_id))))
    }
    group, sponsor = bodies[row.group_id], bodies[row.sponsor_id]
    writing().execute(
        update(_ROWS)
        .where(_ROWS.c.id == row.id)
        .values(state=state, answered_by_id=actor.person_id, answered_at=clock.now())
    )
    facts = {"sponsor": _both(sponsor), "group": _both(group)}
    for body_id, other in ((row.group_id, sponsor), (row.sponsor_id, group)):
        words_told = {"organisation": _both(other), "page": "/organisation", "note": reason}
        people = [person for person in people_of(body_id) if person != actor.person_id]
        door.record(
            body_id,
            f"sponsor_{state}",
            actor=actor,
            role="applicant",
            facts=facts,
            reason=reason,
            key=key,
            notices=[(f"sponsor_{state}", people, words_told)] if people else [],
        )


def sponsor_of(group_id: int) -> Any | None:
    """The body that has agreed to receive this group's money; None where none has."""
    return (
        session()
        .execute(
            select(_BODIES)
            .join(_ROWS, _ROWS.c.sponsor_id == _BODIES.c.id)
            .where(_ROWS.c.group_id == group_id, _ROWS.c.state == "agreed")
            .order_by(_ROWS.c.id.desc())
            .limit(1)
        )
        .one_or_none()
    )


def sponsorships_of(
    organisation_ids: Iterable[int], states: tuple[str, ...] = (*LIVING, "declined", "ended")
) -> list[Any]:
    """Sponsorships in which these bodies are either side, the latest first, with the names of both. One query."""
    wanted = list(organisation_ids)
    sponsor, group = _BODIES.alias("sponsor"), _BODIES.alias("of_group")
    query = (
        select(
            _ROWS,
            sponsor.c.name_en.label("sponsor_en"),
            sponsor.c.name_ru.label("sponsor_ru"),
            group.c.name_en.label("group_en"),
            group.c.name_ru.label("group_ru"),
        )
        .join(sponsor, sponsor.c.id == _ROWS.c.sponsor_id)
        .join(group, group.c.id == _ROWS.c.group_id)
        .where(or_(_ROWS.c.group_id.in_(wanted), _ROWS.c.sponsor_id.in_(wanted)), _ROWS.c.state.in_(states))
        .order_by(_ROWS.c.id.desc())
    )
    return list(session().execute(query))


def sponsorship(actor: Actor, sponsorship_id: int) -> Any:
    """One sponsorship of a body this actor acts for, on either side; NotFound for any other."""
    row = _row(sponsorship_id)
    mine = actor.scopes("applicant", "organisation_id")
    if not {row.group_id, row.sponsor_id} & mine:
        raise NotFound
    return next(one for one in sponsorships_of([row.group_id]) if one.id == row.id)


def people_of(organisation_id: int) -> list[int]:
    """Who acts for a body now."""
    query = select(_ROLES.c.person_id).where(
        _ROLES.c.role == "applicant",
        _ROLES.c.organisation_id == organisation_id,
        _ROLES.c.revoked_at.is_(None),
        or_(_ROLES.c.ends_on.is_(None), _ROLES.c.ends_on >= clock.today()),
    )
    return list(dict.fromkeys(session().scalars(query.order_by(_ROLES.c.id))))


def _lock(organisation_id: int) -> None:
    writing().execute(select(CASES.c.id).where(CASES.c.id == organisation_id).with_for_update())


def _row(sponsorship_id: int) -> Any:
    row = session().execute(select(_ROWS).where(_ROWS.c.id == sponsorship_id)).one_or_none()
    if row is None:
        raise NotFound
    return row


def _of_sponsor(actor: Actor, sponsorship_id: int) -> Any:
    row = _row(sponsorship_id)
    if row.sponsor_id not in actor.scopes("applicant", "organisation_id"):
        raise NotFound
    _lock(row.group_id)
    return _row(sponsorship_id)


def _both(row: Any) -> dict[str, str]:
    return {language: name_of(row, language) for language in ("en", "ru")}
