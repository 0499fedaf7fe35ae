"""Who must sit on a panel before it may start: kinds of members, a chair, a quorum, and no body with more
than its part.

Pure: it judges seats as they are. Who sits on a panel is kept in `panels`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from flask_babel import lazy_ngettext

from grantflow.identity.labels import Joined
from grantflow.programmes.terms import PanelRule

SEAT_LABELS: dict[str, Any] = {
    "cso": _("civil society"),
    "local_authority": _("local authority"),
    "other": _("other member"),
}
_LACKING: dict[str, Any] = {
    "cso": _("a member from civil society"),
    "local_authority": _("a member from a local authority"),
    "other": _("a member of another kind"),
}


@dataclass(frozen=True)
class Seat:
    """A member as the rule sees them. `organisation` is any key of the body, None for nobody's."""

    kind: str
    organisation: int | None = None
    chair: bool = False
    organisation_name: str = ""


def lacking(seats: Sequence[Seat], rule: PanelRule, quorum: int) -> list[Any]:
    """What the panel still lacks, each as words that fit after "The panel lacks:"; nothing where it may
    start."""
    kinds = Counter(seat.kind for seat in seats)
    found: list[Any] = []
    for kind, least in rule.at_least.items():
        missing = least - kinds[kind]
        if missing > 0:
            found.append(
                _LACKING[kind]
                if missing == 1
                else _("%(num)s members of the kind “%(kind)s”", num=missing, kind=SEAT_LABELS[kind])
            )
    if not any(seat.chair for seat in seats):
        found.append(_("a chair"))
    if len(seats) < quorum:
        found.append(
            lazy_ngettext(
                "%(num)d more member for the quorum",
                "%(num)d more members for the quorum",
                quorum - len(seats),
            )
        )
    return found + list(_crowded(seats, rule))


def _crowded(seats: Sequence[Seat], rule: PanelRule) -> list[Any]:
    bodies = Counter(seat.organisation for seat in seats if seat.organisation is not None)
    names = {seat.organisation: seat.organisation_name for seat in seats}
    limit = rule.max_percent_of_one_organisation
    return [
        _(
            "balance: %(count)s of %(all)s members come from one organisation, %(name)s",
            count=count,
            all=len(seats),
            name=names[body],
        )
        for body, count in sorted(bodies.items())
        if count > 1 and count * 100 > limit * len(seats)
    ]


def sentence(missing: Sequence[Any]) -> Any:
    """The refusal that names all that is lacking."""
    return _("The panel cannot start. It lacks: %(what)s.", what=Joined(missing))
