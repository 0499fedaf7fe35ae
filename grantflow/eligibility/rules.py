"""Owns judging one application by the rules of its call: each rule's verdict, with the values its sentence
is made of.

Pure: it knows answers, terms and a few facts of the call, no database. Rules with a limit of their own, and those that
look beyond the form, are in `kinds`; running and keeping is `service`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _

from grantflow.eligibility.finding import Facts, Finding, Word, people, sums_missing, unanswered
from grantflow.eligibility.kinds import JUDGES, SENTENCES, cut
from grantflow.money import Money
from grantflow.programmes import expression
from grantflow.programmes.hearing import Heard
from grantflow.programmes.parts import add_period
from grantflow.programmes.questions import is_answered
from grantflow.programmes.terms import Rule, Terms, Threshold
from grantflow.rendering import day, money, number, percent, quoted
from grantflow.submissions.answers import Draft, Sums

Judge = Callable[[Rule, Terms, Mapping[str, Any], Facts], Finding]


def judge(terms: Terms, answers: Mapping[str, Any], facts: Facts) -> list[Finding]:
    """The word of every rule that holds on the closing day, in the order of the call."""
    return [judge_rule(rule, terms, answers, facts) for rule in terms.rules_on(facts.closes_on)]


def judge_rule(rule: Rule, terms: Terms, answers: Mapping[str, Any], facts: Facts) -> Finding:
    """One rule's word. A rule that does not apply is `unknown` with `applies: False`; `since` names its version."""
    if rule.condition is not None and not _concerns(rule.condition, terms, answers):
        finding = Finding(rule.code, "unknown", {"applies": False})
    else:
        finding = _JUDGES[rule.kind](rule, terms, answers, facts)
    return replace(finding, params={**finding.params, **version_of(rule)})


def _concerns(condition: expression.Node, terms: Terms, answers: Mapping[str, Any]) -> bool:
    return expression.evaluate(condition, Heard(terms.questions.values(), answers)) is True


def version_of(rule: Rule) -> dict[str, str]:
    """What names this version of a rule among those of its code; nothing where it has held for ever."""
    return {"since": rule.valid_from.isoformat()} if rule.valid_from else {}


def rule_of(terms: Terms, code: str, params: Mapping[str, Any]) -> Rule | None:
    """The rule, in the version, that a finding was made by; None for one that these terms do not hold."""
    return next(
        (r for r in terms.eligibility if r.code == code and version_of(r).get("since") == params.get("since")), None
    )


def _district(rule: Rule, terms: Terms, answers: Mapping[str, Any], facts: Facts) -> Finding:
    code = answers.get(rule.question or "")
    if not code:
        return unanswered(rule, rule.question or "")
    return Finding(rule.code, "ok" if code in facts.districts else "fail", {"district": code})


def _legal_form(rule: Rule, terms: Terms, answers: Mapping[str, Any], facts: Facts) -> Finding:
    value = answers.get(rule.question or "")
    if not value:
        return unanswered(rule, rule.question or "")
    return Finding(rule.code, "ok" if value in rule.values else "fail", {"question": rule.question, "value": value})


def _age(rule: Rule, terms: Terms, answers: Mapping[str, Any], facts: Facts) -> Finding:
    value = answers.get(rule.question or "")
    if not value:
        return unanswered(rule, rule.question or "")
    latest = add_period(date.fromisoformat(value), f"P{12 * (rule.years or 0)}M")
    word: Word = "ok" if facts.closes_on <= latest else "fail"
    return Finding(rule.code, word, {"date": value, "years": rule.years, "closes": facts.closes_on.isoformat()})


def _women(rule: Rule, terms: Terms, answers: Mapping[str, Any], facts: Facts) -> Finding:
    params: dict[str, Any] = {}
    share = answers.get(rule.owner_share or "")
    if share not in (None, "") and rule.owners is not None:
        params["share"] = share
        if rule.owners.holds(Decimal(share), 100):
            return Finding(rule.code, "ok", params)
    heads = people(answers.get(rule.leadership or ""))
    board = people(answers.get(rule.board or ""))
    if heads is None:
        return Finding(rule.code, "fail", params) if "share" in params else unanswered(rule, rule.leadership or "")
    params |= {"women": heads[0], "posts": heads[1]}
    if board is not None:
        params |= {"board_women": board[0], "board_posts": board[1]}
    test = rule.leaders or Threshold(operator=">", percent=Decimal(50))
    passed = test.holds(*heads) and (board is None or test.holds(*board))
    return Finding(rule.code, "ok" if passed else "fail", params)


def _asked(rule: Rule, terms: Terms, answers: Mapping[str, Any], facts: Facts) -> Finding:
    sums = Sums.of(terms, Draft(dict(answers)))
    if sums.asked is None:
        return unanswered(rule, *sums_missing(terms, answers))
    inside = terms.min_ask_minor <= sums.asked <= terms.max_ask_minor
    return Finding(rule.code, "ok" if inside else "fail", {"asked": sums.asked})


def _own_share(rule: Rule, terms: Terms, answers: Mapping[str, Any], facts: Facts) -> Finding:
    sums = Sums.of(terms, Draft(dict(answers)))
    if sums.own is None or not sums.total:
        return unanswered(rule, *sums_missing(terms, answers))
    enough = Threshold(operator=">=", percent=terms.own_share_min).holds(sums.own, sums.total)
    return Finding(rule.code, "ok" if enough else "fail", {"own": sums.own, "total": sums.total})


def _declared(rule: Rule, terms: Terms, answers: Mapping[str, Any], facts: Facts) -> Finding:
    missing = [code for code in rule.questions if not is_answered(terms.questions[code], answers.get(code))]
    return Finding(rule.code, "fail" if missing else "ok", {"missing": missing, "of": len(rule.questions)})


def _answered(rule: Rule, terms: Terms, answers: Mapping[str, Any], facts: Facts) -> Finding:
    missing = [code for code in rule.questions if not is_answered(terms.questions[code], answers.get(code))]
    if missing:
        return unanswered(rule, *missing)
    return Finding(rule.code, "ok", {"of": len(rule.questions)})


def _dates(rule: Rule, terms: Terms, answers: Mapping[str, Any], facts: Facts) -> Finding:
    first, last = answers.get(rule.before or ""), answers.get(rule.after or "")
    if not first or not last:
        return unanswered(rule, *(c for c in (rule.before, rule.after) if c and not answers.get(c)))
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    good = end > start and (rule.max_months is None or end <= add_period(start, f"P{rule.max_months}M"))
    return Finding(rule.code, "ok" if good else "fail", {"first": first, "last": last})


_JUDGES: dict[str, Judge] = {
    "district_in_scope": _district,
    "legal_form_in": _legal_form,
    "max_age_years": _age,
    "women_majority": _women,
    "asked_within": _asked,
    "own_share_min": _own_share,
    "declaration_yes": _declared,
    "answered": _answered,
    "date_order": _dates,
    **JUDGES,
}


def sentence(
    rule: Rule, terms: Terms, word: str, params: Mapping[str, Any], places: Mapping[str, Any], lang: str
) -> str:
    """What a finding says in the reader's language, with its values: "2 of 4 leading posts are held by
    women"."""
    if params.get("applies") is False:
        return str(_("The rule does not concern this application."))
    if params.get("missing"):
        names = quoted(terms.questions[c].label.in_(lang) for c in params["missing"] if c in terms.questions)
        return str(_("Not answered: %(questions)s.", questions=names))
    if params.get("not_known"):
        return str(_("This is looked at once it is known who applies."))
    if rule.kind in SENTENCES:
        return str(SENTENCES[rule.kind](rule, terms, params))
    return str(_SENTENCES[rule.kind](rule, terms, params, places, lang))


def _say_district(rule: Rule, terms: Terms, p: Mapping[str, Any], places: Mapping[str, Any], lang: str) -> Any:
    name = places[p["district"]].in_(lang) if p["district"] in places else p["district"]
    return _("District: %(name)s.", name=name)


def _say_legal(rule: Rule, terms: Terms, p: Mapping[str, Any], places: Mapping[str, Any], lang: str) -> Any:
    option = terms.questions[p["question"]].option(p["value"])
    return _("Legal form: %(name)s.", name=option.in_(lang) if option else p["value"])


def _say_age(rule: Rule, terms: Terms, p: Mapping[str, Any], places: Mapping[str, Any], lang: str) -> Any:
    registered, closes = date.fromisoformat(p["date"]), date.fromisoformat(p["closes"])
    return _(
        "Registered on %(day)s; on the closing day, %(closes)s, it may be %(years)s years old at most.",
        day=day(registered), closes=day(closes), years=p["years"],
    )  # fmt: skip


def _need(test: Threshold | None) -> Any:
    if test is None:
        return ""
    limit = number(test.percent)
    if test.operator == ">=":
        return _("at least %(limit)s %% is needed", limit=limit)
    return _("more than half is needed") if test.percent == 50 else _("more than %(limit)s %% is needed", limit=limit)


def _say_women(rule: Rule, terms: Terms, p: Mapping[str, Any], places: Mapping[str, Any], lang: str) -> Any:
    parts = []
    if "share" in p:
        parts.append(_("Women own %(share)s; %(need)s.", share=percent(Decimal(p["share"])), need=_need(rule.owners)))
    if "women" in p:
        parts.append(
            _("%(women)s of %(posts)s leading posts are held by women; %(need)s.",
              women=p["women"], posts=p["posts"], need=_need(rule.leaders))
        )  # fmt: skip
    if "board_women" in p:
        parts.append(
            _("%(women)s of %(posts)s seats on the board are held by women; %(need)s.",
              women=p["board_women"], posts=p["board_posts"], need=_need(rule.leaders))
        )  # fmt: skip
    return " ".join(str(part) for part in parts)


def _say_asked(rule: Rule, terms: Terms, p: Mapping[str, Any], places: Mapping[str, Any], lang: str) -> Any:
    low, high = (money(Money(minor, terms.currency)) for minor in (terms.min_ask_minor, terms.max_ask_minor))
    asked = money(Money(p["asked"], terms.currency))
    return _("Asked: %(asked)s; from %(low)s to %(high)s is possible.", asked=asked, low=low, high=high)


def _say_own(rule: Rule, terms: Terms, p: Mapping[str, Any], places: Mapping[str, Any], lang: str) -> Any:
    return _(
        "Own share: %(own)s of %(total)s, %(share)s; at least %(least)s is needed.",
        own=money(Money(p["own"], terms.currency)), total=money(Money(p["total"], terms.currency)),
        share=cut(p["own"], p["total"]), least=percent(terms.own_share_min),
    )  # fmt: skip


def _say_declared(rule: Rule, terms: Terms, p: Mapping[str, Any], places: Mapping[str, Any], lang: str) -> Any:
    return _("All declarations are ticked.")


def _say_answered(rule: Rule, terms: Terms, p: Mapping[str, Any], places: Mapping[str, Any], lang: str) -> Any:
    return _("It is there.")


def _say_dates(rule: Rule, terms: Terms, p: Mapping[str, Any], places: Mapping[str, Any], lang: str) -> Any:
    first, last = day(date.fromisoformat(p["first"])), day(date.fromisoformat(p["last"]))
    if rule.max_months:
        return _(
            "From %(first)s to %(last)s; at most %(months)s months.",
            first=first,
            last=last,
            months=rule.max_months,
        )
    return _("From %(first)s to %(last)s.", first=first, last=last)


_SENTENCES: dict[str, Callable[..., Any]] = {
    "district_in_scope": _say_district,
    "legal_form_in": _say_legal,
    "max_age_years": _say_age,
    "women_majority": _say_women,
    "asked_within": _say_asked,
    "own_share_min": _say_own,
    "declaration_yes": _say_declared,
    "answered": _say_answered,
    "date_order": _say_dates,
}
