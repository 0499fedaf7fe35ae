"""Panels: who sits on one, from when to when, whether it may start, and the handing over of applications to
it.

The rule of composition is in `composition`, declarations of interest in `interests`. Writing needs a unit of
work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import insert, or_, select, update

from grantflow import clock
from grantflow.cases import titles
from grantflow.cases.models import Case
from grantflow.cases.service import get, open_case, record
from grantflow.db import session, writing
from grantflow.engine.definition import Stage
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Invalid, Refused
from grantflow.identity.access import SCOPES, Actor
from grantflow.identity.models import Organisation, Person, RoleAssignment
from grantflow.identity.roles import grant_role, revoke_role
from grantflow.programmes.models import Call
from grantflow.programmes.parts import Prose
from grantflow.rendering import language
from grantflow.scoring import composition
from grantflow.scoring.composition import Seat
from grantflow.scoring.models import SEATS, Panel, PanelMember
from grantflow.submissions.rows import terms_of

_CASES = Case.__table__
_PANELS = Panel.__table__
_MEMBERS = PanelMember.__table__
_ROLES = RoleAssignment.__table__


@dataclass(frozen=True)
class Member:
    """A member to be seated. `label` says what they bring, such as "project expert, Italy"."""

    person_id: int
    seat: str
    organisation_id: int | None = None
    chair: bool = False
    label: Prose | None = None


@titles.names_of("panel")
def _names() -> dict[int, Prose]:
    return {row.case_id: row.title for row in session().execute(select(_PANELS.c.case_id, _PANELS.c.title))}


def panel_of(call_id: int) -> Any | None:
    """The row of the call's panel, if it has one."""
    return session().execute(select(_PANELS).where(_PANELS.c.call_id == call_id)).one_or_none()


def members_of(panel_id: int, *, all_times: bool = False) -> Sequence[tuple[PanelMember, Person, Organisation | None]]:
    """The members with their bodies, chair first; only those who sit there now unless all times are asked
    for."""
    query = (
        select(PanelMember, Person, Organisation)
        .join(Person, Person.id == PanelMember.person_id)
        .outerjoin(Organisation, Organisation.id == PanelMember.organisation_id)
        .where(PanelMember.panel_id == panel_id)
        .order_by(PanelMember.chair.desc(), PanelMember.id)
    )
    if not all_times:
        query = query.where(PanelMember.left_on.is_(None))
    # Seats are written past the ORM; what is read here is what stands in the database.
    rows = session().execute(query.execution_options(populate_existing=True)).all()
    return [(member, person, body) for member, person, body in rows]


def holders(case: Any, *roles: str, panel_id: int | None = None) -> list[int]:
    """Everybody who holds one of these roles on a case today: whom an effect tells. `panel_id`: as if it had
    it."""
    today = clock.today()
    here = {scope: getattr(case, scope) for scope in SCOPES} | ({"panel_id": panel_id} if panel_id else {})
    fits = [or_(_ROLES.c[scope].is_(None), _ROLES.c[scope] == here[scope]) for scope in SCOPES]
    found = session().scalars(
        select(_ROLES.c.person_id)
        .join(Person, Person.id == _ROLES.c.person_id)
        .where(
            _ROLES.c.role.in_(roles),
            _ROLES.c.revoked_at.is_(None),
            Person.active,
            or_(_ROLES.c.starts_on.is_(None), _ROLES.c.starts_on <= today),
            or_(_ROLES.c.ends_on.is_(None), _ROLES.c.ends_on >= today),
            *fits,
        )
        .order_by(_ROLES.c.person_id)
    )
    return list(dict.fromkeys(found))


def reviews_due_at(panel: Any, zone: str) -> datetime:
    """The last second of the day by which reviews are due, in the call's zone."""
    return clock.local(panel.reviews_due_on, 23, 59, zone, 59)


# composing a panel
def compose_panel(
    call_id: int,
    members: Iterable[Member],
    *,
    actor: Actor,
    reviews_due_on: date | None = None,
    quorum: int | None = None,
    reason: str = "",
    key: str | None = None,
) -> Panel:
    """Seat the members of a call's panel and give them their roles; whoever is not named any more leaves it.

    For the call's manager (or the shell), until the applications are decided. Whether the panel may start is
    asked when it starts. Quorum: default the rubric's. Due: default a fortnight before the results. Raises
    Refused, Invalid.
    """
    current = writing()
    call, call_case = session().get_one(Call, call_id), get(call_id)
    if not (actor.everywhere or "manager" in actor.roles_on(call_case)):
        raise Refused(_("Only the programme manager composes a panel."))
    if call_case.stage in (Stage.DECISION, Stage.AWARD, Stage.CLOSED, Stage.REFUSED):
        raise Refused(_("The panel of this call has finished its work."))
    wanted = {member.person_id: member for member in _checked(members)}
    panel = panel_of(call_id)
    if panel is None:
        # An alliance has a panel for each call: by its code they are told apart.
        title = Prose(en=f"{call.panel.en}, {call.code}", ru=f"{call.panel.ru}, {call.code}")
        file = open_case(
            "panel",
            actor=actor,
            role="" if actor.everywhere else "manager",
            title=title.en,
            programme_id=call.programme_id,
            alliance_id=call.alliance_id,
            call_id=call_id,
        )
        # A panel's own file lies in its own scope, so that its chair is a chair there too.
        current.execute(update(_CASES).where(_CASES.c.id == file.id).values(panel_id=file.id))
        values = {
            "case_id": file.id,
            "alliance_id": call.alliance_id,
            "call_id": call_id,
            "title": title,
            "quorum": quorum or terms_of(call.pack_hash).rubric.quorum,
            "reviews_due_on": reviews_due_on or call.results_on - timedelta(days=14),
        }
        current.execute(insert(_PANELS).values(values))
        panel = panel_of(call_id)
        assert panel is not None
        changes: list[tuple[str, Any, Any]] = []
    else:
        changes = _new_terms(panel, reviews_due_on, quorum)
    seated = _seat(panel.case_id, wanted, actor, reason)
    record(
        panel.case_id,
        "panel_composed",
        actor=actor,
        facts={"members": sorted(wanted), **seated},
        changes=changes,
        reason=reason,
        key=key,
    )
    return current.get_one(Panel, panel.case_id, populate_existing=True)


def _checked(members: Iterable[Member]) -> list[Member]:
    found = list(members)
    if not found:
        raise Invalid(_("Choose at least one member."))
    if len({member.person_id for member in found}) < len(found):
        raise Invalid(_("The same person is named twice. Keep one of the two rows."))
    if any(member.seat not in SEATS for member in found):
        raise Invalid(_("Choose for each member whom they sit there for."))
    return found


def _new_terms(panel: Any, reviews_due_on: date | None, quorum: int | None) -> list[tuple[str, Any, Any]]:
    values = {
        name: value
        for name, value in (("reviews_due_on", reviews_due_on), ("quorum", quorum))
        if value is not None and value != getattr(panel, name)
    }
    if values:
        writing().execute(update(_PANELS).where(_PANELS.c.case_id == panel.case_id).values(values))
    if "reviews_due_on" in values:
        from grantflow.cases import deadlines

        for case_id in session().scalars(
            select(_CASES.c.id).where(
                _CASES.c.call_id == panel.call_id,
                _CASES.c.kind == "application",
                _CASES.c.stage == Stage.SCORING,
            )
        ):
            deadlines.reckon(case_id)
    return [(name, getattr(panel, name), value) for name, value in values.items()]


def _seat(panel_id: int, wanted: dict[int, Member], actor: Actor, reason: str) -> dict[str, list[int]]:
    current, today = writing(), clock.today()
    sitting = {
        row.person_id: row for row in current.execute(select(_MEMBERS).where(_MEMBERS.c.panel_id == panel_id)).all()
    }
    joined, left = [], []
    for person_id, member in wanted.items():
        values = {
            "seat": member.seat,
            "organisation_id": member.organisation_id,
            "chair": member.chair,
            "label": member.label,
            "left_on": None,
        }
        if person_id in sitting:
            current.execute(update(_MEMBERS).where(_MEMBERS.c.id == sitting[person_id].id).values(values))
        else:
            current.execute(insert(_MEMBERS).values(panel_id=panel_id, person_id=person_id, joined_on=today, **values))
        if person_id not in sitting or sitting[person_id].left_on is not None:
            joined.append(person_id)
        _give_roles(panel_id, member, actor, reason)
    for person_id, row in sitting.items():
        if person_id not in wanted and row.left_on is None:
            current.execute(update(_MEMBERS).where(_MEMBERS.c.id == row.id).values(left_on=today))
            left.append(person_id)
            _take_roles(panel_id, person_id, {"panellist", "chair"}, actor, reason)
    return {name: sorted(people) for name, people in (("joined", joined), ("left", left)) if people}


def _held(panel_id: int, person_id: int) -> dict[str, int]:
    rows = session().execute(
        select(_ROLES.c.role, _ROLES.c.id).where(
            _ROLES.c.person_id == person_id, _ROLES.c.panel_id == panel_id, _ROLES.c.revoked_at.is_(None)
        )
    )
    return {row.role: row.id for row in rows}


def _give_roles(panel_id: int, member: Member, actor: Actor, reason: str) -> None:
    held = _held(panel_id, member.person_id)
    for role in ("panellist", "chair") if member.chair else ("panellist",):
        if role not in held:
            grant_role(actor, member.person_id, role, panel_id=panel_id, reason=reason)
    if not member.chair and "chair" in held:
        _take_roles(panel_id, member.person_id, {"chair"}, actor, reason)


def _take_roles(panel_id: int, person_id: int, roles: set[str], actor: Actor, reason: str) -> None:
    for role, assignment in _held(panel_id, person_id).items():
        if role in roles:
            revoke_role(actor, assignment, reason=reason or str(_("The panel has changed.")))


# starting its work
def seats_of(panel_id: int) -> list[Seat]:
    """The seats taken today, as the rule of composition sees them."""
    return [
        Seat(member.seat, member.organisation_id, member.chair, body.name_in(language()) if body else "")
        for member, _person, body in members_of(panel_id)
    ]


def composed(call_id: int) -> Verdict:
    """Whether the call's panel may start, or all that it lacks."""
    panel = panel_of(call_id)
    if panel is None:
        return no(_("The call has no panel yet. The programme manager composes it."))
    rule = terms_of(session().get_one(Call, call_id).pack_hash).panel
    missing = composition.lacking(seats_of(panel.case_id), rule, panel.quorum)
    return no(composition.sentence(missing)) if missing else YES
