"""What every step of a change of bank details needs: the grant held, the change as it stands, its end, the event, the letters.

The grantee's steps are in `asking`, those of finance in `confirming`. All of it needs a unit of work around it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow import clock
from grantflow.awards.queries import award, names
from grantflow.awards.words import Later, day
from grantflow.cases import words
from grantflow.cases.models import Case
from grantflow.cases.service import lock, record
from grantflow.db import session, unit_connection, writing
from grantflow.disbursements import accounts, contacts
from grantflow.disbursements.models import AccountChange
from grantflow.errors import Refused, Stale
from grantflow.history import store
from grantflow.identity import merging
from grantflow.identity.access import Actor
from grantflow.rendering import language

LONGEST_NAME, LONGEST_REASON = 200, 1000

words.say(
    account_change_asked=_("Other bank details asked for"),
    account_change_looked_at=_("Other bank details looked at by a first person"),
    account_change_confirmed=_("Other bank details confirmed by a second person"),
    account_change_refused=_("Other bank details refused"),
    account_change_taken_back=_("Other bank details taken back"),
)
words.open_to_applicants(
    "account_change_asked", "account_change_confirmed", "account_change_refused", "account_change_taken_back"
)
words.field(asked_account=_("Account asked for"))
words.fact(
    from_on=_("Can be paid to from"), reached=_("How it was confirmed"), account_ended=_("Account ended in"),
    tranches_back=_("Tranches sent back"),
)  # fmt: skip
words.code(reached={"phone": _("by telephone"), "video": _("by video"), "visit": _("on a visit")})


def hold(award_id: int) -> Any:
    """The grant's row, held together with its tranches, these first, in the order in which a payment takes them: whoever
    moves a tranche now waits, and then sees what was done here."""
    for one in session().scalars(
        select(Case.id).where(Case.parent_id == award_id, Case.kind == "tranche").order_by(Case.id)
    ):
        lock(one)
    return lock(award_id)


def begin(change_id: int) -> tuple[AccountChange, Any]:
    """A change as it stands once its grant is held."""
    case = hold(accounts.change(change_id).award_id)
    change = accounts.change(change_id)
    writing().refresh(change)
    return change, case


def done_before(award_id: int, key: str | None) -> Any | None:
    """The event this press was counted by already, if it was."""
    return store.by_key(unit_connection(), award_id, key) if key is not None else None


def seen(case: Any, version: int | None) -> None:
    """Stale where the grant has gone on since the person looked at it."""
    if version is not None and version != case.version:
        raise Stale(_("This was changed while you were reading it. Look at it as it is now, then decide."))


def still(change: AccountChange) -> None:
    """Refused, with who and when, where it does not wait any more."""
    if change.waits:
        return
    settled = day(change.settled_at) if change.settled_at else ""
    if change.state == "taken_back":
        raise Refused(_("The grantee took it back on %(day)s.", day=settled))
    if change.state == "lapsed":
        raise Refused(_("The grant ended on %(day)s, and this with it.", day=settled))
    who = name_of(change.settled_by_id)
    if change.state == "confirmed":
        raise Refused(_("It was confirmed on %(day)s by %(who)s.", day=settled, who=who))
    raise Refused(_("It was refused on %(day)s by %(who)s.", day=settled, who=who))


def name_of(person_id: int | None) -> Any:
    """Somebody's name inside a sentence, in the reader's language."""
    return Later(lambda: names([person_id], language()).get(person_id or 0, ""))


def settle(change: AccountChange, state: str, actor: Actor) -> None:
    """It waits no more: in which way, by whom, when."""
    change.state, change.settled_by_id, change.settled_at = state, actor.person_id, clock.now()
    writing().flush()


def note(
    change: AccountChange,
    case: Any,
    actor: Actor,
    role: str,
    key: str | None,
    facts: dict[str, Any] | None = None,
    private: Iterable[Any] = (),
    changes: Iterable[Any] = (),
    reason: str = "",
) -> None:
    """The event by which a change leaves quarantine, and its letters."""
    name = f"account_change_{change.state}"
    record(
        case.id, name, actor=actor, role=role, key=key, reason=reason, private_changes=private, changes=changes,
        facts={"change": change.id, "account_ended": change.old_end, "account_ends": change.account_end, **(facts or {})},
        notices=letters(change, case, actor, name, name),
    )  # fmt: skip


def letters(change: AccountChange, case: Any, actor: Actor, name: str, to_finance: str) -> list[Any]:
    """Who is told: old and new contacts, at the addresses they had until lately too, and finance."""
    row = award(case.id)
    earlier = [one for one in accounts.changes_of(case.id) if one.id < change.id]
    told = contacts.to_tell(row, earlier, change.payee_id)
    said = {"before": f"…{change.old_end}", "number": f"…{change.account_end}"}
    finance = contacts.finance_of(case.programme_id, actor.person_id)
    page = f"/account-changes/{change.id}"
    found: list[Any] = [(name, told, {**said, "page": f"/awards/{case.id}/account"})]
    found.append((to_finance, [one for one in finance if one not in told], {**said, "page": page}))
    if name == "account_change_asked":
        found += [
            ("account_change_elsewhere", [person], {**said, "former_link": link})
            for person, link in contacts.former_addresses(told)
        ]
    return found


merging.follows(AccountChange.__table__.c.payee_id)
