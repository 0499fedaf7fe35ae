"""A rehearsal is the real house once more: every page answers, everything can be done, and nothing of it gets out."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from grantflow import clock
from grantflow.db import session, unit_of_work
from grantflow.history import verify
from grantflow.identity.access import SYSTEM
from grantflow.programmes import pack as packs
from grantflow.programmes.models import Call
from grantflow.programmes.service import load_pack
from grantflow.rehearsals import house, inside
from grantflow.rehearsals.telling import CHAPTERS
from grantflow.rehearsals.views import ROLES, ROOMS
from tests.browsing import counting, field, text_of
from tests.factories import person
from tests.rehearsals.conftest import CALL, NOW, PACKS, PAGE, Stage

LAST = CHAPTERS[-1].name


@pytest.fixture(scope="module")
def told(stage: Stage) -> dict[str, Any]:
    """A rehearsal told to its end by the Russian manager, and what the house outside held before it."""
    before = stage.traces()
    begun = stage.do(stage.russian, "begin")
    whole = stage.do(stage.russian, "on", LAST)
    assert (begun.status_code, whole.status_code) == (303, 303)
    known = _known(stage)
    assert known is not None and known.stopped is None
    return {"before": before, "known": known}


def _call(code: str = CALL) -> Call:
    return session().query(Call).filter_by(code=code).one()


def _known(stage: Stage) -> Any:
    return house.found(Path(stage.app.config["GRANTFLOW"].home), _call().case_id, stage.russian.person_id or 0)


def test_every_stage_is_told_and_each_of_its_pages_answers_whoever_it_is_for(
    stage: Stage, told: dict[str, Any]
) -> None:
    known = told["known"]
    assert [step.name for step in known.steps] == [chapter.name for chapter in CHAPTERS]
    client = stage.client(stage.russian)
    page = client.get(PAGE)
    seen: set[str] = set()
    for step in known.steps:
        for room in step.rooms:
            assert room["name"].partition(":")[0] in {*ROOMS, "checklist"} and room["role"] in ROLES
            address = f"{PAGE}/{step.name}/{room['role']}{room['path']}"
            assert f'href="{address}"' in page.get_data(as_text=True)
            if room["name"].partition(":")[0] in seen:
                continue  # the same page again, at another stage
            seen.add(room["name"].partition(":")[0])
            answer = client.get(address)
            assert answer.status_code == 200, (address, answer.status_code)
            assert "Репетиция" in text_of(answer) and 'lang="ru"' in answer.get_data(as_text=True), address
    assert seen == set(ROOMS) | {"checklist"}


def test_nothing_of_it_is_left_in_the_house_outside(stage: Stage, told: dict[str, Any]) -> None:
    assert stage.traces() == told["before"] and verify.verify_all().whole


def _room(told: dict[str, Any], stage: str, name: str) -> str:
    room = next(room for room in told["known"].step(stage).rooms if room["name"] == name)
    return f"{PAGE}/{stage}/{room['role']}{room['path']}"


def test_only_who_may_change_the_call_rehearses_it_and_each_their_own(stage: Stage, told: dict[str, Any]) -> None:
    door = _room(told, "open", "check")
    for page in (PAGE, f"{PAGE}/rules", door):
        assert stage.client(stage.stranger).get(page).status_code == 404
        assert stage.client(stage.officer).get(page).status_code == 403
        assert stage.client(None).get(page).headers["Location"].startswith("/sign-in")
    assert stage.do(stage.officer, "begin").status_code == 403
    assert stage.client(stage.manager).get(door).headers["Location"] == PAGE


@pytest.mark.parametrize(
    "path",
    ["nowhere/officer/desk", "open/system/desk", "open/officer/cases/999999", "open/officer/%2e%2e/%2e%2e/people",
     f"open/manager/calls/{CALL}/rehearsal", f"open/manager/calls/{CALL}/rehearsal/open/officer/desk",
     "open/visitor/cases/3x"],
)  # fmt: skip
def test_an_address_that_leads_nowhere_leads_nowhere(stage: Stage, told: dict[str, Any], path: str) -> None:
    assert stage.client(stage.russian).get(f"{PAGE}/{path}").status_code == 404


def test_a_button_that_is_none_does_nothing(stage: Stage, told: dict[str, Any]) -> None:
    for do, name in (("", ""), ("on", "../.."), ("anew", ""), ("delete", "open")):
        assert stage.do(stage.russian, do, name).status_code == 404


def test_a_form_inside_asks_for_its_own_token(stage: Stage, told: dict[str, Any]) -> None:
    client, address = stage.client(stage.russian), _room(told, "open", "apply")
    before = client.get(f"{PAGE}/open/applicant/applications").text.count("gf-ref")
    answer = client.post(address, data={"organisation": "1"})
    assert answer.status_code == 303 and answer.headers["Location"] == address, "one stays inside, with what one typed"
    assert client.get(f"{PAGE}/open/applicant/applications").text.count("gf-ref") == before


def test_no_secret_and_no_cookie_of_one_house_opens_the_other(stage: Stage, told: dict[str, Any]) -> None:
    known = told["known"]
    app = inside.app_of(known.home(known.steps[0]), inside.Manner.of(stage.app, "ru"))
    assert app.config["SECRET_KEY"] != stage.app.config["SECRET_KEY"]
    assert app.config["GRANTFLOW"].smtp_host == "" and "relay" not in app.extensions
    cookie = stage.client(stage.russian).get(_room(told, "open", "check")).headers.getlist("Set-Cookie")
    inner = [one for one in cookie if one.startswith("rehearsal=")]
    assert inner and all(f"Path={PAGE}/open/applicant/" in one for one in inner)


def test_the_letters_it_would_send_are_read_inside(stage: Stage, told: dict[str, Any]) -> None:
    assert "KR-2021-000" in text_of(stage.client(stage.russian).get(f"{PAGE}/award/visitor/mailbox"))
    assert stage.client(stage.russian).get("/mailbox").status_code == 404


def test_the_page_asks_as_often_for_eight_stages_as_for_none(stage: Stage, told: dict[str, Any]) -> None:
    call, me = _call().case_id, stage.manager.person_id or 0
    folder = Path(stage.app.config["GRANTFLOW"].home) / house.FOLDER / f"{call}-{me}"
    folder.mkdir(parents=True)
    house.Rehearsal(folder, "", NOW.isoformat()).keep()

    def asked(actor: Any) -> int:
        client = stage.client(actor)
        client.get(PAGE)
        with counting() as seen:
            client.get(PAGE)
        return len(seen)

    assert asked(stage.russian) == asked(stage.manager)
    house.end(folder.parents[1], call, me)


def test_the_rules_are_told_on_sample_profiles_in_both_languages(stage: Stage) -> None:
    for actor, words in ((stage.manager, "Stands on every limit"), (stage.russian, "Стоит на каждой границе")):
        page = stage.client(actor).get(f"{PAGE}/rules")
        assert page.status_code == 200 and words in text_of(page)


def test_a_call_that_has_changed_is_rehearsed_anew(stage: Stage, told: dict[str, Any]) -> None:
    call = _call()
    was = call.budget_minor
    try:
        with unit_of_work():
            _call().budget_minor = was + 100
        assert "Конкурс с тех пор изменён" in text_of(stage.client(stage.russian).get(PAGE))
        stage.do(stage.russian, "anew", LAST)
        known = _known(stage)
        assert known is not None and known.step(LAST) == told["known"].step(LAST)
    finally:
        with unit_of_work():
            _call().budget_minor = was


def test_a_rule_that_forbids_ends_the_telling_with_its_sentence(stage: Stage) -> None:
    with unit_of_work():
        loaded = load_pack(packs.read(PACKS / "published_grants.toml"), SYSTEM)
    code = next(iter(loaded.calls))
    manager = person("manager", programme_id=loaded.programme_id)
    page = f"/calls/{code}/rehearsal"
    stage.do(manager, "begin", page=page)
    assert "This call never opens to applicants" in text_of(stage.client(manager).get(page))


def test_what_is_written_by_hand_goes_on_into_the_stages_played_anew(stage: Stage, told: dict[str, Any]) -> None:
    client, before = stage.client(stage.russian), stage.traces()
    form = _room(told, "open", "form")
    page = client.get(f"{form}/edit/project")
    inputs = re.findall(r'<input\b[^>]*name="([^"]+)"', page.text)
    typed = {name: field(page, name) for name in inputs if not name.startswith("q-")}
    said = {"q-title": "By hand", "q-title_en": "By hand", "stay": "1"}
    saved = client.post(f"{form}/edit/project", data=typed | said)
    assert saved.status_code == 303 and saved.headers["Location"] == f"{form}/edit/project"
    assert "By hand" in text_of(client.get(f"{form}/check"))
    assert stage.do(stage.russian, "anew", "eligibility").headers["Location"] == f"{PAGE}#eligibility"
    assert "By hand" in text_of(client.get(_room({"known": _known(stage)}, "eligibility", "case")))
    assert client.get(f"{PAGE}/scoring/officer/desk").headers["Location"] == PAGE
    assert stage.do(stage.russian, "end").status_code == 303
    assert "Начать репетицию" in text_of(client.get(PAGE))
    assert stage.traces() == before


def test_after_a_day_it_is_thrown_away(stage: Stage) -> None:
    home = Path(stage.app.config["GRANTFLOW"].home)
    call, me = _call().case_id, stage.manager.person_id or 0
    folder = home / house.FOLDER / f"{call}-{me}"
    folder.mkdir(parents=True)
    house.Rehearsal(folder, "", NOW.isoformat()).keep()
    with clock.at(NOW + timedelta(hours=23)):
        house.sweep(home)
        assert folder.exists() and house.found(home, call, me) is not None
    with clock.at(NOW + timedelta(hours=25)):
        assert house.found(home, call, me) is None
        house.sweep(home)
    assert not folder.exists()
