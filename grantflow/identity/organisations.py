"""Organisations: opening, changing and joining one. Each is a file with a history; changes are events in it.

All functions here need a unit of work around them. Who acts for an organisation holds the role of applicant
in it.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import insert, select, update

from grantflow import clock
from grantflow.db import session, writing
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.identity import door, words
from grantflow.identity.access import Actor, Held
from grantflow.identity.models import LEGAL_FORMS, ORGANISATION_KINDS, Organisation
from grantflow.identity.numbers import NATURAL, bare, inn_fault, kpp_fault, ogrn_fault
from grantflow.identity.roles import CASES, grant_role

__all__ = ["add_organisation", "change_organisation", "inn_fault", "join_organisation", "opened_under"]

_ORGANISATIONS = Organisation.__table__
FIELDS = ("name_en", "name_ru", "kind", "legal_form", "country", "place_id", "inn", "kpp", "ogrn", "founded_on")


def _checked(given: dict[str, Any], known_id: int | None = None, *, copied: bool = False) -> dict[str, Any]:
    """The fields as they are kept. Raises Invalid with every faulty field. `copied`: from a register, see `numbers`."""
    wrong: dict[str, Any] = {}
    kept = dict(given)
    for column in ("name_en", "name_ru"):
        try:
            kept[column] = words.name(given.get(column), longest=300, needed=False)
        except Invalid as fault:
            wrong[column] = fault.sentence
    if not wrong and not kept["name_en"] and not kept["name_ru"]:
        wrong["name_ru"] = _("Write the name in at least one of the two scripts.")
    if kept["kind"] not in ORGANISATION_KINDS:
        wrong["kind"] = _("Choose one from the list.")
    if kept["legal_form"] not in LEGAL_FORMS:
        wrong["legal_form"] = _("Choose one from the list.")
    kept["country"] = str(kept.get("country") or "RU").upper()
    if len(kept["country"]) != 2 or not (kept["country"].isascii() and kept["country"].isalpha()):
        wrong["country"] = _("Choose a country from the list.")
    country, form = kept["country"], kept["legal_form"]
    for column in ("inn", "kpp", "ogrn"):
        kept[column] = bare(given.get(column))
    if kept["inn"] and (number_fault := inn_fault(kept["inn"], country, form, copied=copied)):
        wrong["inn"] = number_fault
    if kept["ogrn"] and (number_fault := ogrn_fault(kept["ogrn"], country)):
        wrong["ogrn"] = number_fault
    if kept["kpp"] and (number_fault := kpp_fault(kept["kpp"], country, form)):
        wrong["kpp"] = number_fault
    if kept.get("founded_on") and kept["founded_on"] > clock.today("Europe/Moscow"):
        wrong["founded_on"] = _("This day is still to come. Write the day of registration.")
    if kept["inn"] and "inn" not in wrong and _taken(kept["inn"], kept["country"], known_id):
        wrong["inn"] = _("An organisation with this number is here already. Ask its people to add you to it.")
    if wrong:
        raise Invalid(_("Look at the marked fields."), wrong)
    return kept


def _taken(number: str, country: str, known_id: int | None) -> bool:
    query = select(_ORGANISATIONS.c.id).where(
        _ORGANISATIONS.c.inn == number,
        _ORGANISATIONS.c.country == country,
        _ORGANISATIONS.c.merged_into_id.is_(None),
    )
    return any(row.id != known_id for row in writing().execute(query))


def _title(kept: dict[str, Any]) -> str:
    return str(kept["name_ru"] or kept["name_en"])


def opened_under(actor: Actor, key: str | None) -> int | None:
    """The organisation this person has opened by that sending already; None where it comes for the first time."""
    if not key or actor.person_id is None:
        return None
    known = session().scalar(select(CASES.c.id).where(CASES.c.open_key == f"organisation/{actor.person_id}/{key}"))
    return None if known is None else int(known)


def add_organisation(
    actor: Actor,
    *,
    name_en: str = "",
    name_ru: str = "",
    kind: str = "business",
    legal_form: str = "other",
    country: str = "RU",
    place_id: int | None = None,
    inn: str = "",
    kpp: str = "",
    ogrn: str = "",
    founded_on: date | None = None,
    aliases: list[str] | None = None,
    join: bool = True,
    key: str | None = None,
    everybodys_key: bool = False,
    not_these: tuple[int, ...] = (),
    copied: bool = False,
) -> int:
    """Open an organisation's file; with `join`, the person who acts becomes the first to act for it.

    Raises Invalid with `fields`. Gives back its number; a repeated `key` gives the first one. A key counts for
    whoever acts, or for everybody: a number in a register is the same whoever brings it. `not_these` are the bodies of
    a like name that the person has looked at and set aside: the file remembers it. `copied`: as a register has it.
    """
    if actor.person_id is None and not actor.everywhere:
        raise Refused(_("Sign in to add an organisation."))
    current = writing()
    if key is not None and actor.person_id is not None and not everybodys_key:
        key = f"organisation/{actor.person_id}/{key}"
    known = current.execute(select(CASES.c.id).where(CASES.c.open_key == key)).scalar_one_or_none() if key else None
    if known is not None:
        return int(known)
    kept = _checked(
        {
            "name_en": name_en,
            "name_ru": name_ru,
            "kind": kind,
            "legal_form": legal_form,
            "country": country,
            "place_id": place_id,
            "inn": inn,
            "kpp": kpp,
            "ogrn": ogrn,
            "founded_on": founded_on,
        },
        copied=copied,
    )
    told = {"set_aside": sorted(not_these)} if not_these else {}
    file = door.open_case("organisation", actor=actor, title=_title(kept), key=key, facts=told)
    current.execute(update(CASES).where(CASES.c.id == file.id).values(organisation_id=file.id))
    others = list(aliases or ())
    current.execute(
        insert(_ORGANISATIONS).values(
            id=file.id,
            aliases=others,
            bank_account="",
            search_key=words.search_key(kept["name_en"], kept["name_ru"], *others),
            **kept,
        )
    )
    if join and actor.person_id is not None:
        first = Actor(actor.person_id, actor.name, actor.language, (Held("applicant", organisation_id=file.id),))
        grant_role(first, actor.person_id, "applicant", organisation_id=file.id)
    return int(file.id)


def change_organisation(actor: Actor, organisation_id: int, *, key: str | None = None, **given: Any) -> None:
    """Change fields of an organisation one acts for. Only what differs is written, as one event with before
    and after.
    """
    current = writing()
    row = current.execute(select(_ORGANISATIONS).where(_ORGANISATIONS.c.id == organisation_id)).one_or_none()
    if row is None or not (actor.everywhere or organisation_id in actor.scopes("applicant", "organisation_id")):
        raise NotFound
    kept = _checked({name: getattr(row, name) for name in FIELDS} | given, organisation_id)
    changed = {name: kept[name] for name in FIELDS if kept[name] != getattr(row, name)}
    if not changed:
        return
    private = {
        "inn",
        *(("name_en", "name_ru", "ogrn") if kept["legal_form"] in NATURAL or row.legal_form in NATURAL else ()),
    }
    door.record(
        organisation_id,
        "organisation_changed",
        actor=actor,
        key=key,
        changes=[(name, getattr(row, name), value) for name, value in changed.items() if name not in private],
        private_changes=[
            (name, getattr(row, name), value, actor.person_id) for name, value in changed.items() if name in private
        ],
    )
    aliases = list(row.aliases or ())
    current.execute(
        update(_ORGANISATIONS)
        .where(_ORGANISATIONS.c.id == organisation_id)
        .values(**changed, search_key=words.search_key(kept["name_en"], kept["name_ru"], *aliases))
    )
    current.execute(update(CASES).where(CASES.c.id == organisation_id).values(title=_title(kept)))


def join_organisation(actor: Actor, person_id: int, organisation_id: int, *, key: str | None = None) -> int:
    """Let a further person act for an organisation; by somebody who does already, the system or the shell."""
    return grant_role(actor, person_id, "applicant", organisation_id=organisation_id, key=key)
