"""Owns the terms of a call: form, rules, rubric, panel rule, tranche plan, reports, checks, and the hash of
it all.

Leaves the call around them (dates, money, districts) to `pack`, judging them as a whole to `check`, applying
them to the stages that read them.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from grantflow.engine.definition import Label
from grantflow.programmes.days_off import DaysOff
from grantflow.programmes.expression import Node
from grantflow.programmes.parts import Code, Minor, Number, Operator, Part, Percent, Period, Prose
from grantflow.programmes.questions import Condition, Formula, Question, Section, condition_of
from grantflow.programmes.rule_kinds import Comparison, Dated, RuleKind, Source, Unit, fits

FORMAT = 1
"""Version of the canonical content. Applications are pinned to the hash: change it only with this number."""

SeatKind = Literal["cso", "local_authority", "other"]
AwardType = Literal["female", "social", "both"]
GrantKind = Literal["new", "growing"]


class Threshold(Part):
    """A comparison with a percentage: more than half is `{operator = ">", percent = 50}`."""

    operator: Operator
    percent: Percent

    def holds(self, part: Decimal | int, whole: Decimal | int) -> bool:
        """Whether `part` of `whole` passes; never of nothing. Nothing is divided, so nothing is rounded."""
        if whole <= 0:
            return False
        left, right = Decimal(part) * 100, self.percent * Decimal(whole)
        return left > right if self.operator == ">" else left >= right


class Rule(Dated):
    """A rule of eligibility: what is looked at, and the sentence an applicant reads when it fails.

    `women_majority` passes when the owners' share passes `owners`, or when leadership and board both pass
    `leaders` (a board that is not there is not looked at). An answer that is not there fails, unless
    `unanswered = "pass"`. A rule applies if its days hold the closing day of the call; two of one code with joining
    days are its versions. `waiver = "none"`: nobody may let it pass.
    """

    code: Code
    kind: RuleKind
    label: Label
    refusal: Prose
    applies_when: Condition | None = None
    when: Formula | None = None
    unanswered: Literal["pass", "fail"] = "fail"
    question: Code | None = None
    questions: tuple[Code, ...] = ()
    values: tuple[Code, ...] = ()
    years: int | None = Field(default=None, ge=0, le=100)
    owner_share: Code | None = None
    owners: Threshold | None = None
    leadership: Code | None = None
    board: Code | None = None
    leaders: Threshold | None = None
    before: Code | None = None
    after: Code | None = None
    max_months: int | None = Field(default=None, ge=1, le=120)
    operator: Comparison | None = None
    value: Number | None = None
    unit: Unit | None = None
    within: Literal["call", "programme"] = "call"
    rate: Number | None = Field(default=None, gt=0)
    """How much of the call's currency one `unit` is, where a limit stands in another currency."""
    waiver: Literal["second_officer", "none"] = "second_officer"
    source: Source | None = None
    """None only in terms that were stored before sources were asked for: a file without one does not load."""

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Rule:
        if wrong := fits(self.kind, set(self.model_fields_set), self.unit, self.value):
            raise ValueError(wrong)
        if (self.owner_share is None) != (self.owners is None):
            raise ValueError("owner_share and owners belong together")
        return self

    @cached_property
    def condition(self) -> Node | None:
        """When it is asked at all; None for always."""
        return condition_of(self.applies_when, self.when)


class Anchor(Part):
    """What a number of points means, in words."""

    points: Number
    text: Prose


class Criterion(Part):
    """One line of the rubric; its weight is a percentage of the whole."""

    code: Code
    label: Label
    help: Prose
    weight: Percent
    anchors: tuple[Anchor, ...] = Field(min_length=2)


class Rubric(Part):
    """How applications are scored. A total is 0 to 100: the weighted mean of the points as a share of
    `max`."""

    min: Number
    max: Number
    step: Number = Field(gt=0)
    comment_required_below: Number
    quorum: int = Field(ge=1, le=20)
    """How many submitted reviews an application needs."""
    spread_limit: Percent
    """Totals of two readers further apart than this ask for a talk before ranking."""
    threshold: Percent = Decimal(0)
    """Below this total nothing is proposed, whatever money is left."""
    criteria: tuple[Criterion, ...] = Field(min_length=1)

    def allows(self, points: Decimal) -> bool:
        """Whether these points may be given: within bounds and on a step."""
        return self.min <= points <= self.max and (points - self.min) % self.step == 0


class PanelRule(Part):
    """Who must sit on a panel before it may start: how many of each kind, and how much of it one body may
    hold."""

    seats: int = Field(ge=1, le=50)
    at_least: dict[SeatKind, int]
    max_percent_of_one_organisation: Percent = Decimal(50)


class Tranche(Part):
    """A part of the grant, held until its condition is met; due so long after the agreement or after a
    report was due.

    `condition` is "agreement_signed" or "report_accepted:CODE"; `after` is "agreement" or "report:CODE".
    """

    code: Code
    label: Label
    percent: Percent = Field(gt=0)
    after: str = Field(pattern=r"^(agreement|report:[a-z][a-z0-9_]*)$")
    due: Period
    condition: str = Field(pattern=r"^(agreement_signed|report_accepted:[a-z][a-z0-9_]*)$")

    @property
    def report(self) -> str | None:
        """The report whose acceptance releases this tranche; None where the signed agreement does."""
        return self.condition.partition(":")[2] or None


class Report(Part):
    """A report the grantee owes: due so long after the agreement. `spend` names its table of money spent."""

    code: Code
    label: Label
    intro: Prose | None = None
    due: Period
    spend: Code
    questions: tuple[Question, ...] = Field(min_length=1)


class Way(Part):
    """One of the ways an enterprise lasts: its yes/no question, that of evidence, that of the share of
    income."""

    code: Code
    label: Label
    question: Code
    evidence: Code
    share: Code


class CheckUp(Part):
    """A check so many months after the end of the grant, with so many days to answer."""

    code: Code
    label: Label
    months: int = Field(ge=1, le=120)


class Checks(Part):
    """The checks of sustainability: when, what is asked, and which answers say that it works and how it
    lasts."""

    days_to_answer: int = Field(ge=1, le=365)
    operating: Code
    jobs: Code
    grants_share: Code
    plan: tuple[CheckUp, ...] = Field(min_length=1)
    ways: tuple[Way, ...] = Field(min_length=1)
    questions: tuple[Question, ...] = Field(min_length=1)


class Keys(Part):
    """Which questions of the form hold what the house itself must know."""

    title: Code
    title_en: Code | None = None
    district: Code
    legal_form: Code
    award_type: Code
    grant_kind: Code
    budget: Code
    own_share: Code
    starts_on: Code
    ends_on: Code
    inn: Code | None = None
    led_by: Code | None = None
    """Whether a woman or a man leads the work: what sums are counted by."""
    registered: Code | None = None
    registered_on: Code | None = None
    kpp: Code | None = None
    ogrn: Code | None = None
    owner_share: Code | None = None
    board: Code | None = None
    staff: Code | None = None
    sponsor: Code | None = None
    sponsor_inn: Code | None = None
    """From `registered` on, with legal form, district and `inn`: what the organisation's profile answers in a new draft."""


class Terms(Part):
    """All that an applicant, a reader or a grantee is held to. A change makes a new version; old cases keep
    theirs."""

    currency: str
    min_ask_minor: Minor = Field(alias="min_ask", ge=0)
    max_ask_minor: Minor = Field(alias="max_ask", gt=0)
    own_share_min: Percent
    """The applicant's own part of the whole budget, per cent."""
    award_types: tuple[AwardType, ...] = Field(min_length=1)
    grant_kinds: tuple[GrantKind, ...] = Field(min_length=1)
    keys: Keys
    form: tuple[Section, ...] = Field(min_length=1)
    eligibility: tuple[Rule, ...]
    rubric: Rubric
    panel: PanelRule
    tranches: tuple[Tranche, ...] = Field(min_length=1)
    reports: tuple[Report, ...] = ()
    checks: Checks
    appeal_days: int | None = Field(default=None, ge=1, le=60)
    """Working days in which an applicant found ineligible may appeal; None: this call knows no appeal."""
    days_off: tuple[DaysOff, ...] = ()
    """Days that no working-day clock of this call counts."""

    @cached_property
    def questions(self) -> dict[str, Question]:
        """Every question of the application form by its code, in order."""
        return {question.code: question for section in self.form for question in section.questions}

    @cached_property
    def content(self) -> str:
        """The canonical JSON: sorted keys, no blanks, defaults left out. The order of lists is content."""
        body = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return json.dumps({"format": FORMAT, **body}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of `content` in UTF-8, 64 hexadecimal digits: the version an application is pinned to."""
        return hashlib.sha256(self.content.encode()).hexdigest()

    @classmethod
    def from_content(cls, content: str) -> Self:
        """Read back what `content` gave, as kept in the database; ValueError for another format."""
        body = json.loads(content)
        if body.pop("format", None) != FORMAT:
            raise ValueError(f"These terms are not of format {FORMAT}.")
        return cls.model_validate(body)

    def section(self, code: str) -> Section | None:
        """A section of the form by its code."""
        return next((section for section in self.form if section.code == code), None)

    def rules_on(self, day: date) -> tuple[Rule, ...]:
        """The rules that hold on a day, the closing day of the call: of each code one version."""
        return tuple(rule for rule in self.eligibility if rule.holds_on(day))

    def report(self, code: str) -> Report | None:
        """A report by its code."""
        return next((report for report in self.reports if report.code == code), None)
