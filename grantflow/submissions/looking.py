"""Owns finding an organisation that is known here, for an answer that names one: by its name in any spelling or its number.

It tells name, number and place and nothing else. A sole trader or a self-employed person is a natural person: they are
found by their whole number alone, never by name. Leaves organisations themselves to `identity`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import and_, or_, select

from grantflow.cases.service import lock
from grantflow.db import session
from grantflow.errors import Invalid, NotFound
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.identity.numbers import NATURAL
from grantflow.identity.words import search_key
from grantflow.programmes.models import Place
from grantflow.submissions.drafts import save_section
from grantflow.submissions.rows import row_of

LEAST_LETTERS = 3
MOST = 10
SHORTEST_NUMBER = 8
_O = Organisation


@dataclass(frozen=True)
class Body:
    """An organisation as much as anybody may know of it. `place` is its district in both languages, or None."""

    id: int
    name_en: str
    name_ru: str
    number: str
    place: Any

    def name(self, language: str) -> str:
        """As that language writes it, or the only way there is."""
        return (self.name_ru or self.name_en) if language[:2] == "ru" else (self.name_en or self.name_ru)

    def answer(self, language: str) -> dict[str, Any]:
        """The answer that names it."""
        found: dict[str, Any] = {"name": self.name(language), "organisation": self.id}
        if self.number:
            found["number"] = self.number
        if self.place is not None:
            found["place"] = {"en": self.place.en, "ru": self.place.ru}
        return found


def _query() -> Any:
    columns = (_O.id, _O.name_en, _O.name_ru, _O.inn, _O.ogrn, Place.name.label("place"))
    return select(*columns).outerjoin(Place, Place.id == _O.place_id).where(_O.merged_into_id.is_(None))


def _body(row: Any) -> Body:
    return Body(row.id, row.name_en, row.name_ru, row.inn or row.ogrn, row.place)


def find(text: str) -> tuple[list[Body], bool]:
    """Organisations by a name in any spelling or a whole number, by name, and whether there are more than are shown.

    Invalid with a sentence for fewer than three letters.
    """
    words = search_key(text).replace("|", " ").split()
    if sum(len(word) for word in words) < LEAST_LETTERS:
        raise Invalid(_("Write at least three letters of the name, or the whole number."))
    number = "".join(text.split())
    named = and_(_O.legal_form.not_in(NATURAL), *(_O.search_key.contains(word, autoescape=True) for word in words[:8]))
    numbered = or_(_O.inn == number, _O.ogrn == number)
    wanted = or_(named, numbered) if number.isalnum() and len(number) >= SHORTEST_NUMBER else named
    rows = session().execute(_query().where(wanted).order_by(_O.search_key, _O.id).limit(MOST + 1)).all()
    return [_body(row) for row in rows[:MOST]], len(rows) > MOST


def take(case_id: int, section: str, question: str, organisation_id: int, *, actor: Actor) -> None:
    """Answer a question with an organisation that is known here. Needs a unit of work around it.

    Refused and NotFound as any saving of that section.
    """
    row = session().execute(_query().where(_O.id == organisation_id)).one_or_none()
    if row is None:
        raise NotFound
    lock(case_id)
    revision = row_of(case_id).revision
    save_section(case_id, section, {question: _body(row).answer(actor.language)}, revision=revision, actor=actor)
