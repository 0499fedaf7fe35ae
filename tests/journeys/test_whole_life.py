"""One application walks through every role in a real browser, from the opening of its call to sustainability.

In English by keyboard alone on a wide screen, in Russian with a pointer on a telephone. What a journey has shown once
is done through the services the second time.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook

from grantflow import clock
from grantflow.cases import definitions
from grantflow.db import unit_of_work
from grantflow.followups import drafts
from tests.browser import NARROW, WIDE, Hands, House, shot, sideways, sign_in
from tests.identity.letters import letters, link_in
from tests.journeys import scene as made
from tests.journeys.scene import CALL, PAPER, ZONE, Scene, answer

WAYS = [
    pytest.param("en", WIDE, True, id="english-wide-keyboard-only"),
    pytest.param("ru", NARROW, False, id="russian-telephone-pointer"),
]


class Life:
    """The story, chapter by chapter; each person has a browser of their own."""

    def __init__(self, house: House, at_desk: Callable[..., Hands], language: str, width: int, keyboard: bool) -> None:
        self.house, self.language, self.width, self.keyboard = house, language, width, keyboard
        self._at_desk = at_desk
        self._hands: dict[str, Hands] = {}
        self.shots = 0
        opens = made.packs.read(made.FILE).call(CALL).opens
        today = clock.today(ZONE)
        house.travel(clock.local(today, opens.hour, 20, ZONE))
        self.scene = Scene(language)
        self.application = self.award = 0

    # ---------------------------------------------------------------------------------------------------- small tools
    def at(self, code: str, path: str = "/desk") -> Hands:
        """Somebody at their browser, on that page; signed in again where the session has ended."""
        if code not in self._hands:
            self._hands[code] = self._at_desk(self.house, self.width, keyboard=self.keyboard, language=self.language)
        hands = self._hands[code]
        hands.open(path)
        if hands.path.startswith("/sign-in"):
            sign_in(hands, f"{code}@journey.example", path)
        assert hands.page.locator("html").get_attribute("lang") == self.language
        return hands

    def shot(self, hands: Hands, name: str) -> None:
        """Keep a picture, and see that the page does not scroll sideways and that its script is content."""
        self.shots += 1
        shot(hands.page, f"life-{self.language}-{self.width}-{self.shots:02d}-{name}")
        assert sideways(hands.page) <= 0, name
        assert hands.said == [], name

    def move(
        self, code: str, case_id: int, trigger: str, fill: Callable[[Hands], None] | None = None, reason: str = ""
    ) -> Hands:
        """Make a move as a person does: from the page of the case to the page of the move, and press the button."""
        hands = self.at(code, f"/cases/{case_id}")
        hands.follow(hands.page.locator(f'a[href="/cases/{case_id}/moves/{trigger}"]').first)
        if fill is not None:
            fill(hands)
        if reason:
            hands.write(hands.page.locator("#reason"), reason)
        hands.follow(hands.page.locator("main form .gf-acts button[type=submit]"))
        if hands.page.locator("main input[name=letters]").count():  # it writes to many: the letters come first
            self.shot(hands, f"letters-{trigger}")
            hands.follow(hands.page.locator("main form > .gf-acts button[type=submit]"))
        assert hands.path.split("#")[0] in (f"/cases/{case_id}", "/desk"), hands.words[:900]
        return hands

    def label(self, kind: str, state: str) -> str:
        """The name of a state in the journey's language."""
        return definitions.current(kind).state(state).label.in_(self.language)

    def badge(self, hands: Hands) -> str:
        """The word of the badge beside the title."""
        return hands.page.locator(".gf-head .gf-badge").first.inner_text().strip()

    def both(self, en: str, ru: str) -> str:
        """A word in the journey's language."""
        return en if self.language == "en" else ru

    # ------------------------------------------------------------------------------------------------------- chapters
    def the_call_opens(self) -> None:
        scene = self.scene
        desk = self.at("manager")
        assert self.scene.call_pack.short.in_(self.language) in desk.words
        self.shot(desk, "manager-desk")
        hands = self.move("manager", scene.call, "approve")
        assert self.badge(hands) == self.label("call", "approved")
        hands.open(f"/calls/{CALL}/scope")
        for code in ("olonetsky", "muezersky", "medvezhegorsky", "pryazhinsky", "sortavalsky"):
            hands.tick(
                hands.page.locator(f'input[name=districts][value="{code}"]'), code not in ("olonetsky", "muezersky")
            )
        hands.write(hands.page.locator("#reason"), self.both("The alliance asked for it.", "По просьбе альянса."))
        self.shot(hands, "scope")
        hands.follow(hands.page.locator("main form button[type=submit]").last)
        assert hands.path == f"/cases/{scene.call}", hands.words[:600]
        hands = self.move("manager", scene.call, "open")
        assert self.badge(hands) == self.label("call", "open")
        self.shot(hands, "call-open")
        self.house.round()

    def the_applicant_writes(self) -> None:
        scene = self.scene
        self.house.travel(made.after(clock.now(), days=2))
        hands = self._hands["applicant"] = self._at_desk(
            self.house, self.width, keyboard=self.keyboard, language=self.language
        )
        hands.open("/")
        if hands.page.locator("html").get_attribute("lang") != self.language:
            hands.open(f"/language/{self.language}?next=/")
        self.shot(hands, "front")
        hands.follow(hands.page.locator(f'main a[href="/calls/{CALL}"]').first)
        assert scene.call_pack.title.in_(self.language) in hands.words
        self.shot(hands, "call")
        hands.follow(hands.page.locator("main .gf-acts").first.locator("a.btn-primary, button.btn-primary"))
        assert hands.path.startswith("/sign-in")
        self.shot(hands, "sign-in")
        hands.follow(hands.page.locator('main a[href^="/register"]'))
        page = hands.page
        hands.write(page.locator("#name"), self.both("Vera Tkachova", "Вера Ткачёва"))
        hands.write(page.locator("#email"), "applicant@journey.example")
        hands.pick("language", self.language)
        hands.tick(page.locator("#consent"))
        self.shot(hands, "register")
        hands.follow(page.locator("main form .gf-acts button[type=submit]"))
        assert hands.path == "/register/letter", hands.words[:600]
        self.shot(hands, "register-letter")
        hands.open(link_in(letters("applicant@journey.example")[-1], "confirmation"))
        hands.write(page.locator("#password"), "four wet boots in a row")
        self.shot(hands, "confirm")
        hands.follow(page.locator("main form .gf-acts button[type=submit]"))
        assert hands.path.startswith("/organisation/new"), hands.words[:600]
        hands.write(page.locator("#name_ru"), "ИП «Льняная нить»")
        hands.write(page.locator("#name_en"), "Linen Thread (IP)")
        hands.choose(page.locator("#legal_form"), "ip")
        hands.choose(page.locator("#kind"), "business")
        hands.write(page.locator("#inn"), made.INN)
        self.shot(hands, "organisation")
        hands.follow(page.locator("main form .gf-acts button[type=submit]"))
        assert hands.path == f"/calls/{CALL}/apply", hands.words[:600]
        self.shot(hands, "apply")
        hands.follow(page.locator("main form .gf-acts button[type=submit]"))
        self.application = int(hands.path.split("/")[2])
        self.shot(hands, "tasks")

    def answers(self) -> dict[str, Any]:
        scene = self.scene
        given: dict[str, Any] = {code: scene.say(code) for code in made.WORDS}
        given |= {
            "legal_form": "ip", "registered": "yes", "inn": made.INN, "registered_on": scene.day(-200),
            "district": "suoyarvsky", "returned_late": "no", "award_type": "female", "owner_share": "100",
            "leaders": (1, 0, 0), "course": "yes", "contact_phone": "+7 000 000-00-01", "grant_kind": "new",
            "needs": ["income", "youth"], "people_served": (120, 30, 10), "jobs": (3, 0, 0),
            "costs": made.COSTS[self.language], "own_share": self.both("46,060.00", "46 060,00"), "other_funding": "no",
            "starts_on": scene.day(160), "ends_on": scene.day(500), "tax_certificate": "tax.pdf",
            "register_extract": "extract.pdf", "true_answers": True, "personal_data": True, "no_double": True,
        }  # fmt: skip
        return given

    def the_applicant_fills_every_section(self) -> None:
        hands, given = self._hands["applicant"], self.answers()
        page = hands.page
        hands.follow(
            page.locator(f'main a[href="/applications/{self.application}/edit/enterprise"]')
            .locator("visible=true")
            .first
        )
        for section in self.scene.call_pack.terms.form:
            assert hands.path.startswith(f"/applications/{self.application}/edit/{section.code}"), hands.words[:700]
            for question in section.questions:
                # One answer is left out: the check page is to find it.
                if question.code in given and question.code != "work_life":
                    answer(hands, question, given[question.code])
            if section.code == "budget":
                hands.follow(page.locator("button[name=stay]"))
                assert self.both("406,060.00", "406 060,00") in hands.words
                assert self.both("360,000.00", "360 000,00") in hands.words
                self.shot(hands, "budget")
            elif section.code in ("enterprise", "project"):
                self.shot(hands, section.code)
            hands.follow(page.locator(".gf-save-bar button.btn-primary"))
        assert hands.path == f"/applications/{self.application}/check"

    def the_check_finds_what_is_missing(self) -> None:
        hands = self._hands["applicant"]
        page = hands.page
        assert page.evaluate("document.activeElement.hasAttribute('data-gf-errors')")
        links = page.locator(".gf-errors li a")
        assert links.count() == 1
        self.shot(hands, "check-incomplete")
        hands.follow(links.first)
        assert hands.path.startswith(f"/applications/{self.application}/edit/benefit")
        assert page.locator("#q-work_life").get_attribute("aria-invalid") == "true"
        answer(hands, self.scene.questions["work_life"], self.scene.say("work_life"))
        self.shot(hands, "benefit")
        hands.follow(page.locator(".gf-save-bar button.btn-primary"))
        hands.open(f"/applications/{self.application}/check")
        assert page.locator(".gf-errors").count() == 0, hands.words[:900]
        self.shot(hands, "check")

    def sent(self) -> Hands:
        hands = self._hands["applicant"]
        hands.tick(hands.page.locator("#declared"))
        hands.follow(hands.page.locator("#send button[type=submit]"))
        assert hands.path == f"/applications/{self.application}/receipt", hands.words[:900]
        assert f"{CALL}-0001" in hands.words
        return hands

    def the_applicant_sends(self) -> None:
        self.shot(self.sent(), "receipt")
        assert self.scene.state(self.application) == "submitted"

    def the_officer_returns_it_and_the_applicant_corrects(self) -> None:
        self.house.travel(made.after(clock.now(), days=1))
        desk = self.at("officer")
        assert f"{CALL}-0001" in desk.words
        self.shot(desk, "officer-desk")
        desk.open(f"/calls/{CALL}/pipeline")
        assert f"{CALL}-0001" in desk.words
        self.shot(desk, "pipeline")
        said = self.both("Write where the yarn is bought.", "Напишите, где будет куплена пряжа.")
        hands = self.move(
            "officer", self.application, "return",
            lambda h: h.tick(h.page.locator('input[name=sections][value="budget"]')), said,
        )  # fmt: skip
        assert self.badge(hands) == self.label("application", "returned")
        self.house.round()
        hands = self.at("applicant")
        assert self.label("application", "returned") in hands.words
        self.shot(hands, "applicant-desk-returned")
        hands.open(f"/applications/{self.application}")
        assert said in hands.words
        self.shot(hands, "returned")
        hands.follow(
            hands.page.locator(f'main a[href="/applications/{self.application}/edit/budget"]')
            .locator("visible=true")
            .first
        )
        words = self.scene.say("largest_cost") + self.both(
            " Yarn: from the mill in Pskov.", " Пряжа: с фабрики в Пскове."
        )
        answer(hands, self.scene.questions["largest_cost"], words)
        hands.follow(hands.page.locator(".gf-save-bar button.btn-primary"))
        hands.open(f"/applications/{self.application}/check")
        self.sent()
        assert self.scene.state(self.application) == "submitted"

    def the_officer_checks_and_passes(self) -> None:
        hands = self.at("officer", f"/cases/{self.application}")
        shown = hands.page.locator(
            f'form[action="/applications/{self.application}/rules"] button, a[href="/applications/{self.application}/rules"]'
        )
        hands.follow(shown.locator("visible=true").first)
        if hands.path.endswith("/rules"):
            hands.follow(hands.page.locator("main form button[type=submit]").first)
        self.shot(hands, "rules")
        hands = self.move("officer", self.application, "pass")
        assert self.badge(hands) == self.label("application", "eligible")
        self.shot(hands, "eligible")

    def others_apply_and_one_is_refused(self) -> None:
        scene = self.scene
        self.second, self.third = scene.applied(2), scene.applied(self._ineligible())
        for case_id in (self.second, self.third):
            actor = scene.actor("officer")
            with unit_of_work():
                from grantflow.eligibility import service as eligibility

                eligibility.run_checks(case_id, actor=actor)
        scene.fire(self.second, "pass", "officer")
        reason = self.both("The rules of the call are not met.", "Заявка не отвечает правилам конкурса.")
        scene.fire(self.third, "refuse", "officer", reason=reason)
        assert scene.state(self.third) == "submitted"  # it needs two
        hands = self.move("officer2", self.third, "refuse", reason=reason)
        assert self.badge(hands) == self.label("application", "ineligible")

    @staticmethod
    def _ineligible() -> int:
        contest = made.content.read("contest", made.content.Contest)
        return next(one.number for one in contest.applications if one.fate == "ineligible")

    def the_call_closes_and_the_panel_begins(self) -> None:
        scene = self.scene
        self.house.travel(made.after(scene.call_pack.closes_at, hours=1))
        assert scene.state(scene.call) == "closed"
        scene.compose()
        hands = self.move("manager", scene.call, "start_evaluation")
        assert self.badge(hands) == self.label("call", "in_evaluation")
        self.shot(hands, "evaluation")
        self.house.round()

    def the_panel_reads(self) -> None:
        scene = self.scene
        hands = self.at("reader1")
        self.shot(hands, "reader-desk")
        hands.open("/panels")
        assert f"{CALL}-0001" in hands.words
        self.shot(hands, "panels")
        hands.open(f"/applications/{self.application}/interest")
        assert scene.say("summary") not in hands.words  # nothing of the content before the declaration
        hands.pick("kind", "none")
        self.shot(hands, "interest")
        hands.follow(hands.page.locator("main form .gf-acts button[type=submit], main form button.btn-primary").first)
        assert hands.path == f"/applications/{self.application}/review", hands.words[:600]
        assert scene.say("summary") in hands.words
        for n, criterion in enumerate(scene.call_pack.terms.rubric.criteria):
            field = hands.page.locator(f"#points_{criterion.code}")
            # Half the people choose by the first figure; the last choice is corrected below four and needs a word.
            if field.evaluate("f => f.tagName") == "SELECT":
                value = field.evaluate("f => [...f.options].map(o => o.value)")
                hands.choose(field, value[-2 if n else -8])
            else:
                hands.write(field, "9" if n else "3")
        hands.follow(hands.page.locator("button[name=do][value=submit]"))
        assert hands.page.locator(".gf-errors li a").count() == 1, hands.words[:900]
        self.shot(hands, "review-faulty")
        first = scene.call_pack.terms.rubric.criteria[0].code
        hands.write(
            hands.page.locator(f"#comment_{first}"),
            self.both("The strategy names it in passing.", "В стратегии об этом вскользь."),
        )
        hands.follow(hands.page.locator("button[name=do][value=submit]"))
        assert hands.page.locator(".gf-errors").count() == 0, hands.words[:900]
        self.shot(hands, "review-submitted")

        hands = self.at("reader2", f"/applications/{self.application}/interest")
        hands.pick("kind", "organisation")
        hands.follow(hands.page.locator("main form .gf-acts button[type=submit], main form button.btn-primary").first)
        assert hands.path == "/panels"
        for path in (
            "/cases/{}",
            "/applications/{}/review",
            "/applications/{}/interest",
            "/applications/{}/versions/1",
        ):
            assert hands.open(path.format(self.application)) == 404, path
        self.shot(hands, "404")
        for code, points in (("chair", 8), ("reader3", 9), ("reader4", 7)):
            scene.score(self.application, code, points)
        for code in made.PANEL:
            scene.score(self.second, code, 4)  # below the line of quality

    def the_chair_ranks_and_awards(self) -> None:
        scene = self.scene
        panel = scene.of_kind("panel")[0].id
        self.house.travel(made.after(clock.now(), days=40))
        hands = self.at("chair", f"/panels/{panel}")
        self.shot(hands, "board")
        hands = self.move("chair", self.application, "close_scoring")
        assert self.badge(hands) == self.label("application", "in_moderation")
        self.shot(hands, "moderation")
        scene.fire(self.second, "close_scoring", "chair")
        hands.open(f"/panels/{panel}/ranking")
        self.shot(hands, "ranking-before")
        self.move("chair", self.application, "rank")
        scene.fire(self.second, "rank", "chair")
        hands = self.at("chair", f"/panels/{panel}/ranking")
        assert hands.page.locator(".gf-moneyline").count() == 1
        self.shot(hands, "ranking")
        hands = self.move("chair", self.application, "award", self._sum_stays)
        self.shot(hands, "awarded")
        self.move(
            "chair", self.second, "decline", reason=self.both("Below the line of quality.", "Ниже порога качества.")
        )
        hands = self.move("chair", scene.call, "decide")
        assert self.badge(hands) == self.label("call", "decided")
        self.award = scene.of_kind("award")[0].id

    def _sum_stays(self, hands: Hands) -> None:
        field = hands.page.locator("main form input[inputmode=decimal], main form #amount").first
        assert field.input_value().replace("\u00a0", " ") in (
            "360,000.00",
            "360 000,00",
            "360000",
            "360,000",
            "360 000",
        )
        self.shot(hands, "award-form")

    def the_results_are_announced(self) -> None:
        scene = self.scene
        # Nobody learns of it before the announcement.
        hands = self.at("applicant", f"/cases/{self.application}")
        assert self.label("application", "awarded") not in self.badge(hands)
        self.house.travel(clock.local(scene.call_pack.results, 10, 0, ZONE))
        hands = self.move("manager", scene.call, "announce")
        assert self.badge(hands) == self.label("call", "announced")
        self.house.round()
        public = self._at_desk(self.house, self.width, keyboard=self.keyboard, language=self.language)
        public.open(f"/language/{self.language}?next=/calls/{CALL}")
        self.shot(public, "call-announced")
        results = public.page.locator('a[href*="results"]')
        if results.count():
            public.follow(results.first)
            assert scene.say("title") in public.words
            self.shot(public, "results")

    def the_grant_is_accepted_signed_and_started(self) -> None:
        self.house.travel(made.after(clock.now(), days=2))
        desk = self.at("applicant")
        self.shot(desk, "grantee-desk-offer")

        def account(hands: Hands) -> None:
            hands.write(hands.page.locator("#bank_account"), made.ACCOUNT)
            hands.write(hands.page.locator("#bank_code"), made.BIK)
            hands.write(hands.page.locator("#bank_name"), self.both("Onego Bank", "Банк «Онего»"))
            hands.write(hands.page.locator("#signatory"), self.both("The owner", "Владелица дела"))
            self.shot(hands, "accept")

        hands = self.move("applicant", self.award, "accept", account)
        assert self.badge(hands) == self.label("award", "accepted")
        self.shot(hands, "accepted")
        self.starts = clock.today(ZONE)
        self.ends = self.starts + timedelta(days=330)

        def agreement(hands: Hands) -> None:
            hands.write(hands.page.locator("#agreement_no"), "KR-01/22")
            for name, day in (("signed_on", self.starts), ("starts_on", self.starts), ("ends_on", self.ends)):
                hands.write(hands.page.locator(f"#{name}"), f"{day.day}.{day.month}.{day.year}")
            self.shot(hands, "sign")

        self.move("officer", self.award, "sign", agreement)
        hands = self.move("manager", self.award, "activate")
        assert self.badge(hands) == self.label("award", "active")
        self.shot(hands, "active")
        self.tranches = [row.id for row in self.scene.of_kind("tranche", parent_id=self.award)]
        assert len(self.tranches) == 3

    def the_first_tranche_is_paid_by_two(self) -> None:
        self.house.travel(made.after(clock.now(), days=11))
        first = self.tranches[0]
        assert self.scene.state(first) == "due"
        hands = self.at("finance", "/money")
        self.shot(hands, "money")
        self.move("finance", first, "prepare")

        def typed(hands: Hands) -> None:
            hands.write(hands.page.locator("#amount"), self.both("144,000.00", "144 000,00"))
            self.shot(hands, "first-approval")

        self.move("finance", first, "approve_first", typed)
        hands = self.at("finance", f"/cases/{first}")
        refused = hands.page.locator(".gf-moves button[aria-disabled=true]").first
        reason = hands.page.locator(f"#{refused.get_attribute('aria-describedby')}").inner_text()
        assert self.both("second", "втор") in reason.lower() or STAFF_NAME[self.language] in reason, reason
        assert hands.open(f"/cases/{first}/moves/approve_second") == 403
        self.shot(hands, "second-refused")
        hands = self.move("finance2", first, "approve_second")
        assert self.badge(hands) == self.label("tranche", "ready")
        self.shot(hands, "tranche-ready")

        def paid(hands: Hands) -> None:
            today = clock.today(ZONE)
            hands.write(hands.page.locator("#bank_ref"), "PP-1001")
            hands.write(hands.page.locator("#booked_on"), f"{today.day}.{today.month}.{today.year}")

        hands = self.move("finance2", first, "pay", paid)
        assert self.badge(hands) == self.label("tranche", "paid")
        self.shot(hands, "tranche-paid")
        self.house.round()

    def the_interim_report_opens_the_second_tranche(self) -> None:
        self.house.travel(made.after(clock.now(), days=100))
        report = self.scene.of_kind("report", parent_id=self.award)[0].id
        desk = self.at("applicant")
        self.shot(desk, "grantee-desk-report")
        hands = self.at("applicant", f"/reports/{report}/edit")
        plan = {q.code: q for q in self.scene.call_pack.terms.reports[0].questions}
        given = {
            "done": self.both("The room is ready, two looms work.", "Комната готова, работают два станка."),
            "people_so_far": (40, 6, 0), "spent": [(self.both("Looms", "Станки"), self.both("piece", "шт."), "2", "62500")],
            "receipts": "receipts.pdf", "report_true": True,
        }  # fmt: skip
        for code, value in given.items():
            answer(hands, plan[code], value)
        hands.follow(hands.page.locator("button[name=send]").first)
        assert hands.path == f"/cases/{report}", hands.words[:900]
        self.shot(hands, "report-sent")
        hands = self.move("officer", report, "accept")
        assert self.badge(hands) == self.label("report", "accepted")
        self.shot(hands, "report-accepted")
        self.house.round()
        self._pay(1)

    def _pay(self, n: int) -> None:
        """The same way by the services."""
        case_id, scene = self.tranches[n], self.scene
        self.house.travel(made.after(clock.now(), days=15))
        assert scene.state(case_id) == "due", n
        scene.fire(case_id, "prepare", "finance2")
        amount = made.ASKED_MINOR * (40 if n == 1 else 20) // 100
        scene.fire(case_id, "approve_first", "finance2", payload={"amount_minor": amount, "currency": "RUB"})
        scene.fire(case_id, "approve_second", "finance")
        scene.fire(case_id, "pay", "finance", payload={"bank_ref": f"PP-100{n + 1}", "booked_on": clock.today(ZONE)})
        assert scene.state(case_id) == "paid"

    def the_final_report_completes_the_grant(self) -> None:
        self.house.travel(made.after(clock.local(self.ends, 12, 0, ZONE), days=3))
        report = self.scene.of_kind("report", parent_id=self.award)[1].id
        actor = self.scene.actor("applicant") if "applicant" in self.scene.people else self._applicant()
        with unit_of_work():
            drafts.add_file(report, "receipts", "receipts.pdf", io.BytesIO(PAPER), actor=actor)
        typed = {
            "done": self.both("Four looms, three weavers.", "Четыре станка, три ткачихи."),
            "people_reached": {"women": "130", "men": "20", "not_stated": "4"},
            "jobs_made": {"women": "3", "men": "0", "not_stated": "0"}, "income": "420000",
            "spent": [{"item": self.both("Looms", "Станки"), "unit": "", "quantity": "4", "price": "90000"}],
            "lessons": self.both("Order yarn earlier.", "Заказать пряжу раньше."), "report_true": "yes",
        }  # fmt: skip
        with unit_of_work():
            drafts.save_report(report, typed, revision=reports_revision(report), actor=actor)
        self.scene.fire(report, "submit", "applicant")
        self.scene.fire(report, "accept", "officer")
        self.house.round()
        self._pay(2)
        self.house.round()
        state = self.scene.state(self.award)
        if state == "active":
            self.move("officer", self.award, "complete")
            state = self.scene.state(self.award)
        if state == "completed":
            self.move("officer", self.award, "follow")
        assert self.scene.state(self.award) == "followup"
        hands = self.at("applicant", f"/cases/{self.award}")
        self.shot(hands, "grant-followup")

    def _applicant(self) -> Any:
        from grantflow.identity.service import person_by_email

        found = person_by_email("applicant@journey.example")
        assert found is not None
        self.scene.people["applicant"] = found.id
        return self.scene.actor("applicant")

    def three_checks_find_it_sustainable(self) -> None:
        checks = [row.id for row in self.scene.of_kind("check", parent_id=self.award)]
        assert len(checks) == 3
        for check, months in zip(checks, (6, 12, 24), strict=True):
            self.house.travel(clock.local(_months(self.ends, months) + timedelta(days=3), 12, 0, ZONE))
            assert self.scene.state(check) == "open", months
            if months == 12:
                self._check_by_services(check)
                continue
            hands = self.at("applicant", f"/checks/{check}/edit")
            asks = {q.code: q for q in self.scene.call_pack.terms.checks.questions}
            for code, value in self._stands().items():
                answer(hands, asks[code], value)
            self.shot(hands, f"check-{months}")
            hands.follow(hands.page.locator("button[name=send]").first)
            assert hands.path == f"/cases/{check}", hands.words[:900]
            hands = self.move("officer", check, "verify")
            assert self.badge(hands) == self.label("check", "sustainable")
            self.shot(hands, f"check-{months}-sustainable")

    def _stands(self) -> dict[str, Any]:
        return {
            "operating": "yes", "jobs_now": (3, 0, 0), "grants_share": "0",
            "way_state": "yes", "way_state_evidence": self.both("Contract 14 with the school", "Договор 14 со школой"),
            "way_state_share": "20",
            "way_business": "yes", "way_business_evidence": self.both("A hotel buys towels", "Гостиница покупает полотенца"),
            "way_business_share": "30",
            "way_sales": "yes", "way_sales_evidence": self.both("Tax return", "Налоговая декларация"), "way_sales_share": "50",
        }  # fmt: skip

    def _check_by_services(self, check: int) -> None:
        from grantflow.followups import checks
        from grantflow.followups import queries as kept

        typed: dict[str, Any] = dict(self._stands())
        typed["jobs_now"] = dict(zip(("women", "men", "not_stated"), ("3", "0", "0"), strict=True))
        actor = self.scene.actor("applicant")
        with unit_of_work():
            checks.save_check(check, typed, revision=kept.check(check).revision, actor=actor)
        self.scene.fire(check, "fill", "applicant")
        self.scene.fire(check, "verify", "officer")
        assert self.scene.state(check) == "sustainable"

    def the_auditor_reads_verifies_and_takes_it_away(self) -> None:
        hands = self.at("auditor", "/audit")
        self.shot(hands, "audit")
        hands.open(f"/cases/{self.application}")
        assert hands.page.locator(".gf-line li").count() >= 5
        assert hands.page.locator(".gf-moves a.btn").count() == 0  # an auditor changes nothing
        self.shot(hands, "audit-case")
        hands.open("/audit")
        hands.follow(hands.page.locator('form[action="/audit/verify"] button'))
        self.shot(hands, "verified")
        hands.open(f"/cases/{self.application}")
        with hands.page.expect_download() as taken:
            hands.press(hands.page.locator(f'a[href="/cases/{self.application}/history.xlsx"]').first)
        data = taken.value.path().read_bytes()
        assert zipfile.is_zipfile(io.BytesIO(data))
        rows = [
            row for sheet in load_workbook(io.BytesIO(data)).worksheets for row in sheet.iter_rows(values_only=True)
        ]
        assert len(rows) > 15
        hands.open("/programmes/prozvet")
        self.shot(hands, "programme")
        words = hands.words
        assert self.both("1 of 30", "1 из 30") in words, words[:1500]
        assert self.both("1 of 50", "1 из 50") in words, words[:1500]
        with suppress(AssertionError):
            self.shot(self.at("manager"), "manager-desk-end")


STAFF_NAME = {"en": made.STAFF["finance"][1], "ru": made.STAFF["finance"][2]}


def reports_revision(case_id: int) -> int:
    """The revision a page of the report would carry now."""
    from grantflow.followups import queries

    return int(queries.report(case_id).revision)


def _months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        with suppress(ValueError):
            return datetime(year, month + 1, last).date()
    raise AssertionError(day)


@pytest.mark.parametrize(("language", "width", "keyboard"), WAYS)
def test_an_application_lives_from_the_opening_of_its_call_to_sustainability(
    house: House, at_desk: Callable[..., Hands], language: str, width: int, keyboard: bool
) -> None:
    life = Life(house, at_desk, language, width, keyboard)
    life.the_call_opens()
    life.the_applicant_writes()
    life.the_applicant_fills_every_section()
    life.the_check_finds_what_is_missing()
    life.the_applicant_sends()
    life.the_officer_returns_it_and_the_applicant_corrects()
    life.the_officer_checks_and_passes()
    life.others_apply_and_one_is_refused()
    life.the_call_closes_and_the_panel_begins()
    life.the_panel_reads()
    life.the_chair_ranks_and_awards()
    life.the_results_are_announced()
    life.the_grant_is_accepted_signed_and_started()
    life.the_first_tranche_is_paid_by_two()
    life.the_interim_report_opens_the_second_tranche()
    life.the_final_report_completes_the_grant()
    life.three_checks_find_it_sustainable()
    life.the_auditor_reads_verifies_and_takes_it_away()
