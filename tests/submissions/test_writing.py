"""Writing together: what two people write in one section, who may write what, whose application it is, earlier answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from grantflow import clock
from grantflow.cases.models import Outbox
from grantflow.cases.service import get
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.history.models import Event
from grantflow.identity import links
from grantflow.identity import service as identity
from grantflow.identity.access import Actor
from grantflow.identity.models import AccountLink, Person
from grantflow.submissions import copying, inviting, owners, service
from grantflow.submissions.answers import Draft, save
from grantflow.submissions.merging import Merged, mark, marks, merge
from grantflow.submissions.sharing import share_of
from tests.browsing import signed_in, text_of
from tests.factories import also, organisation, person
from tests.submissions.conftest import ANSWERS, CLOSES, World
from tests.submissions.test_pages import flat


def seen(case_id: int, section: str) -> tuple[int, dict[str, str]]:
    """What a page that is opened now carries: the revision, and the mark of each answer."""
    row = service.row_of(case_id)
    part = service.terms_of(row.pack_hash).section(section)
    assert part is not None
    return row.revision, marks(service.draft_of(row), part.questions)


def send(case_id: int, section: str, page: tuple[int, dict[str, str]], actor: Actor, **changes: Any) -> service.Saved:
    """Send a section from a page, answers as they stand but for these."""
    row = service.row_of(case_id)
    part = service.terms_of(row.pack_hash).section(section)
    assert part is not None
    typed = {q.code: ANSWERS[section][q.code] for q in part.questions if q.code in ANSWERS[section]} | changes
    with unit_of_work():
        return service.save_section(case_id, section, typed, revision=page[0], actor=actor, was=page[1])


# ---------------------------------------------------------------------------------------------- one section, two people
def test_two_people_who_answer_different_questions_of_a_section_both_keep_their_words(world: World) -> None:
    case_id, colleague = world.complete(), person("applicant", organisation_id=world.body)
    both = seen(case_id, "plan")
    send(case_id, "plan", both, world.applicant, steps="The owner's steps.")
    saved = send(case_id, "plan", both, colleague, after_grant="The colleague's sales.")
    answers = service.row_of(case_id).answers
    assert (answers["steps"], answers["after_grant"]) == ("The owner's steps.", "The colleague's sales.")
    assert saved.by == world.applicant.name and "after_grant" in saved.mine and "steps" not in saved.mine


def test_two_people_who_answer_the_same_question_choose_and_the_rest_is_as_it_was(world: World) -> None:
    case_id, colleague = world.complete(), person("applicant", organisation_id=world.body)
    both = seen(case_id, "plan")
    send(case_id, "plan", both, world.applicant, steps="First.", after_grant="Sales.")
    with pytest.raises(service.Clash) as clash:
        send(case_id, "plan", both, colleague, steps="Second.", ends_on="30.11.2022")
    assert clash.value.questions == ("steps",) and clash.value.by == world.applicant.name
    shown = clash.value.shown.values
    assert (shown["steps"], shown["after_grant"], shown["ends_on"]) == ("Second.", "Sales.", "2022-11-30")
    assert service.row_of(case_id).answers["steps"] == "First."
    assert service.row_of(case_id).answers["ends_on"] == "2022-12-31", "a clash changes nothing"


def test_the_same_words_from_two_sides_are_no_clash(world: World) -> None:
    case_id, colleague = world.complete(), person("applicant", organisation_id=world.body)
    both = seen(case_id, "plan")
    send(case_id, "plan", both, world.applicant, steps="The same.")
    assert send(case_id, "plan", both, colleague, steps="The same.").revision == service.row_of(case_id).revision


def test_a_mark_knows_an_answer_in_either_language_and_not_another_one(world: World) -> None:
    terms = service.terms_of(service.row_of(world.draft()).pack_hash)
    questions = [terms.questions["own_share"], terms.questions["ends_on"]]
    en = save(Draft(), questions, {"own_share": "45,250.50", "ends_on": "31.12.2022"}, "RUB", "en")[0]
    ru = save(Draft(), questions, {"own_share": "45 250,50", "ends_on": "31.12.2022"}, "RUB", "ru")[0]
    assert marks(en, questions) == marks(ru, questions)
    assert mark(en, "own_share") != mark(Draft(), "own_share") != mark(Draft(raw={"own_share": "lots"}), "own_share")


@pytest.mark.parametrize(
    ("stored", "mine", "found", "behind", "stands", "clashing"),
    [
        ("a", "a", "a", True, "a", False), ("b", "a", "a", True, "b", False), ("a", "c", "a", True, "c", False),
        ("b", "c", "a", True, "b", True), ("b", "b", "a", True, "b", False), ("", "c", "", True, "c", False),
        ("b", "c", None, False, "c", False), ("b", "c", None, True, "b", True), ("b", "", "a", False, "b", True),
        ("b", "", "b", True, "", False),
    ],
)  # fmt: skip
def test_an_answer_is_taken_from_the_side_that_changed_it(
    world: World, stored: str, mine: str, found: str | None, behind: bool, stands: str, clashing: bool
) -> None:
    question = service.terms_of(service.row_of(world.draft()).pack_hash).questions["steps"]
    drafts = {text: Draft({"steps": text} if text else {}) for text in ("", "a", "b", "c")}
    was = {} if found is None else {"steps": mark(drafts[found], "steps")}
    merged: Merged = merge([question], drafts[stored], drafts[mine], was, behind=behind)
    assert merged.draft.values.get("steps", "") == stands and bool(merged.clashing) is clashing
    assert merged.showing(drafts[mine]).values.get("steps", "") == (mine if clashing else stands)


# -------------------------------------------------------------------------------------------------------- by invitation
def guest(world: World, case_id: int, *sections: str, comes: bool = True) -> Actor:
    """Somebody of no organisation, invited to these sections, or to the whole."""
    found = person()
    address = session().get_one(Person, found.person_id).email
    with unit_of_work():
        number = inviting.invite(
            case_id, email=address, name="Bookkeeper", whole=not sections, sections=list(sections),
            actor=world.applicant,
        )  # fmt: skip
    if comes:
        with unit_of_work():
            inviting.accept(number, actor=found)
    return found


def may(do: Callable[[], Any]) -> bool:
    """Whether a use case lets somebody; what it did is taken back."""
    try:
        with unit_of_work():
            do()
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        return True
    except (Refused, NotFound):
        return False


DEEDS = ("write plan", "write budget", "attach", "invite", "copy", "send", "give away")
RIGHTS = {
    "owner": {"write plan", "write budget", "attach", "invite", "copy", "send"},
    "colleague": {"write plan", "write budget", "attach", "copy"},
    "guest of the whole": {"write plan", "write budget", "attach"},
    "guest of the plan": {"write plan"},
    "guest who has not come": set(),
    "guest who left": set(),
    "stranger": set(),
    "officer": {"give away"},
    "manager": {"give away"},
    "auditor": set(),
}  # fmt: skip


def test_who_may_do_what_with_a_draft(world: World) -> None:
    earlier = world.submitted()
    case_id, colleague = world.complete(), person("applicant", organisation_id=world.body)
    left = guest(world, case_id)
    with unit_of_work():
        number = inviting.own_part(case_id, left)
        assert number is not None
        inviting.end(case_id, number, actor=left)
    people = {
        "owner": world.applicant, "colleague": colleague, "guest of the whole": guest(world, case_id),
        "guest of the plan": guest(world, case_id, "plan"), "guest who left": left,
        "guest who has not come": guest(world, case_id, comes=False), "stranger": world.stranger,
        "officer": world.officer, "manager": world.manager, "auditor": world.auditor,
    }  # fmt: skip
    assert people.keys() == RIGHTS.keys()
    page = {name: seen(case_id, name) for name in ("plan", "budget")}
    for name, actor in people.items():

        def write(section: str, actor: Actor = actor) -> Any:
            return service.save_section(case_id, section, {}, revision=page[section][0], actor=actor)

        deeds: dict[str, Callable[[], Any]] = {
            "write plan": lambda write=write: write("plan"),
            "write budget": lambda write=write: write("budget"),
            "attach": lambda actor=actor: service.remove_file(case_id, _file(case_id), actor=actor),
            "invite": lambda actor=actor: inviting.invite(
                case_id, email="new@example.org", name="New", whole=True, sections=[], actor=actor
            ),
            "copy": lambda actor=actor: copying.copy(case_id, earlier, actor=actor),
            "send": lambda actor=actor: service.submit(case_id, actor=actor),
            "give away": lambda actor=actor: owners.transfer(
                case_id, colleague.person_id or 0, "She has left.", actor=actor
            ),
        }  # fmt: skip
        assert {deed for deed in DEEDS if may(deeds[deed])} == RIGHTS[name], name


def _file(case_id: int) -> int:
    return int(service.draft_of(service.row_of(case_id)).values["tax_certificate"][0]["id"])


def test_a_guest_reads_the_sections_opened_to_them_and_no_others(app: Flask, world: World) -> None:
    case_id = world.complete()
    some, whole = guest(world, case_id, "plan", "files"), guest(world, case_id)
    client = signed_in(app, some)
    page = text_of(client.get(f"/applications/{case_id}"))
    assert "Plan" in page and "Budget" not in page and "RUB" not in page and "You were invited" in page
    assert client.get(f"/applications/{case_id}/edit/plan").status_code == 200
    file = f"/applications/{case_id}/files/{_file(case_id)}"
    assert client.get(file, buffered=True).status_code == 200
    for closed in ("/edit/budget", "/check", "/people", "/copy", "/receipt", "/owner"):
        assert client.get(f"/applications/{case_id}{closed}").status_code in (403, 404), closed
    for closed in (f"/cases/{case_id}", f"/history/{case_id}", f"/cases/{case_id}/history.xlsx"):
        assert client.get(closed).status_code in (403, 404), closed
    assert client.post(f"/applications/{case_id}/edit/budget", data=flat("budget")).status_code == 404
    reader = signed_in(app, whole)
    page = text_of(reader.get(f"/applications/{case_id}/check"))
    assert "Felt and linen workshop" in page and "Another person sends it" in page
    assert "Felt and linen workshop" in text_of(reader.get("/applications"))
    assert "Felt and linen workshop" in text_of(reader.get("/desk"))
    only_plan = signed_in(app, guest(world, case_id, "plan"))
    assert only_plan.get(file, buffered=True).status_code == 404


def test_an_invitation_brings_somebody_without_an_account_to_the_draft(app: Flask, world: World) -> None:
    case_id, client = world.draft(), signed_in(app, world.applicant)
    wrong = client.post(f"/applications/{case_id}/people", data={"name": "Vera", "email": "vera@", "key": "k"})
    assert wrong.status_code == 400 and "vera@" in wrong.get_data(as_text=True)
    sent = {"name": "Vera Counter", "email": "Vera@Example.org", "sections": ["budget"], "key": "k"}
    for _twice in range(2):
        assert client.post(f"/applications/{case_id}/people", data=sent).status_code == 303
    page = text_of(client.get(f"/applications/{case_id}"))
    assert "Vera@Example.org" in page and "invited, has not come yet" in page and "Vera Counter" not in page
    row = session().execute(select(Outbox.notice, Outbox.params).order_by(Outbox.id.desc())).first()
    assert row is not None and row.notice == "collaborator_invited_first"
    letter = links.way_of(row.params)
    assert letter is not None and letter.email == "Vera@example.org"
    newcomer = signed_in(app, None)
    chosen = newcomer.post(urlsplit(letter.url).path, data={"password": "four wet boots in a row"})
    assert chosen.status_code == 303 and chosen.location.startswith("/collaborations/")
    assert "Open to you 5. Budget" in text_of(newcomer.get(chosen.location))
    assert newcomer.post(chosen.location).location == f"/applications/{case_id}"
    assert newcomer.get(f"/applications/{case_id}/edit/budget").status_code == 200
    assert "Vera Counter" in text_of(client.get(f"/applications/{case_id}"))
    moves = session().scalars(select(Event.move).where(Event.case_id == case_id).order_by(Event.seq)).all()
    assert moves == ["open", "collaborator_invited", "collaborator_accepted"]


def test_an_invitation_taken_back_or_declined_opens_nothing(app: Flask, world: World) -> None:
    case_id = world.draft()
    gone = guest(world, case_id, "plan")
    number = inviting.own_part(case_id, gone)
    owner = signed_in(app, world.applicant)
    assert owner.post(f"/applications/{case_id}/people/{number}/end").status_code == 303
    assert share_of(get(case_id), gone) is None
    client = signed_in(app, gone)
    assert client.get(f"/applications/{case_id}/edit/plan").status_code == 404
    assert "does not stand any more" in text_of(client.get(f"/collaborations/{number}"))
    assert client.post(f"/collaborations/{number}").status_code == 403
    assert signed_in(app, world.stranger).get(f"/collaborations/{number}").status_code == 404
    assert signed_in(app, world.stranger).post(f"/applications/{case_id}/people/{number}/end").status_code == 404
    unsure = guest(world, case_id, "plan", comes=False)
    number = inviting.own_part(case_id, unsure)
    assert signed_in(app, unsure).post(f"/collaborations/{number}", data={"decline": "1"}).status_code == 303
    assert share_of(get(case_id), unsure) is None


def test_an_invitation_needs_something_to_write_an_address_and_somebody_else(world: World) -> None:
    case_id = world.draft()
    for email, sections, field in (
        ("no address", ["plan"], "email"), ("a@example.org", [], "sections"), ("a@example.org", ["nothing"], "sections"),
        (session().get_one(Person, world.applicant.person_id).email, ["plan"], "email"),
    ):  # fmt: skip
        with pytest.raises(Invalid) as told, unit_of_work():
            inviting.invite(case_id, email=email, name="A", whole=False, sections=sections, actor=world.applicant)
        assert field in told.value.fields
    with pytest.raises(Refused, match="No more than 1"), unit_of_work():
        inviting.MOST, most = 1, inviting.MOST
        try:
            for email in ("a@example.org", "b@example.org"):
                inviting.invite(case_id, email=email, name="A", whole=True, sections=[], actor=world.applicant)
        finally:
            inviting.MOST = most


def test_guests_hear_that_the_application_was_sent(world: World) -> None:
    case_id = world.complete()
    whole = guest(world, case_id)
    world.submit(case_id)
    told = session().execute(
        select(Outbox.params).where(Outbox.person_id == whole.person_id, Outbox.notice == "submitted")
    )
    assert [row.params["page"] for row in told] == [f"/applications/{case_id}"]
    assert not service.may_write(get(case_id), service.row_of(case_id), whole)
    world.give_back(case_id, "plan")
    row, terms = service.row_of(case_id), service.terms_of(service.row_of(case_id).pack_hash)
    assert service.may_write(get(case_id), row, whole, terms.section("plan"))
    assert not service.may_write(get(case_id), row, whole, terms.section("budget"))


# ------------------------------------------------------------------------------------------------------------ its owner
def test_another_owner_is_given_with_a_reason_and_both_are_told(app: Flask, world: World) -> None:
    case_id, heir = world.complete(), person("applicant", organisation_id=world.body, name="Heir")
    client = signed_in(app, world.officer)
    assert "Another owner …" in text_of(client.get("/calls/KR-2021/drafts"))
    page = client.get(f"/applications/{case_id}/owner")
    assert "Heir" in text_of(page) and "Felt" not in text_of(page)
    wrong = client.post(f"/applications/{case_id}/owner", data={"person": str(heir.person_id), "key": "a"})
    assert wrong.status_code == 400 and "Write the reason" in text_of(wrong)
    other = client.post(
        f"/applications/{case_id}/owner", data={"person": str(world.stranger.person_id), "reason": "x", "key": "a"}
    )
    assert other.status_code == 400 and "acts for the organisation" in text_of(other)
    sent = {"person": str(heir.person_id), "reason": "She has left the workshop.", "key": "b"}
    for _twice in range(2):
        assert client.post(f"/applications/{case_id}/owner", data=sent).status_code == 303
    rows = session().execute(select(Outbox.notice, Outbox.person_id).where(Outbox.notice.like("ownership%")))
    told = {row.notice: row.person_id for row in rows}
    assert told == {"ownership_taken": heir.person_id, "ownership_left": world.applicant.person_id}
    with pytest.raises(Refused, match="who alone sends it"):
        world.submit(case_id)
    page = text_of(signed_in(app, world.applicant).get(f"/applications/{case_id}/check"))
    assert "This application belongs to Heir" in page
    world.submit(case_id, heir)
    assert world.state(case_id) == "submitted"


def test_where_the_owner_acts_no_more_whoever_acts_for_the_organisation_sends(world: World) -> None:
    case_id, colleague = world.complete(), person("applicant", organisation_id=world.body)
    with pytest.raises(Refused):
        world.submit(case_id, colleague)
    with unit_of_work() as current:
        current.get_one(Person, world.applicant.person_id).active = False
    world.submit(case_id, colleague)
    assert world.state(case_id) == "submitted"


def test_staff_of_another_programme_give_nothing_away(app: Flask, world: World) -> None:
    from tests.factories import record_file

    case_id = world.draft()
    foreign = person("officer", programme_id=record_file("programme"))
    assert signed_in(app, foreign).get(f"/applications/{case_id}/owner").status_code == 404


# --------------------------------------------------------------------------------------------------------- a link back
def way_back(app: Flask, world: World, case_id: int) -> str:
    assert signed_in(app, world.applicant).post(f"/applications/{case_id}/link").status_code == 303
    params = (
        session().scalars(select(Outbox.params).where(Outbox.notice == "draft_link").order_by(Outbox.id.desc())).first()
    )
    way = links.way_of(params or {})
    assert way is not None
    return urlsplit(way.url).path


def test_a_link_leads_its_owner_back_to_the_draft_once(app: Flask, world: World) -> None:
    case_id = world.draft()
    path = way_back(app, world, case_id)
    elsewhere = signed_in(app, None)
    assert "Sign in and go on writing" in text_of(elsewhere.get(path))
    assert elsewhere.get(f"/applications/{case_id}").status_code == 303, "looking spends nothing and lets nobody in"
    assert elsewhere.post(path).location == f"/applications/{case_id}"
    assert elsewhere.get(f"/applications/{case_id}").status_code == 200
    assert signed_in(app, None).post(path).status_code == 404


def test_a_link_back_is_nobody_elses_and_ends_by_itself(app: Flask, world: World) -> None:
    case_id = world.draft()
    path = way_back(app, world, case_id)
    other = signed_in(app, world.stranger)
    refused = other.post(path)
    assert refused.status_code == 403 and "another person’s" in text_of(refused)
    assert other.get(f"/applications/{case_id}").status_code == 404
    assert signed_in(app, None).post(f"{path}x").status_code == 404
    with clock.at(clock.now() + links.LIVES["draft"]):
        assert signed_in(app, None).post(path).status_code == 404
    with unit_of_work():
        identity.change_password(world.applicant, world.applicant.person_id or 0, new="seven dry socks on a line")
    assert signed_in(app, None).post(path).status_code == 404, "a new password ends it"
    assert signed_in(app, world.stranger).post(f"/applications/{case_id}/link").status_code == 404
    kinds = session().scalars(select(AccountLink.kind).where(AccountLink.kind == "draft")).all()
    assert len(kinds) == 1


# ------------------------------------------------------------------------------------------------------ earlier answers
def test_earlier_answers_fill_blanks_and_leave_what_was_typed(app: Flask, world: World) -> None:
    earlier, case_id = world.submitted(), world.draft()
    world.write(case_id, "project", {"title": "Another workshop", "income_last_year": "lots"})
    client = signed_in(app, world.applicant)
    page = client.get(f"/applications/{case_id}")
    assert "answers of an earlier application fit here" in text_of(page)
    row = service.row_of(case_id)
    found = copying.preview(row, copying.earlier_of(row, world.applicant)[0])
    assert {"title", "income_last_year"} <= {question.code for question in found.kept}
    assert {question.kind for question in found.never} == {"file", "declaration", "consent"} and not found.unfit
    look = text_of(client.get(f"/applications/{case_id}/copy"))
    assert f"Copy {len(found.filled)} answers" in look and f"Blanks that are filled: {len(found.filled)}" in look
    stale = client.post(f"/applications/{case_id}/copy", data={"source": earlier, "revision": row.revision - 1})
    assert stale.status_code == 409 and service.row_of(case_id).answers == row.answers
    sent = {"source": earlier, "revision": row.revision}
    for _twice in range(2):
        assert client.post(f"/applications/{case_id}/copy", data=sent).status_code == 303
    after = service.row_of(case_id)
    assert after.answers["title"] == "Another workshop" and after.typed == {"income_last_year": "lots"}
    assert after.answers["costs"] == service.row_of(earlier).answers["costs"]
    assert "true_answers" not in after.answers and after.revision == row.revision + 1
    for question in found.never:
        assert question.code not in service.draft_of(after).values


def test_answers_are_copied_within_one_organisation_only(app: Flask, world: World) -> None:
    theirs = world.submitted(world.stranger, world.stranger_body)
    case_id = world.draft()
    client = signed_in(app, world.applicant)
    assert "earlier application" not in text_of(client.get(f"/applications/{case_id}"))
    assert "There is no earlier application" in text_of(client.get(f"/applications/{case_id}/copy"))
    assert client.post(f"/applications/{case_id}/copy", data={"source": theirs}).status_code == 404
    two = also(world.applicant, "applicant", organisation_id=organisation("Second body"))
    assert copying.earlier_of(service.row_of(case_id), two) == []


def test_what_this_call_asks_otherwise_is_told_and_not_copied(world: World) -> None:
    earlier, case_id = world.submitted(), world.draft()
    old = service.terms_of(service.row_of(case_id).pack_hash)
    source = copying.earlier_of(service.row_of(case_id), world.applicant)[0]
    assert source.case_id == earlier
    given = service.answers_of(earlier, 1) | {"grant_kind": "gone", "district": "nowhere"}
    found = copying._judge(old, old, given, Draft(), source)
    assert [question.code for question in found.unfit] == ["district", "grant_kind"]


def test_a_draft_page_asks_a_fixed_number_of_questions(app: Flask, world: World) -> None:
    from tests.browsing import counting

    case_id, counts = world.draft(), []
    client = signed_in(app, world.applicant)
    world.submitted()
    for _more in range(2):
        guest(world, case_id, "plan")
        with counting() as statements:
            client.get(f"/applications/{case_id}")
        counts.append(len(statements))
        for _two in range(2):
            guest(world, case_id)
            world.submitted()
    assert counts[0] == counts[1]


# ------------------------------------------------------------------------------------------------------- by the browser
SCRIPT = {"X-GrantFlow-Page": "1"}


def autosave(client: Any, case_id: int, actor: Actor, page: tuple[int, dict[str, str]], **words: str) -> Any:
    """What the page's script sends: the questions that changed, with the marks of all."""
    sent = {"person": str(actor.person_id), "revision": page[0], "was": [f"{c}:{m}" for c, m in page[1].items()]}
    sent |= {"shown": list(words)} | {f"q-{code}": text for code, text in words.items()}
    return client.post(f"/applications/{case_id}/edit/plan", data=sent, headers=SCRIPT)


def test_a_draft_saves_itself_and_says_only_what_is_true(app: Flask, world: World) -> None:
    case_id, client = world.draft(), signed_in(app, world.applicant)
    first = autosave(client, case_id, world.applicant, seen(case_id, "plan"), steps="Half a sen")
    assert first.status_code == 200 and first.json["said"] == "Saved at 12:00:00" and first.json["revision"] == 1
    assert first.json["was"] == {"steps": seen(case_id, "plan")[1]["steps"]}
    assert service.row_of(case_id).answers["steps"] == "Half a sen"
    events = session().scalars(select(Event.move).where(Event.case_id == case_id)).all()
    assert events == ["open"], "a save is no event"
    odd = autosave(client, case_id, world.applicant, seen(case_id, "plan"), ends_on="soon")
    assert odd.json["said"].startswith("Saved at 12:00:00. To correct: "), "kept, and told that it is no date"
    with clock.at(CLOSES.replace(minute=59, day=3)):
        late = autosave(signed_in(app, world.applicant), case_id, world.applicant, seen(case_id, "plan"), steps="More")
    assert late.status_code == 403 and "The time for applications ended" in late.json["said"]


def test_an_autosave_keeps_what_does_not_clash_and_tells_what_does(app: Flask, world: World) -> None:
    case_id, colleague = world.complete(), person("applicant", organisation_id=world.body, name="Anna")
    both = seen(case_id, "plan")
    autosave(signed_in(app, colleague), case_id, colleague, both, steps="Anna's steps.", ends_on="1.12.2022")
    mine = autosave(
        signed_in(app, world.applicant), case_id, world.applicant, both, steps="Mine.", after_grant="Mine too."
    )
    assert mine.status_code == 409 and mine.json["clash"] == ["steps"] and list(mine.json["was"]) == ["after_grant"]
    assert "Changed by Anna at 12:00" in mine.json["changed"] and "Last day" in mine.json["theirs"]
    answers = service.row_of(case_id).answers
    assert (answers["steps"], answers["after_grant"], answers["ends_on"]) == (
        "Anna's steps.",
        "Mine too.",
        "2022-12-01",
    )
    assert "Changed by Anna" not in text_of(signed_in(app, colleague).get(f"/applications/{case_id}/edit/plan"))
    seen_by_anna = text_of(signed_in(app, colleague).get(f"/applications/{case_id}/edit/plan"))
    assert "Changed by Owner" in seen_by_anna


def test_a_page_s_script_is_told_that_the_session_is_over_and_signs_in_on_the_page(app: Flask, world: World) -> None:
    case_id = world.draft()
    page = seen(case_id, "plan")
    with unit_of_work():
        identity.change_password(world.applicant, world.applicant.person_id or 0, new="seven dry socks on a line")
    email = session().get_one(Person, world.applicant.person_id).email
    client = signed_in(app, None)
    out = autosave(client, case_id, world.applicant, page, steps="Kept on the page.")
    assert out.status_code == 401 and out.json["door"] and out.json["csrf"]
    sent = {"email": email, "password": "wrong", "person": str(world.applicant.person_id)}
    no = client.post("/sign-in", data=sent, headers=SCRIPT)
    assert no.status_code == 400 and "do not fit together" in no.json["said"] and "person" not in no.json
    sent |= {"password": "seven dry socks on a line"}
    other = client.post("/sign-in", data=sent | {"person": str(world.stranger.person_id)}, headers=SCRIPT)
    assert other.status_code == 400 and "another person’s" in other.json["said"]
    assert client.get(f"/applications/{case_id}").status_code == 303, "nobody came in"
    assert client.post("/sign-in", data=sent, headers=SCRIPT).json["person"] == world.applicant.person_id
    assert autosave(client, case_id, world.applicant, page, steps="Kept on the page.").status_code == 200


def test_the_words_of_a_page_are_saved_under_no_other_name(app: Flask, world: World) -> None:
    case_id, colleague = world.draft(), person("applicant", organisation_id=world.body)
    reply = autosave(signed_in(app, colleague), case_id, world.applicant, seen(case_id, "plan"), steps="Mine.")
    assert reply.status_code == 401 and reply.json["door"] and service.row_of(case_id).revision == 0


def test_both_answers_stand_side_by_side_until_somebody_chooses(app: Flask, world: World) -> None:
    case_id, colleague = world.complete(), person("applicant", organisation_id=world.body)
    page, where = seen(case_id, "plan"), f"/applications/{case_id}/edit/plan"

    def form(page: tuple[int, dict[str, str]], **changes: Any) -> dict[str, Any]:
        return flat("plan", **changes) | {"revision": page[0], "was": [f"{c}:{m}" for c, m in page[1].items()]}

    theirs = form(page, steps="Theirs.", after_grant="Theirs.")
    assert signed_in(app, colleague).post(where, data=theirs).status_code == 303
    client, mine = signed_in(app, world.applicant), form(page, steps="Mine.", after_grant="Mine.")
    clash = client.post(where, data=mine)
    assert clash.status_code == 409 and text_of(clash).count("Keep yours") == 2
    now = form(seen(case_id, "plan"), steps="Mine.", after_grant="Mine.") | {"choose": ["steps", "after_grant"]}
    half = client.post(where, data=now | {"take-steps": "mine"})
    assert half.status_code == 409 and "Choose for each question" in text_of(half)
    assert service.row_of(case_id).answers["steps"] == "Theirs."
    done = client.post(where, data=now | {"take-steps": "mine", "take-after_grant": "theirs"})
    assert done.status_code == 303
    answers = service.row_of(case_id).answers
    assert (answers["steps"], answers["after_grant"]) == ("Mine.", "Theirs.")
