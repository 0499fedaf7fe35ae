"""Applications go to newer terms of their call: kept and lost answers, who stays and why; and a map the facts forbid."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from grantflow.cases import amending as cases_amending
from grantflow.cases import definitions
from grantflow.cases.service import fire, get
from grantflow.db import session, unit_of_work
from grantflow.eligibility import service as eligibility
from grantflow.errors import NotFound, Refused, Stale
from grantflow.history import verify
from grantflow.history.models import Event, PrivateValue
from grantflow.programmes import pack as packs
from grantflow.programmes.models import Call
from grantflow.programmes.service import load_pack
from grantflow.programmes.terms import Terms
from grantflow.programmes.versions import differences, versions
from grantflow.submissions import amending, service
from tests.submissions.conftest import FILE, World

CODE = "KR-2021"


def load(world: World, **terms: Any) -> Terms:
    """Load the pack with other terms of the call; gives them back."""
    pack = packs.read(FILE)
    call = pack.call(CODE)
    body = call.terms.model_dump(mode="json", by_alias=True, exclude_defaults=True) | terms
    new = Terms.model_validate(body)
    calls = tuple(one.model_copy(update={"terms": new}) if one.code == CODE else one for one in pack.calls)
    with unit_of_work():
        load_pack(pack.model_copy(update={"calls": calls}), world.manager)
    return new


def form(change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> list[dict[str, Any]]:
    """The form with each question changed, or taken out where None comes back."""
    body = packs.read(FILE).call(CODE).terms.model_dump(mode="json", by_alias=True, exclude_defaults=True)["form"]
    for section in body:
        section["questions"] = [made for q in section["questions"] if (made := change(dict(q))) is not None]
    return list(body)


def newer(question: dict[str, Any]) -> dict[str, Any] | None:
    """Risks are a file now, the register extract goes, one tick of the needs too, and one question is new."""
    if question["code"] == "register_extract":
        return None
    if question["code"] == "risks":
        return {"code": "risks", "kind": "file", "label": question["label"], "accept": ["pdf"]}
    if question["code"] == "needs":
        question["options"] = [option for option in question["options"] if option["value"] != "youth"]
    if question["code"] == "after_grant":
        question["code"] = "afterwards"
    return question


def look(world: World, *only: str, actor: Any = None) -> amending.Plan:
    with unit_of_work():
        return amending.plan(CODE, actor or world.manager, only)


def carry(
    world: World, *only: str, seen: Any = None, reason: str = "The board asked.", mark: str = ""
) -> amending.Plan:
    seen = look(world, *only).versions if seen is None else seen
    with unit_of_work():
        return amending.carry_out(CODE, world.manager, reason, only, seen=seen, mark=mark)


def events(case_id: int) -> list[Any]:
    return list(session().execute(select(Event.__table__).where(Event.case_id == case_id).order_by(Event.seq)))


def test_a_changed_form_is_a_numbered_version_whose_event_says_what_changed(world: World) -> None:
    before = session().scalar(select(Call.pack_hash).where(Call.case_id == world.call))
    new = load(world, form=form(newer), min_ask="100000")
    last = events(world.call)[-1]
    assert (last.move, last.facts["version"], versions(world.call)) == ("call_changed", 2, [before, new.content_hash])
    labels = packs.read(FILE).call(CODE).terms.questions
    assert last.facts["questions_removed"] == {
        lang: f"{labels['after_grant'].label.in_(lang)}, {labels['register_extract'].label.in_(lang)}"
        for lang in ("en", "ru")
    }
    assert set(last.facts) == {
        "version", "changes", "questions_added", "questions_removed", "questions_changed", "sections_changed", "other_terms",
    }  # fmt: skip
    assert last.facts["other_terms"] == {"en": "Sums", "ru": "Суммы"}


def test_rules_and_rubric_that_change_are_named() -> None:
    old = packs.read(FILE).call(CODE).terms
    rule, criterion = old.eligibility[0], old.rubric.criteria[0]
    rules = (rule.model_copy(update={"unanswered": "pass"}), *old.eligibility[1:])
    rubric = old.rubric.model_copy(update={"quorum": old.rubric.quorum + 1, "criteria": old.rubric.criteria[::-1]})
    found = differences(old, old.model_copy(update={"eligibility": rules, "rubric": rubric}))
    assert [code for code, _label in found["rules_changed"]] == [rule.code]
    assert {criterion.code, "scale"} <= {code for code, _label in found["rubric_changed"]}
    assert set(found) == {"rules_changed", "rubric_changed"} and differences(old, old) == {}


def test_an_application_keeps_its_terms_until_it_is_moved(world: World) -> None:
    draft = world.complete()
    before = service.row_of(draft).pack_hash
    load(world, form=form(newer))
    assert service.row_of(draft).pack_hash == before
    seen = look(world)
    assert (seen.number, list(seen.changes), [g.case.id for g in seen.going]) == (2, [1], [draft])
    (going,) = seen.going
    assert set(going.lost) == {"risks", "register_extract", "needs", "after_grant"}
    assert {"title", "inn", "costs", "tax_certificate"} <= set(going.kept)
    assert set(going.missing) == {"risks", "afterwards"}
    assert service.row_of(draft).pack_hash == before, "a preview changes nothing"


def test_a_moved_draft_keeps_what_fits_and_sets_the_rest_aside_beside_one_event(world: World) -> None:
    draft = world.complete()
    was, count = service.row_of(draft), len(events(draft))
    new = load(world, form=form(newer))
    carry(world)
    now = service.row_of(draft)
    assert (now.pack_hash, now.revision) == (new.content_hash, was.revision + 1)
    assert now.answers["needs"] == ["income"] and now.answers["title"] == was.answers["title"]
    assert not {"risks", "after_grant", "register_extract"} & (now.answers.keys() | service.draft_of(now).values.keys())
    last = events(draft)[-1]
    assert (len(events(draft)), last.move, last.role) == (count + 1, "terms_changed", "manager")
    assert last.facts["changes"][0] == {"field": "terms", "before": was.pack_hash, "after": new.content_hash}
    kept = select(PrivateValue.value).filter_by(case_id=draft, seq=last.seq, name="risks:before")
    assert json.loads(session().scalar(kept)) == was.answers["risks"]
    assert "Yarn may come late" not in json.dumps(last.facts, ensure_ascii=False)
    assert verify.verify_case(draft).whole
    assert {fault.question for fault in service.check(draft)} == {"risks", "afterwards"}
    assert look(world).going == []
    assert carry(world).going == [] and len(events(draft)) == count + 1


def test_a_sent_application_is_judged_by_the_terms_it_was_moved_to(world: World) -> None:
    sent = world.submitted()
    was = service.submitted(sent)
    with unit_of_work():
        eligibility.run_checks(sent, actor=world.officer)
    assert eligibility.present(sent) == 1
    body = packs.read(FILE).call(CODE).terms.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    load(world, form=form(newer), eligibility=body["eligibility"][:2])
    carry(world)
    now = service.submitted(sent)
    assert (now.answers, now.version.sha256, now.terms) == (was.answers, was.version.sha256, was.terms)
    assert eligibility.present(sent) is None, "the rules were run under the earlier terms"
    with unit_of_work():
        findings = eligibility.run_checks(sent, actor=world.officer)
    assert [one.code for one in findings] == [rule["code"] for rule in body["eligibility"][:2]]
    assert eligibility.present(sent) == 2


def test_those_that_were_checked_returned_or_have_ended_stay_and_are_told_why(world: World) -> None:
    returned, checked, ended = (world.submitted() for _ in range(3))
    world.give_back(returned, "people")
    with unit_of_work():
        eligibility.run_checks(checked, actor=world.officer)
        fire(checked, "pass", actor=world.officer)
        fire(ended, "withdraw", actor=world.applicant)
    load(world, form=form(newer))
    seen = look(world)
    said = {name: str(why) for name, why in seen.staying}
    assert seen.going == [] and said == {
        get(returned).ref: "it is with the applicant for correction",
        get(checked).ref: "it was checked, or has ended, under the terms it has",
        get(ended).ref: "it was checked, or has ended, under the terms it has",
    }


def test_an_answer_written_after_the_preview_stops_the_move(world: World) -> None:
    one, other = world.complete(), world.complete()
    load(world, form=form(newer))
    seen = look(world)
    world.write(other, "project", {"title": "Felt, linen and wool"})
    with pytest.raises(Stale, match=f"application/{other}"):
        carry(world, seen=seen.versions)
    with pytest.raises(Stale, match="no longer what the preview showed"):
        carry(world, mark=seen.mark)
    assert service.row_of(one).revision == seen.versions[one][1]
    assert [going.case.id for going in carry(world, f"application/{one}").going] == [one]
    assert [going.case.id for going in look(world).going] == [other]


def test_only_the_manager_moves_them_with_a_reason_and_by_a_name_that_is_there(world: World) -> None:
    world.complete()
    load(world, form=form(newer))
    for nobody in (world.officer, world.applicant):
        with pytest.raises(Refused, match="Only the programme manager"):
            look(world, actor=nobody)
    with pytest.raises(Refused, match="Write the reason"):
        carry(world, reason=" ")
    with pytest.raises(NotFound, match="KR-2021-9999"):
        look(world, "KR-2021-9999")


@pytest.fixture
def renew(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Puts another version of the application's workflow in force, with the same states."""
    real = definitions.current

    def put() -> None:
        body = real("application").model_dump(mode="json", by_alias=True)
        body["label"]["en"] = "Application, newer"
        made = real("application").model_validate(body)
        monkeypatch.setattr(definitions, "current", lambda name: made if name == "application" else real(name))

    return put


def test_a_case_without_the_facts_of_the_stage_is_refused_in_a_sentence_and_nothing_moves(
    world: World, renew: Callable[[], None], tmp_path: Path
) -> None:
    draft, sent = world.draft(), world.submitted()
    renew()
    file = tmp_path / "map.toml"
    file.write_text('workflow = "application"\nreason = "x"\n[states]\ndraft = "eligible"\n')
    chosen = cases_amending.Chosen("application", call_id=world.call)
    with unit_of_work():
        seen = cases_amending.plan(chosen, file, world.manager)
    assert [(case.id, str(why)) for case, why in seen.blocked] == [
        (draft, "in “Eligible” it would be without the facts of that stage (applications, sent with its facts)")
    ]
    assert [going.case.id for going in seen.going] == [sent]
    with pytest.raises(Refused, match="does not hold for every case"), unit_of_work():
        cases_amending.carry_out(chosen, file, world.manager)
    assert (get(draft).state, get(sent).workflow_hash) == ("draft", get(draft).workflow_hash)
    file.write_text('workflow = "application"\nreason = "x"\n')
    with unit_of_work():
        cases_amending.carry_out(chosen, file, world.manager)
    assert get(draft).workflow_hash == get(sent).workflow_hash == definitions.current("application").content_hash
    assert (get(draft).stage, service.row_of(sent).stage) == ("preparation", "submission")
