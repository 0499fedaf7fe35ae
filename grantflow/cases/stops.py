"""The switch: a person may stop the mail of a number of the register, where the register allows it. Nothing else stops:
the notice still stands in GrantFlow.

The link in a letter is signed for one person and one number, and opens a page with a button; opening it changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from flask import current_app
from flask_babel import lazy_gettext as _
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import bindparam, delete, select

from grantflow import clock
from grantflow.cases.models import NoticeStop
from grantflow.cases.notices import catalogue, rows
from grantflow.cases.service import record
from grantflow.db import insert_if_new, session, writing
from grantflow.errors import NotFound, Refused
from grantflow.identity.access import Actor

_STOPS = NoticeStop.__table__
_OF_ONE = select(_STOPS.c.code).where(_STOPS.c.person_id == bindparam("reader"))


def stopped_codes(person_id: int) -> set[str]:
    """The numbers this person has stopped."""
    return set(session().scalars(_OF_ONE, {"reader": person_id}))


def stopped_by(person_ids: Collection[int]) -> dict[int, set[str]]:
    """The numbers that each of these people has stopped, in one query; nobody is in it who stopped none."""
    found: dict[int, set[str]] = {}
    for row in session().execute(select(_STOPS).where(_STOPS.c.person_id.in_(person_ids))):
        found.setdefault(row.person_id, set()).add(row.code)
    return found


def switch(person_id: int, code: str, on: bool, *, actor: Actor) -> bool:
    """Stop the mail of a number for a person, or want it again, inside a unit of work; whether anything changed.

    Refused where the register knows no switch for it. Only the person, or whoever holds their letter, may.
    """
    if code not in rows():
        raise NotFound
    if not rows()[code].stop:
        raise Refused(_("Mail of this kind cannot be stopped: somebody could be harmed by not reading it."))
    here = (_STOPS.c.person_id == person_id, _STOPS.c.code == code)
    if on:
        done = delete(_STOPS).where(*here).returning(_STOPS.c.code)
    else:
        row = {"person_id": person_id, "code": code, "stopped_at": clock.now()}
        done = insert_if_new(_STOPS).values(row).returning(_STOPS.c.code)
    changed = writing().execute(done).scalar_one_or_none() is not None
    if changed:
        record(person_id, "notices_wanted" if on else "notices_stopped", actor=actor, facts={"number": code})
    return changed


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="grantflow/notices")


def link(person_id: int, notice: str) -> str:
    """The address in a letter that leads to the switch of its number; empty where there is none."""
    code = catalogue()[notice].code
    if not rows()[code].stop:
        return ""
    return f"{current_app.config['GRANTFLOW'].url}/notices/stop/{_signer().dumps([person_id, code])}"


def read_link(token: str) -> tuple[int, str]:
    """Whose link this is and of which number; NotFound for one that was not signed here."""
    try:
        person_id, code = _signer().loads(token)
    except (BadSignature, ValueError, TypeError):
        raise NotFound from None
    return int(person_id), str(code)
