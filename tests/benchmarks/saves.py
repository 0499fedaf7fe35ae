"""How many answers a second are saved while people write, in the same run as their submissions.

A save is what the page's script sends when somebody stops typing: one answer of one section with the mark of what stood
there, POSTed to the section's page and answered in a few words. The floor reads the same rows and writes the same row by
the driver's cursor alone, on as many connections, with nothing between: who asks, with their roles, the case, the
application and its call, once for the page and once under the lock of the case, then the update.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from grantflow import clock
from grantflow.db import db, session
from grantflow.identity.access import Actor
from grantflow.identity.background import HEADER
from grantflow.submissions import service
from tests.concurrency.real import OPEN_DAY
from tests.factories import signed_in

SECTION, QUESTION = "project", "summary"
READS = (
    ("people", "id", "person"), ("roles", "person_id", "person"), ("cases", "id", "case"),
    ("applications", "case_id", "case"), ("organisations", "id", "body"), ("cases", "id", "call"),
    ("calls", "case_id", "call"), ("attachments", "case_id", "case"),
)  # fmt: skip
"""What the page reads before it saves."""
AGAIN = (
    ("applications", "case_id", "case"), ("calls", "case_id", "call"), ("cases", "id", "call"),
    ("attachments", "case_id", "case"),
)  # fmt: skip
"""What it reads under the lock."""


def words(n: int) -> str:
    """Another answer at every save."""
    return f"Two looms and {n} paid jobs in Suoyarvi. " * 10


class Writer:
    """A browser with the page of a section open."""

    def __init__(self, app: Any, actor: Actor, case_id: int) -> None:
        self.address, self.number = f"/applications/{case_id}/edit/{SECTION}", 0
        with clock.at(OPEN_DAY):
            client = signed_in(app, actor)
            page = client.get(self.address).text
            cookie = client.get_cookie("session")
        session().rollback()
        assert cookie is not None
        token = re.search(r'name="csrf_token"[^>]*\bvalue="([^"]+)"', page)
        mark = re.search(rf'name="was"[^>]*\bvalue="({QUESTION}:[^"]+)"', page)
        assert token and mark
        self.headers = {
            "Cookie": f"session={cookie.value}", "Content-Type": "application/x-www-form-urlencoded",
            "Host": "localhost", HEADER: "1",
        }  # fmt: skip
        self.sent = {"csrf_token": token[1], "person": str(actor.person_id), "revision": 0, "was": mark[1]}

    def save(self, line: http.client.HTTPConnection) -> None:
        """Save another answer; the page goes on from what it is told."""
        self.number += 1
        body = urlencode({**self.sent, "shown": QUESTION, f"q-{QUESTION}": words(self.number)})
        line.request("POST", self.address, body, self.headers)
        answer = line.getresponse()
        told = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"not saved: {answer.status} {told}")
        self.sent |= {"revision": told["revision"], "was": f"{QUESTION}:{told['was'][QUESTION]}"}


def over_http(port: int, writers: list[Writer], each: int) -> float:
    """Saves a second, by all writers at once."""
    barrier, failed = threading.Barrier(len(writers) + 1), []

    def write(writer: Writer) -> None:
        barrier.wait()
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as line:
                for _ in range(each):
                    writer.save(line)
        except (OSError, RuntimeError) as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    barrier.wait()
    start = perf_counter()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return len(writers) * each / (perf_counter() - start)


def _bare(raw: Any, rows: list[dict[str, Any]], each: int) -> tuple[float, float]:
    """One connection that saves by the driver's cursor."""
    cursor = raw.cursor()
    start = 0.0
    for n in range(-1, each):
        if n == 0:  # the first round only warms it up
            start = perf_counter()
        for ids in rows:
            _save(cursor, ids, n)
            raw.driver_connection.commit()
    return start, perf_counter()


def _save(cursor: Any, ids: dict[str, Any], n: int) -> None:
    def read(table: str, column: str, whose: str, lock: str = "") -> Any:
        cursor.execute(f"SELECT * FROM {table} WHERE {column} = %s{lock}", (ids[whose],))
        return cursor.fetchall()

    for wanted in READS:
        read(*wanted)
    read("cases", "id", "case", " FOR UPDATE")
    for wanted in AGAIN:
        read(*wanted)
    cursor.execute("SELECT answers, typed, saved, revision FROM applications WHERE case_id = %s", (ids["case"],))
    answers, typed, saved, revision = cursor.fetchone()
    answers = json.dumps({**json.loads(answers), QUESTION: words(n)}, ensure_ascii=False)
    touched = {"revision": revision + 1, "at": clock.now().isoformat(), "by": ids["person"]}
    saved = json.dumps({**json.loads(saved), SECTION: touched})
    cursor.execute(
        "UPDATE applications SET answers = %s, typed = %s, revision = %s, saved = %s, saved_at = %s, title = title"
        " WHERE case_id = %s",
        (answers, typed, revision + 1, saved, clock.now(), ids["case"]),
    )


def by_bare_sql(people: list[Actor], drafts: list[int], each: int, workers: int) -> float:
    """Saves a second by connections with nothing but a cursor."""
    rows = []
    for actor, case_id in zip(people, drafts, strict=True):
        row = service.row_of(case_id)
        rows.append({"person": actor.person_id, "case": case_id, "body": row.organisation_id, "call": row.call_id})
    session().rollback()
    with contextlib.ExitStack() as stack:
        ends = [stack.enter_context(contextlib.closing(db.engine.raw_connection())) for _ in range(workers)]
        for end in ends:
            end.driver_connection.rollback()
        with ThreadPoolExecutor(workers) as pool:
            work = [pool.submit(_bare, end, rows[n::workers], each) for n, end in enumerate(ends)]
            told = [done.result() for done in work]
    return len(rows) * each / (max(end for _, end in told) - min(start for start, _ in told))
