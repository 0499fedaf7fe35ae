"""What goes wrong in a browser, and what is left of one's words afterwards: nothing is lost, nothing happens twice."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache

from grantflow import clock
from grantflow.db import session, unit_of_work
from grantflow.demo import content
from grantflow.history.verify import verify_all
from grantflow.identity import service as identity
from grantflow.submissions import service as submissions
from tests.browser import NARROW, PASSWORD, WIDE, Hands, House, house_in, sign_in
from tests.journeys import scene as made
from tests.journeys.scene import CALL, PAPER, Scene

EXE = b"MZ\x90\x00\x03\x00\x00\x00" + b"\x00" * 400 + b"PE\x00\x00"


class Open:
    """The contest standing open, with its people; drafts of as many applicants as a test wants."""

    def __init__(self, house: House) -> None:
        self.house = house
        today = clock.today(made.ZONE)
        house.travel(clock.local(today, 12, 0, made.ZONE))
        self.scene = Scene("en")
        self.scene.fire(self.scene.call, "approve", "manager")
        self.scene.fire(self.scene.call, "open", "manager")
        self.count = 0

    def applicant(self) -> str:
        """Somebody new with an organisation; gives back their code."""
        self.count += 1
        code = f"applicant{self.count}"
        with unit_of_work():
            self.scene.people[code] = identity.register(
                email=f"{code}@journey.example", name="Anna Cranberry", password=PASSWORD,
                language="en", consent=True,
            ).id  # fmt: skip
        actor = self.scene.actor(code)
        with unit_of_work():
            identity.add_organisation(actor, name_en=f"Cranberry {self.count}", kind="business", legal_form="ooo")
        return code

    def draft(self, code: str) -> int:
        """A draft of somebody's, with nothing in it."""
        actor = self.scene.actor(code)
        (body,) = actor.scopes("applicant", "organisation_id")
        with unit_of_work():
            return int(submissions.start_draft(CALL, body, actor=actor).id)

    def complete(self, code: str) -> int:
        """A draft with everything in it, not sent."""
        case_id, actor = self.draft(code), self.scene.actor(code)
        one = content.read("contest", content.Contest).by_number[1]
        for section in self.scene.call_pack.terms.form:
            self.scene._section(case_id, section, one.answers | {"district": "suoyarvsky"}, actor)
        return case_id


@pytest.fixture(scope="module")
def contest(kept_for_all: dict[str, str], compiled_templates: BytecodeCache) -> Iterator[Open]:
    with house_in(kept_for_all) as house:
        house.app.jinja_env.bytecode_cache = compiled_templates
        yield Open(house)


@pytest.fixture
def writer(contest: Open, at_desk: Callable[..., Hands]) -> Callable[..., tuple[Hands, str, int]]:
    """`writer(complete)` is an applicant, signed in, with a draft of their own; `java_script_enabled=False` is one whose
    browser runs no script."""

    def begin(complete: bool = False, **more: Any) -> tuple[Hands, str, int]:
        code = contest.applicant()
        case_id = contest.complete(code) if complete else contest.draft(code)
        hands = at_desk(contest.house, **more)
        sign_in(hands, f"{code}@journey.example")
        return hands, code, case_id

    return begin


def _forget_session(hands: Hands) -> None:
    hands.page.context.clear_cookies()


def test_a_session_that_ends_while_one_types_gives_the_words_back(writer: Any) -> None:
    hands, code, case_id = writer(java_script_enabled=False)
    hands.open(f"/applications/{case_id}/edit/people")
    hands.write(hands.page.locator("#q-team"), "A weaver with ten years at the loom.")
    _forget_session(hands)
    hands.follow(hands.page.locator(".gf-save-bar button.btn-primary"))
    assert hands.path.startswith("/sign-in")
    assert "what you typed is kept" in hands.words
    hands.write(hands.page.locator("#email"), f"{code}@journey.example")
    hands.write(hands.page.locator("#password"), PASSWORD)
    hands.follow(hands.page.locator("main form[data-gf-once] button.btn-primary"))
    assert hands.path.startswith(f"/applications/{case_id}/edit/people")
    assert hands.page.locator("#q-team").input_value() == "A weaver with ten years at the loom."
    hands.follow(hands.page.locator(".gf-save-bar button.btn-primary"))
    hands.open(f"/applications/{case_id}/edit/people")
    assert hands.page.locator("#q-team").input_value() == "A weaver with ten years at the loom."


@pytest.mark.parametrize("width", [NARROW, 768, WIDE])
def test_a_draft_that_cannot_save_itself_says_so_and_leaves_the_button_under_the_hand(writer: Any, width: int) -> None:
    hands, _code, case_id = writer()
    hands.page.set_viewport_size({"width": width, "height": 900})
    hands.open(f"/applications/{case_id}/edit/people")
    button, line = hands.page.locator(".gf-save-bar button.btn-primary"), hands.page.locator(".gf-saved")
    hands.write(hands.page.locator("#q-team"), "A weaver with ten years at the loom.")
    before = button.bounding_box()
    _forget_session(hands)
    line.filter(has_text="Not saved").wait_for()
    assert button.bounding_box() == before


def test_the_words_kept_are_not_shown_to_somebody_else(writer: Any, contest: Open) -> None:
    hands, _code, case_id = writer(java_script_enabled=False)
    other = contest.applicant()
    hands.open(f"/applications/{case_id}/edit/people")
    hands.write(hands.page.locator("#q-team"), "Only for my own eyes.")
    _forget_session(hands)
    hands.follow(hands.page.locator(".gf-save-bar button.btn-primary"))
    hands.write(hands.page.locator("#email"), f"{other}@journey.example")
    hands.write(hands.page.locator("#password"), PASSWORD)
    hands.follow(hands.page.locator("main form[data-gf-once] button.btn-primary"))
    assert "Only for my own eyes." not in hands.page.content()


def test_submit_pressed_twice_sends_once_with_one_number(writer: Any, contest: Open) -> None:
    hands, _code, case_id = writer(complete=True)
    hands.open(f"/applications/{case_id}/check")
    hands.tick(hands.page.locator("#declared"))
    sent: list[str] = []
    hands.page.on("request", lambda r: sent.append(r.url) if r.method == "POST" else None)
    hands.page.locator("#send button[type=submit]").dblclick(no_wait_after=True)
    hands.page.wait_for_url(re.compile(r"/receipt$"))
    number = hands.page.locator(".gf-receipt .no").inner_text()
    assert contest.scene.row(case_id).ref == number.strip()
    # Sent once more past the script, by going back: the same receipt.
    hands.page.go_back()
    hands.open(f"/applications/{case_id}/check")
    assert hands.path.endswith("/receipt")
    assert hands.page.locator(".gf-receipt .no").inner_text() == number
    assert len(sent) == 1
    events = [row.move for row in _events(case_id)]
    assert events.count("submit") == 1


def _events(case_id: int) -> Any:
    from sqlalchemy import select

    from grantflow.history.models import Event

    session().rollback()
    table = Event.__table__
    return session().execute(select(table.c.move).where(table.c.case_id == case_id)).all()


def test_the_same_form_posted_again_counts_once(writer: Any, contest: Open) -> None:
    hands, _code, case_id = writer(complete=True)
    hands.open(f"/applications/{case_id}/check")
    hands.tick(hands.page.locator("#declared"))
    again = """async () => {
        const form = document.querySelector('#send form'), all = [];
        for (let n = 0; n < 4; n++) all.push(fetch(location.href, {method: 'POST', body: new URLSearchParams(new FormData(form))}));
        return (await Promise.all(all)).map(answer => answer.url);
    }"""
    assert {re.sub(r".*/", "", url) for url in hands.page.evaluate(again)} == {"receipt"}
    assert [row.move for row in _events(case_id)].count("submit") == 1


def test_two_officers_at_one_application_the_later_is_told(writer: Any, at_desk: Any, contest: Open) -> None:
    hands, _code, case_id = writer(complete=True)
    hands.open(f"/applications/{case_id}/check")
    hands.tick(hands.page.locator("#declared"))
    hands.follow(hands.page.locator("#send button[type=submit]"))
    first, second = at_desk(contest.house), at_desk(contest.house)
    for one, code in ((first, "officer"), (second, "officer2")):
        sign_in(one, f"{code}@journey.example", f"/cases/{case_id}/moves/return")
        one.tick(one.page.locator('input[name=sections][value="plan"]'))
        one.write(one.page.locator("#reason"), f"Written by {code}.")
    first.follow(first.page.locator("main form .gf-acts button"))
    second.follow(second.page.locator("main form .gf-acts button, main form button[type=submit]").first)
    assert contest.scene.state(case_id) == "returned"
    assert "Written by officer2." in second.page.content()
    assert second.page.locator(".gf-note").count() >= 1
    assert [row.move for row in _events(case_id)].count("return") == 1


def test_what_belongs_to_another_organisation_is_not_there(writer: Any, contest: Open) -> None:
    _first, _code, case_id = writer(complete=True)
    hands, _other, _own = writer()
    for path in ("/cases/{}", "/applications/{}", "/applications/{}/check", "/applications/{}/edit/people",
                 "/applications/{}/receipt", "/cases/{}/moves/withdraw", "/history/{}"):  # fmt: skip
        assert hands.open(path.format(case_id)) == 404, path
        assert hands.page.locator("h1").count() == 1
    assert hands.open("/people") in (403, 404)
    assert hands.open("/no/such/page") == 404


@pytest.mark.parametrize(
    ("name", "content_", "kind"),
    [("invoice.pdf", EXE, "application/pdf"), ("photo.jpg", b"<script>alert(1)</script>", "image/jpeg"),
     ("empty.pdf", b"", "application/pdf"), ("large.pdf", PAPER + b"\n%" + b"x" * 10_500_000, "application/pdf")],
    ids=["a program named pdf", "a script named jpg", "nothing", "too large"],
)  # fmt: skip
def test_a_file_that_cannot_be_taken_is_refused_with_a_reason_and_the_rest_is_kept(
    writer: Any, name: str, content_: bytes, kind: str
) -> None:
    hands, _code, case_id = writer()
    hands.open(f"/applications/{case_id}/edit/files")
    hands.attach(hands.page.locator("#q-other_files"), "letter.pdf", PAPER)
    hands.attach(hands.page.locator("#q-tax_certificate"), name, content_, kind)
    hands.follow(hands.page.locator(".gf-save-bar button.btn-primary"))
    assert hands.path.startswith(f"/applications/{case_id}/edit/files")
    told = hands.page.locator(".gf-errors").inner_text()
    assert name in told, told
    assert hands.page.locator('a:has-text("letter.pdf")').count() == 1
    assert hands.page.locator(f'section a:has-text("{name}")').count() == 0


def test_a_sending_larger_than_anything_allowed_gets_an_answer(writer: Any, tmp_path: Path) -> None:
    hands, _code, case_id = writer()
    hands.open(f"/applications/{case_id}/edit/files")
    huge = tmp_path / "huge.pdf"
    huge.write_bytes(PAPER + b"x" * 45_000_000)
    hands.page.locator("#q-other_files").set_input_files(huge)
    hands.follow(hands.page.locator(".gf-save-bar button.btn-primary"))
    assert hands.page.locator("h1").count() == 1
    assert re.search(r"large|MB", hands.words), hands.words[:400]


HOSTILE = "<script>document.title='taken'</script>=1+1\u0000\u0007\u202e\ud83d\ude00 “q” &amp; <b>bold</b>"


def test_hostile_text_is_shown_as_text_everywhere(writer: Any, at_desk: Any, contest: Open) -> None:
    hands, _code, case_id = writer(complete=True)
    hands.open(f"/applications/{case_id}/edit/project")
    hands.page.locator("#q-summary").evaluate("(f, t) => { f.value = t }", HOSTILE)
    for name in ("title", "title_en"):
        hands.page.locator(f"#q-{name}").evaluate(
            "(f, t) => { f.value = t }", "=1+1 <script>document.title='taken'</script>"
        )
    hands.follow(hands.page.locator(".gf-save-bar button.btn-primary"))
    hands.open(f"/applications/{case_id}/check")
    assert "<script>document.title='taken'</script>=1+1" in hands.words
    hands.tick(hands.page.locator("#declared"))
    hands.follow(hands.page.locator("#send button[type=submit]"))
    officer = at_desk(contest.house)
    sign_in(officer, "officer@journey.example")
    for path in ("/desk", f"/cases/{case_id}", f"/applications/{case_id}/versions/1", f"/calls/{CALL}/pipeline"):
        assert officer.open(path) == 200
        assert "taken" not in officer.page.title() or "<script>" in officer.page.title()
        assert officer.page.title() != "taken"
        assert "<script>document.title='taken'</script>" in officer.words, path
        assert "\u0007" not in officer.page.content() and "\u0000" not in officer.page.content()
    auditor = at_desk(contest.house)
    sign_in(auditor, "auditor@journey.example", f"/cases/{case_id}")
    with auditor.page.expect_download() as taken:
        auditor.press(auditor.page.locator(f'a[href="/cases/{case_id}/history.xlsx"]').first)
    from openpyxl import load_workbook

    for sheet in load_workbook(io.BytesIO(taken.value.path().read_bytes())).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate, cell.value)


def test_an_amount_that_cannot_be_read_stays_in_its_field_with_a_sentence(writer: Any) -> None:
    hands, _code, case_id = writer()
    for typed in ("-100", "1,234,5", "a lot", "999999999999999999999", "12,345 678", "1e9"):
        hands.open(f"/applications/{case_id}/edit/budget")
        hands.write(hands.page.locator("#q-own_share"), typed)
        hands.follow(hands.page.locator(".gf-save-bar button.btn-primary"))
        assert hands.path.startswith(f"/applications/{case_id}/edit/budget"), typed
        assert hands.page.locator("#q-own_share").input_value() == typed
        assert hands.page.locator("#q-own_share").get_attribute("aria-invalid") == "true", typed


def test_an_end_before_the_start_is_told(writer: Any) -> None:
    hands, _code, case_id = writer(complete=True)
    hands.open(f"/applications/{case_id}/edit/plan")
    hands.write(hands.page.locator("#q-starts_on"), "1.5.2030")
    hands.write(hands.page.locator("#q-ends_on"), "1.4.2030")
    hands.follow(hands.page.locator(".gf-save-bar button.btn-primary"))
    hands.open(f"/applications/{case_id}/check")
    assert "must end after it starts" in hands.words


def test_save_pressed_while_a_draft_saves_itself_is_no_clash_with_oneself(writer: Any) -> None:
    hands, _code, case_id = writer()
    path = f"/applications/{case_id}/edit/people"
    hands.open(path)
    hands.page.evaluate("""() => {
        const real = window.fetch;  // a slow line: the answer takes its time
        window.fetch = (...given) => real(...given).then((answer) => new Promise((go) => setTimeout(() => go(answer), 1500)));
    }""")
    with hands.page.expect_response(lambda answer: answer.request.method == "POST"):
        hands.page.locator("#q-team").press_sequentially("A weaver")
    hands.page.locator("#q-team").press_sequentially(" with ten years at the loom.")
    hands.follow(hands.page.locator(".gf-save-bar button.btn-primary"))
    assert hands.page.locator(".gf-errors").count() == 0, hands.words[:600]
    hands.open(path)
    assert hands.page.locator("#q-team").input_value() == "A weaver with ten years at the loom."


def test_after_all_this_every_chain_is_whole(contest: Open) -> None:
    session().rollback()
    report = verify_all()
    assert report.whole, report.breaks[:1]


def test_an_unknown_address_answers_in_the_language_of_the_browser(contest: Open, at_desk: Any, request: Any) -> None:
    app: Flask = contest.house.app
    assert app is not None
    for language, word in (("en", "page"), ("ru", "страниц")):
        hands = at_desk(contest.house, language=language)
        assert hands.open("/no/such/page") == 404
        assert hands.page.locator("html").get_attribute("lang") == language
        assert word in hands.words.lower()
