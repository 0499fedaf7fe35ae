"""What each list and desk costs as applications grow: the number of queries, and the time of the whole page.

    python -m tests.benchmarks lists [--quick]

The demo, with its applications copied until there are so many. The floor of a page is the same page at the smallest
number; the ratio tells how much of its speed is left at the largest.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import select

from grantflow.db import db, session
from grantflow.demo import build
from grantflow.demo.progress import Progress
from grantflow.identity.access import Actor, actor_for
from grantflow.identity.models import Person, RoleAssignment
from tests.benchmarks.ground import house, place
from tests.benchmarks.multiplied import Multiplied
from tests.benchmarks.table import Line
from tests.browsing import FreshClient, counting, signed_in

PAGES = (
    ("", "/calls/KR-2021/results"),
    ("applicant", "/desk"),
    ("applicant", "/applications"),
    ("applicant", "/inbox"),
    ("officer", "/desk"),
    ("officer", "/pipeline"),
    ("officer", "/calls/KR-2021/pipeline"),
    ("officer", "/calls/KR-2021/bulk/check?every=1"),
    ("officer", "/calls/KR-2021/bulk/refuse?every=1"),
    ("officer", "/calls/ZB-2022/drafts"),
    ("officer", "/checks"),
    ("officer", "/inbox"),
    ("panellist", "/desk"),
    ("chair", "/desk"),
    ("chair", "/panels"),
    ("chair", "/panels/{panel}"),
    ("chair", "/panels/{panel}/ranking"),
    ("finance", "/desk"),
    ("finance", "/money"),
    ("manager", "/desk"),
    ("manager", "/people"),
    ("auditor", "/desk"),
    ("auditor", "/audit"),
)


def somebody(role: str) -> tuple[Actor | None, int | None]:
    """The first person of the demo with this role, and their panel."""
    if not role:
        return None, None
    held = select(RoleAssignment).where(RoleAssignment.role == role, RoleAssignment.revoked_at.is_(None))
    row = session().scalars(held.order_by(RoleAssignment.id)).first()
    assert row is not None
    return actor_for(session().get_one(Person, row.person_id)), row.panel_id


def asked(app: Any, rounds: int) -> Iterator[tuple[str, int, float]]:
    """Every page: whose it is and its address, its queries, and seconds."""
    for role, address in PAGES:
        actor, panel = somebody(role)
        client = signed_in(app, actor)
        where, taken = address.format(panel=panel), []
        for _ in range(rounds + 1):
            with counting() as seen:
                start = perf_counter()
                page = client.get(where)
                taken.append(perf_counter() - start)
            if page.status_code != 200:
                raise RuntimeError(f"{role} {where}: {page.status_code}")
        session().rollback()
        said = [s for s in seen if not s.startswith(("BEGIN", "SAVEPOINT", "RELEASE"))]
        yield f"{role or 'everybody'} {address.replace('{panel}', '…')}", len(said), median(taken[1:])


def lines(server: str | None, quick: bool) -> Iterator[Line]:
    """A line for each page."""
    with place(None) as environ:
        build.build(environ, "paying", Progress())
        with house(environ, made=True) as app:
            app.config.update(TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
            app.test_client_class = FreshClient
            found: dict[str, list[tuple[int, float]]] = {}
            sizes = (100, 200) if quick else (100, 1_000, 10_000)
            with db.engine.connect() as connection:
                many = Multiplied(connection)
                for size in sizes:
                    many.reach(size)
                    for page, queries, taken in asked(app, 1 if quick else 3):
                        found.setdefault(page, []).append((queries, taken))
        for page, results in found.items():
            (_, least), (queries, most) = results[0], results[-1]
            yield Line(
                page,
                f"{queries} queries {most * 1e3:,.0f} ms at {sizes[-1]:,}",
                f"{results[0][0]} queries {least * 1e3:,.0f} ms at {sizes[0]:,}",
                least / most,
                "",
                "; ".join(
                    f"{q} and {t * 1e3:,.0f} ms at {n:,}" for n, (q, t) in zip(sizes[1:-1], results[1:-1], strict=True)
                ),
            )
