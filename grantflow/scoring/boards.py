"""The board of a panel: how far each application is read, and each member's part in it.

Lists and lines are in `queries`. Nothing is written, in a fixed number of queries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grantflow.engine.definition import Stage
from grantflow.identity.access import Actor
from grantflow.identity.models import Organisation, Person
from grantflow.scoring import interests, ranking, standing
from grantflow.scoring.composition import SEAT_LABELS
from grantflow.scoring.models import PanelMember
from grantflow.scoring.panels import members_of
from grantflow.scoring.queries import Line, Sheet, lines_of


@dataclass(frozen=True)
class Reading:
    """How far an application is read: who has submitted, who is missing, how far the totals lie apart."""

    line: Line
    totals: Mapping[int, int]
    missing: tuple[Person, ...]
    conflicted: tuple[Person, ...]
    undeclared: int
    quorum: int
    spread: int | None
    mean: int | None
    wide: bool
    shown: bool
    """Whether the asker may see marks: not before they have submitted their own."""

    @property
    def enough(self) -> bool:
        """Whether the quorum is met."""
        return len(self.totals) >= self.quorum


@dataclass(frozen=True)
class Reader:
    """A member's part in the work of a panel."""

    member: PanelMember
    person: Person
    organisation: Organisation | None
    seat: Any
    assigned: int
    declared: int
    interests: int
    submitted: int
    owed: int
    """Reviews still missing where scoring is open; an interest is nobody's debt."""
    zero_spread: bool

    @property
    def expected(self) -> int:
        """How many reviews there will be of this member, if all are written."""
        return self.submitted + self.owed


@dataclass(frozen=True)
class Board:
    """A panel at work."""

    sheet: Sheet
    readings: tuple[Reading, ...]
    readers: tuple[Reader, ...]

    @property
    def submitted(self) -> int:
        """Reviews that are in."""
        return sum(reader.submitted for reader in self.readers)

    @property
    def expected(self) -> int:
        """Reviews there should be."""
        return sum(reader.expected for reader in self.readers)


def board_of(sheet: Sheet, actor: Actor) -> Board:
    """The panel's progress: per application and per member."""
    # Whoever withdrew or was disqualified has left the panel's work; the declined have been through it.
    lines = [
        line for line in lines_of(sheet.id, actor) if line.case.stage != Stage.REFUSED or line.decision is not None
    ]
    ids = [line.case.id for line in lines]
    totals = standing.counted(ids)
    said = interests.latest(ids)
    members = members_of(sheet.id)
    open_marks = actor.everywhere is not None or not any(
        member.person_id == actor.person_id for member, _p, _o in members
    )
    readings = []
    for line in lines:
        here = totals.get(line.case.id, {})
        free = [p for m, p, _o in members if said.get((line.case.id, m.person_id)) in (None, "none")]
        spread = ranking.spread(standing.exact(here.values()))
        apart = None if spread is None else ranking.hundredths(spread)
        readings.append(
            Reading(
                line,
                here,
                tuple(p for p in free if p.id not in here) if standing.open_for_reviews(line.case) else (),
                tuple(p for m, p, _o in members if said.get((line.case.id, m.person_id)) not in (None, "none")),
                sum(1 for m, _p, _o in members if (line.case.id, m.person_id) not in said),
                sheet.panel.quorum,
                apart,
                standing.mean(list(here.values())),
                apart is not None and apart > sheet.spread_limit,
                open_marks or actor.person_id in here or not standing.open_for_reviews(line.case),
            )
        )
    return Board(sheet, tuple(readings), tuple(_readers(members, readings, said)))


def _readers(
    members: Sequence[tuple[PanelMember, Person, Organisation | None]],
    readings: Sequence[Reading],
    said: Mapping[tuple[int, int], str],
) -> Iterable[Reader]:
    ids = [reading.line.case.id for reading in readings]
    for member, person, body in members:
        own = [r.totals[member.person_id] for r in readings if member.person_id in r.totals]
        mine = [said[case_id, member.person_id] for case_id in ids if (case_id, member.person_id) in said]
        yield Reader(
            member,
            person,
            body,
            SEAT_LABELS[member.seat],
            len(ids),
            len(mine),
            sum(1 for kind in mine if kind != "none"),
            len(own),
            sum(1 for reading in readings if any(p.id == person.id for p in reading.missing)),
            ranking.marks(standing.exact(own)).zero_spread,
        )
