"""What the reviews of one application say: whole for the panel and staff, by criterion and without names for
the applicant.

Lists and boards are in `queries`; who may read which of the two is decided by the page. Nothing is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from grantflow.cases.models import Case
from grantflow.db import session
from grantflow.identity.models import Person
from grantflow.programmes.parts import Prose
from grantflow.programmes.terms import Rubric
from grantflow.scoring import interests, standing
from grantflow.scoring.models import Decision, PanelMember, Review


@dataclass(frozen=True)
class Opinion:
    """A member's submitted review, criterion by criterion."""

    review: Review
    person: Person
    label: Prose | None
    points: Mapping[str, Decimal | None]
    comments: Mapping[str, str]
    set_aside: bool
    """Its member has declared an interest since: it does not count."""


def opinions_on(case_id: int) -> list[Opinion]:
    """The submitted reviews of an application, those set aside last."""
    rows = (
        session()
        .execute(
            select(Review, Person, PanelMember.label)
            .join(Person, Person.id == Review.person_id)
            .join(Case, Case.id == Review.case_id)
            .outerjoin(
                PanelMember,
                (PanelMember.person_id == Review.person_id) & (PanelMember.panel_id == Case.panel_id),
            )
            .where(Review.case_id == case_id, Review.status.in_(standing.SENT))
            .options(selectinload(Review.scores))
            .order_by(Review.submitted_at, Review.id)
            .execution_options(populate_existing=True)
        )
        .all()
    )
    said = interests.latest([case_id])
    found = [
        Opinion(
            review,
            person,
            label,
            {score.criterion: score.points for score in review.scores},
            {score.criterion: score.comment for score in review.scores if score.comment},
            said.get((case_id, review.person_id)) not in (None, "none"),
        )
        for review, person, label in rows
    ]
    return sorted(found, key=lambda opinion: opinion.set_aside)


@dataclass(frozen=True)
class Feedback:
    """What an applicant reads about one criterion: the mean of its points and the words, without names."""

    criterion: Any
    mean: Decimal | None
    comments: tuple[str, ...]


def feedback_on(case_id: int, rubric: Rubric) -> tuple[list[Feedback], list[str]]:
    """By criterion, and the comments on the whole; never private notes, never who wrote them."""
    opinions = [opinion for opinion in opinions_on(case_id) if not opinion.set_aside]
    points: dict[str, list[Decimal]] = defaultdict(list)
    words: dict[str, list[str]] = defaultdict(list)
    for opinion in opinions:
        for code, given in opinion.points.items():
            if given is not None:
                points[code].append(given)
        for code, comment in opinion.comments.items():
            words[code].append(comment)
    found = [
        Feedback(
            criterion,
            round(sum(points[criterion.code], Decimal(0)) / len(points[criterion.code]), 1)
            if points[criterion.code]
            else None,
            tuple(sorted(words[criterion.code])),
        )
        for criterion in rubric.criteria
    ]
    return found, sorted(opinion.review.comment for opinion in opinions if opinion.review.comment)


def decision_on(case_id: int) -> Decision | None:
    """The decision on an application, announced or not."""
    return (
        session()
        .scalars(select(Decision).where(Decision.case_id == case_id).execution_options(populate_existing=True))
        .one_or_none()
    )
