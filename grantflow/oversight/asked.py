"""Exports asked for: asking, finding one's own, taking the file away. Making them in the background is `making`'s.

Only the asker finds an export, and only while they may see the case or call whose history it is. That it was asked for
and each time it is taken away stand on the asker's own file.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import and_, func, select

from grantflow import clock
from grantflow.cases import bell, titles
from grantflow.cases.access import see, visible_to
from grantflow.cases.models import Case
from grantflow.cases.service import record
from grantflow.config import Settings
from grantflow.db import after_commit, insert_if_new, session, unit_of_work
from grantflow.errors import NotFound, Refused
from grantflow.identity.access import Actor
from grantflow.oversight import cutoff
from grantflow.oversight.cutoff import CutOff
from grantflow.oversight.models import Export
from grantflow.paging import Page
from grantflow.programmes.models import Call

PAGE = 20
_ROWS, _CASES = Export.__table__, Case.__table__
_X = _ROWS.c
_SHOWN = tuple(column for column in _X if column.name != "cut_off")
"""What a page shows: all but the longest column."""


def name_of(case: Any) -> str:
    """The case as the record of an export names it."""
    return f"{case.kind}/{case.id}"


def file_name(case: Any) -> str:
    """What the workbook is called where it arrives, in the asker's language."""
    code = session().scalar(select(Call.code).where(Call.case_id == case.id)) if case.kind == "call" else None
    return str(_("%(case)s history", case=code or case.ref or f"{case.kind}-{case.id}")) + ".xlsx"


def ask(actor: Actor, case: Any, language: str, key: str) -> int:
    """Ask for the history of a case or call as it stands now; gives back the export's number.

    The same key is the same press: it gives back the first number and changes nothing.
    """
    return _ask(actor, case, cutoff.now(actor, case), key, language=language, filename=file_name(case))


def ask_again(actor: Actor, export_id: int, key: str) -> int:
    """Ask for an earlier export once more, as it stood then and in its language: the same bytes."""
    found, cut_off = seen_again(actor, export_id)
    as_then = {name: getattr(found, name) for name in ("language", "filename", "stood_at")}
    return _ask(actor, see(found.case_id, actor), cut_off, key, **as_then)


def seen_again(actor: Actor, export_id: int) -> tuple[Any, CutOff]:
    """An earlier export of this actor's and its cut-off; Refused where they may no longer see all that is in it."""
    found = find(actor, export_id)
    cut_off = cutoff.read(session().execute(select(_X.cut_off).where(_X.id == export_id)).scalar_one())
    if not cutoff.still_seen(actor, see(found.case_id, actor), cut_off.chains):
        raise Refused(_("You may no longer see all that it holds. Ask for a new one."))
    return found, cut_off


def _ask(actor: Actor, case: Any, cut_off: CutOff, key: str, **values: Any) -> int:
    assert actor.person_id is not None
    now = clock.now()
    wanted = f"{actor.person_id}/{key[:80]}"
    values = {
        "key": wanted, "asked_by_id": actor.person_id, "asked_at": now, "stood_at": now, "case_id": case.id,
        "cut_off": cut_off.kept(), "cases": len(cut_off.chains), "events": cut_off.events,
        "state": "waiting", "stored_name": secrets.token_hex(24), "done": 0, "attempts": 0,
        **values,
    }  # fmt: skip
    with unit_of_work() as current:
        made = current.execute(insert_if_new(_ROWS).returning(_X.id), values).scalar_one_or_none()
        if made is None:
            return int(current.execute(select(_X.id).where(_X.key == wanted)).scalar_one())
        facts = {"scope": name_of(case), "export": made, "events": cut_off.events, "cut_off": cut_off.fingerprint}
        record(actor.person_id, "export_asked", actor=actor, facts=facts)
        after_commit(bell.ring_for_long_work)
        return int(made)


def _mine(actor: Actor) -> Any:
    return and_(_X.asked_by_id == actor.person_id, visible_to(actor))


def _shown() -> Any:
    return select(*_SHOWN).select_from(_ROWS.join(_CASES, _CASES.c.id == _X.case_id))


def find(actor: Actor, export_id: int) -> Any:
    """An export this actor asked for; NotFound for any other."""
    found = session().execute(_shown().where(_X.id == export_id, _mine(actor))).one_or_none()
    if found is None:
        raise NotFound
    return found


def mine(actor: Actor, number: int) -> tuple[list[tuple[Any, Any]], Page]:
    """The exports this actor asked for, each with its case, newest first, a page at a time."""
    joined = _ROWS.join(_CASES, _CASES.c.id == _X.case_id)
    total = session().scalar(select(func.count()).select_from(joined).where(_mine(actor))) or 0
    page = Page(number, total, PAGE)
    newest = _shown().where(_mine(actor)).order_by(_X.id.desc()).limit(PAGE).offset(page.offset)
    rows = session().execute(newest).all()
    cases = session().execute(select(_CASES).where(_CASES.c.id.in_({row.case_id for row in rows}))).all()
    titles.load(cases)
    of = {case.id: case for case in cases}
    return [(row, of[row.case_id]) for row in rows], page


def take(actor: Actor, export_id: int) -> tuple[Any, Path]:
    """The export and its file, for one who takes it away now: recorded. NotFound where it is not ready, or over."""
    found = find(actor, export_id)
    path = file_of(found)
    if found.state != "ready" or found.expires_at <= clock.now() or not path.is_file():
        raise NotFound
    facts = {"export": export_id, "events": found.events, "sha256": found.sha256}
    took_away(actor, name_of(see(found.case_id, actor)), **facts)
    return found, path


def took_away(actor: Actor, scope: str, **facts: Any) -> None:
    """An export of history left the house."""
    assert actor.person_id is not None
    with unit_of_work():
        record(actor.person_id, "history_exported", actor=actor, facts={"scope": scope, **facts})


def folder_of(row: Any) -> Path:
    """The folder its files lie in, among all private files."""
    settings: Settings = current_app.config["GRANTFLOW"]
    return settings.files / str(row.stored_name)[:2]


def file_of(row: Any) -> Path:
    """Its file as this attempt makes or made it: an attempt never touches another's."""
    return folder_of(row) / f"{row.stored_name}-{row.attempts}"
