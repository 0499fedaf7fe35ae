"""Scoring's use cases, in one place: panels, declarations of interest, reviews and decisions.

Importing it registers every guard, effect and deadline source the definitions name; the work is in the
modules beside it.
"""

from __future__ import annotations

from flask_babel import lazy_ngettext

from grantflow.identity import merging
from grantflow.scoring import guards, handover, reminding
from grantflow.scoring.budget import committed
from grantflow.scoring.decisions import ranking_of
from grantflow.scoring.interests import content_open, declare_interest, declared, latest, sits_on
from grantflow.scoring.models import PanelMember
from grantflow.scoring.panels import Member, compose_panel, composed, members_of, panel_of
from grantflow.scoring.reviews import (
    Mark,
    Written,
    read_review,
    reopen_review,
    save_review,
    submit_review,
    written,
)
from grantflow.submissions.rows import terms_of

__all__ = [
    "Mark",
    "Member",
    "Written",
    "committed",
    "compose_panel",
    "composed",
    "content_open",
    "declare_interest",
    "declared",
    "guards",
    "handover",
    "latest",
    "members_of",
    "panel_of",
    "ranking_of",
    "read_review",
    "reminding",
    "reopen_review",
    "save_review",
    "sits_on",
    "submit_review",
    "terms_of",
    "written",
]

merging.follows(
    PanelMember.__table__.c.organisation_id,
    lambda n: lazy_ngettext("%(num)d seat on a panel", "%(num)d seats on panels", n),
)
