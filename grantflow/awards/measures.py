"""What the results framework counts of grants. Loaded with `service`, so that indicators find it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from grantflow.awards.models import Award
from grantflow.awards.reach import within
from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.programmes.measures import Achieved, measure
from grantflow.programmes.models import Place
from grantflow.submissions.models import Application


@measure("enterprises_granted")
def enterprises_granted(programme_id: int) -> Achieved:
    """Enterprises that accepted a grant, or went further: each counted once, by region, kind of award and of
    grant.

    What the programme's grants passed on counts too, in whichever programme its calls stand.
    A grant terminated after money was paid stays counted: the enterprise received it.
    """
    region = aliased(Place)
    rows = (
        session()
        .execute(
            select(region.name, Application.award_type, Application.grant_kind, Award.organisation_id)
            .select_from(Award)
            .join(Case, Case.id == Award.case_id)
            .join(Application, Application.case_id == Award.application_id)
            .outerjoin(Place, Place.id == Application.district_id)
            .outerjoin(region, region.id == Place.parent_id)
            .where(
                within(programme_id),
                or_(Award.terminated_at.is_(None) & Award.accepted_at.is_not(None), Award.paid_minor > 0),
            )
            .order_by(Award.case_id)
        )
        .all()
    )
    seen: set[int] = set()
    parts: dict[str, tuple[Any, int]] = {}
    for region_name, award_type, grant_kind, organisation_id in rows:
        if organisation_id in seen:
            continue
        seen.add(organisation_id)
        for code, name in (
            (f"region:{getattr(region_name, 'en', '')}", region_name),
            (f"type:{award_type}", AWARD_TYPE_LABELS.get(award_type or "")),
            (f"kind:{grant_kind}", GRANT_KIND_LABELS.get(grant_kind or "")),
        ):
            if name is not None:
                parts[code] = (name, parts.get(code, (name, 0))[1] + 1)
    split = tuple((name, Decimal(count)) for _code, (name, count) in sorted(parts.items()))
    return Achieved(Decimal(len(seen)), split)


AWARD_TYPE_LABELS: dict[str, Any] = {
    "female": _("female enterprises"),
    "social": _("social enterprises"),
    "both": _("both female and social"),
}
GRANT_KIND_LABELS: dict[str, Any] = {"new": _("starting"), "growing": _("growing")}
