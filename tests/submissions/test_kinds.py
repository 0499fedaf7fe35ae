"""Tables, organisations, consents and what is computed: as they are read, kept, sent, shown and carried over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale

from grantflow import clock
from grantflow.db import unit_of_work
from grantflow.errors import Invalid, NotFound
from grantflow.extensions import limiter
from grantflow.identity.access import SYSTEM
from grantflow.identity.service import add_organisation
from grantflow.money import Money
from grantflow.programmes import bounds
from grantflow.programmes.pack import ProgrammePack
from grantflow.programmes.parts import Prose
from grantflow.programmes.questions import Question
from grantflow.programmes.terms import Terms
from grantflow.rendering import money
from grantflow.submissions import countries, hanging, look, looking, rows, service
from grantflow.submissions.amending import carried
from grantflow.submissions.answers import Draft, all_faults, final, save, sections
from grantflow.submissions.forms import by_region, section_form
from grantflow.submissions.queries import District
from grantflow.submissions.reading import fingerprint, limits, read, to_type
from grantflow.typed import Unreadable
from tests.browsing import counting, field, signed_in, text_of
from tests.factories import person
from tests.submissions.conftest import OPEN_DAY, World
from tests.submissions.extra import EXTRA, LAWS, SAY, label, options, with_extra

TODAY = date(2021, 10, 20)


LINE = {"name": "On migrants", "type": "law", "year": "2010", "level": "high", "status": "", "cost": "1 500,50",
        "country": "Россия", "on": ""}  # fmt: skip
KEPT = {"name": "On migrants", "type": "law", "year": 2010, "level": "high", "cost": 150050, "country": "RU"}


@pytest.fixture(scope="module")
def terms(prozvet: ProgrammePack) -> Terms:
    return with_extra(prozvet.call("KR-2021").terms)


@pytest.fixture
def extra(world: World, terms: Terms, prozvet: ProgrammePack, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The world, its call with a further section of every new kind."""
    monkeypatch.setitem(rows._terms, prozvet.call("KR-2021").terms.content_hash, terms)
    yield world


def question(code: str) -> Question:
    return Question.model_validate(next(q for q in EXTRA["questions"] if q["code"] == code))  # type: ignore[index]


def lines(*changes: dict[str, str]) -> list[dict[str, str]]:
    return [LINE | change for change in changes]


def test_a_line_of_a_table_is_read_cell_by_cell_and_shown_again_as_it_was_typed(app: Flask) -> None:
    got = read(question("laws"), [*lines({}), dict.fromkeys(LINE, " ")], "RUB", "ru")
    assert (got.value, got.raw, got.faults) == ([KEPT], None, ())
    for lang, country, cost in (("en", "Russia", "1,500.50"), ("ru", "Россия", "1\u00a0500,50")):
        with force_locale(lang):
            shown = to_type(question("laws"), got.value, "RUB")
            assert (shown[0]["country"], shown[0]["cost"], shown[0]["on"]) == (country, cost, "")
            assert read(question("laws"), shown, "RUB", lang).value == [KEPT]


@pytest.mark.parametrize(
    ("change", "part", "said"),
    [
        ({"name": ""}, "0-name", "Fill this in"),
        ({"year": "soon"}, "0-year", "figures only"),
        ({"year": "1811"}, "0-year", "1,900 or more"),
        ({"year": "2010.5"}, "0-year", "whole number"),
        ({"type": "decree"}, "0-type", "Choose one"),
        ({"country": "Narnia"}, "0-country", "name of a country"),
        ({"cost": "-5"}, "0-cost", "below zero"),
        ({"on": "31.2.2021"}, "0-on", "no such day"),
        ({"on": "31.12.2021"}, "0-on", "not come yet"),
        ({"name": "x" * 81}, "0-name", "80 characters: it has 81"),
    ],
)
def test_each_slip_in_a_cell_is_told_at_its_cell(app: Flask, terms: Terms, change: Any, part: str, said: str) -> None:
    draft, _ = save(Draft(), terms.questions.values(), {"laws": lines(change)}, "RUB", "en")
    found = [fault for fault in all_faults(terms, draft, TODAY) if fault.question == "laws"]
    assert [fault.part for fault in found] == [part] and said in str(found[0].sentence)
    assert draft.shown(terms.questions["laws"], "RUB")[0]["name"] == (LINE | change)["name"], "nothing typed is lost"


def test_a_table_has_its_fewest_and_its_most_lines(app: Flask) -> None:
    few = Question.model_validate(LAWS | {"min_lines": 2})
    kept = read(few, lines({}), "RUB").value
    assert "at least 2 lines: there are 1" in str(limits(few, kept, "RUB", TODAY)[0].sentence)
    many = read(few, lines(*({"name": str(n)} for n in range(6))), "RUB")
    assert many.raw is not None and [f.part for f in many.faults] == ["5-name"]


def test_countries_are_known_by_either_name_and_by_letters(app: Flask) -> None:
    for text in ("Russia", "россия", " RU ", "ru", "РОССИЯ"):
        assert countries.code_of(text) == "RU"
    assert countries.code_of("Кыргызстан" if "Кыргызстан" in countries.names("ru").values() else "Киргизия") == "KG"
    for text in ("EU", "ZZ", "Mars", "", "--"):
        with pytest.raises(Unreadable):
            countries.code_of(text)
    for lang in ("en", "ru"):
        assert len(countries.names(lang)) > 240
        assert all(countries.code_of(name) == code for code, name in countries.names(lang).items())


def test_districts_stand_under_their_regions_those_of_the_call_first() -> None:
    two = {region: Prose(en=region, ru=region) for region in ("Karelia", "Zabaikal")}
    rows = [("b", "Zabaikal", False), ("d", "Karelia", True), ("a", "Karelia", False), ("c", "Karelia", True)]
    places = [
        District(n, code, Prose(en=code, ru=code), two[region], inside) for n, (code, region, inside) in enumerate(rows)
    ]
    assert [place.code for place in by_region(places, "en")] == ["c", "d", "a", "b"]
    asks = [Question.model_validate({"code": "where", "kind": "district", "label": LAWS["label"]})]
    form = section_form(asks, Draft(), "RUB", places, [])
    groups = [(choice.value, choice.optgroup) for choice in form["where"].choices]
    assert groups == [("", None), ("c", "Karelia"), ("d", "Karelia"), ("a", "Karelia"), ("b", "Zabaikal")]


def test_a_consent_keeps_which_wording_was_ticked_and_when_however_often_it_is_saved(app: Flask, terms: Terms) -> None:
    asks = [terms.questions["photos"]]
    with clock.at(OPEN_DAY):
        first, _ = save(Draft(), asks, {"photos": "1"}, "RUB", "ru")
    kept = first.values["photos"]
    assert kept == {"at": "2021-10-20T09:00:00.000000Z", "language": "ru", "version": "2",
                    "sha256": fingerprint(asks[0], "ru")}  # fmt: skip
    with clock.at(OPEN_DAY + timedelta(days=2)):
        again, _ = save(first, asks, {"photos": "1"}, "RUB", "en")
        taken_back, _ = save(again, asks, {"photos": ""}, "RUB", "en")
        anew, _ = save(taken_back, asks, {"photos": "1"}, "RUB", "en")
    assert again == first and taken_back.values == {}
    assert anew.values["photos"]["language"] == "en" and anew.values["photos"]["at"] > kept["at"]


def test_the_exact_limit_is_soft_while_writing_and_holds_when_it_is_sent(app: Flask, terms: Terms) -> None:
    draft, told = save(Draft(), terms.questions.values(), {"short": "x" * 81}, "RUB")
    assert told == [] and draft.values["short"] == "x" * 81
    found = [fault for fault in all_faults(terms, draft, TODAY) if fault.question == "short"]
    assert [fault.kind for fault in found] == ["limit"] and "80 characters: it has 81" in str(found[0].sentence)
    assert not limits(terms.questions["short"], "x" * 80, "RUB", TODAY)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "number", "min": 0, "max": 100}, "From 0 to 100."),
        ({"kind": "number", "min": "2.5"}, "Write 2.5 or more."),
        ({"kind": "money", "max": 5000}, "Write 5,000 or less."),
        ({"kind": "money", "min": 0}, ""),
        (
            {"kind": "choices", "options": options("a", "b", "c"), "min": 2, "max": 3},
            "Tick at least 2. Tick at most 3.",
        ),
        ({"kind": "choices", "options": options("a", "b", "c"), "min": 1}, ""),
        ({"kind": "counter", "min": 3}, "The three numbers must add up to 3 or more."),
        ({"kind": "counter", "min": 1, "max": 9}, "The three numbers must add up to 9 or less."),
        ({"kind": "table", "columns": [LAWS["columns"][0]], "min_lines": 2}, "2 lines at least."),
    ],
)
def test_what_an_answer_may_be_at_least_and_at_most_is_told_beforehand(app: Flask, given: Any, said: str) -> None:
    asked = Question.model_validate({"code": "asked", "label": label("Asked"), **given})
    with app.test_request_context():
        assert bounds.said(asked) == said


def test_the_page_of_a_section_says_each_limit_before_anything_is_written(app: Flask, world: World) -> None:
    case_id, client = world.draft(), signed_in(app, world.applicant)
    page = client.get(f"/applications/{case_id}/edit/project")
    html = page.get_data(as_text=True)
    assert "0 of 120 characters at most" in text_of(page)
    assert 'data-gf-hard="120" data-gf-limit="120"' in html and "Tick at most" not in html, "the pack says it itself"
    people = text_of(client.get(f"/applications/{case_id}/edit/people"))
    assert "if nobody owns shares, as in an association. From 0 to 100." in people
    world.write(case_id, "project", {"title": "Н" * 121})
    said = text_of(client.get(f"/applications/{case_id}/edit/project"))
    assert "121: take away 1 before you send it; at most 120" in said


def test_a_check_of_a_section_is_a_hint_while_writing_and_exact_when_it_is_sent(app: Flask, terms: Terms) -> None:
    typed = {"laws": lines({}), "own_share": "20 000"}
    draft, told = save(Draft(), terms.questions.values(), typed, "RUB", "ru")
    found = [fault for fault in all_faults(terms, draft, TODAY) if fault.kind == "check"]
    assert told == [] and [(f.question, str(f.sentence), f.at_once) for f in found] == [("laws", SAY["en"], False)]
    with force_locale("ru"):
        assert str(found[0].sentence) == SAY["ru"]
    for better in ({"own_share": "15 000"}, {"laws": []}, {"own_share": ""}):
        mended, _ = save(draft, terms.questions.values(), better, "RUB", "ru")
        assert not [fault for fault in all_faults(terms, mended, TODAY) if fault.kind == "check"], better


def test_what_is_computed_is_kept_with_what_is_sent_and_nobody_types_it(app: Flask, terms: Terms) -> None:
    typed = {"laws": lines({}, {"name": "Two", "cost": "0,50"}), "law_costs": "9", "own_share": "1"}
    draft, _ = save(Draft(), terms.questions.values(), typed, "RUB", "ru")
    assert "law_costs" not in draft.values and final(terms, draft)["law_costs"] == 150100
    assert "law_costs" not in {fault.question for fault in all_faults(terms, draft, TODAY)}


def test_a_page_shows_hides_or_waits_and_says_on_what(app: Flask, terms: Terms) -> None:
    part = terms.section("extra")
    assert part is not None
    empty = hanging.page(terms.questions.values(), part.questions, Draft(), "RUB", part.checks)
    assert "large" not in [q.code for q in empty.fields] and "why_many" in [q.code for q in empty.fields]
    assert empty.hung["large"].sentence == "Whether “Why so large?” is asked depends on: “Costs”."
    assert empty.told["wait-large"]["hidden"] is False and "ask-large" not in empty.told
    assert empty.told["ask-why_many"] == {"hidden": True} and empty.told["value-law_costs"] == {"text": "not known yet"}
    two = Draft({"laws": [KEPT, KEPT], "own_share": 9_999_999, "costs": [
        {"item": "Loom", "unit": "", "quantity": "1", "price_minor": 100}]})  # fmt: skip
    full = hanging.page(terms.questions.values(), part.questions, two, "RUB", part.checks)
    assert "large" not in [q.code for q in full.entries] and full.told["ask-why_many"] == {"hidden": False}
    assert full.told["value-law_costs"]["text"] == money(Money(300_100, "RUB")) and full.told["hint--1"] == {
        "hidden": False
    }


def test_a_section_of_which_nothing_is_known_says_so_once(app: Flask, terms: Terms) -> None:
    body = json.loads(terms.content)
    body["form"][-1] |= {"when": "total(costs) > 100"}
    whole = Terms.from_content(json.dumps(body))
    part = whole.form[-1]
    page = hanging.page(whole.questions.values(), part.questions, Draft(), "RUB", part.checks)
    assert page.fields == () and page.waiting == "What is asked here depends on: “Costs”."
    state = {s.section.code: s for s in sections(whole, Draft(), TODAY)}["extra"]
    assert state.state == "" and "Not known yet" in str(state.words)
    cheap = Draft({"costs": [{"item": "x", "unit": "", "quantity": "1", "price_minor": 100}]})
    assert hanging.page(whole.questions.values(), part.questions, cheap, "RUB").waiting == ""
    assert "Nothing is needed" in str({s.section.code: s.words for s in sections(whole, cheap, TODAY)}["extra"])


def test_a_table_moves_to_newer_terms_with_the_cells_that_still_fit(terms: Terms) -> None:
    body = json.loads(terms.content)
    columns = body["form"][-1]["questions"][0]["columns"]
    columns[1]["options"] = options("policy", "decree")
    columns[2]["kind"] = "text"
    body["form"][-1]["questions"][5]["text"]["en"] = "You may show and sell our pictures."
    answers = {"laws": [KEPT, {"year": 2011}], "photos": {"at": "x"}, "law_costs": 5, "lead": {"name": "A"}}
    found = carried(terms, Terms.from_content(json.dumps(body)), answers)
    assert found == {"laws": [{"name": "On migrants", "level": "high", "cost": 150050, "country": "RU"}],
                     "lead": {"name": "A"}}  # fmt: skip


# ------------------------------------------------------------------------------------------------- the pages


def sent(**more: Any) -> dict[str, Any]:
    shown = [q["code"] for q in EXTRA["questions"] if q["code"] not in ("law_costs", "large")]  # type: ignore[index]
    cells = {
        f"q-laws-{n}-{code}": text for n, line in enumerate(more.pop("laws", [LINE])) for code, text in line.items()
    }
    return {"shown": shown, "q-photos": "1", "revision": "0"} | cells | more


def test_the_page_of_a_section_takes_and_shows_every_kind_without_a_script(app: Flask, extra: World) -> None:
    case_id, client = extra.draft(), signed_in(app, extra.applicant)
    address = f"/applications/{case_id}/edit/extra"
    first = text_of(client.get(address))
    assert "Line 1" in first and "Whether “Why so large?” is asked depends on: “Costs”." in first
    bad = lines({"year": "soon", "cost": "1500.50", "country": "Россия"})
    reply = client.post(address, data=sent(laws=bad, **{"q-lead": "Tervo  Craft"}))
    assert reply.location.endswith("/edit/extra")
    page = client.get(reply.location)
    said, html = text_of(page), page.get_data(as_text=True)
    assert "Contributions to laws, line 1: Write figures only" in said and 'href="#q-laws-0-year"' in html
    assert field(page, "q-laws-0-year") == "soon" and field(page, "q-lead") == "Tervo Craft"
    assert "Agreed on 20 October 2021" in said and 'value="Russia"></option>' in html
    more = client.post(address, data=sent(laws=bad, add_line="laws", revision=1, **{"lines-laws": "2"}))
    assert more.location.endswith("lines-laws=3#add-laws")
    assert 'name="q-laws-2-name"' in client.get(more.location.partition("#")[0]).get_data(as_text=True)
    typed = sent(laws=lines({}, {}), revision=9, person=extra.applicant.person_id)
    good = client.post(address, data=typed, headers={"X-GrantFlow-Page": "1"}).json
    assert good["page"]["value-law_costs"]["text"] == money(Money(300_100, "RUB"))
    assert good["page"]["ask-why_many"] == {"hidden": False}
    check = text_of(client.get(f"/applications/{case_id}/check"))
    assert "On migrants" in check and "Law" in check and "wording 2" in check and "You may show our pictures." in check
    assert "Together RUB 3,001.00" in check


def test_what_was_sent_is_shown_with_its_tables_and_what_was_computed(app: Flask, extra: World) -> None:
    case_id = extra.complete()
    extra.write(case_id, "extra", {"laws": lines({"cost": "9 000"}), "photos": "1", "large": "Looms are dear."})
    extra.submit(case_id)
    kept = service.answers_of(case_id, 1)
    assert kept["law_costs"] == 900_000 and kept["project_days"] == "306" and kept["photos"]["version"] == "2"
    page = text_of(signed_in(app, extra.officer).get(f"/applications/{case_id}/versions/1"))
    assert "On migrants" in page and "RUB 9,000.00" in page and "306 days" in page and "Agreed on 20 October" in page


def test_an_organisation_is_found_in_any_spelling_and_taken_over(app: Flask, extra: World) -> None:
    with unit_of_work():
        add_organisation(
            SYSTEM, name_ru="Клуб «Онегожье»", name_en="", kind="cso", legal_form="ano", inn="7707083893", country="RU"
        )
        add_organisation(
            SYSTEM, name_ru="ИП Онегова", kind="business", legal_form="ip", inn="100100000134", country="RU"
        )
    case_id, client = extra.draft(), signed_in(app, extra.applicant)
    section = f"/applications/{case_id}/edit/extra"
    reply = client.post(section, data=sent(look="lead", **{"q-lead": "onegozh"}))
    assert reply.location.endswith("/edit/extra/lead/look")
    page = client.get(reply.location)
    assert field(page, "words") == "onegozh"
    said = text_of(page)
    assert "1 organisation found" in said and "number 7707083893" in said and "Онегова" not in said
    for words in ("ОНЕГОЖЬЕ", "клуб онегожье", "7707 083 893"):
        assert [body.name("en") for body in looking.find(words)[0]] == ["Клуб «Онегожье»"]
    assert [body.number for body in looking.find("100100000134")[0]] == ["100100000134"], "by the whole number alone"
    assert looking.find("%%%onegozh_")[0] == looking.find("nothing like it")[0] == []
    for words in ("on", " %_", "—"):
        with pytest.raises(Invalid):
            looking.find(words)
    assert "at least three letters" in text_of(client.get(f"{section}/lead/look?words=on"))
    found = looking.find("onegozh")[0][0].id
    taken = client.post(f"{section}/lead/look", data={"take": found})
    assert taken.location.endswith("/edit/extra#q-lead")
    kept = service.row_of(case_id).answers["lead"]
    assert kept == {"name": "Клуб «Онегожье»", "number": "7707083893", "organisation": found}
    extra.write(case_id, "extra", {"lead": "Клуб «Онегожье»"})
    assert service.row_of(case_id).answers["lead"] == kept, "the same name is the same body"
    extra.write(case_id, "extra", {"lead": "Клуб"})
    assert service.row_of(case_id).answers["lead"] == {"name": "Клуб"}


def test_looking_up_is_for_those_who_write_and_for_organisations_that_are_there(app: Flask, extra: World) -> None:
    case_id = extra.draft()
    address = f"/applications/{case_id}/edit/extra/lead/look"
    for actor in (extra.stranger, extra.officer, person()):
        assert signed_in(app, actor).get(address).status_code in (403, 404)
    client = signed_in(app, extra.applicant)
    assert client.post(address, data={"take": "999999"}).status_code == 404
    assert client.get(f"/applications/{case_id}/edit/extra/laws/look").status_code == 404
    with pytest.raises(NotFound), unit_of_work():
        looking.take(case_id, "extra", "lead", 10**6, actor=extra.applicant)
    done = extra.complete()
    extra.write(done, "extra", {"photos": "1", "large": "Looms are dear."})
    extra.submit(done)
    assert client.post(f"/applications/{done}/edit/extra/lead/look", data={"take": extra.body}).status_code == 403


def test_the_page_of_a_section_costs_as_many_queries_with_five_lines_as_with_one(app: Flask, extra: World) -> None:
    case_id, client = extra.draft(), signed_in(app, extra.applicant)
    counts = []
    for n in (1, 5):
        extra.write(case_id, "extra", {"laws": lines(*[{}] * n)})
        client.get(f"/applications/{case_id}/edit/extra")
        with counting() as seen:
            client.get(f"/applications/{case_id}/edit/extra")
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_whoever_looks_up_without_end_is_told_to_wait_and_what_to_do_instead(
    app: Flask, extra: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look, "MOST_LOOKS", "2 per hour")
    monkeypatch.setattr(limiter, "enabled", True)
    limiter.reset()
    client, address = signed_in(app, extra.applicant), f"/applications/{extra.draft()}/edit/extra/lead/look"
    assert [client.get(address).status_code for _ in range(2)] == [200, 200]
    refused = client.get(address)
    assert refused.status_code == 429 and "write the name in the form by hand" in text_of(refused)
    limiter.reset()
