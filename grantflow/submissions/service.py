"""The stage's use cases in one place, for whoever calls from outside, and the registrations that come with
them.

Each room has its own module: `drafts`, `files`, `sending`, `extension`, `queries`; the arithmetic is in
`answers`,
`reading` and `budget`. Every function that writes needs `with unit_of_work():` around it.
"""

from __future__ import annotations

from grantflow.identity import merging
from grantflow.submissions import inviting, owners, progress, reminding, reopening, scanning, taking, waiting
from grantflow.submissions.advice import advice, advice_provider
from grantflow.submissions.coleads import CO_LEADS
from grantflow.submissions.drafts import Clash, Saved, save_section, siblings, start_draft
from grantflow.submissions.extension import extend_deadline
from grantflow.submissions.files import add_file, path_of, remove_file
from grantflow.submissions.queries import applications_of, submitted
from grantflow.submissions.rows import APPLICATIONS, answers_of, draft_of, may_write, mode, row_of, terms_of, version_of
from grantflow.submissions.sending import check, content_gate, may_read, submit

__all__ = [
    "Clash",
    "Saved",
    "add_file",
    "advice",
    "advice_provider",
    "answers_of",
    "applications_of",
    "check",
    "content_gate",
    "draft_of",
    "extend_deadline",
    "inviting",
    "may_read",
    "may_write",
    "mode",
    "owners",
    "path_of",
    "progress",
    "reminding",
    "remove_file",
    "reopening",
    "row_of",
    "save_section",
    "scanning",
    "siblings",
    "start_draft",
    "submit",
    "submitted",
    "taking",
    "terms_of",
    "version_of",
    "waiting",
]

merging.follows(APPLICATIONS.c.organisation_id)
merging.follows(CO_LEADS.c.organisation_id)
