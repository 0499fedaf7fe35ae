"""Owns what narrows a list of applications to one result of the rules, in the database, as the list itself says it.

What counts is the latest run over each, and an exception only once the second officer agreed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists, or_

from grantflow.eligibility.alike import has_double
from grantflow.eligibility.filters import DOUBLE, MET, NOT_MET, NOT_RUN
from grantflow.eligibility.standing import RESULTS, VOTES, WAIVERS
from grantflow.identity.access import Actor
from grantflow.submissions.rows import CASES

_R = RESULTS.c


def found_double(params: Any) -> ColumnElement[bool]:
    """Whether the values kept with a rule's word name an application that is alike. As `JsonText` writes them; in a text
    that somebody typed a quotation mark is never bare."""
    return cast(params, Text).like('%"alike":[[%')


def fits(result: str, call_id: int, actor: Actor) -> ColumnElement[bool]:
    """Whether an application of `cases` has this result; one condition, whatever the number of applications."""
    ran = exists().where(_R.case_id == CASES.c.id).correlate(CASES)
    if result == NOT_RUN:
        return ~ran
    if result == DOUBLE:
        return or_(has_double(call_id, actor), _latest(found_double(_R.params)))
    agreed = (
        exists()
        .where(WAIVERS.c.case_id == _R.case_id, WAIVERS.c.run == _R.run, WAIVERS.c.code == _R.code)
        .where(VOTES.c.waiver_id == WAIVERS.c.id, VOTES.c.agreed)
        .correlate(RESULTS)
    )
    failed = _latest((_R.verdict == "fail") & ~agreed)
    return {NOT_MET: failed, MET: ran & ~failed}[result]


def _latest(said: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a rule said so in the latest run over an application."""
    later = RESULTS.alias("later")
    newer = exists().where(later.c.case_id == _R.case_id, later.c.run > _R.run).correlate(RESULTS)
    return exists().where(_R.case_id == CASES.c.id, said, ~newer).correlate(CASES)
