"""What an auditor does leaves a line too: every case opened and every verification is recorded on the auditor's own file.

The verification itself is the history's; lists are `queries`'. Exports are asked for in `asked` and made in `making`.
"""

from __future__ import annotations

from typing import Any

from grantflow import clock
from grantflow.cases.pages import on_view
from grantflow.cases.service import record
from grantflow.db import unit_of_work
from grantflow.history import verify
from grantflow.identity.access import Actor
from grantflow.oversight import making as _making  # noqa: F401  it registers itself as work of minutes


@on_view
def remember_view(case: Any, actor: Actor) -> None:
    """An auditor opened a case: once a day and case, on the auditor's file."""
    if actor.person_id is None or not actor.has("auditor") or "auditor" not in actor.roles_on(case):
        return
    with unit_of_work():
        record(
            actor.person_id,
            "case_viewed",
            actor=actor,
            role="auditor",
            facts={"case": f"{case.kind}/{case.id}", "version": case.version},
            key=f"viewed/{case.id}/{clock.today()}",
        )


def verify_and_record(actor: Actor, case_id: int | None = None) -> verify.Report:
    """Verify one chain or all of them; what was found stands on the asker's file."""
    report = verify.verify_case(case_id) if case_id is not None else verify.verify_all()
    if actor.person_id is not None:
        with unit_of_work():
            record(
                actor.person_id,
                "history_verified",
                actor=actor,
                facts={
                    "scope": f"case {case_id}" if case_id is not None else "all",
                    "cases": report.cases,
                    "events": report.events,
                    "broken": [{"where": b.where, "event": b.seq} for b in report.breaks],
                },
            )
    return report
