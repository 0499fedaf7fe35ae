"""How many answers a second are saved and how many submissions taken over HTTP: 8 clients, 22 questions, 14 kB of answers,
two gunicorn workers. What a save is stands in `saves`.

    python -m tests.benchmarks submissions [--quick]

PostgreSQL waits for the disk. A submission is the POST of the last page: it reads and judges every answer, moves the
case, keeps the answers as a version under its fingerprint, allots the number and writes history and notices; the page
after it is not fetched. The floor calls the same use case in two processes, with nothing between. Mail is not sent
meanwhile.

The clients and PostgreSQL run on the same machine and take their part of its processors: what one submission costs each
of them is printed too, and how many a second all processors together could do if nobody else used them.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select, text, update

from grantflow import clock
from grantflow.db import session, unit_of_work
from grantflow.identity.access import Actor
from grantflow.programmes import pack as packs
from grantflow.submissions import service
from grantflow.submissions.models import Application
from tests.benchmarks import saves
from tests.benchmarks.ground import house, place
from tests.benchmarks.table import Line
from tests.browsing import FreshClient
from tests.concurrency.real import OPEN_DAY, Real
from tests.factories import organisation, person, signed_in
from tests.submissions.conftest import ANSWERS, FILE

ROOT = Path(__file__).parents[2]
CLIENTS, WORKERS, QUESTIONS, BYTES = 8, 2, 22, 14_000
ASKED = {
    "legal_form", "registered", "district", "address", "activity", "award_type", "leaders", "team", "title",
    "summary", "grant_kind", "needs", "need_facts", "risks", "evidence", "work_life", "costs", "own_share",
    "largest_cost", "starts_on", "ends_on", "steps",
}  # fmt: skip
LONG = ("activity", "team", "summary", "need_facts", "risks", "evidence", "work_life", "largest_cost", "steps")
"""The answers that are made long."""


def _changed(part: Any, **new: Any) -> Any:
    made = part.model_copy(update=new)
    for name in set(made.__dict__) - set(type(made).model_fields):
        del made.__dict__[name]  # what was worked out of the old one
    return made


def short_pack() -> Any:
    """The PROZVET pack whose first call asks 22 questions."""
    pack = packs.read(FILE)
    call = pack.calls[0]
    form = [
        _changed(part, questions=tuple(q for q in part.questions if q.code in ASKED))
        for part in call.terms.form
        if any(q.code in ASKED for q in part.questions)
    ]
    if sum(len(part.questions) for part in form) != QUESTIONS:
        raise RuntimeError("the form has other questions than it had")
    keys = _changed(call.terms.keys, title_en=None, inn=None)
    rules = tuple(rule for rule in call.terms.eligibility if rule.code in ("district", "legal_form", "asked"))
    terms = _changed(call.terms, form=tuple(form), keys=keys, eligibility=rules)
    return _changed(pack, calls=(_changed(call, terms=terms), *pack.calls[1:]))


def answers() -> dict[str, dict[str, Any]]:
    """What is typed, by section: the tests' answers, the long ones as long as makes 14 kB of them all."""
    typed = {
        section: {code: value for code, value in given.items() if code in ASKED} for section, given in ANSWERS.items()
    }
    typed = {section: given for section, given in typed.items() if given}
    short = len(json.dumps(typed, ensure_ascii=False).encode())
    more = (BYTES - short) // len(LONG)
    for given in typed.values():
        for code in given.keys() & set(LONG):
            given[code] += " " + ("One order in three comes back. " * (more // 31 + 1))[:more]
    return typed


class Applicants:
    """The open call and somebody for each client, with so many drafts ready to be sent."""

    def __init__(self, each: int) -> None:
        real = Real(short_pack())
        self.people, self.drafts = [], []
        with clock.at(OPEN_DAY):
            for number in range(CLIENTS):
                body = organisation(f"Workshop {number}")
                actor = person("applicant", organisation_id=body)
                self.people.append(actor)
                self.drafts.append(self._written(actor, body, each))
        self.manager = real.manager

    def _written(self, actor: Actor, body: int, each: int) -> list[int]:
        made = []
        for _ in range(each):
            with unit_of_work():
                made.append(int(service.start_draft("KR-2021", body, actor=actor).id))
        for section, typed in answers().items():
            with unit_of_work():
                service.save_section(made[0], section, typed, revision=service.row_of(made[0]).revision, actor=actor)
        if faults := service.check(made[0]):
            raise RuntimeError(f"the draft is not complete: {faults[0]}")
        table = Application.__table__
        written = session().execute(select(table).where(table.c.case_id == made[0])).mappings().one()
        like = {name: written[name] for name in ("answers", "typed", "saved", "revision", "title")}
        with unit_of_work() as current:
            current.execute(update(table).where(table.c.case_id.in_(made[1:])).values(like))
        return made


@contextmanager
def served(environ: dict[str, str]) -> Iterator[tuple[int, int]]:
    """Two gunicorn workers; gives their port and the number of the process that started them."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GRANTFLOW_", "DATABASE_"))}
    command = [sys.executable, "-m", "gunicorn", "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "--log-level", "warning", "tests.benchmarks.served:app"], cwd=ROOT, env={**kept, **environ}
    )
    try:
        for _ in range(600):
            try:
                line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                line.request("GET", "/healthz")
                if line.getresponse().status == 200:
                    break
            except OSError:
                time.sleep(0.1)
        else:
            raise RuntimeError("the server does not answer")
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def envelope(app: Any, actor: Actor, case_ids: list[int]) -> tuple[str, list[tuple[str, str]]]:
    """What a browser has before it sends: its cookie, and for each draft the address and the form of the last page."""
    with clock.at(OPEN_DAY):
        client = signed_in(app, actor)
        forms = []
        for case_id in case_ids:
            page = client.get(f"/applications/{case_id}/check").text
            hidden = {}
            for tag in re.findall(r"<input\b[^>]*>", page):
                name, value = re.search(r'\bname="([^"]*)"', tag), re.search(r'\bvalue="([^"]*)"', tag)
                if name and value and 'type="hidden"' in tag:
                    hidden[name[1]] = value[1]
            forms.append((f"/applications/{case_id}/check", urlencode({**hidden, "declared": "y"})))
        cookie = client.get_cookie("session")
    session().rollback()
    assert cookie is not None
    return f"session={cookie.value}", forms


def over_http(port: int, envelopes: list[tuple[str, list[tuple[str, str]]]]) -> float:
    """Submissions a second, by one client for each envelope, all at once."""
    barrier, wrong = threading.Barrier(len(envelopes) + 1), []

    def send(cookie: str, forms: list[tuple[str, str]]) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded", "Host": "localhost"}
        barrier.wait()
        for address, body in forms:
            line.request("POST", address, body, headers)
            answer = line.getresponse()
            answer.read()
            if answer.status != 303 or "receipt" not in (answer.getheader("Location") or ""):
                wrong.append((answer.status, answer.getheader("Location")))

    clients = [threading.Thread(target=send, args=envelope) for envelope in envelopes]
    for client in clients:
        client.start()
    barrier.wait()
    start = perf_counter()
    for client in clients:
        client.join()
    taken = perf_counter() - start
    if wrong:
        raise RuntimeError(f"{len(wrong)} were not taken: {wrong[0]}")
    return sum(len(forms) for _, forms in envelopes) / taken


def worked(pids: Iterable[int]) -> float | None:
    """Seconds of processor time these processes have taken so far; None where the system does not tell."""
    ticks = 0
    try:
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    except OSError:
        return None
    return ticks / os.sysconf("SC_CLK_TCK")


class Work:
    """What a stretch of work cost each side in processor time: `with Work(master) as work: …`, then `work.of(number)`."""

    def __init__(self, master: int) -> None:
        children = Path(f"/proc/{master}/task/{master}/children")
        self.servers = [int(pid) for pid in children.read_text().split()] if children.exists() else []

    def __enter__(self) -> Work:
        self.before = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        self.after = self._now()

    def _now(self) -> tuple[float | None, float | None, float]:
        backends = list(session().scalars(text("SELECT pid FROM pg_stat_activity")))
        session().rollback()
        ours = [pid for pid in backends if _is_postgres(pid)]
        servers = worked(self.servers) if self.servers else None
        return servers, worked(ours) if ours else None, time.process_time()

    def of(self, number: int) -> str:
        """The cost of one of so many, in words; nothing where the system does not tell all of it."""
        spent = [(a - b) * 1000 / number for a, b in zip(self.after, self.before, strict=True) if None not in (a, b)]
        if len(spent) < 3 or not all(spent):
            return ""
        server, database, clients = spent
        told = (
            f"each takes {server:.1f} ms of the server, {database:.1f} ms of PostgreSQL, {clients:.1f} ms of its client"
        )
        processors = os.cpu_count() or 1
        return f"{told}: {processors} processors could do {processors * 1000 / sum(spent):.0f}/s"


def _is_postgres(pid: int) -> bool:
    """Whether it runs here: a server elsewhere has numbers of its own."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except OSError:
        return False


def _begin(environ: dict[str, str]) -> None:
    """A process that sends without HTTP begins."""
    from grantflow import create_app

    clock.travel(OPEN_DAY)
    app = create_app(environ)
    app.app_context().push()


def _send(actor: Actor, case_ids: list[int]) -> tuple[float, float]:
    start = perf_counter()
    for case_id in case_ids:
        with unit_of_work():
            service.submit(case_id, actor=actor, key=f"bench/{case_id}")
    return start, perf_counter()


def by_the_use_case(environ: dict[str, str], people: list[Actor], drafts: list[list[int]], warm: int) -> float:
    """Submissions a second by processes that call the use case; each applicant's first ones only warm them up."""
    spawn = multiprocessing.get_context("spawn")
    pools = [ProcessPoolExecutor(1, spawn, _begin, (environ,)) for _ in range(WORKERS)]

    def send(chosen: list[list[int]]) -> list[tuple[float, float]]:
        work = [pools[n % WORKERS].submit(_send, *pair) for n, pair in enumerate(zip(people, chosen, strict=True))]
        return [sent.result() for sent in work]

    try:
        send([ids[:warm] for ids in drafts])
        told = send([ids[warm:] for ids in drafts])
    finally:
        for pool in pools:
            pool.shutdown()
    return sum(len(ids) - warm for ids in drafts) / (max(end for _, end in told) - min(start for start, _ in told))


def lines(server: str | None, quick: bool) -> Iterator[Line]:
    """A line for saving, one for sending."""
    if server is None:
        return
    each, warm = (1, 1) if quick else (20, 3)  # the workers and the database read and plan what they keep
    with place(server) as environ, house(environ) as app:
        app.test_client_class = FreshClient
        there = Applicants(2 * (each + warm))
        size = len(json.dumps(answers(), ensure_ascii=False).encode())
        envelopes = [
            envelope(app, actor, drafts[: each + warm])
            for actor, drafts in zip(there.people, there.drafts, strict=True)
        ]
        writers = [
            saves.Writer(app, actor, drafts[-1]) for actor, drafts in zip(there.people, there.drafts, strict=True)
        ]
        with served(environ) as (port, master):
            saves.over_http(port, writers, warm)
            with Work(master) as saving:
                saved = saves.over_http(port, writers, 2 * each)
            over_http(port, [(cookie, forms[:warm]) for cookie, forms in envelopes])
            with Work(master) as work:
                rate = over_http(port, [(cookie, forms[warm:]) for cookie, forms in envelopes])
        bare = saves.by_bare_sql(there.people, [drafts[-2] for drafts in there.drafts], 2 * each, WORKERS)
        floor = by_the_use_case(environ, there.people, [drafts[each + warm :] for drafts in there.drafts], warm)
    yield Line(
        f"{CLIENTS} clients save one of {QUESTIONS} answers, PostgreSQL",
        f"{saved:,.0f} saves/s",
        f"bare SQL {bare:,.0f} saves/s",
        saved / bare,
        "",
        saving.of(CLIENTS * 2 * each),
    )
    yield Line(
        f"{CLIENTS} clients send {size / 1000:.0f} kB, PostgreSQL",
        f"{rate:,.0f} submissions/s",
        f"without HTTP {floor:,.0f} submissions/s",
        rate / floor,
        "40/s",
        work.of(CLIENTS * each),
    )
