"""A move that writes to many shows its letters before it is made: exactly those that go out, and nothing stays of the look."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from grantflow import clock
from grantflow.cases import bell, rehearsal, stops, texts, worker
from grantflow.cases.models import Letter, Outbox
from grantflow.cases.service import get, record
from grantflow.db import Base, session, unit_of_work
from grantflow.identity.models import Person
from tests.browsing import counting, field, signed_in, text_of
from tests.factories import person
from tests.scoring.conftest import NOW
from tests.together import all_at_once

SAID = {"subject": {"en": "Chosen: {ref}", "ru": "Выбрано: {ref}"}, "text": {"en": "Well done.", "ru": "Поздравляем."}}


def in_russian(*actors: Any) -> None:
    with unit_of_work() as current:
        ids = [actor.person_id for actor in actors]
        current.execute(update(Person).where(Person.id.in_(ids)).values(language="ru"))


@pytest.fixture
def decided(decided):
    in_russian(*decided.applicants[:3])
    worker.one_round()
    return decided


def path(made: Any, trigger: str) -> str:
    return f"/cases/{made.call}/moves/{trigger}"


def typed(page: Any, **more: str) -> dict[str, str]:
    """What a browser would send from this page: version, key and the letters seen, if there are any."""
    names = ("version", "key", "letters") if 'name="letters"' in page.get_data(as_text=True) else ("version", "key")
    return {name: field(page, name) for name in names} | more


def look(client: Any, url: str, **more: str) -> Any:
    return client.post(url, data=typed(client.get(url), do="look", **more))


def everything() -> dict[str, Any]:
    """Every row of every table."""
    session().rollback()
    tables = Base.metadata.sorted_tables
    found = {
        table.name: sorted(map(repr, session().execute(select(table)).all()))
        for table in tables
        if table.name != "outbox"
    } | {"outbox": session().execute(select(Outbox.__table__).order_by(Outbox.id)).all()}
    session().rollback()
    return found


def told() -> int:
    session().rollback()
    return int(session().scalar(select(func.count()).select_from(Outbox)) or 0)


def samples(page: Any) -> list[str]:
    """The letters shown whole: subject and body, as one text each."""
    shown = re.findall(r'<article class="gf-letter.*?</article>', page.get_data(as_text=True), flags=re.S)
    return [_plain(re.search(r"<div lang=.*", one, flags=re.S)[0]) for one in shown]  # type: ignore[index]


def _plain(text: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def row(page: Any, words: str) -> list[int]:
    """The figures of the line of the table that begins with these words."""
    for found in re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", page.get_data(as_text=True), flags=re.S):
        if words in _plain(found):
            return [int(number) for number in re.findall(r'<td class="num">(\d+)</td>', found)]
    raise AssertionError(f"no line {words!r}")


def together(page: Any) -> list[int]:
    """The figures above the table."""
    return [int(number) for number in re.findall(r'<span class="v">(\d+)</span>', page.get_data(as_text=True))]


def test_what_is_shown_is_what_goes_out(decided, web):
    client, url = web(decided.manager), path(decided, "announce")
    first = client.get(url)
    assert "See the letters first" in text_of(first) and "and send" not in text_of(first)
    before = told()
    page = look(client, url)
    assert page.status_code == 200 and told() == before
    # letters, people, in English, in Russian, leave at once
    assert row(page, "N-13") == [2, 2, 0, 2, 2]
    assert together(page) == [7, 5, 2, 5, 7]
    assert "Announce the results and send 7 letters" in text_of(page)
    shown = samples(page)
    assert len(shown) == 3
    assert client.post(url, data=typed(page)).status_code == 303
    assert told() == before + 7
    worker.one_round()
    sent = [_plain(f"{one.subject} {one.body}") for one in session().scalars(select(Letter))]
    assert [one in sent for one in shown] == [True] * 3
    assert len({_kind(one) for one in shown}) > 1 and any("ё" in one or "и" in one for one in shown)


def _kind(letter: str) -> str:
    return " ".join(letter.split()[:2])


def test_nothing_stays_of_a_look(decided, web, app, tmp_path, monkeypatch):
    rung: list[int] = []
    client, url = web(decided.manager), path(decided, "announce")
    client.get(url)
    monkeypatch.setattr(bell, "ring", lambda: rung.append(1))
    before, files = everything(), sorted(tmp_path.rglob("*"))
    page = look(client, url)
    again = client.post(url, data=typed(page, do="look"))  # with the letters already seen in the form
    assert page.status_code == again.status_code == 200 and field(again, "letters") == field(page, "letters")
    assert everything() == before and sorted(tmp_path.rglob("*")) == files and rung == []
    assert get(decided.call).state == "decided"


def test_without_a_look_nothing_is_sent_and_the_letters_are_shown(decided, web):
    client, url = web(decided.manager), path(decided, "announce")
    before = everything()
    for given in ({}, {"letters": "7.0000"}, {"letters": "x" * 5000}):
        page = client.post(url, data=typed(client.get(url), **given))
        assert page.status_code == (409 if given.get("letters") == "7.0000" else 200)
        assert "Announce the results and send 7 letters" in text_of(page)
    assert everything() == before


def test_letters_that_became_others_are_shown_anew_and_not_sent(decided, web):
    client, url = web(decided.manager), path(decided, "announce")
    page = look(client, url)
    decided.fire(decided.applications[3], "withdraw", decided.applicants[3])
    before = told()
    again = client.post(url, data=typed(page))
    assert again.status_code == 409 and told() == before and get(decided.call).state == "decided"
    assert "Letters you looked at: 7. Letters now: 6." in text_of(again)
    assert client.post(url, data=typed(again)).status_code == 303
    assert told() == before + 6


def test_other_words_of_a_manager_are_other_letters(decided, web):
    client, url = web(decided.manager), path(decided, "announce")
    page = look(client, url)
    with unit_of_work():
        texts.write(decided.programme, "outcome_awarded", SAID, actor=decided.manager, seen=0)
    again = client.post(url, data=typed(page))
    assert again.status_code == 409 and "as many as before" in text_of(again)
    assert any("Выбрано: KR-2021-000" in one and "Поздравляем." in one for one in samples(again))
    assert client.post(url, data=typed(again)).status_code == 303


def test_what_a_reader_switches_for_themselves_holds_nobody_up(decided, web):
    client, url = web(decided.manager), path(decided, "announce")
    page = look(client, url)
    in_russian(*decided.applicants)
    with clock.at(clock.now() + timedelta(hours=2)):  # terms of acceptance run from another minute now
        assert client.post(url, data=typed(page)).status_code == 303


def test_letters_looked_at_on_another_day_are_shown_again(decided, web):
    url = path(decided, "announce")
    midnight = clock.now().replace(hour=0, minute=0) + timedelta(days=1)
    with clock.at(midnight - timedelta(hours=2)):
        client = web(decided.manager)
        page = look(client, url)
    with clock.at(midnight - timedelta(hours=1)):
        again = look(client, url)
    assert field(again, "letters") == field(page, "letters")
    with clock.at(midnight + timedelta(hours=1)):
        assert client.post(url, data=typed(page)).status_code == 409
    assert get(decided.call).state == "decided"


def test_a_double_press_sends_once_and_an_old_page_is_told_so(decided, web):
    client, url = web(decided.manager), path(decided, "announce")
    page, before = look(client, url), told()
    late = look(client, url)
    for _ in range(3):
        assert client.post(url, data=typed(page)).status_code == 303
    assert client.post(url, data=typed(page, do="look")).status_code == 303, "what is made already is not rehearsed"
    assert told() == before + 7
    stale = client.post(url, data=typed(late))
    assert stale.status_code == 409 and "Somebody was quicker" in text_of(stale) and "and send" not in text_of(stale)
    assert told() == before + 7


def test_a_stale_look_shows_what_happened_and_no_letters(decided, web):
    client, url = web(decided.manager), path(decided, "announce")
    page = client.get(url)
    with unit_of_work():
        record(decided.call, "told", actor=decided.manager)
    stale = client.post(url, data=typed(page, do="look"))
    assert stale.status_code == 409 and samples(stale) == [] and "See the letters first" in text_of(stale)


def test_a_look_is_refused_to_whom_the_move_is_refused(decided, web):
    url, stranger = path(decided, "announce"), person("manager", programme_id=decided.bodies[0])
    data = typed(web(decided.manager).get(url), do="look")
    before = everything()
    for actor, status in (
        (decided.officer, 403), (decided.auditor, 403), (decided.chair, 403),
        (decided.applicants[1], 404), (stranger, 404),
    ):  # fmt: skip
        page = web(actor).post(url, data=data)
        assert page.status_code == status, actor.name
        assert samples(page) == [] and "N-09" not in text_of(page)
    assert web(None).post(url, data=data).location.startswith("/sign-in")
    after = everything()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"kept_inputs"}, "what somebody without a session typed is kept for them, and nothing else"


def test_a_guards_no_and_a_missing_reason_are_shown_instead_of_letters(contest, web):
    made = contest(2, seated=False)
    page = web(made.manager).post(path(made, "start_evaluation"), data={"version": "1", "key": "k", "do": "look"})
    assert page.status_code == 403 and "no panel yet" in text_of(page) and samples(page) == []
    client = web(made.manager)
    page = look(client, path(made, "cancel"), reason="  ")
    assert page.status_code == 400 and "Write the reason" in text_of(page) and samples(page) == []


def test_what_is_typed_stands_in_the_letters_is_kept_and_counts(contest, web):
    made = contest(3)
    client, url = web(made.manager), path(made, "cancel")
    before, page = told(), look(client, url, reason="The donor stopped.")
    assert "The donor stopped." in samples(page)[0] and "The donor stopped.</textarea>" in page.get_data(as_text=True)
    other = client.post(url, data=typed(page, reason="The donor went home."))
    assert other.status_code == 409 and "The donor went home." in samples(other)[0] and told() == before
    assert client.post(url, data=typed(other, reason="The donor went home.")).status_code == 303
    assert told() == before + 3 and get(made.call).state == "cancelled"


def test_who_gets_no_letter_of_their_own_is_said(contest, web):
    made = contest(2)
    second = person("officer", programme_id=made.programme)
    with unit_of_work() as current:
        stops.switch(second.person_id, "N-08", False, actor=second)
        current.execute(update(Person).where(Person.id == made.members[4].person_id).values(active=False))
    page = look(web(made.manager), path(made, "start_evaluation"))
    words = text_of(page)
    assert together(page) == [7, 7, 7, 0, 4] and "Start the evaluation and send 4 letters" in words
    assert row(page, "N-08") == [2, 2, 2, 0, 0]
    assert row(page, "N-10") == [5, 5, 5, 0, 4]
    for line in ("letter of the morning: 1", "switched off by the reader: 1", "No account any more: 1"):
        assert line in words
    assert words.count("Not sent") == 2, "of three samples two show a reader without a letter"
    assert "/notices/stop/" not in page.get_data(as_text=True), "the link that stops a letter is its reader's"


def test_a_move_that_writes_to_nobody_says_so(contest, web):
    made = contest(0)
    client, url = web(made.manager), path(made, "cancel")
    page = look(client, url, reason="Nobody applied.")
    assert "Nobody would be written to." in text_of(page) and ">Cancel the call</button>" in page.get_data(as_text=True)
    assert client.post(url, data=typed(page, reason="Nobody applied.")).status_code == 303


@pytest.mark.parametrize("applications", [3, 12])
def test_a_look_costs_what_the_move_costs_however_many_are_written_to(contest, applications):
    made = contest(applications)
    how = {"actor": made.manager, "reason": "The donor stopped."}
    first = rehearsal.fire(made.call, "cancel", seen="", **how)
    counts = []
    for seen in ("", first.mark):
        with counting() as statements:
            rehearsal.fire(made.call, "cancel", seen=seen, **how)
        counts.append(len(statements))
    assert get(made.call).state == "cancelled"
    assert 0 < counts[0] - counts[1] <= 10, "its readers, what they switched off, and the words of three samples"


def test_the_page_speaks_the_managers_language_and_each_sample_its_readers(decided, web):
    in_russian(decided.manager, decided.applicants[3])  # one of seven letters is in English, and it is among the three
    page = look(web(decided.manager), path(decided, "announce"))
    words = text_of(page)
    assert "Объявить итоги и отправить 7 писем" in words
    shown = re.findall(r'<div lang="(..)">', page.get_data(as_text=True))
    assert set(shown) == {"en", "ru"}


def test_presses_at_once_send_once(contest, app, web):
    made = contest(3)
    url, count = path(made, "cancel"), told()
    page = look(web(made.manager), url, reason="The donor stopped.")

    def press() -> int:
        with clock.at(NOW):
            own = signed_in(app, made.manager)
            return int(own.post(url, data=typed(page, reason="The donor stopped.")).status_code)

    assert all_at_once(app, *[press] * 4) == [303] * 4 and told() == count + 3
