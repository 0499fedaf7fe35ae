"""Owns taking over an application that was made elsewhere: its guard, its effect, and the use case that opens it.

It goes through the same door as one that is sent here, and what is kept is the same: a version under its fingerprint, a
number, the history. Which file and which line it comes from stands in its first two events. What became of it (the
outcome) belongs to a later stage: the definition names its effect, and `importing` fires the move by its trigger.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import insert, select

from grantflow.cases.context import Context
from grantflow.cases.models import Case
from grantflow.cases.service import fire, get, open_case
from grantflow.db import session, writing
from grantflow.engine.definition import Stage
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Invalid
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation
from grantflow.identity.service import add_organisation
from grantflow.identity.words import by_script, search_key
from grantflow.programmes.queries import workflow_for
from grantflow.submissions.rows import APPLICATIONS
from grantflow.submissions.sending import keep
from grantflow.submissions.translating import Applicant, Taken

TAKE_OVER = "take_over"
TAKING = (Stage.SUBMISSION, Stage.ELIGIBILITY, Stage.FOLLOWUP)
"""Stages of a call in which applications made elsewhere may come in: while it takes and checks its own, or long after
it was decided, where it is a call of the past."""


@dataclass(frozen=True)
class Origin:
    """Where an application comes from: the file's name and SHA-256, and the line."""

    file: str
    sha256: str
    line: int

    @property
    def facts(self) -> dict[str, Any]:
        """As the history keeps it."""
        return {"source_file": self.file, "source_sha256": self.sha256, "source_line": self.line}


def call_takes(stage: str) -> Verdict:
    """Whether a call in this stage takes applications made elsewhere."""
    if stage in TAKING:
        return YES
    if stage == Stage.PREPARATION:
        return no(_("The call is not open for an import yet: its manager opens it on its page."))
    return no(_("The call takes no more applications: its evaluation has begun, or it has ended."))


@registry.guard("submissions.from_a_file")
def from_a_file(ctx: Context) -> Verdict:
    """Only an import makes this move: it says which file and line it brings, into a call that takes them."""
    if ctx.asking or not ctx.payload.get("origin"):
        return no(_("Applications come in this way only by an import from a file."))
    return call_takes(str(get(ctx.case.call_id).stage))


@registry.effect("submissions.take_over")
def take_over(ctx: Context) -> None:
    """Keep it as it was received, at the instant the file tells, and say where it comes from."""
    keep(ctx, ctx.payload.get("received_at") or ctx.now)
    for name, value in ctx.payload["origin"].items():
        ctx.fact(name, value)
    if ctx.payload.get("received_at"):
        ctx.fact("received", ctx.payload["received_at"])


def bring(call: Any, call_case: Any, taken: Taken, origin: Origin, *, key: str, actor: Actor) -> Any:
    """Open an application as the file tells it and bring it to where it counts as submitted; gives back its case.

    Needs a unit of work. Refused with the sentence of a guard; whoever calls knows that `key` is new.
    """
    body_id = body_of(taken.applicant, actor)
    case = open_case(
        "application",
        actor=actor,
        title=taken.applicant.name[:400],
        workflow=workflow_for(call.programme_id, "application"),
        key=key,
        parent=call_case,
        call_id=call.case_id,
        organisation_id=body_id,
        panel_id=None,
        facts={"call": call.code, "terms": call.pack_hash, "source_digest": taken.digest, **origin.facts},
    )
    writing().execute(
        insert(APPLICATIONS).values(
            case_id=case.id, stage=case.stage, call_id=call.case_id, organisation_id=body_id,
            pack_hash=call.pack_hash, currency=call.currency, title="", search_key="", revision=0,
            answers=taken.values, typed={}, saved={}, reopened=[], correction_note="", extension_reason="",
        )
    )  # fmt: skip
    # No deadline of a draft can matter to it: it is submitted in the same breath.
    payload = {"origin": origin.facts, "received_at": taken.received_at}
    return fire(case.id, TAKE_OVER, actor=actor, payload=payload, key=TAKE_OVER).case


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def key_of(call: str, row: str) -> str:
    """The key under which a line of a register is opened in a call, once and never again."""
    return f"import/{call}/{row if len(row) <= 60 else _short(row)}"


def body_of(applicant: Applicant, actor: Actor) -> int:
    """The organisation's file: that with this number in this country, that brought under this identifier, or a new one.

    One without a number or an identifier is known again by its name, among those brought by imports only: two bodies
    of one name may be two bodies, and somebody may act for the other.
    """
    rows = Organisation.__table__.c
    if applicant.number:
        known = session().scalar(
            select(rows.id).where(rows.inn == applicant.number, rows.country == applicant.country).order_by(rows.id)
        )
        if known is not None:
            return int(known)
    mark = applicant.number or applicant.identifier or f"name {_short(search_key(applicant.name))}"
    key = f"register/{applicant.country}/{mark}"
    known = session().scalar(select(Case.id).where(Case.open_key == key))
    if known is not None:
        return int(known)
    name = by_script(applicant.name)
    try:
        return add_organisation(
            actor,
            copied=True, name_en=name["name_en"], name_ru=name["name_ru"], country=applicant.country, inn=applicant.number,
            kind=applicant.kind, legal_form=applicant.legal_form,
            aliases=[applicant.identifier] if applicant.identifier else None, join=False, key=key, everybodys_key=True,
        )  # fmt: skip
    except Invalid as told:  # what the line's own reading could not know, said as it is
        raise Invalid("; ".join(str(text) for text in told.fields.values()) or told.sentence) from None
