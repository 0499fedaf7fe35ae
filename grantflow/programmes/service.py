"""Owns what a call may do: its guards, its dates, its districts by amendment, and the numbers of its
applications.

Leaves loading a pack to `loading`, reading to `queries`, and everything about applications to `submissions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext
from sqlalchemy import bindparam, select, update

from grantflow import clock, rendering
from grantflow.cases import deadlines, definitions, titles, words
from grantflow.cases.context import Context
from grantflow.cases.service import Outcome, ask, fire, lock, record
from grantflow.db import session, unit_connection, writing
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import NotFound, Refused, Stale
from grantflow.history import store
from grantflow.history.canonical import stamp
from grantflow.identity import merging
from grantflow.identity.access import Actor
from grantflow.prepared import Prepared
from grantflow.programmes import models
from grantflow.programmes.calls import current_districts, keep_terms
from grantflow.programmes.closing import put_off
from grantflow.programmes.loading import load_pack
from grantflow.programmes.pack import Amendment
from grantflow.programmes.parts import Prose
from grantflow.programmes.rows import Loaded

__all__ = [
    "Loaded", "allot_number", "amend_scope", "apply_amendments", "extend_closing", "keep_terms", "load_pack",
]  # fmt: skip


OPENED_AGAIN_WITHIN = timedelta(days=14)
"""So long after it closed a call can be opened again for everybody."""
_CALLS = models.Call.__table__
_NEXT_NUMBER = Prepared(
    update(_CALLS)
    .where(_CALLS.c.case_id == bindparam("wanted"))
    .values(next_number=_CALLS.c.next_number + 1)
    .returning(_CALLS.c.prefix, _CALLS.c.next_number)
)


@dataclass(frozen=True)
class _When:
    """An instant inside a sentence: written in the reader's language at the moment of reading."""

    at: datetime
    zone: str

    def __str__(self) -> str:
        return rendering.moment(self.at, self.zone)


@dataclass(frozen=True)
class _Day:
    """A day inside a sentence, written in the reader's language at the moment of reading."""

    on: date

    def __str__(self) -> str:
        return rendering.day(self.on)


def _row(ctx: Context) -> models.Call:
    row = session().get(models.Call, ctx.case.id)
    if row is None:
        raise NotFound
    return row


# names in both languages, for the pages of all cases
def _names(column: Any, key: Any) -> dict[Any, Any]:
    return {row[0]: row[1] for row in session().execute(select(key, column))}


titles.names_of("call")(lambda: _names(models.Call.name, models.Call.case_id))
titles.names_of("programme")(lambda: _names(models.Programme.name, models.Programme.id))
titles.names_of("alliance")(lambda: _names(models.Alliance.name, models.Alliance.id))
words.code_from("districts", lambda: _names(models.Place.name, models.Place.code))


# guards
@registry.guard("programmes.texts_complete")
def texts_complete(ctx: Context) -> Verdict:
    """Title, summary, guide and contact stand in both languages."""
    row = _row(ctx)
    texts = (row.name, row.title, row.summary, row.guide, row.panel, row.contact)
    if all(text.en.strip() and text.ru.strip() for text in texts) and row.contact_email:
        return YES
    return no(_("The call’s texts are not complete in both languages yet."))


@registry.guard("programmes.budget_positive")
def budget_positive(ctx: Context) -> Verdict:
    """There is money in the call."""
    return YES if _row(ctx).budget_minor > 0 else no(_("The call has no budget yet."))


@registry.guard("programmes.strategy_or_reason")
def strategy_or_reason(ctx: Context) -> Verdict:
    """The call follows a strategy its alliance has endorsed, or says why it follows none."""
    row = _row(ctx)
    if row.strategy_id is None:
        if row.no_strategy is not None:
            return YES
        return no(_("Name the strategy this call follows, or the reason why it follows none."))
    strategy = session().get_one(models.Strategy, row.strategy_id)
    if strategy.endorsed_on > clock.today(row.zone):
        return no(_("The alliance has not endorsed the call’s strategy yet."))
    return YES


@registry.guard("programmes.dates_in_order")
def dates_in_order(ctx: Context) -> Verdict:
    """The call closes after it opens, in the future, and tells its results after that."""
    row = _row(ctx)
    if row.closes_at <= ctx.now:
        return no(_("The closing hour has passed already: %(when)s.", when=_When(row.closes_at, row.zone)))
    if row.results_on <= day_in(row.closes_at, row.zone):
        return no(_("The results would come before the call closes."))
    return YES


@registry.guard("programmes.opening_reached")
def opening_reached(ctx: Context) -> Verdict:
    """The opening hour has come."""
    row = _row(ctx)
    if ctx.now >= row.opens_at:
        return YES
    return no(_("The call opens on %(when)s.", when=_When(row.opens_at, row.zone)))


@registry.guard("programmes.deadline_passed")
def deadline_passed(ctx: Context) -> Verdict:
    """The closing hour and its minutes of grace are over: nobody's time is made shorter once the call is open."""
    row = _row(ctx)
    if ctx.now >= closing_instant(row):
        return YES
    when = _When(row.closes_at, row.zone)
    return no(
        _("Applications are welcome until %(when)s. The time is never made shorter; a call that must stop is cancelled.",
          when=when)
    )  # fmt: skip


@registry.guard("programmes.closed_lately")
def closed_lately(ctx: Context) -> Verdict:
    """The call closed a fortnight ago at the most: later nobody waits for its drafts any more."""
    row = _row(ctx)
    if ctx.now <= (last := closing_instant(row) + OPENED_AGAIN_WITHIN):
        return YES
    return no(_("A closed call could be opened again until %(when)s.", when=_When(last, row.zone)))


@registry.guard("programmes.closes_later")
def closes_later(ctx: Context) -> Verdict:
    """The new closing hour is a later one, has not passed, and leaves time before the results; unknown while only asked."""
    if ctx.asking:
        return YES
    closes_at = ctx.payload.get("closes_at")
    if not isinstance(closes_at, datetime):
        return no(_("Write the later closing hour."))
    return later_hour(_row(ctx), closes_at, ctx.now)


@registry.effect("programmes.put_off_closing", to_many=True)
def put_off_closing(ctx: Context) -> None:
    """The call closes at the later hour: whatever hangs on it follows, and whoever holds a draft is told."""
    row, closes_at = _row(ctx), ctx.payload["closes_at"]
    for notice, people, params in put_off(row, closes_at, Prose(en=ctx.reason, ru=ctx.reason)):
        ctx.notify(notice, people, **params)
    ctx.change("closes_at", row.closes_at, closes_at)
    row.closes_at = closes_at
    ctx.session.flush()


def closing_instant(row: models.Call) -> datetime:
    """When a call closes by itself: after the closing hour and the minutes of grace."""
    return row.closes_at + timedelta(minutes=row.grace_minutes)


def day_in(at: datetime, zone: str) -> date:
    """The calendar day of an instant in a named zone."""
    return at.astimezone(ZoneInfo(zone)).date()


@registry.deadline_source("programmes.opens_at")
def opens_at(ctx: Context) -> datetime:
    """When a scheduled call opens."""
    return _row(ctx).opens_at


@registry.deadline_source("programmes.closes_at")
def closes_at(ctx: Context) -> datetime:
    """When an open call closes by itself."""
    return closing_instant(_row(ctx))


# use cases
def allot_number(call_id: int) -> str:
    """The next human number of a call, such as "KR-2021-0007", inside a unit of work. Never given twice, no
    gaps.

    The row is locked by the UPDATE itself, so two submitters at once get two numbers; a failed unit gives
    its back.
    """
    row = _NEXT_NUMBER.one(unit_connection(), {"wanted": call_id})
    if row is None:
        raise NotFound
    return f"{row.prefix}-{row.next_number - 1:04d}"


def _manager_of(call_id: int, actor: Actor) -> Any:
    case = lock(call_id)
    if case.kind != "call":
        raise NotFound
    if not actor.roles_on(case) & {"manager", "admin", "system"}:
        raise Refused(_("Only the programme manager may change a call."))
    return case


def amend_scope(call_id: int, districts: Iterable[str], reason: Prose | str, on: date, actor: Actor) -> bool:
    """Change the districts of an approved call from a day on, with the reason, inside a unit of work.

    The earlier districts stay readable with their days. Gives back False where the scope is already so.
    Raises Refused for a draft, an unknown district, one outside the alliance's region, a day before an
    earlier change, or no reason.
    """
    current, case, wanted = writing(), _manager_of(call_id, actor), list(dict.fromkeys(districts))
    call = current.get_one(models.Call, call_id)
    if isinstance(reason, str):
        if not reason.strip():
            raise Refused(_("Write the reason: it will stand in the history."))
        reason = Prose(en=reason.strip(), ru=reason.strip())
    if case.state == "draft":
        raise Refused(_("The call is a draft: change its districts in the pack, no amendment is needed."))
    region = current.execute(select(models.Alliance.region_id).filter_by(id=call.alliance_id)).scalar_one()
    rows = current.execute(select(models.Place.code, models.Place.id).filter_by(kind="district", parent_id=region))
    known: dict[str, int] = {row.code: row.id for row in rows}
    if not wanted or (foreign := sorted(set(wanted) - set(known))):
        shown = ", ".join(foreign) if wanted else "—"
        raise Refused(_("These are no districts of the alliance’s region: %(codes)s.", codes=shown))
    before = current_districts(call_id)
    if before == set(wanted):
        return False
    scopes = models.CallScope
    rows_now = current.scalars(select(scopes).where(scopes.call_id == call_id, scopes.until_on.is_(None))).all()
    if any(row.from_on > on for row in rows_now):
        raise Refused(_("A later change of the districts stands already; choose a later day."))
    for row in rows_now:
        if row.place_id not in {known[code] for code in wanted}:
            row.until_on, row.ended = on, reason
    for code in wanted:
        if code not in before:
            current.add(scopes(call_id=call_id, place_id=known[code], from_on=on, reason=reason))
    current.flush()
    record(
        call_id,
        "scope_amended",
        actor=actor,
        facts={"from": on},
        changes=[("districts", sorted(before), sorted(wanted))],
        reason=reason.in_(actor.language),
    )
    return True


def apply_amendments(call_id: int, amendments: Iterable[Amendment], actor: Actor) -> int:
    """Bring a pack's amendments of scope to an approved call, in their order; gives back how many changed
    it."""
    return sum(amend_scope(call_id, a.districts, a.reason, a.on, actor) for a in amendments)


def opens_again(case: Any) -> Any | None:
    """The move by which putting off the closing hour opens this call again; None for one that has not closed, whose
    evaluation has begun, or whose own version of the workflow has no such move."""
    return next(iter(definitions.pinned(case.workflow_hash).moves_from(case.state, "open_again")), None)


def may_put_off(case: Any, call: models.Call, actor: Actor) -> Verdict:
    """Whether the closing hour of a call can still be put off: it is approved, and the server's clock says it is open yet;
    or it has closed, and what its workflow asks of one that is opened again holds."""
    if case.state == "draft":
        return no(_("The call is a draft: change its closing hour in the pack."))
    if (move := opens_again(case)) is not None:
        return ask(case, move, actor)
    if case.stage not in ("preparation", "submission") or clock.now() > closing_instant(call):
        return no(_("The call has closed already."))
    return YES


def later_hour(call: models.Call, closes_at: datetime, now: datetime) -> Verdict:
    """Whether a call may close at this hour instead of its own: a later one, yet to come, before the day of the results."""
    if closes_at <= call.closes_at:
        when = _When(call.closes_at, call.zone)
        return no(_("The call closes on %(when)s. The closing hour can be put off, never brought forward.", when=when))
    if closes_at <= now:
        return no(_("This hour has passed. Write a later one."))
    if day_in(closes_at, call.zone) >= call.results_on:
        results = _Day(call.results_on)
        return no(_("The results come on %(day)s. The call has to close on an earlier day.", day=results))
    return YES


def extend_closing(
    call_id: int, closes_at: datetime, reason: str, actor: Actor, *, key: str | None = None, seen: str | None = None
) -> Outcome:
    """Put off the closing hour for everybody, with a reason, inside a unit of work. It is never brought forward. A call
    that has closed, and whose evaluation has not begun, is opened again with it.

    Whoever holds a draft is told with the event. `seen` is the hour the person saw, as `stamp` writes it: Stale if it is
    another by now. A repeated `key` changes nothing and gives back the first event. Raises Refused for a call that cannot
    be opened any more, no reason, an hour that is not later, has passed, or lies on the day of the results or after it.
    """
    current, case = writing(), _manager_of(call_id, actor)
    if key is not None and (earlier := store.by_key(unit_connection(), call_id, key)) is not None:
        return Outcome(case, earlier, moved=False, replayed=True)
    call = current.get_one(models.Call, call_id)
    now = _When(call.closes_at, call.zone)
    if seen is not None and seen != stamp(call.closes_at):
        raise Stale(_("The closing hour was changed while you were writing. It is now: %(when)s.", when=now))
    if not (verdict := may_put_off(case, call, actor)):
        raise Refused(verdict.because)
    if not (reason := reason.strip()):
        raise Refused(_("Write the reason: it will stand in the history."))
    if opens_again(case) is not None:
        how = {"payload": {"closes_at": closes_at}, "reason": reason, "key": key, "locked": case}
        return fire(call_id, "open_again", actor=actor, **how)
    if not (verdict := later_hour(call, closes_at, clock.now())):
        raise Refused(verdict.because)
    notices = put_off(call, closes_at, Prose(en=reason, ru=reason))
    before, call.closes_at = call.closes_at, closes_at
    current.flush()
    event = record(
        call_id,
        "closing_put_off",
        actor=actor,
        changes=[("closes_at", before, closes_at)],
        reason=reason,
        key=key,
        notices=notices,
    )
    deadlines.reckon(call_id)
    return Outcome(case, event, moved=False)


merging.follows(
    models.AllianceMember.__table__.c.organisation_id,
    lambda n: lazy_ngettext("%(num)d membership in an alliance", "%(num)d memberships in alliances", n),
)
merging.follows(
    models.ProgrammePartner.__table__.c.organisation_id,
    lambda n: lazy_ngettext("%(num)d part as partner of a programme", "%(num)d parts as partner of programmes", n),
)
