"""Owns the shape of the demo's invented content: people, applications, scores, payments, reports and checks.

Leaves driving them through the engine to the demo's builder. Content that does not fit its pack never loads.
"""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, ValidationError

from grantflow.engine.definition import Label
from grantflow.engine.faults import DefinitionFaults
from grantflow.identity.models import LEGAL_FORMS, ORGANISATION_KINDS
from grantflow.programmes.pack import CallPack, ProgrammePack, faults_of
from grantflow.programmes.parts import Code, Minor, Part, Text, WallClock, Zone
from grantflow.programmes.questions import Question
from grantflow.programmes.terms import SeatKind

FOLDER = Path(__file__).parent / "content"
Answers = dict[str, Any]
Role = Literal["applicant", "officer", "panellist", "chair", "finance", "manager", "auditor"]
_Content = TypeVar("_Content", bound=Part)


class Body(Part):
    """An organisation that does not apply. `member` is its code among an alliance's members."""

    code: Code
    name: Label
    kind: Literal[ORGANISATION_KINDS]  # type: ignore[valid-type]
    form: Literal[LEGAL_FORMS]  # type: ignore[valid-type]
    country: str = Field(pattern=r"^[A-Z]{2}$")
    member: Code | None = None


class SignIn(Part):
    """Somebody who can sign in to the demo. `seat` and `brings` are a panel member's."""

    code: Code
    email: str = Field(pattern=r"^[a-z0-9.]+@demo\.example$")
    name: Label
    language: Literal["en", "ru"]
    zone: Zone
    role: Role
    does: Label
    seat: SeatKind | None = None
    organisation: Code | None = None
    brings: Label | None = None


class People(Part):
    """Who signs in, and the bodies panel members come from."""

    people: tuple[SignIn, ...]
    bodies: tuple[Body, ...] = ()

    def by_code(self, code: str) -> SignIn:
        """Somebody by their code; KeyError where there is none."""
        return {one.code: one for one in self.people}[code]

    @property
    def panel(self) -> tuple[SignIn, ...]:
        """The members of the panel with their chair."""
        return tuple(one for one in self.people if one.seat is not None)


class Applicant(Part):
    """The body that applies."""

    name: Label
    form: Literal[LEGAL_FORMS]  # type: ignore[valid-type]
    kind: Literal[ORGANISATION_KINDS]  # type: ignore[valid-type]
    inn: str = ""
    founded: date | None = None


class Owner(Part):
    """Who writes the application: a sign-in of `people.toml`, or an account that nobody signs in to."""

    name: Label
    person: Code | None = None


class Refused(Part):
    """Why an application was found ineligible."""

    rule: Code
    en: Text
    ru: Text


class Declined(Part):
    """Why the panel declined an application."""

    en: Text
    ru: Text


class Withdrawn(Part):
    """When and why an applicant withdrew."""

    on: WallClock
    en: Text
    ru: Text


class Returned(Part):
    """A return for correction: when, why, and how the first version differed from the answers given here."""

    on: WallClock
    again: WallClock
    sections: tuple[Code, ...] = Field(min_length=1)
    en: Text
    ru: Text
    without: tuple[Code, ...] = ()
    first_item: str = ""
    """How the first line of costs was called before the correction."""


class Draft(Part):
    """Answers begun and not sent."""

    title: Label
    organisation: Applicant
    owner: Owner
    begun: WallClock
    answers: Answers


class Sponsor(Applicant):
    """The registered body that receives the money for a group, and who agrees to it there."""

    person: Owner


class Application(Part):
    """An application as it was sent, and what became of it."""

    number: int = Field(ge=1)
    title: Label
    organisation: Applicant
    sponsor: Sponsor | None = None
    owner: Owner
    asked_minor: Minor = Field(alias="asked")
    begun: WallClock
    sent: WallClock
    fate: Literal["scored", "ineligible", "withdrawn", "waiting"]
    refused: Refused | None = None
    withdrawn: Withdrawn | None = None
    declined: Declined | None = None
    returned: Returned | None = None
    answers: Answers

    @property
    def first_answers(self) -> Answers:
        """The answers as first sent, before a correction."""
        back = self.returned
        if back is None:
            return self.answers
        first = {code: answer for code, answer in self.answers.items() if code not in back.without}
        if back.first_item:
            costs = [dict(line) for line in first["costs"]]
            costs[0]["item"] = back.first_item
            first["costs"] = costs
        return first


class Interest(Part):
    """An interest a member of the panel declares in an application."""

    application: int
    reader: Code
    kind: Literal["organisation", "family", "financial", "other"]
    note: Label


class Review(Part):
    """A member's points in the order of the rubric; `whole` among the comments is on the application as
    such."""

    application: int
    reader: Code
    points: tuple[int, ...]
    comments: dict[Code, Text] = Field(default_factory=dict)


class Contest(Part):
    """All that happened in a call up to its decision."""

    call: str
    round: Round | None = None
    applications: tuple[Application, ...] = ()
    drafts: tuple[Draft, ...] = ()
    interests: tuple[Interest, ...] = ()
    reviews: tuple[Review, ...] = ()

    @cached_property
    def by_number(self) -> dict[int, Application]:
        """Applications by their number."""
        return {application.number: application for application in self.applications}


class Round(Part):
    """A call that is another one's in everything but its name, its days and its money."""

    like: str
    title: Label
    short: Label
    budget_minor: Minor = Field(alias="budget", gt=0)
    opens: WallClock
    questions_until: date
    closes: WallClock
    results: date

    def call(self, code: str, pack: ProgrammePack) -> CallPack:
        """The call as a pack has it, with the districts the other call has after its amendments."""
        like = pack.call(self.like)
        districts = like.amendments[-1].districts if like.amendments else like.districts
        own = {name: getattr(self, name) for name in type(self).model_fields if name != "like"}
        return like.model_copy(update={**own, "code": code, "districts": districts, "amendments": ()})


class SentBack(Part):
    """A report sent back for changes."""

    on: date
    en: Text
    ru: Text


class Filed(Part):
    """A report as it was filed and accepted."""

    sent: date
    accepted: date
    returned: SentBack | None = None
    answers: Answers
    spent: tuple[dict[str, Any], ...]

    @property
    def all_answers(self) -> Answers:
        """The answers with the table of money spent."""
        return {**self.answers, "spent": list(self.spent)}


class Failed(Part):
    """A payment the bank sent back before the one that arrived."""

    on: date
    en: Text
    ru: Text


class Payment(Part):
    """A tranche as it was paid, with the bank's reference."""

    tranche: Code
    paid: date
    reference: str = Field(min_length=3, max_length=60)
    failed: Failed | None = None


class Checked(Part):
    """A check of sustainability: its answers and the verdict that follows from them."""

    check: Code
    verdict: Literal["sustainable", "at_risk", "ceased", "no_answer"]
    answers: Answers = Field(default_factory=dict)


class Reason(Part):
    """A reason in both languages."""

    en: Text
    ru: Text


class Suspended(Part):
    """A pause of a grant: from when to when, why, and why it goes on."""

    on: date
    until: date
    en: Text
    ru: Text
    resumed: Reason


class OtherAccount(Part):
    """Another account asked for: when, when finance took it up and when a second person confirmed it, which bank, why."""

    on: date
    looked: date
    confirmed: date
    bank: str = Field(min_length=3, max_length=200)
    en: Text
    ru: Text


class OfferRefused(Part):
    """An offer the applicant did not take."""

    application: int
    on: date
    en: Text
    ru: Text


class Grant(Part):
    """The life of one grant after the announcement. `from_reserve`: the day it was awarded after all.

    A grant that is still under way has no final report and no checks.
    """

    application: int
    from_reserve: date | None = None
    accepted: date
    agreed: date
    interim: Filed
    final: Filed | None = None
    payments: tuple[Payment, ...]
    checks: tuple[Checked, ...] = ()
    suspended: tuple[Suspended, ...] = ()
    account: OtherAccount | None = None


class Life(Part):
    """The lives of a call's grants, and the offers nobody took."""

    call: str
    first_agreement: int = Field(default=1, ge=1)
    """The number of the first agreement; each further grant has the next."""
    refusals: tuple[OfferRefused, ...] = ()
    grants: tuple[Grant, ...]


def read(name: str, model: type[_Content], folder: Path = FOLDER) -> _Content:
    """A file of content. Raises DefinitionFaults with all that has the wrong shape."""
    file = folder / f"{name}.toml"
    raw = tomllib.loads(file.read_text("utf-8"), parse_float=Decimal)
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise DefinitionFaults(faults_of(error, raw, file.name)) from None


def moved(content: _Content, days: int) -> _Content:
    """The same content with every day and hour in it so many whole days later."""
    return type(content).model_validate(_moved(content.model_dump(by_alias=True), timedelta(days=days)))


def _moved(value: Any, by: timedelta) -> Any:
    if isinstance(value, date):  # an instant is a date too
        return value + by
    if isinstance(value, dict):
        return {key: _moved(item, by) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_moved(item, by) for item in value]
    return value


def typed(question: Question, answer: Any) -> Any:
    """An answer of the content as somebody would type it into the form; files are their names."""
    if question.kind in ("yes_no", "declaration", "consent"):
        return "yes" if answer else "no"
    if question.kind == "counter":
        return {sex: str(count) for sex, count in answer.items()}
    if question.kind in ("budget", "table"):
        return [{part: str(value) for part, value in line.items()} for line in answer]
    if question.kind in ("choices", "file"):
        return list(answer)
    return str(answer)
