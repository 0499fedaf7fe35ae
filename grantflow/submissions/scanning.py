"""Has the files that were attached checked by the installation's own command, in the background: claimed by a lease, checked,
marked once. A check that was killed, or that could not say, is made again.

The command gets the path of the file as its last word and ends with 0 for clean and 1 for harmful. What a file may be at
all is told at once, in `files`; until it is clean nobody but its writers may open it, and it is not sent. Who attached a
harmful one and the applicant are told by a notice.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import or_, select, update

from grantflow import clock
from grantflow.cases.outbox import never
from grantflow.cases.service import lock, record
from grantflow.cases.worker import long_work
from grantflow.db import session, unit_of_work, writing
from grantflow.identity.access import SYSTEM
from grantflow.submissions.extension import applicants_of
from grantflow.submissions.files import path_of, settings
from grantflow.submissions.rows import FILES, call_of, row_of, terms_of

log = structlog.get_logger(__name__)
_F = FILES.c
LONGEST_PAUSE = timedelta(minutes=30)
"""Between two attempts; they never end, because a file that nobody could check is not clean."""
GRACE = timedelta(seconds=30)
"""What the lease has beyond the longest check, for starting it and writing down what it said."""
CLEAN, HARMFUL = 0, 1


@long_work
def work(stop: Callable[[], bool] = never) -> int:
    """Check what waits, one after the other; gives back how many were settled. Nothing to do where no command is set."""
    settled = 0
    while settings().scan and not stop() and (row := claim()) is not None:
        settled += _check(row)
    return settled


def claim() -> Any | None:
    """Take the oldest file that waits, or whose checker's lease is over, and the next count of attempts with it."""
    now = clock.now()
    waiting = (
        select(_F.id)
        .where(_F.scan == "waiting", or_(_F.scan_lease_until.is_(None), _F.scan_lease_until < now))
        .order_by(_F.scan_attempts, _F.id)
        .limit(1)
    )
    if session().scalar(waiting) is None:
        return None  # an idle round takes no write lock
    lease = now + timedelta(seconds=settings().scan_seconds) + GRACE
    with unit_of_work() as current:
        return current.execute(
            update(FILES)
            .where(_F.id.in_(waiting.with_for_update(skip_locked=True)))
            .values(scan_lease_until=lease, scan_attempts=_F.scan_attempts + 1)
            .returning(_F.id, _F.case_id, _F.stored_name, _F.scan_attempts)
        ).one_or_none()


def _check(row: Any) -> int:
    said = ask(row.stored_name)
    if said is None:
        pause = min(timedelta(seconds=5 * 2 ** min(row.scan_attempts, 12)), LONGEST_PAUSE)
        _mark(row, scan_lease_until=clock.now() + pause)
        return 0
    done = {"scanned_at": clock.now(), "scan_lease_until": None}
    if said:
        _mark(row, scan="clean", **done)
    else:
        log.warning("an attached file is harmful by the word of the scanner", file=row.id)
        with unit_of_work():
            case = lock(row.case_id)
            if (found := _write(row, scan="infected", **done)) is not None and found.removed_at is None:
                _tell(case, found)
    return 1


def ask(stored_name: str) -> bool | None:
    """Whether the command finds the file clean; None where it could not say, was killed or took too long."""
    path = path_of(stored_name)
    if not path.is_file():  # never opened by anybody either: the page that serves it says so
        log.error("an attached file to be checked is not there", file=stored_name)
        return None
    command = [*shlex.split(settings().scan), str(path)]
    try:
        ended = subprocess.run(  # noqa: S603  the command is the operator's, the path is generated here
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=settings().scan_seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        log.error("the check of an attached file did not end", error=type(error).__name__)
        return None
    if ended.returncode not in (CLEAN, HARMFUL):
        log.error(
            "the check of an attached file could not say",
            code=ended.returncode,
            said=ended.stderr[-300:].decode("utf-8", "replace"),
        )
        return None
    return ended.returncode == CLEAN


def _mark(row: Any, **values: Any) -> None:
    with unit_of_work():
        _write(row, **values)


def _write(row: Any, **values: Any) -> Any | None:
    """Write down what came of this attempt; None where another has taken the file over since."""
    held = (_F.id == row.id, _F.scan == "waiting", _F.scan_attempts == row.scan_attempts)
    return writing().execute(update(FILES).where(*held).values(**values).returning(FILES)).one_or_none()


def _tell(case: Any, file: Any) -> None:
    """Whoever attached it and all who act for the applicant are told; who opens the application reads it there too."""
    row = row_of(case.id)
    question = terms_of(row.pack_hash).questions.get(file.question)
    asked = {"en": question.label.en, "ru": question.label.ru} if question else {"en": "", "ru": ""}
    people = dict.fromkeys([*applicants_of(row.organisation_id), *filter(None, [file.uploaded_by])])
    note = {language: f"{file.filename} ({label})" if label else file.filename for language, label in asked.items()}
    call = call_of(row.call_id)
    title = row.title or {"en": call.name.in_("en"), "ru": call.name.in_("ru")}
    told = {"title": title, "note": note, "page": f"/applications/{case.id}"}
    facts = {"question": asked} if question else {}
    record(case.id, "file_harmful", actor=SYSTEM, facts=facts, notices=[("file_harmful", list(people), told)])


__all__ = ["ask", "claim", "work"]
