"""Where a change of bank details is met beside its own page: on finance's desk, in each morning's reminder, among the
exceptions of its call. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow import clock
from grantflow.cases import titles
from grantflow.cases.desk import DeskItem, provider
from grantflow.cases.models import Case
from grantflow.cases.reminders import Due, source
from grantflow.db import session
from grantflow.disbursements import accounts
from grantflow.disbursements.models import CHANGE_WAITS, AccountChange
from grantflow.eligibility import exceptions
from grantflow.identity.access import Actor
from grantflow.identity.labels import ROLE_LABELS
from grantflow.identity.models import Organisation
from grantflow.programmes.models import Programme

WITHIN = timedelta(days=3)
"""So soon finance should have settled it: the grantee waits for money meanwhile."""
MORNING = 8
STATES: dict[str, Any] = {
    "asked": _("waits for a first person of finance"),
    "looked_at": _("waits for a second person of finance"),
    "confirmed": _("confirmed"),
    "refused": _("refused"),
    "taken_back": _("taken back by the grantee"),
    "lapsed": _("ended with the grant"),
}
exceptions.KINDS["account_changed"] = _("Other bank details asked for")


@provider
def to_settle(actor: Actor) -> Iterable[DeskItem]:
    """Changes in quarantine whose next step this person of finance may make."""
    if actor.person_id is None or not actor.has("finance"):
        return
    mine = actor.scopes("applicant", "organisation_id")
    found = accounts.waiting(actor)
    titles.load([one.case for one in found])
    for one in found:
        change, case = one.change, one.case
        if "finance" not in actor.roles_on(case) or actor.person_id in (change.asked_by_id, change.looked_by_id):
            continue
        if mine & {case.organisation_id, change.payee_id}:
            continue
        yield DeskItem(
            what=titles.title(case), url=url_for("disbursements.account_change", change_id=change.id), ref=case.ref or "",
            why=_("Other bank details were asked for: take them up, another person confirms them")
            if change.state == "asked"
            else _("Other bank details wait for a second person: reach the grantee, then confirm or refuse"),
            due_at=change.asked_at + WITHIN, kind="award",
        )  # fmt: skip


@source("disbursements.account_changes")
def each_morning(first: datetime, last: datetime, case_id: int | None) -> Iterator[Due]:
    """Each morning of the programme on which a change still waits: the latest one of a time, so that finance is told once
    after a time without a scheduler."""
    query = (
        select(AccountChange.id, AccountChange.award_id, AccountChange.asked_at, Programme.zone)
        .join(Case, Case.id == AccountChange.award_id)
        .join(Programme, Programme.id == Case.programme_id)
        .where(AccountChange.state.in_(CHANGE_WAITS))
        .order_by(AccountChange.id)
    )
    if case_id is not None:
        query = query.where(AccountChange.award_id == case_id)
    for row in session().execute(query):
        day = last.astimezone(ZoneInfo(row.zone)).date()
        morning = clock.local(day, MORNING, 0, row.zone)
        if morning > last:
            morning = clock.local(day - timedelta(days=1), MORNING, 0, row.zone)
        if max(first, row.asked_at) <= morning:
            yield Due(row.award_id, morning, row.asked_at, words={"page": f"/account-changes/{row.id}"})


@exceptions.source
def in_call(call: Any) -> Iterator[exceptions.Exceptional]:
    """What was asked for in the grants of a call, and what became of it: one query."""
    rows = session().execute(
        select(AccountChange, Case.ref, Organisation)
        .join(Case, Case.id == AccountChange.award_id)
        .join(Organisation, Organisation.id == Case.organisation_id)
        .where(Case.call_id == call.case_id)
    )
    for change, ref, body in rows:
        name = {"en": body.name_in("en"), "ru": body.name_in("ru")}
        what = _(
            "from …%(old)s to …%(new)s: %(state)s",
            old=change.old_end, new=change.account_end, state=STATES[change.state],
        )  # fmt: skip
        yield exceptions.Exceptional(
            "account_changed", change.asked_at, change.award_id, ref, name, what, None, change.reason,
            ROLE_LABELS["applicant"],
        )  # fmt: skip
