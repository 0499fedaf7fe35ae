"""An applicant's draft and a newer form of its call: shown first, taken over as shown, or left on its own."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from grantflow.cases.service import get
from grantflow.db import session, unit_of_work
from grantflow.errors import Refused, Stale
from grantflow.history.models import Event
from grantflow.submissions import newer, service
from tests.browsing import field, signed_in, text_of
from tests.submissions.conftest import ANSWERS, World
from tests.submissions.test_amending import form, load
from tests.submissions.test_amending import newer as changed


def found(case_id: int) -> newer.Newer:
    row = service.row_of(case_id)
    seen = newer.newer(get(case_id), row)
    assert seen is not None
    return seen


def last_event(case_id: int) -> Any:
    return session().scalars(select(Event).where(Event.case_id == case_id).order_by(Event.seq.desc())).first()


def test_a_draft_goes_over_only_as_it_was_shown_and_only_once(world: World) -> None:
    draft = world.complete()
    assert newer.newer(get(draft), service.row_of(draft)) is None
    new = load(world, form=form(changed))
    seen = found(draft)
    assert seen.number == 2
    assert {(was and was.code, now and now.code) for was, now in seen.questions} == {
        ("register_extract", None), ("after_grant", None), (None, "afterwards"), ("risks", "risks"), ("needs", "needs"),
    }  # fmt: skip
    assert {q.code for q, _value in seen.lost()} == {"risks", "register_extract", "needs", "after_grant"}
    assert [(q.code, after) for q, _before, after in seen.changed()] == [("needs", ["income"])]
    assert {q.code for q in seen.missing()} == {"risks", "afterwards"}
    world.write(draft, "project", ANSWERS["project"] | {"title": "Felt and more felt"})
    with pytest.raises(Stale), unit_of_work():
        newer.take(draft, actor=world.applicant, seen=seen.mark)
    assert service.row_of(draft).pack_hash != new.content_hash
    for expected in (True, False):
        with unit_of_work():
            assert newer.take(draft, actor=world.applicant, seen=found(draft).mark if expected else seen.mark) is expected
    assert service.row_of(draft).pack_hash == new.content_hash
    event = last_event(draft)
    assert (event.move, event.role) == ("terms_changed", "applicant")


def test_nobody_else_takes_it_over_and_nothing_sent_goes_over(world: World) -> None:
    sent, draft = world.submitted(), world.complete()
    load(world, form=form(changed))
    for actor in (world.officer, world.manager):
        with pytest.raises(Refused), unit_of_work():
            newer.take(draft, actor=actor, seen=found(draft).mark)
    assert newer.newer(get(sent), service.row_of(sent)) is None


def test_the_page_shows_what_would_become_of_the_answers_and_does_it(app: Any, world: World) -> None:
    draft = world.complete()
    browser, path = signed_in(app, world.applicant), f"/applications/{draft}/newer-form"
    assert browser.get(path).status_code == 303, "there is nothing newer"
    new = load(world, form=form(changed))
    assert f'href="{path}"' in browser.get(f"/applications/{draft}").get_data(as_text=True)
    shown = browser.get(path)
    page = text_of(shown)
    assert "Yarn may come late" in page, "what is set aside is shown in full"
    assert "not asked" in page and "Take my draft over" in page
    assert service.row_of(draft).pack_hash != new.content_hash
    late = browser.post(path, data={"seen": "0" * 16})
    assert late.status_code == 409 and "nothing was done" in text_of(late)
    assert browser.post(path, data={"seen": field(late, "seen")}).status_code == 303
    assert service.row_of(draft).pack_hash == new.content_hash
    assert path not in browser.get(f"/applications/{draft}").get_data(as_text=True)
    assert signed_in(app, world.officer).get(path).status_code in (403, 404)
