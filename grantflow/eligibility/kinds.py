"""Owns the rules that compare with a limit of their own, and those that look beyond the form: other applications,
other money, grants of before. Each kind has its judge and its sentence.

Pure, like `rules`, which knows the older kinds and puts all of them together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import npgettext

from grantflow.eligibility.finding import Facts, Finding, people, sums_missing, unanswered
from grantflow.money import Money
from grantflow.programmes.parts import add_period
from grantflow.programmes.questions import is_answered
from grantflow.programmes.rule_kinds import compare
from grantflow.programmes.terms import Rule, Terms
from grantflow.rendering import day, money, number, percent
from grantflow.submissions.answers import Draft, Sums

Answers = Mapping[str, Any]
_LETTERS = {"years": ("M", 12), "months": ("M", 1), "weeks": ("W", 1), "days": ("D", 1)}


def _limit(rule: Rule) -> Decimal:
    assert rule.value is not None
    return rule.value


def _after(rule: Rule, start: date) -> date:
    """The day so long after another as the rule's value and unit say."""
    letter, times = _LETTERS[rule.unit or "days"]
    return add_period(start, f"P{int(_limit(rule)) * times}{letter}")


def _word(rule: Rule, holds: bool, **params: Any) -> Finding:
    return Finding(rule.code, "ok" if holds else "fail", params)


def _holds(rule: Rule, left: Any, right: Any) -> bool:
    return compare(left, rule.operator or ">=", right)


def _not_known(rule: Rule) -> Finding:
    return Finding(rule.code, "unknown", {"not_known": True})


def _own(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    share = answers.get(rule.question or "")
    if share in (None, ""):
        return unanswered(rule, rule.question)
    return _word(rule, _holds(rule, Decimal(share), _limit(rule)), share=share)


def _lead(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    heads, board = people(answers.get(rule.leadership or "")), people(answers.get(rule.board or ""))
    if heads is None:
        return unanswered(rule, rule.leadership)
    params = {"women": heads[0], "posts": heads[1]}
    if board is not None:
        params |= {"board_women": board[0], "board_posts": board[1]}
    passed = all(_holds(rule, women * 100, _limit(rule) * whole) for women, whole in filter(None, (heads, board)))
    return _word(rule, passed, **params)


def _age(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    registered = answers.get(rule.question or "")
    if not registered:
        return unanswered(rule, rule.question)
    reached = _after(rule, date.fromisoformat(registered))
    return _word(rule, _holds(rule, facts.closes_on, reached), date=registered, closes=facts.closes_on.isoformat())


def _amount(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    asked = Sums.of(terms, Draft(dict(answers))).asked
    if asked is None:
        return unanswered(rule, *sums_missing(terms, answers))
    return _word(rule, _holds(rule, asked, Money.of(_limit(rule), terms.currency).minor), asked=asked)


def _term(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    first, last = answers.get(rule.before or ""), answers.get(rule.after or "")
    if not first or not last:
        return unanswered(rule, *(code for code in (rule.before, rule.after) if not answers.get(code or "")))
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return _word(rule, end > start and _holds(rule, end, _after(rule, start)), first=first, last=last)


def _co_funding(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    sums = Sums.of(terms, Draft(dict(answers)))
    if sums.own is None or not sums.total:
        return unanswered(rule, *sums_missing(terms, answers))
    return _word(rule, _holds(rule, sums.own * 100, _limit(rule) * sums.total), own=sums.own, total=sums.total)


def _concurrent(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    if facts.known is None:
        return _not_known(rule)
    near = [
        other
        for other in facts.known.applications
        if other.own and other.going and (other.same_call if rule.within == "call" else other.same_programme)
    ]
    count = len(near) + 1
    return _word(rule, _holds(rule, count, _limit(rule)), count=count, others=[other.ref for other in near])


def _double(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    if rule.question and not isinstance(answers.get(rule.question), bool):
        return unanswered(rule, rule.question)
    declared = answers.get(rule.question or "") is True
    if facts.known is None and not declared:
        return _not_known(rule)
    known = facts.known.applications if facts.known else ()
    alike = [[other.ref, other.call, other.case_id, list(other.alike)] for other in known if len(other.alike) > 1]
    return Finding(
        rule.code, "ok", {"declared": declared, "alike": alike} | ({"warn": True} if declared or alike else {})
    )


def _de_minimis(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    declared = answers.get(rule.question) if rule.question else 0
    asked = Sums.of(terms, Draft(dict(answers))).asked
    if declared is None:
        return unanswered(rule, rule.question)
    if asked is None:
        return unanswered(rule, *sums_missing(terms, answers))
    until, rate = facts.granted_on or facts.closes_on, rule.rate or Decimal(1)
    granted, foreign = Decimal(0), []
    for grant in facts.known.grants if facts.known else ():
        if add_period(grant.on, f"P{12 * (rule.years or 0)}M") <= until:
            continue  # three years back to the day: it has left the window
        if grant.currency not in (terms.currency, rule.unit):
            foreign.append(grant.ref)
            continue
        granted += grant.minor * (1 if grant.currency == terms.currency else rate)
    limit = _limit(rule) * rate * 100
    params: dict[str, Any] = {
        "declared": declared, "granted": int(granted), "asked": asked, "until": until.isoformat(),
        "limit": int(limit), "foreign": foreign,
    }  # fmt: skip
    return _word(rule, _holds(rule, declared + granted + asked, limit), **params, **({"warn": True} if foreign else {}))


def _unreturned(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    owed = [[g.ref, g.owed_minor, g.currency] for g in (facts.known.grants if facts.known else ()) if g.owed_minor > 0]
    declared = answers.get(rule.question or "")
    if declared is True or owed:
        return _word(rule, False, declared=declared is True, owed=owed)
    if rule.question and declared is None:
        return unanswered(rule, rule.question)
    return _not_known(rule) if facts.known is None and not rule.question else _word(rule, True, owed=[])


def _training(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    done = answers.get(rule.question or "")
    if done is None:
        return unanswered(rule, rule.question)
    missing = [code for code in rule.questions if not is_answered(terms.questions[code], answers.get(code))]
    if done is True and missing:
        return unanswered(rule, *missing)
    return _word(rule, done is True, done=done is True)


def _sponsor(rule: Rule, terms: Terms, answers: Answers, facts: Facts) -> Finding:
    said = answers.get(rule.question or "")
    if said is None or said == "":
        return unanswered(rule, rule.question)
    if {True: "yes", False: "no"}.get(said, said) not in rule.values:
        return Finding(rule.code, "unknown", {"applies": False})
    missing = [code for code in rule.questions if not is_answered(terms.questions[code], answers.get(code))]
    return unanswered(rule, *missing) if missing else _word(rule, True)


JUDGES: dict[str, Callable[[Rule, Terms, Answers, Facts], Finding]] = {
    "women_own": _own, "women_lead": _lead, "age": _age, "amount": _amount, "term": _term, "co_funding": _co_funding,
    "concurrent": _concurrent, "double_funding": _double, "de_minimis": _de_minimis, "unreturned": _unreturned,
    "training": _training, "fiscal_sponsor": _sponsor,
}  # fmt: skip


def _need(rule: Rule, limit: str = "") -> Any:
    """The limit in words: "at least 51 % is needed", "at most 3 years is possible"."""
    words = {
        ">": _("more than %(limit)s is needed"),
        ">=": _("at least %(limit)s is needed"),
        "<": _("less than %(limit)s is possible"),
        "<=": _("at most %(limit)s is possible"),
    }
    return str(words[rule.operator or ">="]) % {"limit": limit or _measured(rule)}


def _measured(rule: Rule) -> str:
    """A limit with its unit, as it stands after "at most"."""
    count = int(_limit(rule))
    if rule.unit == "%":
        return percent(_limit(rule))
    if rule.unit == "years":
        return str(npgettext("limit", "%(num)d year", "%(num)d years", count))
    if rule.unit == "months":
        return str(npgettext("limit", "%(num)d month", "%(num)d months", count))
    if rule.unit == "weeks":
        return str(npgettext("limit", "%(num)d week", "%(num)d weeks", count))
    if rule.unit == "days":
        return str(npgettext("limit", "%(num)d day", "%(num)d days", count))
    if rule.unit == "applications":
        return number(count)
    return money(Money.of(_limit(rule), rule.unit or ""))


def _say_own(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    return _("Women own %(share)s; %(need)s.", share=percent(Decimal(p["share"])), need=_need(rule))


def _say_lead(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    posts = _("%(women)s of %(posts)s leading posts are held by women; %(need)s.",
              women=p["women"], posts=p["posts"], need=_need(rule))  # fmt: skip
    if "board_women" not in p:
        return posts
    seats = _("%(women)s of %(posts)s seats on the board are held by women; %(need)s.",
              women=p["board_women"], posts=p["board_posts"], need=_need(rule))  # fmt: skip
    return f"{posts} {seats}"


def _say_age(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    return _(
        "Registered on %(day)s; its age on the closing day, %(closes)s, counts: %(need)s.",
        day=day(date.fromisoformat(p["date"])), closes=day(date.fromisoformat(p["closes"])), need=_need(rule),
    )  # fmt: skip


def _say_amount(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    return _("Asked: %(asked)s; %(need)s.", asked=money(Money(p["asked"], terms.currency)), need=_need(rule))


def _say_term(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    first, last = day(date.fromisoformat(p["first"])), day(date.fromisoformat(p["last"]))
    return _("From %(first)s to %(last)s; %(need)s.", first=first, last=last, need=_need(rule))


def cut(part: int, whole: int) -> str:
    """A share in per cent, cut and never rounded up: 9.996 % must not be shown as the 10 % it is not."""
    share = (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.01"), ROUND_DOWN).normalize()
    return percent(Decimal(format(share, "f")))


def _say_co_funding(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    return _(
        "Own share: %(own)s of %(total)s, %(share)s; %(need)s.",
        own=money(Money(p["own"], terms.currency)), total=money(Money(p["total"], terms.currency)),
        share=cut(p["own"], p["total"]), need=_need(rule),
    )  # fmt: skip


def _say_concurrent(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    said = _("Applications of the organisation under way, this one included: %(count)s; %(need)s.",
             count=p["count"], need=_need(rule))  # fmt: skip
    others = _("The others: %(numbers)s.", numbers=", ".join(p["others"]))
    return f"{said} {others}" if p["others"] else said


def _say_double(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    said = []
    if p["declared"]:
        said.append(_("Other money for the same costs was declared; an officer looks at it."))
    if p["alike"]:
        said.append(_("Something like it was sent to another call; an officer compares them."))
    return " ".join(map(str, said)) or _("No other money for the same costs is known.")


def _say_de_minimis(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    declared, granted, asked = (money(Money(p[name], terms.currency)) for name in ("declared", "granted", "asked"))
    whole = money(Money(p["declared"] + p["granted"] + p["asked"], terms.currency))
    limit = money(Money(p["limit"], terms.currency))
    years = npgettext("over", "%(num)d year", "%(num)d years", rule.years or 0)
    said = _(
        "Aid over %(years)s to %(until)s: %(declared)s declared, %(granted)s granted here, %(asked)s asked now, "
        "%(whole)s together; %(need)s.",
        years=years, until=day(date.fromisoformat(p["until"])), declared=declared, granted=granted, asked=asked,
        whole=whole, need=_need(rule, limit if rule.unit == terms.currency else f"{_measured(rule)} ({limit})"),
    )  # fmt: skip
    if not p["foreign"]:
        return said
    apart = _("Not counted, because in another currency: %(numbers)s.", numbers=", ".join(p["foreign"]))
    return f"{said} {apart}"


def _say_unreturned(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    said = [
        _("Grant %(ref)s was terminated, and %(sum)s is not returned.", ref=ref, sum=money(Money(minor, currency)))
        for ref, minor, currency in p["owed"]
    ]
    if p.get("declared"):
        said.append(_("By the answers there is money that should have been returned."))
    return " ".join(map(str, said)) or _("No money is known that should have been returned.")


def _say_training(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    return _("The training is completed.") if p["done"] else _("By the answers the training is not completed.")


def _say_sponsor(rule: Rule, terms: Terms, p: Mapping[str, Any]) -> Any:
    return _("The sponsor is named.")


SENTENCES: dict[str, Callable[[Rule, Terms, Mapping[str, Any]], Any]] = {
    "women_own": _say_own, "women_lead": _say_lead, "age": _say_age, "amount": _say_amount, "term": _say_term,
    "co_funding": _say_co_funding, "concurrent": _say_concurrent, "double_funding": _say_double,
    "de_minimis": _say_de_minimis, "unreturned": _say_unreturned, "training": _say_training,
    "fiscal_sponsor": _say_sponsor,
}  # fmt: skip
