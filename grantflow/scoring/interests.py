"""Declarations of interest: who may read what, and who may not even know that it is there.

A member sees the content of an application only after declaring that they have no interest in it; with an
interest it
vanishes for them. Declarations are never changed: the latest counts. Writing needs a unit of work.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, and_, exists, func, insert, select

from grantflow import clock
from grantflow.cases import access
from grantflow.cases.models import Case
from grantflow.cases.service import get, record
from grantflow.db import session, writing
from grantflow.engine.definition import Stage
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history import store
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation, Person, RoleAssignment
from grantflow.rendering import clean_text
from grantflow.scoring import standing
from grantflow.scoring.models import INTERESTS, Interest, PanelMember
from grantflow.scoring.panels import holders
from grantflow.scoring.ranking import points_of
from grantflow.scoring.words import Name
from grantflow.submissions.sending import content_gate

_CASES = Case.__table__
_ROWS = Interest.__table__
_MEMBERS = PanelMember.__table__
_ROLES = RoleAssignment.__table__

KIND_LABELS: dict[str, Any] = {
    "none": _("no interest"),
    "organisation": _("belongs to the applicant or a partner"),
    "family": _("family or a close person"),
    "financial": _("money: owner, lender, supplier, customer"),
    "other": _("another reason"),
}
LONGEST_NOTE = 2000


def latest(case_ids: Any = None, person_id: int | None = None) -> dict[tuple[int, int], str]:
    """The declaration that counts, by (application, person)."""
    newest = select(func.max(_ROWS.c.id)).group_by(_ROWS.c.case_id, _ROWS.c.person_id)
    query = select(_ROWS.c.case_id, _ROWS.c.person_id, _ROWS.c.kind)
    if case_ids is not None:
        newest = newest.where(_ROWS.c.case_id.in_(case_ids))
    if person_id is not None:
        newest = newest.where(_ROWS.c.person_id == person_id)
    rows = session().execute(query.where(_ROWS.c.id.in_(newest)))
    return {(row.case_id, row.person_id): row.kind for row in rows}


def declared(case_id: int, person_id: int | None) -> str | None:
    """What this person declared last on an application; None where they have not said anything."""
    return session().scalar(
        select(_ROWS.c.kind)
        .where(_ROWS.c.case_id == case_id, _ROWS.c.person_id == person_id)
        .order_by(_ROWS.c.id.desc())
        .limit(1)
    )


def has_interest(case_id: Any, person_id: Any) -> ColumnElement[bool]:
    """SQL: whether the declaration that counts of a person on an application is an interest."""
    later = _ROWS.alias("later")
    same = and_(later.c.case_id == _ROWS.c.case_id, later.c.person_id == _ROWS.c.person_id)
    return exists().where(
        _ROWS.c.case_id == case_id,
        _ROWS.c.person_id == person_id,
        _ROWS.c.kind != "none",
        ~exists().where(same, later.c.id > _ROWS.c.id),
    )


@access.hides
def hidden_from(actor: Actor) -> ColumnElement[bool]:
    """What vanishes for a member of a panel: the applications they declared an interest in, with their
    files."""
    return has_interest(_CASES.c.id, actor.person_id)


def sits_on(panel_id: int | None, person_id: int | None) -> bool:
    """Whether somebody is a member of this panel today."""
    return (
        session().scalar(
            select(_MEMBERS.c.id).where(
                _MEMBERS.c.panel_id == panel_id,
                _MEMBERS.c.person_id == person_id,
                _MEMBERS.c.left_on.is_(None),
            )
        )
        is not None
    )


def content_open(case: Any, actor: Actor) -> bool:
    """Whether this actor may read an application's content: staff and applicant may, a member once none is
    declared.

    Somebody who is both (an officer on a panel) reads it as a member: the stricter rule holds.
    """
    roles = actor.roles_on(case)
    if not roles & {"panellist", "chair"}:
        return bool(roles)
    return declared(case.id, actor.person_id) == "none"


@content_gate
def declared_first(case: Any, actor: Actor) -> Verdict:
    """The rule submissions ask before they show an application's content or one of its files."""
    if content_open(case, actor):
        return YES
    return no(_("Declare first whether you have an interest in this application."))


def found_interest(case: Any, person_id: int, seat_organisation_id: int | None = None) -> Any | None:
    """What GrantFlow itself knows: the member sits for the applicant's body, or acts for it. A sentence, or
    None."""
    body = case.organisation_id
    if body is None:
        return None
    if seat_organisation_id is None:
        seat_organisation_id = session().scalar(
            select(_MEMBERS.c.organisation_id).where(
                _MEMBERS.c.panel_id == case.panel_id, _MEMBERS.c.person_id == person_id
            )
        )
    acts = session().scalar(
        select(_ROLES.c.id)
        .where(
            _ROLES.c.person_id == person_id,
            _ROLES.c.role == "applicant",
            _ROLES.c.organisation_id == body,
            _ROLES.c.revoked_at.is_(None),
        )
        .limit(1)
    )
    if seat_organisation_id != body and acts is None:
        return None
    return _(
        "You belong to the applicant, %(name)s: that is an interest. Declare it; others will read.",
        name=Name(session().get_one(Organisation, body)),
    )


def declare_interest(case_id: int, kind: str, *, actor: Actor, note: str = "", key: str | None = None) -> str:
    """A member says what ties them to an application, or that nothing does. Gives back the declaration that
    counts.

    Before the content is shown, and again whenever something comes to light until the decision; a review
    submitted
    before is then set aside, and the mean is counted anew. Chair and manager are told of an interest, not of
    "none".
    Raises NotFound to whoever is not on its panel, Invalid and Refused with the reason.
    """
    current = writing()
    case = get(case_id)
    person_id = actor.person_id
    if case.kind != "application" or person_id is None or not sits_on(case.panel_id, person_id):
        raise NotFound
    if key is not None and store.by_key(current, case_id, key) is not None:
        return declared(case_id, person_id) or kind
    if case.stage not in (Stage.SCORING, Stage.DECISION):
        raise Refused(_("The application is decided; a declaration would change nothing any more."))
    before = declared(case_id, person_id)
    if before not in (None, "none"):
        raise NotFound  # it has vanished for them, this page too
    note = clean_text(note)
    if kind not in INTERESTS:
        raise Invalid(fields={"kind": _("Choose one of the answers.")})
    if len(note) > LONGEST_NOTE:
        raise Invalid(fields={"note": _("Write at most %(count)s characters.", count=LONGEST_NOTE)})
    if kind == "other" and not note:
        raise Invalid(fields={"note": _("Write in a few words what ties you to the applicant.")})
    if kind == "none":
        if (found := found_interest(case, person_id)) is not None:
            raise Invalid(fields={"kind": found})
        if before == "none":
            return "none"
    mean_before = standing.mean_of(case_id)
    declare(case_id, person_id, kind, note)
    changes: list[tuple[str, Any, Any]] = []
    if kind != "none" and standing.settle(case_id):
        changes = [("mean", points_of(mean_before), points_of(standing.mean_of(case_id)))]
    notices = []
    if kind != "none":
        told = [one for one in holders(case, "chair", "manager") if one != person_id]
        notices = [("interest_declared", told, {"person": name_words(person_id)})]
    record(
        case_id,
        "interest_declared" if kind != "none" else "no_interest_declared",
        actor=actor,
        role="chair" if "chair" in actor.roles_on(case) else "panellist",
        facts={"kind": kind},
        changes=changes,
        private_changes=[("note", None, note, person_id)] if note else [],
        notices=notices,
        key=key,
    )
    return kind


def declare(case_id: int, person_id: int, kind: str, note: str = "", *, by_system: bool = False) -> None:
    """Write the row of a declaration; the event beside it is the caller's."""
    writing().execute(
        insert(_ROWS).values(
            case_id=case_id, person_id=person_id, kind=kind, note=note, by_system=by_system, at=clock.now()
        )
    )


def name_words(person_id: int) -> dict[str, str]:
    """A person's name for a notice whose reader's language is not known yet."""
    person = session().get_one(Person, person_id)
    return {"en": person.name_in("en"), "ru": person.name_in("ru")}
