"""Finance settles a change of bank details: one person takes it up, a second confirms it by another channel or refuses it.

Neither is who asked for it or acts for whoever is paid, and they are two: the database refuses one person for both.
Writing functions need a unit of work around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from grantflow import clock
from grantflow.awards import payees
from grantflow.awards.queries import award, zone_of
from grantflow.awards.words import day
from grantflow.cases.service import record
from grantflow.db import writing
from grantflow.disbursements import contacts
from grantflow.disbursements.models import CHANNELS, AccountChange
from grantflow.disbursements.quarantine import (
    LONGEST_NAME,
    begin,
    done_before,
    name_of,
    note,
    seen,
    settle,
    still,
)
from grantflow.errors import Invalid, Refused
from grantflow.identity.access import Actor
from grantflow.rendering import clean_text


@dataclass(frozen=True)
class Reached:
    """How a second person had it confirmed: the channel, the number or place, whom, and the end of the account as told."""

    channel: str
    contact: str
    who: str
    end: str


def look_at(change_id: int, *, actor: Actor, key: str | None = None, version: int | None = None) -> None:
    """The first person of finance takes it up. Refused for whoever asked for it or acts for the grantee."""
    change, case = begin(change_id)
    if done_before(case.id, key) is not None:
        return
    _officer_of_money(change, case, actor)
    still(change)
    if change.state == "looked_at":
        if change.looked_by_id == actor.person_id:
            return
        raise Refused(_("%(who)s has taken it up already: you can be the second.", who=name_of(change.looked_by_id)))
    seen(case, version)
    change.state, change.looked_by_id, change.looked_at = "looked_at", actor.person_id, clock.now()
    writing().flush()
    record(
        case.id, "account_change_looked_at", actor=actor, role="finance", key=key,
        facts={"change": change.id, "account_ends": change.account_end},
    )  # fmt: skip


def confirm(
    change_id: int, given: Reached, *, actor: Actor, key: str | None = None, version: int | None = None
) -> None:
    """The second person has reached the grantee by another channel: from now on the new account is the valid one.

    Refused for whoever asked for it or took it up, before the day from which it can be paid to, and where another body
    receives the money now; Invalid, with its fields, without how and whom, or where the end told is another.
    """
    change, case = begin(change_id)
    if done_before(case.id, key) is not None:
        return
    _second(change, case, actor)
    seen(case, version)
    if change.from_on > clock.today(zone_of(case.programme_id)):
        raise Refused(_("The account can be paid to from %(day)s: confirm it then.", day=day(change.from_on)))
    payee = payees.payee_of(case.organisation_id)
    if payee is None or (payee.id if payee.sponsors else None) != change.payee_id:
        raise Refused(_("Another organisation receives the money now. Refuse this, so that the grantee asks anew."))
    given = _reached(change, given)
    change.channel, change.contact, change.reached = given.channel, given.contact, given.who
    settle(change, "confirmed", actor)
    row = award(case.id)
    of = change.asked_by_id
    private = [("bank_account", row.bank_account, change.account, of), ("reached_by", None, given.contact, of)]
    private.append(("reached_whom", None, given.who, of))
    changes = [("bank_name", row.bank_name, change.bank), ("payee", row.payee, change.payee)]
    row.bank_account, row.bank_name, row.bank_code = change.account, change.bank, change.code
    row.payee_id, row.payee = change.payee_id, change.payee
    writing().flush()
    note(change, case, actor, "finance", key, {"reached": given.channel}, private, changes)


def refuse(change_id: int, reason: str, *, actor: Actor, key: str | None = None, version: int | None = None) -> None:
    """The second person refuses it with the reason: the old account stays, and what is due moves again."""
    change, case = begin(change_id)
    if done_before(case.id, key) is not None:
        return
    _second(change, case, actor)
    seen(case, version)
    reason = clean_text(reason)
    if not reason:
        said = _("Write why it is refused: the grantee reads it.")
        raise Invalid(said, {"reason": said})
    change.answer = reason
    settle(change, "refused", actor)
    note(change, case, actor, "finance", key, reason=reason)


def standing_aside(change: AccountChange, case: Any, actor: Actor) -> Any:
    """Why this person of finance may be neither the first nor the second; None where nothing speaks against it."""
    if "finance" not in actor.roles_on(case):
        return _("Only finance of this programme confirms an account.")
    if actor.person_id == change.asked_by_id or actor.person_id in contacts.acting_for(award(case.id), change.payee_id):
        return _("You act for whoever is paid: two other persons of finance have to look at it.")
    return None


def _officer_of_money(change: AccountChange, case: Any, actor: Actor) -> None:
    if (why := standing_aside(change, case, actor)) is not None:
        raise Refused(why)


def _second(change: AccountChange, case: Any, actor: Actor) -> None:
    _officer_of_money(change, case, actor)
    still(change)
    if change.state == "asked":
        raise Refused(_("First one person of finance takes it up; then another one confirms or refuses it."))
    if change.looked_by_id == actor.person_id:
        raise Refused(_("You took it up: another person of finance confirms or refuses it."))


def _reached(change: AccountChange, given: Reached) -> Reached:
    wrong: dict[str, Any] = {}
    if given.channel not in CHANNELS:
        wrong["channel"] = _("Choose how you reached them.")
    contact, who, end = (clean_text(text) for text in (given.contact, given.who, given.end))
    for name, text, missing in (
        ("contact", contact, _("Write the number or the place, known before this was asked for.")),
        ("who", who, _("Write whom you reached: name and office.")),
    ):
        if not text:
            wrong[name] = missing
        elif len(text) > LONGEST_NAME:
            wrong[name] = _("Shorten it to %(max)d characters.", max=LONGEST_NAME)
    if end.replace(" ", "").upper() != change.account_end:
        wrong["end"] = _("The new account does not end so. If this is what they told you, refuse the change.")
    if wrong:
        raise Invalid(_("Look at the marked fields."), wrong)
    return Reached(given.channel, contact, who, change.account_end)
