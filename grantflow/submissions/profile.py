"""What an organisation's profile answers in a new draft: the questions that the pack's `keys` name, blanks only.

The profile is `identity`'s; what stands in a draft afterwards is the applicant's to change, and never goes back.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from grantflow.db import session
from grantflow.identity.models import Organisation, name_of
from grantflow.identity.profiles import figures_of
from grantflow.identity.sponsors import UNREGISTERED, sponsor_of
from grantflow.programmes.models import Place
from grantflow.programmes.questions import Question, asked, is_answered
from grantflow.programmes.terms import Terms
from grantflow.submissions.reading import read, to_type

_BODIES = Organisation.__table__


def answers_from(organisation_id: int, terms: Terms, language: str) -> dict[str, Any]:
    """The answers a draft of this organisation begins with. What a question would not take is left blank, and so is what
    hangs on an answer that is not given."""
    body: Any = session().execute(select(_BODIES).where(_BODIES.c.id == organisation_id)).one()
    known = _known(body, language)
    found: dict[str, Any] = {}
    for key, value in known.items():
        question = terms.questions.get(getattr(terms.keys, key) or "")
        if question is not None and value is not None and _taken(question, value, terms.currency):
            found[question.code] = value
    heard = {question.code for question in asked(terms.questions.values(), found)}
    return {code: value for code, value in found.items() if code in heard}


def _known(body: Any, language: str) -> dict[str, Any]:
    """What the profile knows, by key, in the form in which answers are kept."""
    days = figures_of([body.id])[body.id]
    latest = days[0] if days else None
    sponsor = sponsor_of(body.id) if body.legal_form == UNREGISTERED else None
    share = None if latest is None or latest.women_share is None else f"{latest.women_share:f}"
    return {
        "legal_form": body.legal_form,
        "registered": None if body.legal_form == "other" else body.legal_form != UNREGISTERED,
        "inn": body.inn or None,
        "kpp": body.kpp or None,
        "ogrn": body.ogrn or None,
        "registered_on": body.founded_on.isoformat() if body.founded_on else None,
        "district": session().scalar(select(Place.code).where(Place.id == body.place_id)) if body.place_id else None,
        "owner_share": share,
        "board": latest.board.answer() if latest and latest.board.known else None,
        "staff": latest.staff.answer() if latest and latest.staff.known else None,
        "sponsor": name_of(sponsor, language) if sponsor else None,
        "sponsor_inn": sponsor.inn or None if sponsor else None,
    }


def _taken(question: Question, value: Any, currency: str) -> bool:
    """Whether the question takes this value as if somebody had typed it."""
    if question.kind == "choice":
        return question.option(value) is not None
    if question.kind in ("yes_no", "district"):
        return is_answered(question, value)
    return not read(question, to_type(question, value, currency), currency).faults
