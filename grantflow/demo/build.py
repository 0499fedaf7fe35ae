"""Owns building the demo's database: the stages one may stop at, the calendars that follow, and the chapters in order.

Leaves where the finished build goes to `home`, and when one is made to `command`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event, insert, select

from grantflow import clock, create_app, schema
from grantflow.cases import outbox
from grantflow.cases.models import Installation
from grantflow.config import resource_folder
from grantflow.db import db, session, unit_of_work
from grantflow.demo import content
from grantflow.demo.applying import Applying
from grantflow.demo.asking import Asking, Questions
from grantflow.demo.auditing import Auditing
from grantflow.demo.cast import Cast
from grantflow.demo.home import DATABASE, MARK, Mark
from grantflow.demo.judging import Judging, Timetable
from grantflow.demo.lasting import Lasting
from grantflow.demo.opening import Opening
from grantflow.demo.past import Past
from grantflow.demo.paying import Paying
from grantflow.demo.progress import Progress
from grantflow.demo.story import Calendar, Story
from grantflow.errors import GrantFlowError
from grantflow.history import verify
from grantflow.identity import passwords
from grantflow.identity.models import Person
from grantflow.programmes import pack as packs

CONTEST, OPEN_CALL = "KR-2021", "ZB-2022"
STAGES: dict[str, date] = {
    "open": date(2021, 10, 23),
    "eligibility": date(2021, 11, 12),
    "scoring": date(2021, 12, 8),
    "award": date(2022, 2, 23),
    "paying": date(2022, 7, 12),
    "followup": date(2024, 1, 24),
    "end": date(2025, 3, 20),
}
"""The day of the contest on which each stage is looked at. Nobody's doings fall on it."""
DEFAULT = "paying"
OPEN_CALL_TODAY = date(2022, 3, 9)
"""The open call always stands on this day of its own."""
ROUND, ROUND_TODAY = "KS-2022", date(2022, 5, 11)
"""The small call beside the contest always stands on this day of its own: its panel reads."""
EARLIER, EARLIER_TODAY = "KU-2020", date(2021, 6, 29)
"""The call of a year before always stands on this day of its own: its second tranche is due."""
WITHOUT_ROUND = ("scoring",)
"""Where the contest itself keeps the panel busy."""
ROUND_DAYS = Timetable(
    rules_run=date(2022, 3, 16),
    passed=tuple(date(2022, 3, day) for day in (17, 21, 22)),
    refused=(),
    composed=date(2022, 4, 11),
    started=date(2022, 4, 18),
    declared=date(2022, 4, 20),
    read_from=date(2022, 4, 25),
    read_until=date(2022, 6, 1),
    reviews_due=date(2022, 6, 6),
)
CONTEST_DAYS = Timetable(
    rules_run=date(2021, 11, 3),
    passed=tuple(date(2021, 11, day) for day in (5, 9, 11, 15, 15, 16)),
    refused=((date(2021, 11, 11), date(2021, 11, 15)), (date(2021, 11, 3), date(2021, 11, 4))),
    composed=date(2021, 11, 17),
    started=date(2021, 11, 22),
    declared=date(2021, 11, 23),
    read_from=date(2021, 11, 25),
    read_until=date(2021, 12, 19),
    reviews_due=date(2021, 12, 20),
    scoring_closed=date(2021, 12, 21),
    ranked=date(2021, 12, 22),
    decided=date(2022, 1, 26),
    announced=date(2022, 2, 10),
)
EARLIER_DAYS = Timetable(
    rules_run=date(2020, 11, 3),
    passed=(date(2020, 11, 9),),
    refused=(),
    composed=date(2020, 11, 17),
    started=date(2020, 11, 23),
    declared=date(2020, 11, 24),
    read_from=date(2020, 11, 26),
    read_until=date(2020, 12, 16),
    reviews_due=date(2020, 12, 21),
    scoring_closed=date(2020, 12, 22),
    ranked=date(2020, 12, 23),
    decided=date(2021, 1, 20),
    announced=date(2021, 2, 1),
)
ARCHIVED = date(2025, 3, 14)
_READ_BEFORE = timedelta(days=5)
_PACK = "prozvet.toml"
_PAST = ("rcn_2012.toml", "published_grants.toml")


def pack_file() -> Path:
    """The programme the demo shows."""
    return resource_folder("workflows") / "programmes" / _PACK


def past_files() -> list[Path]:
    """The programmes of the past that wait in the demo for an import."""
    return [resource_folder("workflows") / "programmes" / name for name in _PAST]


def content_hash() -> str:
    """What the demo is made of, in short: another value means that a kept demo tells an older story."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    for path in [pack_file(), *past_files(), *sorted(here.glob("*.py")), *sorted(content.FOLDER.glob("*.toml"))]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def build(environ: Mapping[str, str], until: str, progress: Progress) -> Mark:
    """Build a demo in the GRANTFLOW_HOME of `environ`, an empty folder, told up to that stage; gives back its mark."""
    app = create_app(dict(environ))
    mark = Mark(until, clock.today("Europe/Moscow"), content_hash())
    with app.app_context():
        # A build that is killed is thrown away whole, so the disk need not be waited for at each commit.
        event.listen(db.engine, "connect", _unhurried)
    schema.upgrade(app)
    with app.app_context():
        with passwords.no_secret():
            _tell(app, until, progress)
        with unit_of_work() as current:
            current.execute(insert(Installation), {"name": MARK, "value": mark.text()})
        report = verify.verify_all()
        if not report.whole:
            raise GrantFlowError(f"The demo's history is broken: {report.breaks[0]}")
        db.session.remove()
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    _tidy(Path(app.config["GRANTFLOW"].home) / DATABASE)
    return mark


def _unhurried(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()


def _tidy(database: Path) -> None:
    for ending in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            database.with_name(database.name + ending).unlink()


def _tell(app: Flask, until: str, progress: Progress) -> None:
    pack = packs.read(pack_file())
    told = {CONTEST: content.read("contest", content.Contest), OPEN_CALL: content.read("zabaikal", content.Contest)}
    days = {CONTEST: STAGES[until], OPEN_CALL: OPEN_CALL_TODAY}
    for name, today in (("earlier", EARLIER_TODAY), ("round", ROUND_TODAY), ("next", OPEN_CALL_TODAY)):
        beside = content.read(name, content.Contest)
        if beside.round is not None and not (name == "round" and until in WITHOUT_ROUND):
            call = beside.round.call(beside.call, pack)
            pack = pack.model_copy(update={"calls": (*pack.calls, call)})
            told[beside.call], days[beside.call] = beside, today
    cast = Cast(content.read("people", content.People))
    story = Story(progress)
    opening = Opening(cast, pack, {code: Calendar.so_that(day, pack.call(code).zone) for code, day in days.items()})
    founded_at = min(call.pack.opens_at for call in opening.calls.values()) - timedelta(days=31)
    opening.plan(story, founded_at)
    Past(cast, past_files()).plan(story, founded_at + timedelta(hours=3))
    applying = {code: Applying(cast, opening.calls[code], contest) for code, contest in told.items()}
    for part in applying.values():
        part.plan(story)
    Asking(cast, opening.calls[OPEN_CALL], content.read("inquiries", Questions)).plan(story)
    judging = Judging(cast, applying[CONTEST], CONTEST_DAYS)
    judging.plan(story)
    paying = Paying(judging, content.read("life", content.Life))
    paying.plan(story)
    Lasting(paying, ARCHIVED).plan(story)
    if ROUND in applying:
        Judging(cast, applying[ROUND], ROUND_DAYS).plan(story)
    earlier = Judging(cast, applying[EARLIER], EARLIER_DAYS)
    earlier.plan(story)
    Paying(earlier, content.read("earlier_life", content.Life)).plan(story)
    Auditing(cast).plan(story)
    story.plan(story.now - _READ_BEFORE, "Letters are read", _read_letters)
    story.tell()


def _read_letters() -> None:
    """Whoever received notices long ago has read them; the latest wait."""
    for person_id in session().scalars(select(Person.id)).all():
        with unit_of_work():
            outbox.mark_read(person_id)
