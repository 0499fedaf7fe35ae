"""Who receives the money of a grant: the grantee, or for a group that is not registered the body that has agreed to.

Which body has agreed stands in the group's file; here it is made true where an account is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select

from grantflow.awards.models import Award
from grantflow.cases.context import Context
from grantflow.db import session
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Refused
from grantflow.identity import merging
from grantflow.identity.models import Organisation, name_of
from grantflow.identity.sponsors import UNREGISTERED, sponsor_of


@dataclass(frozen=True)
class Payee:
    """The body a grant is paid to. `sponsors`: it stands for the grantee, which has no account of its own."""

    id: int
    name: dict[str, str]
    sponsors: bool


_NOBODY = _(
    "The group is not registered and has no account of its own. Ask an organisation to be your fiscal sponsor, "
    "on the page of your organisation; once it has agreed you can accept."
)


def payee_of(organisation_id: int) -> Payee | None:
    """Who receives the money of this body; None for a group without a sponsor that has agreed."""
    body: Any = session().execute(select(Organisation.__table__).where(Organisation.id == organisation_id)).one()
    if body.legal_form != UNREGISTERED:
        return Payee(body.id, _both(body), False)
    sponsor = sponsor_of(body.id)
    return None if sponsor is None else Payee(sponsor.id, _both(sponsor), True)


def _both(row: Any) -> dict[str, str]:
    return {language: name_of(row, language) for language in ("en", "ru")}


@registry.guard("awards.payee_known")
def payee_known(ctx: Context) -> Verdict:
    """Somebody can receive the money: the grantee itself, or the sponsor that has agreed to."""
    return YES if payee_of(ctx.case.organisation_id) is not None else no(_NOBODY)


def required(organisation_id: int) -> Payee:
    """Who receives the money; Refused where nobody can. Grants under an older definition, without the guard, too."""
    found = payee_of(organisation_id)
    if found is None:
        raise Refused(_NOBODY)
    return found


merging.follows(Award.__table__.c.organisation_id)
merging.follows(Award.__table__.c.payee_id)
