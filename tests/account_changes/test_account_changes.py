"""Other bank details: in quarantine until a second person has confirmed them, with the old account valid and nothing paid."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Event as Signal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from grantflow import clock
from grantflow.cases import reminders, service, worker
from grantflow.cases.models import Letter, Outbox
from grantflow.db import db, session, unit_of_work
from grantflow.disbursements import accounts, contacts
from grantflow.disbursements.models import AccountChange
from grantflow.disbursements.queries import ledger
from grantflow.eligibility.exceptions import exceptions_of
from grantflow.errors import GrantFlowError, Invalid, NotFound, Refused, Stale
from grantflow.history.models import Event, PrivateValue
from grantflow.history.verify import verify_case
from grantflow.identity import addresses, links, sponsors
from grantflow.identity.models import Organisation, RoleAssignment
from grantflow.programmes.queries import call_by_code
from tests import factories
from tests.account_changes.conftest import NEW, REACHED, Bank
from tests.awards.scene import ACCOUNT, BIK
from tests.together import all_at_once


def test_what_is_asked_for_stands_in_quarantine_and_approvals_fall_back(bank: Bank) -> None:
    number = bank.ask()
    award = bank.award(bank.award_id)
    assert (award.bank_account, bank.change(number).state) == (ACCOUNT, "asked")
    assert bank.state(bank.tranche_id) == "due"
    assert bank.finance.person_id in bank.told("approval_withdrawn")
    with pytest.raises(Refused, match=r"Other bank details were asked for on .*: nothing is paid until two persons"):
        bank.fire(bank.tranche_id, "prepare", bank.finance)
    event = session().query(Event).filter_by(case_id=bank.award_id, move="account_change_asked").one()
    assert NEW not in str(event.facts) and event.facts["tranches_back"] == ["KR-2021-0001-G-T1"]
    kept = session().query(PrivateValue).filter_by(case_id=bank.award_id, name="asked_account:after").one()
    assert NEW in str(kept.value)
    assert verify_case(bank.award_id).breaks == []


def test_a_second_person_confirms_and_the_new_account_is_the_valid_one(bank: Bank) -> None:
    number = bank.looked_at()
    assert bank.award(bank.award_id).bank_account == ACCOUNT
    bank.confirm(number)
    award, change = bank.award(bank.award_id), bank.change(number)
    assert (award.bank_account, award.bank_name, award.bank_code) == (NEW, "Ladoga Bank", BIK)
    assert (change.state, change.channel, change.reached) == ("confirmed", "phone", "The director")
    bank.fire(bank.tranche_id, "prepare", bank.finance)
    assert bank.state(bank.tranche_id) == "checked"


@pytest.mark.parametrize("end", ["refuse", "take_back"])
def test_refused_or_taken_back_the_old_account_stays_and_money_moves(bank: Bank, end: str) -> None:
    number = bank.looked_at()
    getattr(bank, end)(number)
    assert bank.award(bank.award_id).bank_account == ACCOUNT
    bank.fire(bank.tranche_id, "prepare", bank.finance)
    again = bank.ask()
    assert again != number


Act = Callable[[Bank, int], Any]
LATER = timedelta(days=3)
NOTHING_ASKED: dict[str, tuple[Act, type[GrantFlowError], str]] = {
    "a stale page asks": (lambda b, _: b.ask(version=1), Stale, "changed while you were reading"),
    "somebody of another body asks": (
        lambda b, _: b.ask(actor=factories.person("applicant", organisation_id=factories.organisation())), NotFound, ""),
    "finance asks": (lambda b, _: b.ask(actor=b.finance), NotFound, ""),
    "an offer has no account yet": (lambda b, _: b.ask(b.offered()), Refused, "You name the account when you accept"),
    "the same account": (lambda b, _: b.ask(account=ACCOUNT), Invalid, "bank_account: The grant is paid to this"),
    "a digit is wrong": (
        lambda b, _: b.ask(account=NEW[:-1] + str((int(NEW[-1]) + 1) % 10)), Invalid, "bank_code: Account and BIK"),
    "no account at all": (lambda b, _: b.ask(account="40"), Invalid, "bank_account: An account has 20 digits"),
    "no bank": (lambda b, _: b.ask(bank=""), Invalid, "bank_name: Write the name"),
    "no holder": (lambda b, _: b.ask(holder=" "), Invalid, "holder: Write the holder"),
    "too long a holder": (lambda b, _: b.ask(holder="x" * 201), Invalid, "holder: Shorten it to 200"),
    "no reason": (lambda b, _: b.ask(reason=" "), Invalid, "reason: Write why"),
    "too far ahead": (
        lambda b, _: b.ask(from_on=clock.today() + timedelta(days=99)), Invalid, "from_on: Name an account that can"),
}  # fmt: skip
ASKED: dict[str, tuple[Act, type[GrantFlowError], str]] = {
    "nobody has taken it up": (lambda b, n: b.confirm(n), Refused, "First one person of finance takes it up"),
    "nor for refusing it": (lambda b, n: b.refuse(n), Refused, "First one person of finance takes it up"),
    "a manager is no finance": (lambda b, n: b.look(n, b.manager), Refused, "Only finance of this programme"),
    "the grantee is no finance": (lambda b, n: b.look(n, b.grantee), Refused, "Only finance of this programme"),
    "who acts for the grantee": (
        lambda b, n: b.look(n, factories.also(b.finance3, "applicant", organisation_id=b.body)),
        Refused, "You act for whoever is paid"),
    "another waits": (lambda b, n: b.ask(), Refused, "Other bank details wait already"),
    "finance takes it back": (lambda b, n: b.take_back(n, b.finance), NotFound, ""),
}  # fmt: skip
LOOKED_AT: dict[str, tuple[Act, type[GrantFlowError], str]] = {
    "the first is not the second": (
        lambda b, n: b.confirm(n, b.finance), Refused, "You took it up: another person of finance"),
    "nor the one who refuses": (lambda b, n: b.refuse(n, b.finance), Refused, "You took it up: another person"),
    "taken up by another": (lambda b, n: b.look(n, b.finance2), Refused, "has taken it up already: you can be the second"),
    "finance of another programme": (lambda b, n: b.confirm(n, b.stranger), Refused, "Only finance of this programme"),
    "who acts for the grantee": (
        lambda b, n: b.confirm(n, factories.also(b.finance3, "applicant", organisation_id=b.body)),
        Refused, "You act for whoever is paid"),
    "a stale page": (lambda b, n: b.confirm(n, version=1), Stale, "changed while you were reading"),
    "not reached at all": (
        lambda b, n: b.confirm(n, reached=replace(REACHED, channel="mail")), Invalid, "channel: Choose how"),
    "nobody named": (lambda b, n: b.confirm(n, reached=replace(REACHED, who="")), Invalid, "who: Write whom"),
    "no number": (lambda b, n: b.confirm(n, reached=replace(REACHED, contact=" ")), Invalid, "contact: Write the number"),
    "another end was told": (
        lambda b, n: b.confirm(n, reached=replace(REACHED, end="0000")), Invalid, "end: The new account does not end so"),
    "a no without a reason": (lambda b, n: b.refuse(n, reason=" "), Invalid, "reason: Write why"),
}  # fmt: skip
CASES = (NOTHING_ASKED, ASKED, LOOKED_AT)


@pytest.mark.parametrize("step", [0, 1, 2], ids=["nothing asked", "asked", "looked at"])
def test_every_refusal_is_a_sentence_and_changes_nothing(bank: Bank, step: int) -> None:
    number = bank.ask() if step else 0
    if step == 2:
        bank.look(number)
    before = bank.row(bank.award_id).version
    for name, (act, error, sentence) in CASES[step].items():
        with pytest.raises(error) as caught:
            act(bank, number)
        session().rollback()
        said = str(caught.value)
        if isinstance(caught.value, Invalid):
            said = "; ".join(f"{field}: {words}" for field, words in caught.value.fields.items())
        assert re.match(sentence, said) or sentence in said, (name, said)
        assert bank.row(bank.award_id).version == before, name
        assert bank.award(bank.award_id).bank_account == ACCOUNT, name


def test_what_was_settled_stays_settled(bank: Bank) -> None:
    taken = bank.ask()
    bank.take_back(taken)
    refused = bank.looked_at()
    bank.refuse(refused)
    confirmed = bank.looked_at()
    bank.confirm(confirmed)
    for act, sentence in (
        (lambda: bank.look(taken), "The grantee took it back on"),
        (lambda: bank.confirm(refused, bank.finance3), "It was refused on .* by Finance"),
        (lambda: bank.confirm(confirmed, bank.finance3), "It was confirmed on .* by Finance"),
        (lambda: bank.refuse(confirmed, bank.finance3), "It was confirmed on"),
        (lambda: bank.take_back(confirmed), "It was confirmed on"),
    ):
        with pytest.raises(Refused, match=sentence):
            act()
    assert bank.award(bank.award_id).bank_account == NEW


def test_an_account_is_confirmed_from_its_day_on(bank: Bank) -> None:
    number = bank.ask(from_on=clock.today("Europe/Moscow") + LATER)
    bank.look(number)
    with pytest.raises(Refused, match=r"can be paid to from .*: confirm it then"):
        bank.confirm(number)
    with clock.at(clock.now() + LATER):
        bank.confirm(number)
    assert bank.award(bank.award_id).bank_account == NEW


def test_a_grant_that_is_paid_needs_no_other_account(bank: Bank) -> None:
    with pytest.raises(Refused, match="Everything of this grant is paid"):
        bank.ask(bank.completed())


def test_pressed_twice_each_step_counts_once(bank: Bank) -> None:
    number = bank.ask(key="a")
    assert bank.ask(key="a") == number
    for _ in range(2):
        bank.look(number, key="b")
    for _ in range(2):
        bank.confirm(number, key="c")
    moves = session().scalars(select(Event.move).where(Event.case_id == bank.award_id, Event.move.like("account_%")))
    assert list(moves) == ["account_change_asked", "account_change_looked_at", "account_change_confirmed"]


def test_the_database_refuses_one_person_for_both_and_two_that_wait(bank: Bank) -> None:
    number = bank.looked_at()
    settled = {"state": "confirmed", "settled_at": clock.now(), "channel": "phone", "contact": "x", "reached": "y"}
    for who in (bank.finance, bank.grantee):
        with pytest.raises(IntegrityError), unit_of_work() as current:
            current.execute(update(AccountChange).values(**settled, settled_by_id=who.person_id))
    columns = AccountChange.__table__.c
    row = dict(session().execute(select(*columns).where(columns.id == number)).one()._mapping)
    with pytest.raises(IntegrityError), unit_of_work() as current:
        current.execute(insert(AccountChange).values({**row, "id": number + 1}))


def test_the_end_of_a_grant_ends_what_waits(bank: Bank) -> None:
    number = bank.ask()
    for who in (bank.manager, bank.officer):
        bank.fire(bank.award_id, "terminate", who, reason="It stopped.")
    assert bank.change(number).state == "lapsed"
    with pytest.raises(Refused, match="The grant ended on"):
        bank.look(number)
    with pytest.raises(Refused, match="The grant has ended: nothing more is paid"):
        bank.ask()


def test_a_suspended_grant_can_change_its_account_and_an_accepted_one_before_its_agreement(bank: Bank) -> None:
    bank.fire(bank.award_id, "suspend", bank.manager, reason="A visit comes first.")
    bank.confirm(bank.looked_at())
    early = bank.accepted()
    number = bank.ask(early)
    bank.fire(early, "sign", bank.officer, payload=bank.agreement("9/2022"))
    bank.fire(early, "activate", bank.manager)
    one = bank.due(early)
    with pytest.raises(Refused, match="Other bank details"):
        bank.fire(one, "prepare", bank.finance)
    bank.look(number)
    bank.confirm(number)
    bank.fire(one, "prepare", bank.finance)


def test_what_was_paid_stays_paid_to_the_account_of_its_day(bank: Bank) -> None:
    bank.fire(bank.tranche_id, "approve_second", bank.finance2)
    bank.fire(bank.tranche_id, "pay", bank.finance, payload=bank.payment())
    bank.confirm(bank.looked_at())
    award, changes = bank.award(bank.award_id), accounts.changes_of(bank.award_id)
    lines = ledger(award_id=bank.award_id)
    assert accounts.ends_of(award, changes, lines, "Europe/Moscow") == {lines[0].id: ACCOUNT[-4:]}
    day, at = clock.today("Europe/Moscow"), clock.now()
    for paid_on, paid_at, end in (
        (day, at, NEW), (day - timedelta(days=1), at, ACCOUNT), (day, at - timedelta(hours=1), ACCOUNT),
    ):  # fmt: skip
        assert accounts.went_to(award, changes, paid_on, paid_at, "Europe/Moscow").account_end == end[-4:]


def test_old_and_new_contacts_and_finance_are_told_at_once(bank: Bank) -> None:
    with unit_of_work() as current:  # who accepted the grant acts for it no more
        gone = RoleAssignment.person_id == bank.grantee.person_id
        current.execute(update(RoleAssignment).where(gone).values(revoked_at=clock.now()))
    number = bank.ask(actor=bank.colleague)
    contacts_told = sorted([bank.grantee.person_id, bank.colleague.person_id])
    finance = sorted(one.person_id for one in (bank.finance, bank.finance2, bank.finance3))
    assert bank.told("account_change_asked") == contacts_told
    assert bank.told("account_change_to_check") == finance
    bank.look(number)
    bank.confirm(number)
    assert bank.told("account_change_confirmed") == sorted(
        [*contacts_told, bank.finance.person_id, bank.finance3.person_id]
    )
    row = session().query(Outbox).filter_by(notice="account_change_asked").first()
    assert ACCOUNT not in str(row.params) and NEW not in str(row.params)


def test_an_address_that_was_changed_lately_is_written_to_and_shown(app: Flask, bank: Bank) -> None:
    person_id = bank.grantee.person_id
    assert person_id is not None
    with app.test_request_context(), unit_of_work():
        token = links.address_of(links.issue(person_id, "address", email="new@example.org")).rpartition("/")[2]
    with app.test_request_context(), unit_of_work():
        before = addresses.take_address(token)
        assert before is not None
    change = bank.change(bank.ask())
    known = contacts.known(bank.award(bank.award_id), change)
    assert [[old for old, _when in one.addresses] for one in known.new if one.person.id == person_id] != [[]]
    assert [phone.value for phone in known.phones] == []
    worker.one_round()
    letter = session().scalars(
        select(Letter).join(Outbox, Outbox.message_id == Letter.message_id)
        .where(Outbox.notice == "account_change_elsewhere")
    ).one()  # fmt: skip
    assert (
        letter.recipient not in ("new@example.org", "") and f"/awards/{bank.award_id}/account" not in letter.recipient
    )
    assert "/letter/" not in letter.body and "address you had until lately" in letter.body


def test_finance_is_reminded_each_morning_while_it_waits(bank: Bank) -> None:
    number = bank.ask()
    asked = bank.change(number).asked_at
    counts = []
    for days in (1, 1, 2):
        with clock.at(asked + timedelta(days=days)):
            reminders.sweep()
        counts.append(len(bank.told("account_change_waits")))
    assert counts == [3, 3, 6]
    bank.take_back(number)
    with clock.at(asked + timedelta(days=3)):
        reminders.sweep()
    assert len(bank.told("account_change_waits")) == 6


def test_a_groups_new_account_is_its_sponsors_and_falls_with_the_sponsor(bank: Bank) -> None:
    body = bank.body
    with unit_of_work() as current:
        current.execute(update(Organisation).where(Organisation.id == body).values(legal_form="initiative_group"))
    with pytest.raises(Refused, match="fiscal sponsor"):
        bank.ask()
    sponsor = factories.organisation("Ladoga Foundation", legal_form="foundation")
    founder = factories.person("applicant", organisation_id=sponsor)
    with unit_of_work():
        link = sponsors.ask_sponsor(bank.grantee, body, sponsor)
    with unit_of_work():
        sponsors.answer(founder, link, True)
    number = bank.ask()
    assert founder.person_id in bank.told("account_change_asked")
    bank.look(number)
    with unit_of_work():
        sponsors.end(founder, link, reason="We close.")
    with pytest.raises(Refused, match="Another organisation receives the money now"):
        bank.confirm(number)
    with unit_of_work():
        link = sponsors.ask_sponsor(bank.grantee, body, sponsor)
    with unit_of_work():
        sponsors.answer(founder, link, True)
    bank.confirm(number)
    award = bank.award(bank.award_id)
    assert award.payee_id == sponsor and award.payee["en"] == "Ladoga Foundation"


def test_it_stands_among_the_exceptions_of_the_call(bank: Bank) -> None:
    bank.refuse(bank.looked_at())
    rows, _page = exceptions_of(call_by_code("KR-2021"))
    (one,) = [row for row in rows if row.kind == "account_changed"]
    assert one.ref == "KR-2021-0001-G" and one.reason == "Our bank has closed."
    assert str(one.what) == f"from …{ACCOUNT[-4:]} to …{NEW[-4:]}: refused"


# ------------------------------------------------------------------------------------------------------ at one moment
def rounds(thorough: bool) -> range:
    return range(100 if thorough else 2)


def unit(act: Callable[..., None], *given: Any) -> str:
    act(*given)
    return "done"


def test_of_two_second_persons_one_settles_it_and_the_other_is_told(app: Flask, bank: Bank, thorough: bool) -> None:
    for n in rounds(thorough):
        number = bank.looked_at()
        got = all_at_once(
            app, partial(unit, bank.confirm, number, bank.finance2), partial(unit, bank.refuse, number, bank.finance3)
        )
        session().rollback()
        (lost,) = [one for one in got if one != "done"]
        assert isinstance(lost, Refused) and str(lost), got
        state = bank.change(number).state
        assert bank.award(bank.award_id).bank_account == (NEW if state == "confirmed" else ACCOUNT)
        if state == "confirmed" and n + 1 < len(rounds(thorough)):
            with unit_of_work():
                bank.award(bank.award_id).bank_account = ACCOUNT


def test_a_payment_and_a_change_at_once_pay_the_old_account_or_nothing(app: Flask, bank: Bank, thorough: bool) -> None:
    for n in rounds(thorough):
        award_id = bank.award_id if not n else bank.active()
        one = bank.ready(award_id) if n else bank.tranche(award_id, 1)
        if not n:
            bank.fire(one, "approve_second", bank.finance2)
        pay = partial(bank.fire, one.case_id, "pay", bank.finance, payload=bank.payment())
        got = all_at_once(app, partial(unit, pay), partial(unit, bank.ask, award_id))
        session().rollback()
        assert got[1] == "done", got
        assert bank.state(one.case_id) == ("paid" if got[0] == "done" else "due")
        assert got[0] == "done" or isinstance(got[0], Refused), got


@pytest.mark.parametrize("part", ["tranche", "report"])
def test_the_end_of_a_grant_waits_for_nobody_who_waits_for_the_grant(app: Flask, bank: Bank, part: str) -> None:
    """Payments, reports and changes of account take the part first, then the grant; its end takes them the other way."""
    part_id = bank.tranche_id if part == "tranche" else bank.report(bank.award_id, "interim").case_id
    bank.fire(bank.award_id, "terminate", bank.manager, reason="It stopped.")
    end = partial(bank.fire, bank.award_id, "terminate", bank.officer, reason="It stopped.")
    at_once = db.engine.dialect.name == "postgresql"  # SQLite has one writer at a time
    taken, told = Signal(), Signal()

    def from_below() -> str:
        with unit_of_work():
            service.lock(part_id)
            taken.set()
            told.wait(5 if at_once else 0.1)
            service.lock(bank.award_id)
        return "done"

    def from_above() -> str:
        taken.wait(5)
        try:
            return unit(end)
        finally:
            told.set()

    got = all_at_once(app, from_below, from_above)
    session().rollback()
    assert got[0] == "done", got
    if at_once:
        assert isinstance(got[1], Stale), got
        assert bank.state(bank.award_id) == "active"
        end()
    assert (bank.state(bank.award_id), bank.state(part_id)) == ("terminated", "cancelled")
