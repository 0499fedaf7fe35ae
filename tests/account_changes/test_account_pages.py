"""The pages of other bank details, as grantee, finance, manager and auditor see them, in both languages."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select

from grantflow import clock
from grantflow.awards.models import Award
from grantflow.db import session, unit_of_work
from grantflow.disbursements import accounts
from grantflow.disbursements.asking import read_letter
from grantflow.errors import Invalid
from grantflow.submissions.models import Application, ApplicationVersion
from tests.account_changes.conftest import NEW, Bank
from tests.awards.scene import ACCOUNT, BIK
from tests.browsing import counting, field, signed_in, text_of

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
TYPED = {
    "bank_account": NEW, "bank_code": BIK, "bank_name": "Ladoga Bank", "holder": "Another holder",
    "from_on": "1.2.2022", "reason": "Our bank has closed.",
}  # fmt: skip


@pytest.fixture
def at(app: Flask) -> Any:
    return lambda actor: signed_in(app, actor)


def send(client: Any, url: str, **data: Any) -> Any:
    """Open a page and send its form with what a person would type."""
    page = client.get(url)
    seen = {name: field(page, name) for name in ("version", "key")}
    return client.post(url, data={**seen, **data}, content_type="multipart/form-data")


def phone(bank: Bank, number: str) -> None:
    """The application was sent with a telephone."""
    with unit_of_work() as current:
        row = current.execute(
            select(Application.case_id, Application.pack_hash)
            .join(Award, Award.application_id == Application.case_id)
            .where(Award.case_id == bank.award_id)
        ).one()
        values = {"answers": json.dumps({"contact_phone": number}), "sha256": "0" * 64, "submitted_at": clock.now()}
        current.execute(insert(ApplicationVersion).values(case_id=row.case_id, n=1, pack_hash=row.pack_hash, **values))


def test_from_the_grantees_page_to_the_second_persons_word(bank: Bank, at: Any) -> None:
    phone(bank, "+7 8142 00-11-22")
    ask = f"/awards/{bank.award_id}/account"
    grantee = at(bank.grantee)
    assert f'href="{ask}"' in grantee.get(f"/cases/{bank.award_id}").get_data(as_text=True)
    wrong = send(grantee, ask, **{**TYPED, "bank_account": NEW[:-1] + "X", "holder": ""})
    page = text_of(wrong)
    assert wrong.status_code == 400 and "neither an account of 20 digits nor an IBAN" in page
    assert "Write the holder of the account" in page and "Our bank has closed." in page
    sent = send(grantee, ask, **TYPED, letter=(io.BytesIO(PDF), "письмо банка.pdf"))
    assert sent.status_code == 303, text_of(sent)
    waits = text_of(grantee.get(ask))
    assert "Nothing is paid from this grant meanwhile" in waits and "Take the request back" in waits
    assert "Other bank details were asked for on" in text_of(grantee.get(f"/cases/{bank.tranche_id}"))
    change = accounts.waiting_of([bank.award_id])[bank.award_id]
    url = f"/account-changes/{change.id}"

    first, second = at(bank.finance), at(bank.finance2)
    assert url in first.get("/money").get_data(as_text=True) and url in first.get("/desk").get_data(as_text=True)
    page = text_of(first.get(url))
    for said in (
        "Valid account",
        "Account asked for",
        "The holder has another name",
        "+7 8142 00-11-22",
        "The director",
    ):
        assert said in page, said
    letter = second.get(f"{url}/letter", buffered=True)
    assert letter.data == PDF and "attachment" in letter.headers["Content-Disposition"]
    assert send(first, url).status_code == 303
    assert "You took it up" in text_of(first.get(url)) and url not in first.get("/desk").get_data(as_text=True)
    told = {"channel": "phone", "known": "0", "who": "The director", "end": NEW[-4:]}
    again = send(first, f"{url}/confirm", **told)
    assert again.status_code == 403 and "another person of finance confirms" in text_of(again)
    other = send(second, f"{url}/confirm", **{**told, "known": "other", "end": "0000"})
    page = text_of(other)
    assert other.status_code == 400 and "Write the number or the place" in page
    assert send(second, f"{url}/confirm", **{**told, "end": "0000"}).status_code == 400
    assert send(second, f"{url}/confirm", **told).status_code == 303
    assert "by telephone: +7 8142 00-11-22" in text_of(second.get(url))
    assert bank.award(bank.award_id).bank_account == NEW


def test_the_grantee_takes_it_back_and_a_page_of_yesterday_is_refused(bank: Bank, at: Any) -> None:
    url = f"/awards/{bank.award_id}/account"
    one, two = at(bank.grantee), at(bank.colleague)
    page = two.get(url)
    old = {name: field(page, name) for name in ("version", "key")}
    assert send(one, url, **TYPED).status_code == 303
    late = two.post(url, data={**old, **TYPED})
    assert late.status_code == 409 and "changed while you were reading" in text_of(late)
    assert "Our bank has closed." in text_of(late)
    number = accounts.waiting_of([bank.award_id])[bank.award_id].id
    assert send(two, url, do=str(number)).status_code == 303
    assert "taken back by the grantee" in text_of(one.get(url))
    assert bank.award(bank.award_id).bank_account == ACCOUNT


ROLES = {
    "finance": (200, 403, 200), "manager": (200, 403, 403), "officer": (200, 403, 403), "auditor": (200, 403, 403),
    "stranger": (404, 403, 404), "grantee": (403, 200, 403), "chair": (403, 403, 403),
}  # fmt: skip


def test_each_role_sees_what_is_its_own(bank: Bank, at: Any) -> None:
    number = bank.looked_at()
    for who, (shown, asks, settles) in ROLES.items():
        client = at(getattr(bank, who))
        page = client.get(f"/account-changes/{number}")
        assert page.status_code == shown, who
        assert client.get(f"/awards/{bank.award_id}/account").status_code == asks, who
        for last in ("confirm", "refuse"):
            assert client.get(f"/account-changes/{number}/{last}").status_code == settles, who
        bare = page.get_data(as_text=True).replace("\u00a0", "").replace(" ", "")
        assert (NEW in bare) == (shown == 200 and who in ("finance", "officer")), who


def test_another_bodys_grant_is_not_there(bank: Bank, at: Any) -> None:
    other = bank.active()
    assert at(bank.grantee).get(f"/awards/{other}/account").status_code == 404
    number = bank.ask(other)
    assert send(at(bank.grantee), f"/awards/{bank.award_id}/account", do=str(number)).status_code == 404


def test_the_pages_speak_russian(bank: Bank, at: Any) -> None:
    number = bank.looked_at()
    for actor, url in (
        (bank.grantee, f"/awards/{bank.award_id}/account"), (bank.finance2, f"/account-changes/{number}"),
        (bank.finance2, f"/account-changes/{number}/confirm"), (bank.finance2, "/money"),
    ):  # fmt: skip
        client = at(actor)
        client.get("/language/ru?next=/")
        page = client.get(url)
        assert page.status_code == 200 and 'lang="ru"' in page.get_data(as_text=True)
        assert "реквизит" in text_of(page).lower(), url


def test_the_pages_cost_the_same_with_one_change_and_with_three(bank: Bank, at: Any) -> None:
    def cost(url: str) -> int:
        client.get(url)
        with counting() as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    client = at(bank.finance)
    first = bank.ask()
    urls = ["/money", f"/account-changes/{first}", f"/cases/{bank.award_id}"]
    before = [cost(url) for url in urls]
    bank.take_back(first)
    bank.take_back(bank.ask())
    last = bank.ask()
    bank.ask(bank.active())
    urls[1] = f"/account-changes/{last}"
    assert [cost(url) for url in urls] == before


def test_a_returned_payment_leads_the_grantee_to_another_account(bank: Bank, at: Any) -> None:
    bank.fire(bank.tranche_id, "approve_second", bank.finance2)
    bank.fire(bank.tranche_id, "pay", bank.finance, payload=bank.payment())
    bank.fire(bank.tranche_id, "fail", bank.finance2, reason="No such account.")
    page = at(bank.grantee).get(f"/cases/{bank.tranche_id}")
    assert f'href="/awards/{bank.award_id}/account"' in page.get_data(as_text=True)
    bank.confirm(bank.looked_at())
    bank.fire(bank.tranche_id, "retry", bank.finance, reason="The account is another now.")
    bank.fire(bank.tranche_id, "prepare", bank.finance)
    session().rollback()
    page = text_of(at(bank.finance2).get(f"/cases/{bank.award_id}"))
    assert f"account ends in {ACCOUNT[-4:]}" in page


def test_a_letter_that_is_none_is_refused(app: Flask) -> None:
    for data, said in (
        (b"", "empty"), (b"MZ\x90\x00", "program"), (b"hello", "none of the kinds"), (PDF + b"0" * 5_000_001, "larger than"),
    ):  # fmt: skip
        with app.test_request_context(), pytest.raises(Invalid, match=said):
            read_letter("a.pdf", io.BytesIO(data))


def test_a_letter_is_opened_once_the_installation_found_it_clean(
    bank: Bank, at: Any, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = bank.ask(letter=read_letter("letter.exe.pdf", io.BytesIO(PDF)))
    url, client = f"/account-changes/{number}/letter", at(bank.finance)
    monkeypatch.setitem(app.config, "GRANTFLOW", replace(app.config["GRANTFLOW"], scan="false"))
    assert client.get(url).status_code == 403
    monkeypatch.setitem(app.config, "GRANTFLOW", replace(app.config["GRANTFLOW"], scan="true"))
    assert client.get(url, buffered=True).data == PDF
