"""What must be true before a tranche may move, each as one sentence: agreement, report, previous tranche,
account, balance.

Judges rows it is given and reads nothing, so that the desk judges fifty tranches as the guard judges one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

from grantflow.awards.models import Award
from grantflow.awards.words import day, instalment, label, money
from grantflow.disbursements.accounts import Place
from grantflow.disbursements.models import AccountChange, Tranche
from grantflow.disbursements.schedule import available
from grantflow.money import Money


@dataclass(frozen=True)
class Gate:
    """One condition: its name, whether it is met, and the sentence that says so or says why not."""

    name: Any
    ok: bool
    words: Any


@dataclass(frozen=True)
class Awaited:
    """The report a tranche waits for: what it is called, its number, whether it is accepted, in which state
    it is."""

    label: Any
    ref: str
    accepted: bool
    state: Any
    case_id: int | None = None


def agreement(award: Award) -> Gate:
    """Both sides have signed."""
    if award.agreement_no is None or award.signed_on is None:
        return Gate(_("Agreement"), False, _("The agreement is not signed yet."))
    words = _("No. %(number)s, signed on %(day)s", number=award.agreement_no, day=day(award.signed_on))
    return Gate(_("Agreement"), True, words)


def report(tranche: Tranche, awaited: Awaited | None) -> Gate | None:
    """The report the plan names is accepted; None where the plan names none."""
    if tranche.report is None:
        return None
    if awaited is None:
        return Gate(_("Report"), False, _("The report this tranche waits for is not planned yet."))
    if awaited.accepted:
        return Gate(
            _("Report"),
            True,
            _("%(report)s (%(ref)s): accepted", report=label(awaited.label), ref=awaited.ref),
        )
    words = _(
        "%(report)s (%(ref)s): not accepted yet. Its state: %(state)s.",
        report=label(awaited.label),
        ref=awaited.ref,
        state=label(awaited.state),
    )
    return Gate(_("Report"), False, words)


def previous(tranche: Tranche, all_of_award: Sequence[Tranche]) -> Gate | None:
    """Every earlier tranche is paid; None for the first. A cancelled one holds nobody up."""
    if tranche.n == 1:
        return None
    waiting = [t for t in all_of_award if t.n < tranche.n and not t.is_paid and t.stage != "refused"]
    if not waiting:
        return Gate(_("Tranche before"), True, _("Paid"))
    first = min(waiting, key=lambda t: t.n)
    return Gate(
        _("Tranche before"),
        False,
        _("Tranche %(which)s is not paid yet.", which=instalment(first.n, first.of)),
    )


def account(named: Award | Place, change: AccountChange | None = None) -> Gate:
    """There is an account to pay to, and no other one waits to be confirmed."""
    if not named.bank_account:
        return Gate(_("Bank account"), False, _("The grantee has not named an account yet."))
    if change is not None:
        held = _(
            "Other bank details were asked for on %(day)s: nothing is paid until two persons of finance have looked "
            "at them and the second has confirmed them.",
            day=day(change.asked_at),
        )
        return Gate(_("Bank account"), False, held)
    words = _("%(bank)s, ends in %(end)s", bank=named.bank_name, end=named.account_end)
    if named.payee:
        words = _("%(name)s: %(account)s", name=label(named.payee), account=words)
    return Gate(_("Bank account"), True, words)


def planned(all_of_award: Sequence[Tranche], without: Tranche | None = None) -> int:
    """Minor units of tranches neither paid nor cancelled, leaving one out if told."""
    return sum(
        t.amount_minor
        for t in all_of_award
        if not t.is_paid and t.stage != "refused" and (without is None or t.case_id != without.case_id)
    )


def balance(tranche: Tranche, award: Award, all_of_award: Sequence[Tranche]) -> Gate:
    """The tranche fits into what is awarded and neither paid nor planned for other tranches; the formula,
    with numbers."""
    others = Money(planned(all_of_award, tranche), award.currency)
    free = available(award.amount, award.paid, others)
    sums = {
        "awarded": money(award.amount),
        "paid": money(award.paid),
        "planned": money(others),
        "free": money(free),
        "sum": money(tranche.amount),
    }
    if tranche.amount <= free:
        words = _(
            "%(awarded)s awarded − %(paid)s paid − %(planned)s planned in other tranches = %(free)s, "
            "enough for %(sum)s",
            **sums,
        )
        return Gate(_("Available"), True, words)
    words = _(
        "%(awarded)s awarded − %(paid)s paid − %(planned)s planned in other tranches = %(free)s: "
        "too little for %(sum)s.",
        **sums,
    )
    return Gate(_("Available"), False, words)


def gates(
    tranche: Tranche,
    award: Award,
    awaited: Awaited | None,
    all_of_award: Sequence[Tranche],
    change: AccountChange | None,
    paid_to: Award | Place | None = None,
) -> list[Gate]:
    """Every gate of a tranche in the order a person would ask: agreement, report, tranche before, account.

    `change`: the grant's other bank details in quarantine; `paid_to`: the account the money went to, where it has gone.
    """
    to = account(award, change) if paid_to is None else account(paid_to)
    found = [agreement(award), report(tranche, awaited), previous(tranche, all_of_award), to]
    return [gate for gate in found if gate is not None]
