"""Owns judging a pack as a whole: what one table says must fit what the others say. It finds all faults.

Leaves the shape of each table to `pack`, `terms` and `questions`, and the reading of files to `pack`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

from grantflow.engine.faults import instead
from grantflow.programmes import check_form
from grantflow.programmes.parts import add_period
from grantflow.programmes.questions import Question
from grantflow.programmes.terms import Keys, Rubric, Rule, Terms

if TYPE_CHECKING:
    from grantflow.programmes.framework import Alliance, Place
    from grantflow.programmes.pack import CallPack, ProgrammePack

Found = Iterator[tuple[str, str, str]]
"""Table, sentence, kind."""

_KEY_KINDS = {
    "title": {"text"}, "title_en": {"text"}, "district": {"district"}, "legal_form": {"choice"},
    "award_type": {"choice"}, "grant_kind": {"choice"}, "budget": {"budget"}, "own_share": {"money"},
    "starts_on": {"date"}, "ends_on": {"date"}, "inn": {"text"}, "led_by": {"choice"},
    "registered": {"yes_no"}, "registered_on": {"date"}, "kpp": {"text"}, "ogrn": {"text"}, "owner_share": {"number"},
    "board": {"counter"}, "staff": {"counter"}, "sponsor": {"text"}, "sponsor_inn": {"text"},
}  # fmt: skip
_LEADERS = {"woman", "man", "not_stated"}
_PARENT = {"country": None, "region": "country", "district": "region"}


def _doubles(codes: Iterable[str], where: str, what: str) -> Found:
    for code, count in sorted(Counter(codes).items()):
        if count > 1:
            yield where, f'The {what} "{code}" stands here {count} times.', "double"


def pack(pack: ProgrammePack) -> Found:
    """Every fault of a pack whose tables have the right shape, as (table, sentence, kind)."""
    yield from _places(pack)
    known = {place.code: place for place in pack.places}
    for code in pack.districts:
        yield from _district(code, known, "districts")
    yield from _doubles((p.code for p in pack.partners), "partners", "partner")
    leads = [p.code for p in pack.partners if p.role == "lead"]
    if len(leads) != 1:
        yield "partners", f"A programme has one lead; here are {len(leads)}.", "lead"
    for partner in pack.partners:
        if partner.country not in known or known[partner.country].kind != "country":
            yield f"partners.{partner.code}", f'"{partner.country}" is no country of places.', "place"
    for row in pack.statistics:
        if row.place not in known:
            yield f"statistics.{row.code}", f'"{row.place}" is not among the places.', "place"
    if pack.ends <= pack.starts:
        yield "ends", "The programme ends before it starts.", "dates"
    if missing := sorted({"call", "application", "award", "tranche", "report", "check"} - set(pack.workflows)):
        yield "workflows", f"No workflow is named for: {', '.join(missing)}.", "workflow"
    yield from _objectives(pack, set(known))
    yield from _doubles((a.code for a in pack.alliances), "alliances", "alliance")
    yield from _doubles((s.code for a in pack.alliances for s in a.strategies), "alliances", "strategy")
    for alliance in pack.alliances:
        yield from _alliance(alliance, pack)
    yield from _doubles((call.code for call in pack.calls), "calls", "call")
    for call in pack.calls:
        for table, sentence, kind in _call(call, pack):
            yield f"calls.{call.code}{'.' if table else ''}{table}", sentence, kind


def _places(pack: ProgrammePack) -> Found:
    yield from _doubles((place.code for place in pack.places), "places", "place")
    seen: dict[str, str] = {}
    for place in pack.places:
        wanted = _PARENT[place.kind]
        if wanted is None and place.parent is not None:
            yield f"places.{place.code}", "A country has no parent.", "place"
        elif wanted is not None and seen.get(place.parent or "") != wanted:
            yield (
                f"places.{place.code}",
                f"A {place.kind} stands under a {wanted} that is listed before it.",
                "place",
            )
        if place.kind == "region" and (place.zone is None or place.zone_label is None):
            yield f"places.{place.code}", "A region needs zone and zone_label.", "place"
        seen[place.code] = place.kind


def _district(code: str, known: Mapping[str, Place], where: str) -> Found:
    place = known.get(code)
    if place is None:
        yield where, f'The district "{code}" is not among the places{instead(code, known)}', "place"
    elif place.kind != "district":
        yield where, f'"{code}" is no district.', "place"


def _objectives(pack: ProgrammePack, places: set[str]) -> Found:
    yield from _doubles((o.code for o in pack.objectives), "objectives", "objective")
    yield from _doubles((i.code for o in pack.objectives for i in o.indicators), "objectives", "indicator")
    levels: dict[str, int] = {}
    for objective in pack.objectives:
        where = f"objectives.{objective.code}"
        above = levels.get(objective.parent or "")
        if objective.level == 1 and objective.parent is not None:
            yield where, "An objective of level 1 has no parent.", "objective"
        elif objective.level > 1 and above != objective.level - 1:
            yield (
                where,
                f"It needs a parent of level {objective.level - 1} that is listed before it.",
                "objective",
            )
        levels[objective.code] = objective.level
        for indicator in objective.indicators:
            for value in indicator.values:
                at = f"{where}.indicators.{indicator.code}"
                if value.place is not None and value.place not in places:
                    yield at, f'"{value.place}" is not among the places.', "place"
                if indicator.people and value.split is None:
                    yield at, "People are counted here: the value needs its split by sex.", "split"
                if (s := value.split) is not None and s.women + s.men + s.not_stated < value.value:
                    yield at, "The split by sex adds up to less than the value.", "split"


def _alliance(alliance: Alliance, pack: ProgrammePack) -> Found:
    where, places = f"alliances.{alliance.code}", pack.places_by_code
    if alliance.region not in places or places[alliance.region].kind != "region":
        yield where, f'"{alliance.region}" is no region of places.', "place"
    yield from _doubles((m.code for m in alliance.members), where, "member")
    named = Counter(member.kind for member in alliance.members if member.left is None)
    for kind in ("cso", "local_authority", "other"):
        if named[kind] > alliance.counters.get(kind, 0):
            yield where, f"More members of kind {kind} are named than its counter says.", "counter"
    for member in alliance.members:
        if member.left is not None and member.left < member.joined:
            yield f"{where}.members.{member.code}", "The member left before it joined.", "dates"
        if member.district is not None:
            yield from _district(member.district, places, f"{where}.members.{member.code}")


def _call(call: CallPack, pack: ProgrammePack) -> Found:
    alliances = {alliance.code: alliance for alliance in pack.alliances}
    alliance = alliances.get(call.alliance)
    if alliance is None:
        yield "alliance", f'"{call.alliance}" is no alliance{instead(call.alliance, alliances)}', "alliance"
    for table, codes in [
        ("districts", call.districts),
        *((f"amendments.{a.on}", a.districts) for a in call.amendments),
    ]:
        yield from _doubles(codes, table, "district")
        for code in codes:
            yield from _district(code, pack.places_by_code, table)
            place = pack.places_by_code.get(code)
            if alliance and place and place.kind == "district" and place.parent != alliance.region:
                yield table, f'The district "{code}" does not lie in the alliance\'s region.', "place"
    if [a.on for a in call.amendments] != sorted({a.on for a in call.amendments}):
        yield "amendments", "Amendments stand in the order of their days, one a day.", "dates"
    if call.closes <= call.opens:
        yield "closes", "The call closes before it opens.", "dates"
    if call.results <= call.closes.date():
        yield "results", "The results come before the call has closed.", "dates"
    if not call.opens.date() <= call.questions_until <= call.closes.date():
        yield "questions_until", "Questions end while the call is open.", "dates"
    if (call.strategy is None) == (call.no_strategy_reason is None):
        yield "strategy", "A call names an endorsed strategy, or the reason why it follows none.", "strategy"
    elif alliance and call.strategy and call.strategy not in {s.code for s in alliance.strategies}:
        yield "strategy", f'The alliance has endorsed no strategy "{call.strategy}".', "strategy"
    if call.terms.currency != pack.currency:
        yield "terms.currency", f"The programme counts in {pack.currency}.", "currency"
    if call.terms.max_ask_minor > call.budget_minor:
        yield "terms.max_ask", "One grant may be larger than the whole budget.", "money"
    for table, sentence, kind in terms(call.terms):
        yield f"terms.{table}", sentence, kind


def terms(terms: Terms) -> Found:
    """Every fault of a call's terms, as (table, sentence, kind)."""
    if terms.min_ask_minor > terms.max_ask_minor:
        yield "min_ask", "The smallest grant is larger than the largest.", "money"
    yield from _doubles((section.code for section in terms.form), "form", "section")
    yield from _doubles((q.code for section in terms.form for q in section.questions), "form", "question")
    yield from check_form.form(terms.form, "form")
    yield from _keys(terms.keys, terms)
    yield from _versions(terms)
    for rule in terms.eligibility:
        yield from _rule(rule, terms)
    yield from _rubric(terms.rubric)
    if sum(terms.panel.at_least.values()) > terms.panel.seats:
        yield "panel", "The seats are fewer than the kinds of members together ask for.", "panel"
    yield from _tranches(terms)
    for report in terms.reports:
        where = f"reports.{report.code}"
        yield from _questions(report.questions, where)
        yield from _refers(report.spend, {"budget"}, {q.code: q for q in report.questions}, where, "spend")
    yield from _checks(terms)


def _questions(questions: Iterable[Question], where: str) -> Found:
    questions = list(questions)
    yield from _doubles((q.code for q in questions), where, "question")
    yield from check_form.questions(questions, where)


def _refers(code: str | None, kinds: set[str], known: dict[str, Question], where: str, key: str) -> Found:
    if code is None:
        return
    if code not in known:
        yield where, f'{key} names "{code}", which is no question{instead(code, known)}', "question"
    elif known[code].kind not in kinds:
        yield (
            where,
            f'{key} names "{code}", which is of kind {known[code].kind}, not {" or ".join(sorted(kinds))}.',
            "kind",
        )


def _keys(keys: Keys, terms: Terms) -> Found:
    for key, kinds in _KEY_KINDS.items():
        yield from _refers(getattr(keys, key), kinds, terms.questions, "keys", key)
    for key, allowed in (("award_type", terms.award_types), ("grant_kind", terms.grant_kinds)):
        question = terms.questions.get(getattr(keys, key))
        if question and question.kind == "choice" and set(question.values) != set(allowed):
            yield (
                f"form.{question.code}",
                f"The options must be those of {key}s: {', '.join(allowed)}.",
                "options",
            )

    leads = terms.questions.get(keys.led_by or "")
    if leads and leads.kind == "choice" and not set(leads.values) <= _LEADERS:
        yield f"form.{leads.code}", f"The options must be among: {', '.join(sorted(_LEADERS))}.", "options"


def _versions(terms: Terms) -> Found:
    """Rules of one code are versions of one rule: each holds from the day after the one before it."""
    by_code: dict[str, list[Rule]] = {}
    for rule in terms.eligibility:
        by_code.setdefault(rule.code, []).append(rule)
    for code, versions in by_code.items():
        for before, after in pairwise(versions):
            if before.valid_to is None or after.valid_from != before.valid_to + timedelta(days=1):
                said = "stands here twice. Versions of a rule follow each other, and the days of each join the next."
                yield "eligibility", f'The rule "{code}" {said}', "double"


def _rule(rule: Rule, terms: Terms) -> Found:
    where, known = f"eligibility.{rule.code}", terms.questions
    one = {
        "district_in_scope": {"district"}, "legal_form_in": {"choice"}, "max_age_years": {"date"}, "age": {"date"},
        "women_own": {"number"}, "double_funding": {"yes_no"}, "de_minimis": {"money"}, "unreturned": {"yes_no"},
        "training": {"yes_no", "declaration"}, "fiscal_sponsor": {"yes_no", "choice"},
    }  # fmt: skip
    if rule.source is None:
        yield where, "A rule names its source: the document, the article and the date.", "source"
    if rule.unit is not None and rule.unit.isupper() and rule.unit != terms.currency and rule.rate is None:
        yield where, f"The call counts in {terms.currency}: a limit in {rule.unit} needs a rate.", "currency"
    if rule.kind == "amount" and rule.unit != terms.currency:
        yield where, f"What is asked is counted in {terms.currency}.", "currency"
    yield from _refers(rule.question, one.get(rule.kind, set()), known, where, "question")
    yield from _refers(rule.owner_share, {"number"}, known, where, "owner_share")
    yield from _refers(rule.leadership, {"counter"}, known, where, "leadership")
    yield from _refers(rule.board, {"counter"}, known, where, "board")
    yield from _refers(rule.before, {"date"}, known, where, "before")
    yield from _refers(rule.after, {"date"}, known, where, "after")
    any_kind = {q.kind for q in known.values()}
    for code in rule.questions:
        kinds = {"declaration", "consent"} if rule.kind == "declaration_yes" else any_kind
        yield from _refers(code, set(kinds), known, where, "questions")
    form = known.get(rule.question or "")
    if form and rule.values and (wrong := sorted(set(rule.values) - set(form.values))):
        yield where, f'"{form.code}" cannot be answered with: {", ".join(wrong)}.', "question"
    yield from check_form.rule(rule.when, known, where)
    if (condition := rule.applies_when) is not None:
        if condition.question not in known:
            yield where, f'applies_when names "{condition.question}", which is no question.', "question"
        elif wrong := sorted(set(condition.values) - set(known[condition.question].values)):
            yield where, f'"{condition.question}" cannot be answered with: {", ".join(wrong)}.', "question"


def _rubric(rubric: Rubric) -> Found:
    yield from _doubles((c.code for c in rubric.criteria), "rubric", "criterion")
    total = sum((c.weight for c in rubric.criteria), Decimal(0))
    if total != 100:
        yield "rubric", f"The weights add up to {total:f}, not to 100.", "weights"
    if rubric.min >= rubric.max or (rubric.max - rubric.min) % rubric.step:
        yield "rubric", "The points do not lead from min to max in whole steps.", "points"
    for criterion in rubric.criteria:
        for anchor in criterion.anchors:
            if not rubric.allows(anchor.points):
                yield (
                    f"rubric.{criterion.code}",
                    f"No reader can give the {anchor.points:f} points of an anchor.",
                    "points",
                )


def _tranches(terms: Terms) -> Found:
    yield from _doubles((t.code for t in terms.tranches), "tranches", "tranche")
    yield from _doubles((r.code for r in terms.reports), "reports", "report")
    total = sum((t.percent for t in terms.tranches), Decimal(0))
    if total != 100:
        yield "tranches", f"The parts add up to {total:f} %, not to 100.", "percent"
    reports = {report.code for report in terms.reports}
    for tranche in terms.tranches:
        for text in (tranche.condition, tranche.after):
            _, _, named = text.partition(":")
            if named and named not in reports:
                yield (
                    f"tranches.{tranche.code}",
                    f'"{text}" names no report of these terms{instead(named, reports)}',
                    "report",
                )
    day = date(2021, 1, 1)
    due = [add_period(day, report.due) for report in terms.reports]
    if due != sorted(due):
        yield "reports", "Reports stand in the order in which they are due.", "dates"


def _checks(terms: Terms) -> Found:
    checks, known = terms.checks, {q.code: q for q in terms.checks.questions}
    yield from _questions(checks.questions, "checks")
    yield from _doubles((p.code for p in checks.plan), "checks", "check")
    months = [p.months for p in checks.plan]
    if months != sorted(set(months)):
        yield "checks", "Checks stand in the order of their months, each once.", "dates"
    yield from _refers(checks.operating, {"yes_no"}, known, "checks", "operating")
    yield from _refers(checks.jobs, {"counter"}, known, "checks", "jobs")
    yield from _refers(checks.grants_share, {"number"}, known, "checks", "grants_share")
    for way in checks.ways:
        where = f"checks.ways.{way.code}"
        yield from _refers(way.question, {"yes_no"}, known, where, "question")
        yield from _refers(way.evidence, {"text", "long_text"}, known, where, "evidence")
        yield from _refers(way.share, {"number"}, known, where, "share")
