"""The grantee asks for other bank details: judged field by field, put into quarantine, taken back while they wait.

The old account stays the valid one until a second person of finance has confirmed the new one, in `confirming`; that
nothing unpaid moves meanwhile is a gate. Writing functions need a unit of work around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import IO, Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow import clock
from grantflow.awards import payees
from grantflow.awards.banking import read_account, read_bank_code
from grantflow.awards.queries import award, zone_of
from grantflow.awards.words import day
from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.cases.service import fire, record
from grantflow.db import session, writing
from grantflow.disbursements import accounts
from grantflow.disbursements.models import AccountChange
from grantflow.disbursements.quarantine import (
    LONGEST_NAME,
    LONGEST_REASON,
    begin,
    done_before,
    hold,
    letters,
    note,
    seen,
    settle,
    still,
)
from grantflow.disbursements.queries import of_award
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.identity.access import SYSTEM, Actor
from grantflow.identity.labels import Joined
from grantflow.rendering import Unreadable, clean_text, file_size
from grantflow.submissions import files

FURTHEST = timedelta(days=60)
"""So far ahead an account may be named before it can be paid to."""
LETTER_KINDS, MOST_OCTETS = ("pdf", "jpg", "png"), 5_000_000
APPROVED = ("checked", "first_approved", "ready")


@dataclass(frozen=True)
class Letter:
    """A letter from the bank: its name, what it is by its content, and the octets."""

    name: str
    kind: str
    data: bytes


@dataclass(frozen=True)
class Asked:
    """What the grantee asks for, as typed and cleaned."""

    account: str
    code: str
    bank: str
    holder: str
    from_on: date
    reason: str
    letter: Letter | None = None


def read_letter(filename: str, stream: IO[bytes]) -> Letter:
    """A letter from the bank as it came in; Invalid where it is empty, too large, or by its content no PDF or picture."""
    data = stream.read(MOST_OCTETS + 1)
    said: Any = None
    if not data:
        said = _("This file is empty. Look whether it opens on your own device, then attach it again.")
    elif len(data) > MOST_OCTETS:
        said = _("This file is larger than %(size)s. Attach a smaller one.", size=file_size(MOST_OCTETS))
    if said is None:
        try:
            kind = files.kind_of(data)
            if kind in LETTER_KINDS:
                return Letter(files.clean_name(filename, kind), kind, data)
            kinds = Joined(files.KINDS[one] for one in LETTER_KINDS)
            said = _("By its content this is %(kind)s. Attach one of: %(kinds)s.", kind=files.KINDS[kind], kinds=kinds)
        except Refused as refusal:
            said = refusal.sentence
    raise Invalid(said, {"letter": said})


def may_ask(case: Any) -> Any:
    """Why no other account can be asked for now; None where it can. `case`: the grant's."""
    row = award(case.id)
    if row.terminated_at is not None or case.stage in ("closed", "refused"):
        return _("The grant has ended: nothing more is paid from it.")
    if not row.bank_account:
        return _("You name the account when you accept the grant.")
    if case.stage == "followup" and all(one.is_paid or one.stage == "refused" for one in of_award(case.id)):
        return _("Everything of this grant is paid: it needs no other account.")
    return None


def ask(award_id: int, given: Asked, *, actor: Actor, key: str | None = None, version: int | None = None) -> int:
    """Ask for other bank details; gives back the change's number. The same `key` counts once.

    Tranches prepared or approved for the old account fall back, and whoever gave their hand is told. Invalid, with its
    fields, for what cannot be read or is the present account; Refused where the grant has ended or another one waits.
    """
    case = hold(award_id)
    if (earlier := done_before(award_id, key)) is not None:
        return int(earlier.facts["change"])
    if "applicant" not in actor.roles_on(case) or actor.person_id is None:
        raise NotFound
    seen(case, version)
    if (why := may_ask(case)) is not None:
        raise Refused(why)
    if award_id in accounts.waiting_of([award_id]):
        raise Refused(_("Other bank details wait already to be confirmed. Take them back first, then ask anew."))
    row, payee = award(award_id), payees.required(case.organisation_id)
    given = _read(given, zone_of(case.programme_id))
    payee_id, named = (payee.id, payee.name) if payee.sponsors else (None, None)
    if (given.account, given.code, payee_id) == (row.bank_account, row.bank_code, row.payee_id):
        said = _("The grant is paid to this account already.")
        raise Invalid(said, {"bank_account": said})
    change = AccountChange(
        award_id=award_id, state="asked", old_account=row.bank_account, old_bank=row.bank_name, old_code=row.bank_code,
        old_payee=row.payee, account=given.account, bank=given.bank, code=given.code, payee_id=payee_id, payee=named,
        holder=given.holder, from_on=given.from_on, reason=given.reason, asked_by_id=actor.person_id,
        asked_at=clock.now(),
    )  # fmt: skip
    if given.letter is not None:
        change.letter_stored, change.letter_name = files._store(given.letter.data), given.letter.name
        change.letter_type = files.TYPES[given.letter.kind]
    writing().add(change)
    writing().flush()
    back = _approved(award_id)
    record(
        award_id, "account_change_asked", actor=actor, role="applicant", reason=given.reason, key=key,
        facts={"change": change.id, "from_on": given.from_on, "tranches_back": [one.ref for one in back]},
        private_changes=[("asked_account", None, given.account, actor.person_id)],
        notices=letters(change, case, actor, "account_change_asked", "account_change_to_check"),
    )  # fmt: skip
    for one in back:
        said = gettext("Other bank details were asked for: approvals given for the old account are withdrawn.")
        fire(one.id, "send_back", actor=SYSTEM, reason=said)
    return change.id


def take_back(change_id: int, *, actor: Actor, key: str | None = None, version: int | None = None) -> None:
    """Take back what was asked for, by anybody who acts for the grantee, while it waits. Pressed again it changes nothing."""
    change, case = begin(change_id)
    if done_before(case.id, key) is not None or change.state == "taken_back":
        return
    if "applicant" not in actor.roles_on(case):
        raise NotFound
    still(change)
    seen(case, version)
    settle(change, "taken_back", actor)
    note(change, case, actor, "applicant", key)


def lapse(ctx: Context) -> None:
    """The grant ends: what was in quarantine ends with it, inside the move that ends the grant."""
    change = accounts.waiting_of([ctx.case.id]).get(ctx.case.id)
    if change is not None:
        change.state, change.settled_at = "lapsed", ctx.now
        ctx.session.flush()
        ctx.fact("account_change", change.id)


def _read(given: Asked, zone: str) -> Asked:
    """What was asked for, judged field by field; Invalid with a sentence for each."""
    wrong: dict[str, Any] = {}
    account, code = "", ""
    try:
        account = read_account(given.account)
        code = read_bank_code(given.code, account)
    except Unreadable as told:
        wrong["bank_code" if account else "bank_account"] = told.sentence
    bank, holder, reason = (clean_text(text) for text in (given.bank, given.holder, given.reason))
    for name, text, missing, most in (
        ("bank_name", bank, _("Write the name of the bank."), LONGEST_NAME),
        ("holder", holder, _("Write the holder of the account, as the bank has the name."), LONGEST_NAME),
        ("reason", reason, _("Write why the account changes: finance reads it."), LONGEST_REASON),
    ):
        if not text:
            wrong[name] = missing
        elif len(text) > most:
            wrong[name] = _("Shorten it to %(max)d characters.", max=most)
    last = clock.today(zone) + FURTHEST
    if given.from_on > last:
        wrong["from_on"] = _("Name an account that can be paid to by %(day)s.", day=day(last))
    if wrong:
        raise Invalid(_("Look at the marked fields."), wrong)
    return Asked(account, code, bank, holder, given.from_on, reason, given.letter)


def _approved(award_id: int) -> list[Any]:
    """The tranches that were prepared or approved, and not paid: they fall back."""
    query = select(Case.__table__).where(
        Case.parent_id == award_id, Case.kind == "tranche", Case.state.in_(APPROVED)
    )  # fmt: skip
    return list(session().execute(query.order_by(Case.id)))
