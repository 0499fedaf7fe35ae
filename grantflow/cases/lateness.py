"""What staff are told above every page while the work in the background is late, and what is late then.

How the queue stands is `relay`'s; nothing here asks the database.
"""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from grantflow.cases import bell
from grantflow.cases.blueprint import bp
from grantflow.cases.relay import Standing
from grantflow.identity.session import STAFF, current_actor


def sentence(standing: Standing | None) -> Any:
    """What is late at this standing of the queue; nothing where nothing is."""
    match standing:
        case Standing.AWAY:
            return _(
                "The queue cannot be reached. Mail, reminders and what a deadline sets in motion are late; "
                "everything else works, and nothing is lost."
            )
        case Standing.NO_WORKER:
            return _(
                "No worker is running. Mail, reminders and what a deadline sets in motion wait until one is started; "
                "everything else works, and nothing is lost."
            )
        case Standing.NO_SCHEDULER:
            return _(
                "No scheduler is running. Reminders and what a deadline sets in motion wait until one is started, and "
                "some mail may be late; everything else works, and nothing is lost."
            )
        case _:
            return ""


@bp.app_context_processor
def banners() -> dict[str, Any]:
    """The banner of the page frame, for staff alone: an applicant can do nothing about it."""
    if not current_actor().has(*STAFF):
        return {}
    told = sentence(bell.standing())
    return {"banners": [told]} if told else {}
