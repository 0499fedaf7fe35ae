"""A small app that shows every macro once, with invented records: for tests of the look, and for looking.

`python tests/look/gallery.py [PORT]` serves it on loopback; ?lang=ru&theme=dark choose the reader.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from flask import Flask, Response, g, render_template, request  # noqa: E402
from flask_babel import Babel  # noqa: E402
from flask_bootstrap import Bootstrap5  # noqa: E402
from flask_wtf import CSRFProtect, FlaskForm  # noqa: E402
from jinja2 import ChoiceLoader, FileSystemLoader  # noqa: E402
from wtforms import (  # noqa: E402
    BooleanField,
    DateField,
    FieldList,
    FileField,
    Form,
    FormField,
    PasswordField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired  # noqa: E402
from wtforms.widgets import CheckboxInput, ListWidget  # noqa: E402

from grantflow import clock, rendering  # noqa: E402
from grantflow.money import Money  # noqa: E402

NOW = datetime(2021, 10, 23, 9, 0, tzinfo=UTC)
CLOSES = datetime(2021, 11, 1, 20, 59, tzinfo=UTC)


@dataclass(frozen=True)
class Label:
    """Two languages of one name, as the engine's definitions carry them."""

    en: str
    ru: str

    def in_(self, language: str) -> str:
        return self.ru if language == "ru" else self.en


@dataclass(frozen=True)
class State:
    label: Label
    tone: str


@dataclass(frozen=True)
class Move:
    name: str
    label: Label
    hint: Label | None = None
    kind: str = "plain"
    form: str | None = None
    reason: str = "none"

    @property
    def trigger(self) -> str:
        return self.name


@dataclass(frozen=True)
class Verdict:
    ok: bool
    because: Any = ""


@dataclass(frozen=True)
class Entry:
    at: datetime
    say: Label
    by: Label
    tone: str = "move"
    changes: list[tuple[Label, Any, Any]] = field(default_factory=list)
    reason: str = ""


class Line(Form):
    what = StringField("What")
    unit = SelectField("Unit", choices=[SelectChoice("piece", "piece"), SelectChoice("month", "month")])
    number = StringField("Number")
    price = StringField("Price of one")


class Every(FlaskForm):
    """One field of each kind the packs may ask for."""

    email = StringField("E-mail", [InputRequired("Write your address, for example olga@example.org.")])
    password = PasswordField("Password", description="At least 12 characters; a short sentence is good.")
    why = TextAreaField(
        "Which cost is the largest, and why is it needed?",
        [DataRequired("Say which cost is the largest and why.")],
        description="About 120 characters. Nothing is cut off if you write more.",
    )
    amount = StringField("Asked from the grant", [InputRequired("Write the amount in figures, for example 14,000.50.")])
    founded = DateField("Date of registration", description="For example 1.11.2021.")
    district = SelectField(
        "District",
        choices=[
            SelectChoice("", "Choose a district"),
            SelectChoice("a", "Suoyarvi"),
            SelectChoice("b", "Medvezhyegorsk"),
        ],
    )
    kind = RadioField(
        "Starting or growing?",
        [InputRequired("Choose one.")],
        choices=[SelectChoice("new", "Starting"), SelectChoice("more", "Growing")],
    )
    needs = SelectMultipleField(
        "Which needs does it answer?",
        choices=[
            SelectChoice("care", "Care of children and elders"),
            SelectChoice("work", "Work for women near their homes"),
        ],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )
    true = BooleanField("All answers are true", [InputRequired("Tick this to go on.")])
    paper = FileField("Tax certificate", description="Not older than 30 days.")
    lines = FieldList(FormField(Line), min_entries=3)


def case_facts() -> dict[str, Any]:
    """Records for every macro; names, sums and marks are invented."""
    moderation = State(Label("In moderation", "Обсуждение на заседании комиссии"), "move")
    when = datetime(2021, 11, 8, 7, 15, tzinfo=UTC)
    return {
        "states": [
            State(Label("Draft", "Черновик"), "idle"),
            State(Label("In scoring", "Оценка"), "move"),
            State(Label("Returned to you", "Возвращена вам на доработку"), "yours"),
            State(Label("Paid", "Выплачен"), "done"),
            State(Label("Declined", "Отклонена"), "stop"),
            State(Label("On hold", "Удержан"), "hold"),
        ],
        "state": moderation,
        "case": SimpleNamespace(id=7, ref="KR-2021-0007"),
        "chair": Label("panel chair, Karelia", "председатель территориальной комиссии, Карелия"),
        "pairs": [
            (
                Move(
                    "rank",
                    Label("Put into the ranking", "Внести в рейтинг"),
                    Label(
                        "The order stays open until you propose it.",
                        "Порядок можно менять до предложения рейтинга.",
                    ),
                    "primary",
                ),
                Verdict(True),
            ),
            (
                Move(
                    "reread",
                    Label("Ask for one more reading", "Запросить ещё один отзыв"),
                    Label("Adds up to 7 days.", "Срок продлится не больше чем на 7 дней."),
                    form="x",
                ),
                Verdict(True),
            ),
            (Move("decline", Label("Decline", "Отклонить"), kind="stop", reason="required"), Verdict(True)),
            (
                Move("award", Label("Award", "Поддержать")),
                Verdict(
                    False,
                    Label(
                        "The minutes are not signed yet: 4 of 6 members have signed.",
                        "Протокол ещё не подписан: подписали 4 из 6 членов комиссии.",
                    ),
                ),
            ),
        ],
        "events": [
            Entry(
                datetime(2022, 1, 28, 8, 4, tzinfo=UTC),
                Label("Third review submitted: 81 of 100", "Получен третий отзыв: 81 из 100"),
                Label("Independent expert, third reader", "Независимый эксперт, третий отзыв"),
                changes=[(Label("Mean mark", "Средний балл"), Decimal("75.0"), Decimal("77.0"))],
            ),
            Entry(
                when,
                Label(
                    "Returned for correction, section 7 only",
                    "Возвращена на доработку, открыт только раздел 7",
                ),
                Label("Programme officer, L. M.", "Специалист программы Л. М."),
                "hold",
                reason="The tax certificate is missing. Add one not older than 30 days.",
            ),
            Entry(CLOSES, Label("Submitted", "Подана"), Label("Applicant", "Заявитель"), "done"),
        ],
        "tally": [
            {"count": 22, "label": Label("Drafts", "Черновики"), "url": "#a", "tone": "idle"},
            {
                "count": 3,
                "label": Label("Submitted", "Поданы"),
                "url": "#b",
                "tone": "yours",
                "kind": "mine",
                "current": True,
            },
            {"count": 0, "label": Label("In moderation", "На обсуждении"), "url": "#c", "tone": "move"},
            {
                "count": 1,
                "label": Label("Failed by bank", "Не прошли в банке"),
                "url": "#d",
                "tone": "stop",
                "kind": "wrong",
            },
        ],
        "desk": [
            SimpleNamespace(
                title=Label("Felt and linen workshop", "Мастерская войлока и льна"),
                url="#1",
                ref="KR-2021-0007",
                what=Label("Second approval", "Второе согласование"),
                due_at=datetime(2021, 10, 20, 9, tzinfo=UTC),
                why=Label("First approval by N. K.", "Первое согласование: Н. К."),
                tone="yours",
            ),
            SimpleNamespace(
                title=Label("Smoked fish cellar", "Рыбокоптильный погреб"),
                url="#2",
                ref="KR-2021-0013",
                what=Label("Review an application", "Написать отзыв на заявку"),
                due_at=CLOSES,
                why=None,
                tone="yours",
            ),
            SimpleNamespace(
                title=Label("Open Shore", "Открытый берег"),
                url="#3",
                ref=None,
                what=Label("Answer", "Ответить"),
                due_at=None,
                why=None,
                tone="hold",
            ),
        ],
        "rows": [
            (
                1,
                Label("Rye bakery with a teaching kitchen", "Ржаная пекарня с учебной кухней"),
                1.6,
                (1, 4),
                "",
                Money(49800000, "RUB"),
            ),
            (
                2,
                Label("Goat dairy and cheese room", "Козья молочная ферма и сыроварня"),
                8.6,
                (6, 12),
                "near",
                Money(44000000, "RUB"),
            ),
            (
                3,
                Label("Ice-fishing guide school", "Школа проводников зимней рыбалки"),
                13.3,
                (11, 15),
                "out",
                Money(19900000, "RUB"),
            ),
        ],
        "closes": CLOSES,
        "since": date(2021, 10, 20),
        "late": date(2021, 10, 18),
        "sum": Money(33180000, "RUB"),
        "svg": '<svg class="gf-flow" width="900" height="40" role="img" aria-label="Draft, submitted">'
        '<g class="node been"><rect x="1" y="2" width="130" height="36" rx="3"/><text x="66" y="25" text-anchor="middle">Draft</text></g>'
        '<g class="node now"><rect x="180" y="2" width="130" height="36" rx="3"/><text x="245" y="25" text-anchor="middle">Submitted</text></g></svg>',
    }


def create_gallery(**config: Any) -> Flask:
    """The app: `/` shows every macro, `/filled` the form after a bad sending, `/hero` the public head, `/error/<n>`."""
    app = Flask("grantflow", root_path=str(ROOT / "grantflow"), template_folder=str(ROOT / "templates"))
    loaders = [
        FileSystemLoader(str(ROOT / "templates")),
        FileSystemLoader(str(Path(__file__).parent / "templates")),
    ]
    app.jinja_loader = ChoiceLoader(loaders)  # type: ignore[assignment]
    app.config.update(SECRET_KEY="gallery", BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "grantflow" / "translations"))
    app.config.update(config)
    Babel(app, locale_selector=lambda: request.args.get("lang", "en"))
    Bootstrap5(app)
    CSRFProtect(app)
    rendering.install(app)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.before_request
    def hold_the_clock() -> None:
        g.clock = clock.at(NOW)
        g.clock.__enter__()

    @app.teardown_request
    def let_go(_error: BaseException | None) -> None:
        held = g.pop("clock", None)
        if held is not None:
            held.__exit__(None, None, None)

    @app.context_processor
    def frame() -> dict[str, Any]:
        ru = request.args.get("lang") == "ru"
        words = (
            ["Мой стол", "Заявки", "Комиссии", "Деньги", "Проверки", "Программы"]
            if ru
            else ["My desk", "Pipeline", "Panels", "Money", "Checks", "Programmes"]
        )
        places = [
            SimpleNamespace(label=w, url=f"#{n}", current=n == 1, count=5 if n == 0 else None)
            for n, w in enumerate(words)
        ]
        if request.path == "/hero":
            places = places[1:4]
        me = (
            None
            if request.path == "/hero"
            else SimpleNamespace(name="L. M.", role=Label("Programme officer", "Специалист программы"))
        )
        return {
            "nav": places,
            "me": me,
            "demo": {"mailbox": "#mail"},
            "theme": request.args.get("theme", "light"),
        }

    @app.route("/")
    @app.route("/filled", methods=["GET", "POST"])
    def gallery() -> str:
        form = Every()
        if request.method == "POST" or request.path == "/filled":
            form = Every(meta={"csrf": False})
            form.process(
                data={
                    "why": "We teach four women to weave on floor looms and sell together under one mark. " * 2,
                    "lines": [
                        {"what": "Floor loom", "number": "2", "price": "64,000"},
                        {"what": "Workshop rent", "number": "6", "price": "14 000 r"},
                        {},
                    ],
                }
            )
            form.validate()
            list(form.lines)[1].form.price.errors = ["Figures only, for example 14,000.50."]
        return render_template("gallery.html", f=form, **case_facts())

    @app.get("/hero")
    def hero() -> str:
        return render_template("gallery_hero.html", **case_facts())

    @app.get("/error/<int:number>")
    def error(number: int) -> tuple[str, int]:
        return rendering.error_page(
            number, "The minutes are not signed yet: 4 of 6 members have signed." if number == 403 else ""
        )

    @app.get("/public/<name>")
    def public(name: str) -> str:
        return render_template(f"public/{name}.html")

    for endpoint, rule in {
        "cases.move": "/cases/<int:case_id>/<trigger>",
        "identity.language": "/language/<language>",
        "identity.sign_in": "/in",
        "identity.sign_out": "/out",
        "identity.profile": "/me",
        "public.help": "/help",
        "public.accessibility": "/a11y",
        "public.privacy": "/privacy",
        "public.cookies": "/cookies",
    }.items():
        app.add_url_rule(rule, endpoint, lambda **_kw: Response("", 204), methods=["GET", "POST"])
    return app


if __name__ == "__main__":
    create_gallery().run("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8931)
