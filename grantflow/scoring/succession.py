"""A leaver's seats on panels: which go to the next person, and what a member leaves behind for good.

A review belongs to who wrote it, and so does a declared interest: neither is anybody else's to continue.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import func, select

from grantflow.cases import titles
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.engine.definition import Stage
from grantflow.identity import roles
from grantflow.identity.succession import Handing, Thing, part
from grantflow.rendering import label
from grantflow.scoring import panels
from grantflow.scoring.models import Interest, Panel, PanelMember, Review
from grantflow.scoring.panels import Member, compose_panel, members_of

_C = Case.__table__.c
_OVER = (Stage.DECISION, Stage.AWARD, Stage.CLOSED, Stage.REFUSED)


def _seats(handing: Handing) -> list[tuple[PanelMember, Panel, Any]]:
    """The seats the leaver has today, in programmes of the manager, each with its panel and the call's case."""
    programmes = handing.actor.scopes("manager", "programme_id")
    rows = session().execute(
        select(PanelMember, Panel, Case.__table__)
        .join(Panel, Panel.case_id == PanelMember.panel_id)
        .join(Case.__table__, _C.id == Panel.call_id)
        .where(
            PanelMember.person_id == handing.leaver.person_id,
            PanelMember.left_on.is_(None),
            _C.programme_id.in_(programmes),
        )
        .order_by(Panel.case_id)
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1], row) for row in rows]


def _against(handing: Handing, seat: PanelMember, panel: Panel, call: Any) -> Any:
    """Why a seat cannot go to the successor, as a sentence; None where it can."""
    if call.stage in _OVER:
        return _("The panel of this call has finished its work.")
    if any(person.id == handing.successor.person_id for _seat, person, _body in members_of(panel.case_id)):
        return _("The successor sits on this panel already.")
    if handing.successor.person_id == handing.actor.person_id:
        return _("Nobody gives a role to themselves. Ask another manager.")
    if seat.chair:
        held = [*roles.held_now(handing.successor.person_id or 0), *(one.row for one in handing.going)]
        return roles.apart("chair", call.programme_id, held)
    return None


def look(handing: Handing) -> tuple[list[Thing], list[Thing]]:
    """Seats that go or stay, reviews begun, and declared interests."""
    moves, stays = [], []
    for seat, panel, call in _seats(handing):
        against = _against(handing, seat, panel, call)
        what = _("Seat on the panel: %(panel)s", panel=label(panel.title))
        url = url_for("scoring.board", panel_id=panel.case_id)
        if against is None:
            why = _("The successor declares their own interests and writes reviews of their own.")
            moves.append(Thing(what, why, url))
        else:
            stays.append(Thing(what, against, url))
        stays += _left_behind(handing, panel, url)
    return moves, stays


def _left_behind(handing: Handing, panel: Panel, url: str) -> list[Thing]:
    person_id = handing.leaver.person_id
    begun = session().execute(
        select(Case.__table__)
        .join(Review, Review.case_id == _C.id)
        .where(Review.person_id == person_id, Review.status == "draft", _C.panel_id == panel.case_id)
        .order_by(_C.id)
    )
    told = [
        Thing(
            _("Review begun: %(ref)s", ref=row.ref or titles.title(row)),
            _("A review is its writer’s own. What was begun is not submitted and does not count."),
            url_for("cases.show", case_id=row.id),
        )
        for row in begun.all()
    ]
    sent, interests = (
        session().scalar(
            select(func.count(func.distinct(table.case_id)))
            .join(Case.__table__, _C.id == table.case_id)
            .where(table.person_id == person_id, _C.panel_id == panel.case_id, condition)
        )
        or 0
        for table, condition in ((Review, Review.status != "draft"), (Interest, Interest.kind != "none"))
    )
    if sent:
        told.append(
            Thing(
                ngettext("%(num)d review submitted", "%(num)d reviews submitted", sent),
                _("They stay as they are and count."),
                f"{url}#sent",
            )
        )
    if interests:
        told.append(
            Thing(
                ngettext("%(num)d declared interest", "%(num)d declared interests", interests),
                _("They stay the leaver’s; the successor declares their own."),
                f"{url}#interests",
            )
        )
    return told


def carry(handing: Handing, reason: str) -> None:
    """Seat the successor where the leaver sat, for the same body and with the same part."""
    for seat, panel, call in _seats(handing):
        if _against(handing, seat, panel, call) is not None:
            continue
        seats = [
            Member(
                handing.successor.person_id or 0 if person.id == handing.leaver.person_id else person.id,
                member.seat,
                member.organisation_id,
                member.chair,
                member.label,
            )
            for member, person, _body in panels.members_of(panel.case_id)
        ]
        compose_panel(panel.call_id, seats, actor=handing.actor, reason=reason)


part("scoring", look, carry)
