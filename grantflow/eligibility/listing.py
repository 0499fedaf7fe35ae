"""Owns the pipeline as a workbook: the list as the filter has it, whole, in the reader's language.

Leaves finding to `queries` and writing cells to `workbook`, where a text is never a formula.
"""

from __future__ import annotations

from typing import IO, Any

from flask_babel import gettext as _

from grantflow import clock
from grantflow.cases.service import record
from grantflow.db import unit_of_work
from grantflow.eligibility.filters import Filter
from grantflow.eligibility.queries import everything
from grantflow.identity.access import Actor
from grantflow.money import Money
from grantflow.rendering import label, language
from grantflow.submissions import coleads


def file_name(call: Any) -> str:
    """What the workbook is called where it arrives: the call and the day, by the call's clock."""
    return str(_("%(call)s applications %(day)s", call=call.code, day=clock.today(call.zone).isoformat())) + ".xlsx"


def write(file: IO[bytes], call: Any, wanted: Filter, actor: Actor) -> int:
    """Write the list as this filter wants it; gives back how many applications stand in it."""
    from grantflow.workbook import Book  # its library is slow to import, and few need it

    money = _("%(what)s, %(currency)s")
    heads = [
        (_("Number"), 16), (_("Project"), 50), (_("Applicant"), 40), (_("Co-leads"), 40), (_("District"), 24), (_("State"), 24),
        *((money % {"what": what, "currency": call.currency}, 18) for what in (_("Asked"), _("Whole budget"), _("Own share"))),
        (_("Rules met"), 12), (_("Rules not met"), 14), (_("Sent (UTC)"), 20),
    ]  # fmt: skip

    def amount(minor: int | None) -> Any:
        return None if minor is None else Money(minor, call.currency).amount

    def rows() -> Any:
        lines = everything(call.case_id, wanted, actor, language())
        leads = coleads.names_of_many([line.case.id for line in lines])
        for line in lines:
            checked = line.checked
            failed = None if checked is None else checked.failed - checked.waived
            yield (
                line.case.ref, line.title, line.applicant, "; ".join(leads.get(line.case.id, ())), label(line.district) if line.district else "",
                label(line.state.label), amount(line.asked_minor), amount(line.case.total_minor),
                amount(line.case.own_minor), None if checked is None else checked.rules - failed, failed,
                line.case.submitted_at,
            )  # fmt: skip

    with Book() as book:
        count = book.sheet(_("Applications"), heads, rows())
        book.save(file, clock.now())
    return count


def took_away(actor: Actor, call: Any, count: int) -> None:
    """The list left the house; it stands on the file of whoever took it."""
    assert actor.person_id is not None
    with unit_of_work():
        record(actor.person_id, "pipeline_exported", actor=actor, facts={"scope": call.code, "applications": count})
