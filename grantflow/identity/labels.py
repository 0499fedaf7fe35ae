"""What people call roles, legal forms and kinds of bodies, in the reader's language. One term for one thing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _

ROLE_LABELS: dict[str, Any] = {
    "applicant": _("the applicant"),
    "officer": _("the programme officer"),
    "panellist": _("a panel member"),
    "chair": _("the panel chair"),
    "finance": _("the finance officer"),
    "manager": _("the programme manager"),
    "auditor": _("the auditor"),
    "partner": _("the national partner"),
    "system": "GrantFlow",
    "admin": _("the administrator"),
}

LEGAL_FORM_LABELS: dict[str, Any] = {
    "ano": _("autonomous non-profit organisation (ANO)"),
    "roo": _("regional public organisation (ROO)"),
    "foundation": _("foundation"),
    "ooo": _("limited liability company (OOO)"),
    "ip": _("sole trader (IP)"),
    "self_employed": _("self-employed person"),
    "initiative_group": _("initiative group, not registered"),
    "cooperative": _("cooperative"),
    "public_body": _("public body"),
    "other": _("another form"),
}

KIND_LABELS: dict[str, Any] = {
    "cso": _("civil society organisation"),
    "local_authority": _("local authority"),
    "business": _("enterprise"),
    "initiative_group": _("initiative group"),
    "other": _("other body"),
}

GROUP_LABELS: dict[str, Any] = {"board": _("The board"), "owners": _("Owners"), "staff": _("Staff")}
SEX_LABELS: dict[str, Any] = {"women": _("Women"), "men": _("Men"), "not_stated": _("Not stated")}
FUNDING_LABELS: dict[str, Any] = {
    "state": _("From the state"),
    "grant": _("From grants"),
    "own": _("Own income"),
    "donation": _("From donations"),
}
SPONSORSHIP_LABELS: dict[str, Any] = {
    "asked": _("asked, no answer yet"),
    "agreed": _("agreed"),
    "declined": _("declined"),
    "ended": _("ended"),
}


class Joined:
    """A list of labels whose str() is put together in the reader's language."""

    def __init__(self, items: Iterable[Any]) -> None:
        self.items = tuple(items)

    def __str__(self) -> str:
        return ", ".join(str(item) for item in self.items)


def role_names(roles: Iterable[str]) -> Joined:
    """The roles as one would say them in a sentence, people before the house; unknown names stand as they are."""
    people = [role for role in roles if role != "system"]
    return Joined(ROLE_LABELS.get(role, role) for role in people or ("system",))
