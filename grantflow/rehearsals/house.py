"""Owns where a rehearsal lies: a folder of its own beside the files, with one database for each chapter told so far.

A rehearsal has a house of its own, whole and thrown away, and no row of it ever lies in the real one. That is the
choice: a flag on rows would leak into each sum and list that forgets it; a transaction that is taken back would hold
the real database for as long as a page takes, could show one page and no way on from it, and would use up numbers. In a
database of its own everything is what it will be (engine, guards, pages, letters), and no figure can hold a trace.

A chapter's database is copied from the one before and told on, so one can stand in several at once, do anything in
each, and tell the rest anew from what was done. Telling a chapter is `telling`'s, its pages are `inside`'s.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from contextvars import Context
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask, url_for
from flask_babel import force_locale

from grantflow import clock
from grantflow.db import db
from grantflow.errors import GrantFlowError
from grantflow.programmes.models import Call
from grantflow.programmes.pack import ProgrammePack
from grantflow.rehearsals import copied, people
from grantflow.rehearsals.inside import Manner, app_of, let_go
from grantflow.rehearsals.teller import Teller
from grantflow.rehearsals.telling import CHAPTERS, Chapter, tell

FOLDER, DATABASE, FACTS = "rehearsals", "grantflow.db", "facts.json"
LASTS = timedelta(days=1)


@dataclass(frozen=True)
class Room:
    """A page to begin with: whose it is, what it is called, where it lies within the chapter."""

    role: str
    name: str
    path: str


@dataclass(frozen=True)
class Step:
    """A chapter that was told: its folder, the hour on its clock when it began, and whom one may be in it."""

    name: str
    folder: str
    at: str
    told: str
    rooms: list[dict[str, str]]
    people: dict[str, int | None]

    def clock(self, now: datetime) -> datetime:
        """The hour in this chapter: it goes on as time does outside."""
        return datetime.fromisoformat(self.at) + max(now - datetime.fromisoformat(self.told), timedelta())


@dataclass
class Rehearsal:
    """One person's rehearsal of one call. `mark` names the call as it was copied; `stopped` why the telling ended."""

    folder: Path
    mark: str
    begun: str
    steps: list[Step] = field(default_factory=list)
    stopped: tuple[str, str] | None = None

    def step(self, name: str) -> Step | None:
        """A chapter by its name, if it was told."""
        return next((step for step in self.steps if step.name == name), None)

    def home(self, step: Step) -> Path:
        """Where a chapter's database and files lie."""
        return self.folder / step.folder

    def keep(self) -> None:
        """Write the facts, whole or not at all."""
        body = {**asdict(self), "folder": ""}
        draft = self.folder / f"{FACTS}.new"
        draft.write_text(json.dumps(body, ensure_ascii=False), "utf-8")
        draft.replace(self.folder / FACTS)


def _folder(home: Path, call_id: int, person_id: int) -> Path:
    return home / FOLDER / f"{call_id}-{person_id}"


def found(home: Path, call_id: int, person_id: int) -> Rehearsal | None:
    """The rehearsal of this call that this person has under way; None where there is none, or it is a day old."""
    folder = _folder(home, call_id, person_id)
    known = _read(folder)
    return known if known is not None and clock.now() - datetime.fromisoformat(known.begun) < LASTS else None


def _read(folder: Path) -> Rehearsal | None:
    try:
        body = json.loads((folder / FACTS).read_text("utf-8"))
        steps = [Step(**step) for step in body["steps"]]
        stopped = tuple(body["stopped"]) if body["stopped"] else None
        return Rehearsal(folder, body["mark"], body["begun"], steps, stopped)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def mark_of(pack: ProgrammePack) -> str:
    """A word for the call as it stands: another one where anything of it has changed; new places of others are nothing to it."""
    return hashlib.sha256(pack.model_dump_json(exclude={"places"}, warnings=False).encode()).hexdigest()


@contextmanager
def _alone(home: Path, call_id: int, person_id: int) -> Iterator[Path]:
    """Only one telling of a rehearsal at a time."""
    folder = _folder(home, call_id, person_id)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def begin(manner: Manner, call: Call, person_id: int) -> Rehearsal:
    """Throw away what was, and tell the first chapter of the call as it stands now."""
    sweep(manner.home)
    pack, letters = copied.pack_of(call), copied.letters_of(call.programme_id)
    with _alone(manner.home, call.case_id, person_id) as folder:
        _remove(folder)
        folder.mkdir()
        made = Rehearsal(folder, mark_of(pack), clock.now().isoformat())
        _tell_until(made, CHAPTERS[0].name, pack, letters, manner)
        made.keep()
        return made


def tell_on(manner: Manner, call: Call, person_id: int, until: str, *, anew: bool) -> Rehearsal | None:
    """Tell up to a chapter, from the last one that stands; `anew`: that chapter and what follows it once more. None where
    no rehearsal is under way."""
    pack, letters = copied.pack_of(call), copied.letters_of(call.programme_id)
    with _alone(manner.home, call.case_id, person_id):
        known = found(manner.home, call.case_id, person_id)
        if known is None or known.mark != mark_of(pack):
            return known
        if anew:
            names = [chapter.name for chapter in CHAPTERS]
            kept = [step for step in known.steps if names.index(step.name) < names.index(until)]
            for step in known.steps[len(kept) :]:
                _remove(known.home(step))
            known.steps = kept
        _tell_until(known, until, pack, letters, manner)
        known.keep()
        return known


def end(home: Path, call_id: int, person_id: int) -> None:
    """Throw a rehearsal away."""
    with _alone(home, call_id, person_id) as folder:
        _remove(folder)


def sweep(home: Path) -> None:
    """Throw away every rehearsal that is a day old, whoever's it is, and what a killed telling has left."""
    for folder in (home / FOLDER).glob("*-*"):
        if folder.is_dir():
            known = _read(folder)
            since = datetime.fromisoformat(known.begun).timestamp() if known else folder.stat().st_mtime
            if clock.now().timestamp() - since > LASTS.total_seconds():
                _remove(folder)


def _remove(folder: Path) -> None:
    let_go(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _tell_until(rehearsal: Rehearsal, until: str, pack: ProgrammePack, letters: dict[str, Any], manner: Manner) -> None:
    rehearsal.stopped = None
    names = [chapter.name for chapter in CHAPTERS]
    for chapter in CHAPTERS[len(rehearsal.steps) : names.index(until) + 1]:
        folder = rehearsal.folder / f"{chapter.name}-{secrets.token_hex(4)}"
        before = rehearsal.steps[-1] if rehearsal.steps else None
        folder.mkdir()
        if before is not None:
            _copy(rehearsal.home(before), folder)
        teller = Teller(pack, letters, manner.language)
        # In a context of its own: nothing of the request that asks for it, and of whoever made it, may get in there.
        try:
            step = Context().run(_told, chapter, teller, folder, manner, before, clock.now())
        except GrantFlowError as refusal:
            _remove(folder)
            rehearsal.stopped = (chapter.name, str(refusal))
            return
        except BaseException:
            _remove(folder)
            raise
        rehearsal.steps.append(step)
        rehearsal.keep()


def _copy(home: Path, target: Path) -> None:
    """A chapter's database as it stands, whatever somebody is doing in it, and its files."""
    with closing(sqlite3.connect(home / DATABASE)) as source, closing(sqlite3.connect(target / DATABASE)) as copy:
        source.backup(copy)
    with suppress(FileNotFoundError):
        shutil.copytree(home / "files", target / "files")


def _told(chapter: Chapter, teller: Teller, folder: Path, manner: Manner, before: Step | None, now: datetime) -> Step:
    app: Flask = app_of(folder, manner)
    with app.app_context(), force_locale(manner.language):
        if before is None:
            db.create_all()
        began = before.clock(now) if before is not None else None
        try:
            done = tell(chapter, teller, began)
        except GrantFlowError as refusal:
            raise type(refusal)(str(refusal)) from None  # its sentence in the reader's language, made here
        whom = people.roles()
        with app.test_request_context():
            rooms = [asdict(Room(role, name, url_for(endpoint, **of))) for role, name, endpoint, of in done.rooms]
        db.session.remove()
    return Step(chapter.name, folder.name, done.at.isoformat(), now.isoformat(), rooms, whom)
