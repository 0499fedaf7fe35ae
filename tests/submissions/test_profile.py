"""A new draft begins with what the organisation's profile knows, where the pack's keys name the question; blanks only."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from sqlalchemy import select, update

from grantflow.db import session, unit_of_work
from grantflow.identity import profiles, sponsors
from grantflow.identity.models import Organisation
from grantflow.programmes import pack as packs
from grantflow.programmes.models import Place
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.terms import Terms
from grantflow.submissions import service
from tests import factories
from tests.submissions.conftest import FILE, World

NEW = ("registered", "registered_on", "kpp", "ogrn", "owner_share", "board", "staff", "sponsor", "sponsor_inn")


def describe(number: int, **columns: Any) -> None:
    with unit_of_work() as current:
        current.execute(update(Organisation).where(Organisation.id == number).values(**columns))


def answers(world: World) -> dict[str, Any]:
    return dict(service.row_of(world.draft()).answers)


def test_a_profile_answers_what_the_keys_name(world: World) -> None:
    place = session().scalar(select(Place.id).where(Place.code == "suoyarvsky"))
    describe(world.body, legal_form="ano", inn="7707083893", place_id=place, founded_on=date(2019, 5, 7))
    with unit_of_work():
        profiles.record_figures(
            world.applicant, world.body, date(2021, 9, 1), {"board_women": "3", "board_men": "1", "women_share": "66,6"}
        )
    assert answers(world) == {
        "legal_form": "ano", "registered": True, "inn": "7707083893", "registered_on": "2019-05-07",
        "district": "suoyarvsky", "owner_share": "66.6", "board": {"women": 3, "men": 1, "not_stated": 0},
    }  # fmt: skip


def test_a_group_begins_with_its_sponsor_and_without_a_number(world: World) -> None:
    describe(world.body, legal_form="initiative_group", name_ru="Войлок")
    sponsor = factories.organisation("Ladoga Foundation", legal_form="foundation", inn="7707083893")
    founder = factories.person("applicant", organisation_id=sponsor)
    with unit_of_work():
        number = sponsors.ask_sponsor(world.applicant, world.body, sponsor)
    assert "sponsor" not in answers(world), "asked is not agreed"
    with unit_of_work():
        sponsors.answer(founder, number, True)
    found = answers(world)
    assert (found["legal_form"], found["registered"]) == ("initiative_group", False)
    assert (found["sponsor"], found["sponsor_inn"]) == ("Ladoga Foundation", "7707083893") and "inn" not in found


def test_what_a_question_would_not_take_stays_blank(world: World) -> None:
    describe(world.body, legal_form="other", inn="99", founded_on=date(2031, 1, 1))
    assert answers(world) == {}


def test_a_draft_is_the_applicants_and_a_changed_profile_does_not_touch_it(world: World) -> None:
    describe(world.body, legal_form="ano", inn="7707083893")
    case_id = world.draft()
    world.write(case_id, "enterprise", {"legal_form": "ip"})
    describe(world.body, legal_form="ooo")
    assert service.row_of(case_id).answers["legal_form"] == "ip"


def test_terms_that_do_not_use_the_new_keys_have_the_content_and_hash_they_had(prozvet: ProgrammePack) -> None:
    body = json.loads(prozvet.calls[0].terms.content)
    for key in NEW:
        body["keys"].pop(key, None)
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert Terms.from_content(text).content == text, "read and written back, it is what was stored and pinned"
    lines = {f'{key} = "{key}"' for key in NEW}
    before, mark, after = FILE.read_text("utf-8").partition("[calls.terms.keys]\n")
    keys, end, rest = after.partition("\n\n")
    kept = "\n".join(line for line in keys.splitlines() if line not in lines)
    older = before + mark + kept + end + rest
    assert packs.from_text(older, "older.toml").calls[0].terms.content == text
