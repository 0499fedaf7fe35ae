"""The applicant's pages as a browser meets them: open, sent rightly, sent wrongly, and by the wrong
person."""

from __future__ import annotations

import io
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock
from grantflow.cases.service import fire, get
from grantflow.db import session, unit_of_work
from grantflow.history.models import Event
from grantflow.identity.models import Person
from grantflow.submissions import queries, service
from grantflow.submissions.models import Application
from tests.browsing import counting, field, signed_in, text_of
from tests.factories import also, organisation
from tests.submissions.conftest import ANSWERS, CLOSES, PDF, World


def flat(section: str, **changes: Any) -> dict[str, Any]:
    """A section as a browser sends it."""
    sent: dict[str, Any] = {"shown": list(ANSWERS[section])}
    for code, value in (ANSWERS[section] | changes).items():
        if isinstance(value, dict):
            sent |= {f"q-{code}-{part}": text for part, text in value.items()}
        elif value and isinstance(value, list) and isinstance(value[0], dict):
            sent |= {f"q-{code}-{n}-{part}": text for n, line in enumerate(value) for part, text in line.items()}
        elif value != [] and value != "":
            sent[f"q-{code}"] = value
    return sent


def save(client: Any, case_id: int, section: str, **more: Any) -> Any:
    revision = service.row_of(case_id).revision
    return client.post(f"/applications/{case_id}/edit/{section}", data=flat(section) | {"revision": revision} | more)


def test_an_applicant_begins_writes_checks_and_sends_in_the_browser(app: Flask, world: World) -> None:
    client = signed_in(app, world.applicant)
    page = client.get("/calls/KR-2021/apply")
    begun = client.post("/calls/KR-2021/apply", data={"organisation": world.body, "key": field(page, "key")})
    case_id = int(begun.location.rsplit("/", 1)[1])
    assert "Sections: 0 of 8 complete" in text_of(client.get(begun.location))
    sections = list(ANSWERS)
    for section, after in zip(sections, [*sections[1:], None], strict=True):
        if section == "declarations":
            files = {
                "shown": ["tax_certificate", "register_extract"],
                "q-tax_certificate": (io.BytesIO(PDF), "Справка.pdf"),
                "q-register_extract": (io.BytesIO(PDF + b"%"), "extract.pdf"),
            }
            attached = client.post(
                f"/applications/{case_id}/edit/files", data=files, content_type="multipart/form-data"
            )
            assert attached.status_code == 303
        reply = save(client, case_id, section)
        assert reply.status_code == 303, text_of(reply)
        expected = "/files" if section == "plan" else f"/{after}" if after else "/check"
        assert reply.location.endswith(expected)
    page = client.get(f"/applications/{case_id}/check")
    assert "Everything is there" in text_of(page)
    sent = {name: field(page, name) for name in ("key", "version", "revision")} | {"declared": "y"}
    first, second = (client.post(f"/applications/{case_id}/check", data=sent) for _ in range(2))
    assert first.status_code == second.status_code == 303 and first.location == second.location
    receipt = text_of(client.get(first.location))
    version = service.version_of(case_id, 1)
    assert "KR-2021-0001" in receipt and " ".join(version.sha256[i : i + 4] for i in range(0, 64, 4)) in receipt


def test_the_receipt_tells_the_time_of_both_clocks(app: Flask, world: World) -> None:
    with unit_of_work() as current:
        current.get_one(Person, world.applicant.person_id).zone = "Asia/Chita"
    case_id = world.submitted()
    page = text_of(signed_in(app, world.applicant).get(f"/applications/{case_id}/receipt"))
    assert "20 October 2021, 12:00:00, Petrozavodsk and Moscow time" in page
    assert "20 October 2021, 18:00:00, Chita time" in page


def test_what_cannot_be_read_is_kept_and_shown_with_a_sentence(app: Flask, world: World) -> None:
    case_id, client = world.draft(), signed_in(app, world.applicant)
    lines = [{"item": "Rent", "unit": "month", "quantity": "6", "price": "14 000 r"}]
    sent = flat("budget", costs=lines, own_share="lots") | {"revision": 0}
    reply = client.post(f"/applications/{case_id}/edit/budget", data=sent)
    assert reply.location.endswith("/edit/budget")
    page = client.get(reply.location)
    said = text_of(page)
    assert field(page, "q-costs-0-price") == "14 000 r" and field(page, "q-own_share") == "lots"
    assert "2 things to correct in this section" in said and "Costs, line 1: Write the amount in figures only" in said
    assert "1 line is not counted yet" in said and 'href="#q-costs-0-price"' in page.get_data(as_text=True)


def test_formulas_control_characters_and_markup_are_only_text(app: Flask, world: World) -> None:
    case_id, client = world.draft(), signed_in(app, world.applicant)
    wild = '=HYPERLINK("http://x")\x00\x07<script>alert(1)</script>'
    save(client, case_id, "project", **{"q-title": wild})
    assert service.row_of(case_id).answers["title"] == '=HYPERLINK("http://x")<script>alert(1)</script>'
    page = client.get(f"/applications/{case_id}/check").get_data(as_text=True)
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page


def test_a_line_is_added_to_the_budget_without_a_script(app: Flask, world: World) -> None:
    case_id, client = world.draft(), signed_in(app, world.applicant)
    reply = save(client, case_id, "budget", add_line="1", lines="4")
    page = client.get(reply.location.partition("#")[0]).get_data(as_text=True)
    assert 'name="q-costs-4-item"' in page and 'value="Floor loom, 120 cm"' in page


def test_two_windows_on_one_section_show_both_words_and_lose_none(app: Flask, world: World) -> None:
    case_id, client = world.draft(), signed_in(app, world.applicant)
    revision = service.row_of(case_id).revision
    first = flat("plan", steps="First words.") | {"revision": revision}
    second = flat("plan", steps="Second words.") | {"revision": revision}
    assert client.post(f"/applications/{case_id}/edit/plan", data=first).status_code == 303
    clash = client.post(f"/applications/{case_id}/edit/plan", data=second)
    said = text_of(clash)
    assert clash.status_code == 409 and "First words." in said and "Second words." in said
    assert service.row_of(case_id).answers["steps"] == "First words."
    kept = client.post(f"/applications/{case_id}/edit/plan", data=second | {"revision": field(clash, "revision")})
    assert kept.status_code == 303 and service.row_of(case_id).answers["steps"] == "Second words."


def test_two_people_in_two_sections_do_not_disturb_each_other(app: Flask, world: World) -> None:
    case_id, client = world.draft(), signed_in(app, world.applicant)
    revision = service.row_of(case_id).revision
    for section in ("plan", "benefit"):
        sent = flat(section) | {"revision": revision}
        assert client.post(f"/applications/{case_id}/edit/{section}", data=sent).status_code == 303


def test_a_question_that_hangs_on_an_answer_says_so(app: Flask, world: World) -> None:
    case_id, client = world.draft(), signed_in(app, world.applicant)
    page = client.get(f"/applications/{case_id}/edit/enterprise")
    assert "Only if you answered “Is your enterprise registered?” with: No." in text_of(page)
    assert 'data-gf-when="registered" data-gf-values="no"' in page.get_data(as_text=True)


def test_the_check_page_links_each_gap_to_its_field(app: Flask, world: World) -> None:
    case_id, client = world.draft(), signed_in(app, world.applicant)
    page = client.get(f"/applications/{case_id}/check")
    html = page.get_data(as_text=True)
    assert f"/applications/{case_id}/edit/project?check=1#q-title" in html and "aria-disabled" in html
    edit = client.get(f"/applications/{case_id}/edit/project?check=1")
    assert 'id="q-title"' in edit.get_data(as_text=True) and "Title of the project: Write an answer." in text_of(edit)


def test_the_applicant_is_told_beforehand_what_the_rules_would_say(app: Flask, world: World) -> None:
    case_id = world.complete(people={"owner_share": "40", "leaders": {"women": "1", "men": "3", "not_stated": ""}})
    page = text_of(signed_in(app, world.applicant).get(f"/applications/{case_id}/check"))
    assert "1 of 4 leading posts are held by women; more than half is needed." in page


def test_sending_needs_the_declaration_and_keeps_the_page(app: Flask, world: World) -> None:
    case_id, client = world.complete(), signed_in(app, world.applicant)
    page = client.get(f"/applications/{case_id}/check")
    reply = client.post(f"/applications/{case_id}/check", data={"key": field(page, "key")})
    assert reply.status_code == 400 and "Tick this if it is so." in text_of(reply)
    assert world.state(case_id) == "draft"


def test_pressing_submit_after_the_time_is_refused_and_remembered(app: Flask, world: World) -> None:
    case_id = world.complete()
    client = signed_in(app, world.applicant)
    page = client.get(f"/applications/{case_id}/check")
    sent = {name: field(page, name) for name in ("key", "version", "revision")} | {"declared": "y"}
    with clock.at(CLOSES + timedelta(minutes=11)):
        client = signed_in(app, world.applicant)
        reply = client.post(f"/applications/{case_id}/check", data=sent)
        assert reply.status_code == 403 and "The time for applications ended on" in text_of(reply)
    moves = select(Event.move).where(Event.case_id == case_id).order_by(Event.seq)
    assert session().scalars(moves).all()[-1] == "late_attempt"


def test_what_was_typed_too_late_still_stands_in_the_form(app: Flask, world: World) -> None:
    case_id = world.draft()
    with clock.at(CLOSES + timedelta(minutes=11)):
        client = signed_in(app, world.applicant)
        reply = client.post(
            f"/applications/{case_id}/edit/plan",
            data=flat("plan", steps="Very last words.") | {"revision": 0},
        )
    assert reply.status_code == 403 and "Very last words." in text_of(reply) and "was not saved" in text_of(reply)


@pytest.mark.parametrize("path", ["", "/edit/plan", "/check", "/receipt", "/versions/1", "/files/1", "/extension"])
def test_another_persons_application_is_not_found(app: Flask, world: World, path: str) -> None:
    case_id = world.submitted()
    other = signed_in(app, world.stranger)
    assert other.get(f"/applications/{case_id}{path}").status_code in (403, 404)
    assert "Felt" not in text_of(other.get(f"/applications/{case_id}{path}"))


def test_staff_neither_read_nor_write_a_draft(app: Flask, world: World) -> None:
    case_id = world.complete()
    for staff in (world.officer, world.manager, world.auditor):
        client = signed_in(app, staff)
        for path in ("", "/edit/plan", "/check", "/receipt", "/versions/1"):
            assert client.get(f"/applications/{case_id}{path}").status_code in (403, 404)
        assert client.post(f"/applications/{case_id}/edit/plan", data=flat("plan")).status_code in (403, 404)
    page = text_of(signed_in(app, world.manager).get("/calls/KR-2021/drafts"))
    assert "Tervo Craft Workshop" in page and "Felt and linen" not in page


def test_a_draft_that_was_never_sent_keeps_its_words_from_staff_for_ever(app: Flask, world: World) -> None:
    case_id = world.complete()
    with clock.at(CLOSES + timedelta(minutes=11)):
        world.close()
        page = signed_in(app, world.officer).get(f"/cases/{case_id}")
        assert "Felt and linen" not in text_of(page) and "It was never sent" in text_of(page)
        file_id = service.draft_of(service.row_of(case_id)).values["tax_certificate"][0]["id"]
        assert signed_in(app, world.officer).get(f"/applications/{case_id}/files/{file_id}").status_code == 404
        assert (
            signed_in(app, world.applicant).get(f"/applications/{case_id}/files/{file_id}", buffered=True).status_code
            == 200
        )


def test_a_manager_gives_one_applicant_more_time_in_the_browser(app: Flask, world: World) -> None:
    case_id, client = world.draft(), signed_in(app, world.manager)
    page = client.get(f"/applications/{case_id}/extension")
    sent = {"key": field(page, "key"), "day": "2.11.2021", "hour": "12:00", "reason": "Power cut."}
    wrong = client.post(f"/applications/{case_id}/extension", data=sent | {"day": "soon", "reason": ""})
    assert wrong.status_code == 400 and "Write the reason" in text_of(wrong) and field(wrong, "day") == "soon"
    early = client.post(f"/applications/{case_id}/extension", data=sent | {"day": "30.10.2021"})
    assert early.status_code == 403 and "never shorter" in text_of(early)
    assert client.post(f"/applications/{case_id}/extension", data=sent).status_code == 303
    assert service.row_of(case_id).extension_until.isoformat() == "2021-11-02T09:00:59+00:00"
    for other in (world.officer, world.applicant):
        assert signed_in(app, other).get(f"/applications/{case_id}/extension").status_code == 403


def test_a_manager_finds_what_is_open_for_changes_and_gives_it_more_time(app: Flask, world: World) -> None:
    case_id, client = world.submitted(), signed_in(app, world.manager)
    way = f'href="/applications/{case_id}/extension"'
    assert way not in client.get("/calls/KR-2021/drafts").get_data(as_text=True)
    with unit_of_work():
        fire(case_id, "take_back", actor=world.applicant)
    page = client.get("/calls/KR-2021/drafts")
    assert way in page.get_data(as_text=True) and "1 correction or change" in text_of(page)
    assert "Open for changes" in text_of(page)
    form = client.get(f"/applications/{case_id}/extension")
    sent = {"key": field(form, "key"), "day": "2.11.2021", "hour": "12:00", "reason": "Power cut."}
    assert client.post(f"/applications/{case_id}/extension", data=sent).status_code == 303
    assert "12:00" in text_of(client.get("/calls/KR-2021/drafts"))


def test_returned_sections_can_be_corrected_and_the_others_stay(app: Flask, world: World) -> None:
    case_id = world.submitted()
    world.give_back(case_id, "plan")
    client = signed_in(app, world.applicant)
    tasks = text_of(client.get(f"/applications/{case_id}"))
    assert "Add the certificate." in tasks and tasks.count("As it was sent") >= 7
    reply = client.post(f"/applications/{case_id}/edit/budget", data=flat("budget", own_share="1") | {"revision": 99})
    assert reply.status_code == 403 and "stays as it was sent" in text_of(reply)
    assert save(client, case_id, "plan", **{"q-steps": "Better."}).location.endswith("/check")
    page = client.get(f"/applications/{case_id}/check")
    sent = {name: field(page, name) for name in ("key", "version", "revision")} | {"declared": "y"}
    assert client.post(f"/applications/{case_id}/check", data=sent).location.endswith("/receipt")
    version = text_of(client.get(f"/applications/{case_id}/versions/2"))
    assert "One answer differs from the version before" in version


def test_the_officer_reads_the_case_and_its_papers(app: Flask, world: World) -> None:
    case_id = world.submitted()
    client = signed_in(app, world.officer)
    page = text_of(client.get(f"/cases/{case_id}"))
    assert "RUB 223,022.50" in page and "Suoyarvi" in page and "Справка.pdf" in page
    file_id = service.answers_of(case_id, 1)["tax_certificate"][0]["id"]
    reply = client.get(f"/applications/{case_id}/files/{file_id}", buffered=True)
    assert reply.data == PDF
    disposition = reply.headers["Content-Disposition"]
    assert (
        disposition.startswith("attachment")
        and "filename*=UTF-8''%D0%A1%D0%BF%D1%80%D0%B0%D0%B2%D0%BA%D0%B0.pdf" in disposition
    )
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_a_gate_closes_page_version_and_files_at_once(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from grantflow.engine.verdict import no
    from grantflow.submissions import sending

    case_id = world.submitted()
    file_id = service.answers_of(case_id, 1)["tax_certificate"][0]["id"]
    monkeypatch.setitem(sending._gates, "test", lambda case, actor: no("Declare first whether you have an interest."))
    client = signed_in(app, world.officer)
    page = text_of(client.get(f"/cases/{case_id}"))
    assert "Declare first" in page and "own share 16.9" not in page and "Справка.pdf" not in page
    assert client.get(f"/applications/{case_id}/versions/1").status_code == 403
    assert client.get(f"/applications/{case_id}/files/{file_id}", buffered=True).status_code == 404
    assert signed_in(app, world.applicant).get(f"/applications/{case_id}/versions/1").status_code == 200


def test_beginning_is_refused_for_strangers_closed_calls_and_drafts_of_calls(app: Flask, world: World) -> None:
    client = signed_in(app, world.applicant)
    key = field(client.get("/calls/KR-2021/apply"), "key")
    foreign = client.post("/calls/KR-2021/apply", data={"organisation": world.stranger_body, "key": key})
    assert foreign.status_code == 400
    assert client.get("/calls/ZB-2022/apply").status_code == 404 and client.get("/calls/XX-1/apply").status_code == 404
    with clock.at(CLOSES + timedelta(hours=1)):
        late = signed_in(app, world.applicant).get("/calls/KR-2021/apply")
        assert "The time for applications ended" in text_of(late)


def test_a_second_application_is_warned_about_and_allowed(app: Flask, world: World) -> None:
    world.submitted()
    client = signed_in(app, world.applicant)
    page = client.get("/calls/KR-2021/apply")
    assert "has an application in this call already" in text_of(page) and "KR-2021-0001" in text_of(page)
    sent = {"organisation": world.body, "key": field(page, "key")}
    one, two = (client.post("/calls/KR-2021/apply", data=sent).location for _ in range(2))
    assert one == two and len(session().scalars(select(Application)).all()) == 2


def test_words_typed_before_the_session_ended_come_back(app: Flask, world: World) -> None:
    case_id = world.draft()
    with unit_of_work() as current:
        from grantflow.identity import passwords

        current.get_one(Person, world.applicant.person_id).password_hash = passwords.hashed("a long old password")
    client = app.test_client()
    sent = flat("plan", steps="Written while away.") | {"revision": 0}
    away = client.post(f"/applications/{case_id}/edit/plan", data=sent)
    assert away.status_code == 303
    email = session().get_one(Person, world.applicant.person_id).email
    inside = client.post(away.location, data={"email": email, "password": "a long old password"})
    page = client.get(inside.location)
    assert "Written while away." in page.get_data(as_text=True) and "steps" not in service.row_of(case_id).answers


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_page_opens_in_both_languages(app: Flask, world: World, language: str) -> None:
    with unit_of_work() as current:
        for actor in (world.applicant, world.officer, world.manager):
            current.get_one(Person, actor.person_id).language = language
    draft, sent = world.complete(), world.submitted()
    client = signed_in(app, world.applicant)
    paths = [
        "/applications",
        "/calls/KR-2021/apply",
        f"/applications/{sent}/receipt",
        f"/applications/{sent}/versions/1",
    ]
    paths += [f"/cases/{sent}", f"/cases/{draft}", f"/applications/{draft}", f"/applications/{draft}/check"]
    paths += [f"/applications/{draft}/edit/{s.code}" for s in service.terms_of(service.row_of(draft).pack_hash).form]
    for path in paths:
        assert client.get(path).status_code == 200, path


def test_my_applications_cost_the_same_number_of_queries_for_one_and_for_three(app: Flask, world: World) -> None:
    counts = []
    for more in (1, 2):
        for _ in range(more):
            world.draft()
        client = signed_in(app, world.applicant)
        client.get("/applications")
        with counting() as seen:
            assert client.get("/applications").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_sending_reads_nothing_twice_and_nothing_that_only_a_page_needs(app: Flask, world: World) -> None:
    case_id = world.complete()
    client = signed_in(app, world.applicant)
    page = client.get(f"/applications/{case_id}/check")
    sent = {name: field(page, name) for name in ("key", "version", "revision")} | {"declared": "y"}
    with counting() as seen:
        assert client.post(f"/applications/{case_id}/check", data=sent).location.endswith("/receipt")
    times = Counter(statement for statement in seen if statement.startswith("SELECT"))
    # The case and its call are read by one statement each: on SQLite, where nothing is locked for it, by the same.
    assert [statement for statement, number in times.items() if number > 1 and "FROM cases" not in statement] == []
    assert sum(number for statement, number in times.items() if "FROM cases" in statement) == 3
    assert not any("FROM organisations" in statement for statement in seen)


def test_my_applications_and_the_drafts_of_a_call_are_paged(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    made = [world.draft() for _ in range(3)]
    client = signed_in(app, world.applicant)

    def mine(number: str) -> list[int]:
        page = client.get("/applications", query_string={"page": number}).get_data(as_text=True)
        assert "3 applications" in page
        return [n for n, case_id in enumerate(made) if f'href="/applications/{case_id}"' in page]

    assert mine("1") == [1, 2] and mine("2") == [0] and mine("99") == [0]
    assert [mine(hostile) for hostile in ("0", "-1", "x", "9" * 400)] == [[1, 2]] * 4
    staff = signed_in(app, world.officer)
    for number, rows in (("1", 2), ("2", 1), ("99", 1), ("-1", 2)):
        page = staff.get("/calls/KR-2021/drafts", query_string={"page": number, "further": number})
        assert "3 drafts" in text_of(page) and page.get_data(as_text=True).count('<th scope="row"') == rows


def test_a_person_of_two_organisations_chooses_for_which_to_apply(app: Flask, world: World) -> None:
    second = organisation("Meadow Sisters")
    actor = also(world.applicant, "applicant", organisation_id=second)
    client = signed_in(app, actor)
    page = client.get("/calls/KR-2021/apply")
    assert "For which organisation do you apply?" in text_of(page)
    sent = {"organisation": second, "key": field(page, "key")}
    case_id = int(client.post("/calls/KR-2021/apply", data=sent).location.rsplit("/", 1)[1])
    assert get(case_id).organisation_id == second
