"""The people, the programme and the words of the journeys: the PROZVET contest, moved so that it opens today.

Everything is made through the services a shell or another page would use; what a journey is about it does in the
browser itself.
"""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from grantflow import clock
from grantflow.awards.banking import russian_account
from grantflow.cases import service as cases
from grantflow.cases.models import Case
from grantflow.db import session, unit_of_work
from grantflow.demo import content
from grantflow.identity import service as identity
from grantflow.identity.access import Actor, actor_for
from grantflow.identity.models import Person
from grantflow.programmes import pack as packs
from grantflow.programmes.questions import Question
from grantflow.programmes.service import load_pack
from grantflow.rehearsals import papers
from grantflow.scoring import service as scoring
from grantflow.scoring.service import Mark, Member, Written
from grantflow.submissions import service as submissions
from tests.browser import PASSWORD, Hands

FILE = Path(__file__).parents[2] / "workflows" / "programmes" / "prozvet.toml"
CALL, ZONE = "KR-2021", "Europe/Moscow"
SHELL = Actor(None, "shell", everywhere="admin")
PAPER = papers.pdf("A paper of the journey. Everything in it is invented.")
BIK = "048602001"
ACCOUNT = russian_account("40702810", "00000012345", BIK)

STAFF = {
    "manager": ("manager", "Marta Olonina", "Марта Олонина"),
    "officer": ("officer", "Olga Pryazhina", "Ольга Пряжина"),
    "officer2": ("officer", "Oleg Vedlozersky", "Олег Ведлозерский"),
    "finance": ("finance", "Faina Sunskaya", "Фаина Сунская"),
    "finance2": ("finance", "Filipp Kivach", "Филипп Кивач"),
    "auditor": ("auditor", "Aino Sukhanova", "Айно Суханова"),
}
PANEL = {
    "chair": ("cso", "Tamara Kizhskaya", "Тамара Кижская"),
    "reader1": ("other", "Lucia Bevagna", "Лучия Беванья"),
    "reader2": ("local_authority", "Semyon Onegin", "Семён Онежский"),
    "reader3": ("other", "Irina Valaamova", "Ирина Валаамова"),
    "reader4": ("cso", "Nina Shuiskaya", "Нина Шуйская"),
}
BODIES = {
    "chair": ("cso", "North Wind Society", "Общество «Северный ветер»"),
    "reader1": ("other", "Umbrian Workshop", "Умбрийская мастерская"),
    "reader2": ("local_authority", "District administration (journey)", "Администрация района (пример)"),
    "reader3": ("business", "Four Lakes Advice", "ООО «Четыре озера»"),
    "reader4": ("cso", "Linden Alley Club", "Клуб «Липовая аллея»"),
}

WORDS: dict[str, dict[str, Any]] = {
    "address": {"en": "Suoyarvi, 7 Lake Street", "ru": "Суоярви, Озёрная улица, 7"},
    "activity": {"en": "We weave rugs and towels from linen, in a kitchen so far.", "ru": "Ткём половики и полотенца из льна, пока на кухне."},
    "team": {"en": "A weaver with ten years at the loom and a teacher of crafts.", "ru": "Ткачиха, десять лет за станком, и учительница труда."},
    "title": {"en": "A weaving room in Suoyarvi", "ru": "Ткацкая комната в Суоярви"},
    "title_en": {"en": "A weaving room in Suoyarvi", "ru": "A weaving room in Suoyarvi"},
    "summary": {"en": "A room with four looms, open six days a week, and three paid jobs.", "ru": "Комната с четырьмя станками, открытая шесть дней в неделю, и три рабочих места."},
    "prepared": {"en": "The room is found; twelve orders wait.", "ru": "Помещение найдено, ждут двенадцать заказов."},
    "need_facts": {"en": "Of 64 women asked, 41 look for work near home.", "ru": "Из 64 опрошенных женщин 41 ищет работу рядом с домом."},
    "risks": {"en": "A loom comes late: we begin with two.", "ru": "Станок опоздает: начнём с двумя."},
    "evidence": {"en": "The order book and the cash book.", "ru": "Книга заказов и кассовая книга."},
    "work_life": {"en": "Open while school lasts; a corner for children.", "ru": "Работаем, пока идут уроки; есть уголок для детей."},
    "largest_cost": {"en": "The looms: without them there is no work.", "ru": "Станки: без них нет работы."},
    "steps": {"en": "1st month: repair.\n2nd month: looms.\n3rd month: opening.", "ru": "1-й месяц: ремонт.\n2-й месяц: станки.\n3-й месяц: открытие."},
    "after_grant": {"en": "Sales of RUB 70,000 a month and a school’s orders.", "ru": "Продажи на 70 000 ₽ в месяц и заказы школы."},
}  # fmt: skip
COSTS = {
    "en": [
        ("Looms", "piece", "4", "62,500.00"),
        ("Linen yarn", "kg", "120", "850.50"),
        ("Repair", "m²", "36", "1,500"),
    ],
    "ru": [
        ("Станки", "шт.", "4", "62 500,00"),
        ("Льняная пряжа", "кг", "120", "850,50"),
        ("Ремонт", "м²", "36", "1500"),
    ],
}
"""250,000.00 and 102,060.00 and 54,000.00 are 406,060.00; with 46,060 of one's own, 360,000 are asked."""
ASKED_MINOR = 36_000_000
INN, BODY_INN = "109902049684", "1099037190"


def moved_pack() -> tuple[packs.ProgrammePack, int]:
    """The programme with its contest opening today, and by how many days it was moved."""
    pack = packs.read(FILE)
    days = (clock.today(ZONE) - pack.call(CALL).opens.date()).days
    return pack.shifted({CALL: days}), days


class Scene:
    """The programme loaded, its staff and panel with passwords, and their actors."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.pack, self.days = moved_pack()
        self.call_pack = self.pack.call(CALL)
        self.questions: dict[str, Question] = dict(self.call_pack.terms.questions)
        with unit_of_work():
            loaded = load_pack(self.pack, SHELL)
        self.programme, self.call = loaded.programme_id, loaded.calls[CALL]
        self.people: dict[str, int] = {}
        for code, (role, en, ru) in STAFF.items():
            self._person(code, en, ru)
            with unit_of_work():
                identity.grant_role(SHELL, self.people[code], role, programme_id=self.programme)
        for code, (_seat, en, ru) in PANEL.items():
            self._person(code, en, ru)

    def _person(self, code: str, en: str, ru: str) -> None:
        with unit_of_work():
            self.people[code] = identity.add_person(
                SHELL, email=f"{code}@journey.example", name_en=en, name_ru=ru, language=self.language, zone=ZONE,
                password=PASSWORD,
            ).id  # fmt: skip

    def compose(self) -> None:
        """The manager seats the five members, each with a body of their own."""
        members = []
        for code, (seat, _en, _ru) in PANEL.items():
            kind, en, ru = BODIES[code]
            with unit_of_work():
                body = identity.add_organisation(SHELL, name_en=en, name_ru=ru, kind=kind, join=False)
            members.append(Member(self.people[code], seat, body, code == "chair"))
        manager = self.actor("manager")
        with unit_of_work():
            scoring.compose_panel(self.call, members, actor=manager)

    def actor(self, code: str) -> Actor:
        """Somebody as they may act now."""
        session().rollback()
        return actor_for(session().get_one(Person, self.people[code], populate_existing=True))

    def fire(self, case_id: int, trigger: str, code: str, **more: Any) -> Any:
        """Let somebody make a move without a browser."""
        actor = self.actor(code)
        with unit_of_work():
            return cases.fire(case_id, trigger, actor=actor, **more)

    def row(self, case_id: int) -> Any:
        """A case as the database has it now."""
        session().rollback()
        return session().execute(select(Case.__table__).where(Case.id == case_id)).one()

    def state(self, case_id: int) -> str:
        """Where a case stands."""
        return str(self.row(case_id).state)

    def of_kind(self, kind: str, **where: Any) -> list[Any]:
        """The cases of a kind, oldest first."""
        session().rollback()
        table = Case.__table__
        query = select(table).where(table.c.kind == kind, *(table.c[k] == v for k, v in where.items()))
        return list(session().execute(query.order_by(table.c.id)))

    def say(self, code: str) -> str:
        """What the applicant of the journey writes, in the journey's language."""
        return str(WORDS[code][self.language])

    def day(self, days: int) -> str:
        """A day so many days after the call's opening, as people type it."""
        found = self.call_pack.opens.date() + timedelta(days=days)
        return f"{found.day}.{found.month}.{found.year}"

    # -------------------------------------------------------------------------- other applicants, through the services
    def applied(self, number: int) -> int:
        """An application of the demo's contest, written and sent by an applicant of its own; gives back its case."""
        contest = content.read("contest", content.Contest)
        one = contest.by_number[number]
        code = f"other{number}"
        with unit_of_work():
            person = identity.register(
                email=f"{code}@journey.example",
                name=one.owner.name.ru,
                password=PASSWORD,
                language=self.language,
                consent=True,
            )
            self.people[code] = person.id
        body = one.organisation
        actor = self.actor(code)
        with unit_of_work():
            body_id = identity.add_organisation(
                actor, name_en=body.name.en, name_ru=body.name.ru, kind=body.kind, legal_form=body.form, inn=body.inn
            )
        actor = self.actor(code)
        with unit_of_work():
            case_id = submissions.start_draft(CALL, body_id, actor=actor).id
        for section in self.call_pack.terms.form:
            self._section(case_id, section, one.answers, actor)
        with unit_of_work():
            submissions.submit(case_id, actor=actor)
        return int(case_id)

    def _section(self, case_id: int, section: Any, answers: dict[str, Any], actor: Actor) -> None:
        typed = {}
        for question in section.questions:
            if question.code in answers and question.kind != "file":
                answer = answers[question.code]
                if isinstance(answer, date):
                    answer += timedelta(days=self.days)
                typed[question.code] = content.typed(question, answer)
        with unit_of_work():
            revision = submissions.row_of(case_id).revision
            submissions.save_section(case_id, section.code, typed, revision=revision, actor=actor, lang="en")
        for question in section.questions:
            for name in answers.get(question.code, ()) if question.kind == "file" else ():
                with unit_of_work():
                    submissions.add_file(case_id, question.code, name, io.BytesIO(PAPER), actor=actor)

    def score(self, case_id: int, code: str, points: int) -> None:
        """A member of the panel declares no interest and submits a review."""
        actor = self.actor(code)
        with unit_of_work():
            scoring.declare_interest(case_id, "none", actor=actor)
        marks = {c.code: Mark(points, "") for c in self.call_pack.terms.rubric.criteria}
        with unit_of_work():
            scoring.submit_review(case_id, Written(marks), actor=actor)


def after(moment: datetime, **more: int) -> datetime:
    """So much later."""
    return moment + timedelta(**more)


# --------------------------------------------------------------------------------------------------------- answering
def answer(hands: Hands, question: Question, value: Any) -> None:
    """Answer one question of a pack on the page, whatever it is."""
    name = f"q-{question.code}"
    page = hands.page
    if question.kind in ("choice", "yes_no"):
        hands.pick(name, value)
    elif question.kind == "choices":
        for one in value:
            hands.tick(page.locator(f'input[name="{name}"][value="{one}"]'))
    elif question.kind == "district":
        hands.choose(page.locator(f"#{name}"), value)
    elif question.kind in ("declaration", "consent"):
        hands.tick(page.locator(f"#{name}"))
    elif question.kind == "counter":
        for sex, count in zip(("women", "men", "not_stated"), value, strict=True):
            hands.write(page.locator(f"#{name}-{sex}"), str(count))
    elif question.kind == "table":
        for n, line in enumerate(value):
            for column in question.columns:
                cell = page.locator(f"#{name}-{n}-{column.code}")
                (hands.choose if column.kind == "choice" else hands.write)(cell, line.get(column.code, ""))
    elif question.kind == "file":
        hands.attach(page.locator(f"#{name}"), value, PAPER)
    elif question.kind == "budget":
        for n, line in enumerate(value):
            for column, text in zip(("item", "unit", "quantity", "price"), line, strict=True):
                hands.write(page.locator(f"#{name}-{n}-{column}"), text)
    else:
        hands.write(page.locator(f"#{name}"), str(value))
