"""Reviews: half-done drafts, submitting, and the chair's opening of one again. A submitted one stands until
then.

Totals are counted in `ranking`, what counts in the mean in `standing`. All writing needs a unit of work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import selectinload

from grantflow import clock
from grantflow.cases.models import Case
from grantflow.cases.service import record
from grantflow.db import session, writing
from grantflow.errors import Invalid, NotFound, Refused, Stale
from grantflow.history import store
from grantflow.identity.access import Actor
from grantflow.programmes.terms import Criterion, Rubric
from grantflow.rendering import clean_text
from grantflow.scoring import interests, standing
from grantflow.scoring.models import Review, ReviewScore
from grantflow.scoring.ranking import points_of
from grantflow.scoring.words import Said
from grantflow.submissions.models import Application
from grantflow.submissions.rows import terms_of

_CASES = Case.__table__
_REVIEWS = Review.__table__
_SCORES = ReviewScore.__table__
LONGEST_COMMENT = 4000


@dataclass(frozen=True)
class Mark:
    """Points for one criterion, None while undecided, and the words for the applicant."""

    points: Decimal | None = None
    comment: str = ""


@dataclass(frozen=True)
class Written:
    """A review as a member has written it, half done or whole."""

    marks: Mapping[str, Mark] = field(default_factory=dict)
    comment: str = ""
    private_note: str = ""

    @property
    def points(self) -> dict[str, Decimal]:
        """The points there are."""
        return {code: mark.points for code, mark in self.marks.items() if mark.points is not None}


def rubric_of(case_id: int) -> Rubric:
    """The rubric an application is held to: that of the terms it was written under."""
    return terms_of(session().execute(select(Application.pack_hash).filter_by(case_id=case_id)).scalar_one()).rubric


def read_review(case_id: int, person_id: int | None) -> Review | None:
    """Somebody's review of an application, with its scores, as the database has it now."""
    return (
        session()
        .scalars(
            select(Review)
            .where(Review.case_id == case_id, Review.person_id == person_id)
            .options(selectinload(Review.scores))
            .execution_options(populate_existing=True)
        )
        .one_or_none()
    )


def written(review: Review | None) -> Written:
    """What stands in a review."""
    if review is None:
        return Written()
    marks = {score.criterion: Mark(score.points, score.comment) for score in review.scores}
    return Written(marks, review.comment, review.private_note)


# what is wrong
def faults(given: Written, rubric: Rubric, *, whole: bool) -> dict[str, Any]:
    """What is wrong with a review, by field: `points_CODE`, `comment_CODE`, `comment`, `private_note`.

    A draft may be half done, but what stands in it must be possible; `whole` asks for everything the rubric
    asks for.
    """
    found: dict[str, Any] = {}
    for criterion in rubric.criteria:
        mark = given.marks.get(criterion.code, Mark())
        if mark.points is not None and not rubric.allows(mark.points):
            found[f"points_{criterion.code}"] = _possible(rubric)
        elif whole and mark.points is None:
            found[f"points_{criterion.code}"] = _("Give points, or go back to the application first.")
        if len(mark.comment) > LONGEST_COMMENT:
            found[f"comment_{criterion.code}"] = _("Write at most %(count)s characters.", count=LONGEST_COMMENT)
        elif whole and comment_needed(mark, rubric):
            found[f"comment_{criterion.code}"] = _(
                "Say why: fewer than %(points)s points need a comment.",
                points=Said(rubric.comment_required_below),
            )
    for name, text in (("comment", given.comment), ("private_note", given.private_note)):
        if len(text) > LONGEST_COMMENT:
            found[name] = _("Write at most %(count)s characters.", count=LONGEST_COMMENT)
    return found


def comment_needed(mark: Mark, rubric: Rubric) -> bool:
    """Whether these points cannot stand without a word why."""
    return mark.points is not None and mark.points < rubric.comment_required_below and not mark.comment.strip()


def _possible(rubric: Rubric) -> Any:
    low, high, step = Said(rubric.min), Said(rubric.max), Said(rubric.step)
    return _("Give points from %(low)s to %(high)s, in steps of %(step)s.", low=low, high=high, step=step)


# saving, submitting
def _open_for(case_id: int, actor: Actor) -> Any:
    """The application's row, locked, if this member may write a review of it now."""
    case = writing().execute(select(_CASES).where(_CASES.c.id == case_id).with_for_update()).one_or_none()
    if case is None or case.kind != "application" or not interests.sits_on(case.panel_id, actor.person_id):
        raise NotFound
    said = interests.declared(case_id, actor.person_id)
    if said is None:
        raise Refused(_("Declare first whether you have an interest in this application."))
    if said != "none":
        raise NotFound
    return case


def _still_scoring(case: Any, review: Review | None) -> None:
    if not standing.open_for_reviews(case) or (review is not None and review.status == "locked"):
        raise Refused(_("Scoring of this application is closed; reviews can no longer be changed."))


def _fresh(review: Review | None, revision: int | None) -> None:
    if revision is not None and revision != (review.revision if review else 0):
        raise Stale(_("You changed this review in another window. Both are shown; what you typed here is kept."))


def save_review(case_id: int, given: Written, *, actor: Actor, revision: int | None = None) -> Review:
    """Keep a draft, half done or whole. No event: only what is submitted is history.

    `revision` is what the page was made from (0: there was no review yet); another one is Stale. Raises
    Invalid with `fields` for points that cannot be, Refused and NotFound as `submit_review` does.
    """
    case, review = _open_for(case_id, actor), read_review(case_id, actor.person_id)
    _still_scoring(case, review)
    if review is not None and review.status != "draft":
        raise Refused(_("This review is submitted. The chair can open it again."))
    _fresh(review, revision)
    given = _clean(given)
    rubric = rubric_of(case_id)
    if wrong := faults(given, rubric, whole=False):
        raise Invalid(_("Some points cannot be given."), wrong)
    return _store(case_id, actor, review, given, rubric)


def submit_review(
    case_id: int,
    given: Written | None = None,
    *,
    actor: Actor,
    revision: int | None = None,
    key: str | None = None,
) -> Review:
    """Submit a review, as given or as saved last. Submitting the same again changes nothing.

    Raises Invalid with `fields` while a criterion lacks points or a needed comment; Stale where another
    window has
    changed it; Refused before a declaration and after scoring is closed; NotFound to whoever may not read it.
    """
    case, review = _open_for(case_id, actor), read_review(case_id, actor.person_id)
    if review is not None and review.status != "draft":
        again = key is not None and store.by_key(writing(), case_id, key) is not None
        if again or given is None or _same(_clean(given), written(review)):
            return review
        _still_scoring(case, review)
        raise Refused(_("This review is submitted. The chair can open it again."))
    _still_scoring(case, review)
    _fresh(review, revision)
    given = written(review) if given is None else _clean(given)
    rubric = rubric_of(case_id)
    if wrong := faults(given, rubric, whole=True):
        raise Invalid(_("The review is not complete yet."), wrong)
    review = _store(case_id, actor, review, given, rubric)
    before, sent = dict(review.sent or {}), {c: int(p * 100) for c, p in sorted(given.points.items())}
    total_before, total = review.total, standing.total(given.points, rubric)
    writing().execute(
        update(_REVIEWS)
        .where(_REVIEWS.c.id == review.id)
        .values(status="submitted", total=total, submitted_at=clock.now(), sent=sent)
    )
    record(
        case_id,
        "review_submitted",
        actor=actor,
        role="panellist",
        facts={"reviewer": actor.person_id, "total": points_of(total), "points": _shown(sent)},
        changes=[
            *(
                (f"points.{code}", points_of(before[code]), points_of(sent[code]))
                for code in sorted(before)
                if code in sent
            ),
            *([("total", points_of(total_before), points_of(total))] if total_before is not None else []),
        ],
        key=key,
    )
    found = read_review(case_id, actor.person_id)
    assert found is not None
    return found


def reopen_review(case_id: int, person_id: int, reason: str, *, actor: Actor, key: str | None = None) -> Review:
    """The chair opens a member's submitted review again, with a reason; it does not count until submitted
    anew.

    What it said stands in the history. Raises Refused to anybody but the chair, and once scoring is closed.
    """
    case = writing().execute(select(_CASES).where(_CASES.c.id == case_id).with_for_update()).one_or_none()
    if case is None:
        raise NotFound
    if "chair" not in actor.roles_on(case):
        raise Refused(_("Only the panel chair opens a submitted review again."))
    review = read_review(case_id, person_id)
    if review is None:
        raise NotFound
    if key is not None and store.by_key(writing(), case_id, key) is not None:
        return review
    _still_scoring(case, review)
    reason = clean_text(reason)
    if not reason:
        raise Invalid(fields={"reason": _("Write the reason: it will stand in the history.")})
    if review.status != "submitted":
        raise Refused(_("This review is not submitted; its member can still change it."))
    writing().execute(
        update(_REVIEWS)
        .where(_REVIEWS.c.id == review.id)
        .values(status="draft", revision=_REVIEWS.c.revision + 1, saved_at=clock.now())
    )
    record(
        case_id,
        "review_reopened",
        actor=actor,
        role="chair",
        reason=reason,
        key=key,
        facts={"reviewer": person_id, "total": points_of(review.total), "points": _shown(review.sent)},
        notices=[("review_reopened", [person_id], {"reason": reason})],
    )
    found = read_review(case_id, person_id)
    assert found is not None
    return found


def _shown(sent: Mapping[str, int] | None) -> dict[str, Decimal | None]:
    """Points as the history tells them: on the rubric's scale."""
    return {code: points_of(value) for code, value in (sent or {}).items()}


def _clean(given: Written) -> Written:
    marks = {code: Mark(mark.points, clean_text(mark.comment)) for code, mark in given.marks.items()}
    return Written(marks, clean_text(given.comment), clean_text(given.private_note))


def _same(one: Written, other: Written) -> bool:
    empty = Mark()
    codes = {*one.marks, *other.marks}
    return (one.comment, one.private_note) == (other.comment, other.private_note) and all(
        one.marks.get(code, empty) == other.marks.get(code, empty) for code in codes
    )


def _store(case_id: int, actor: Actor, review: Review | None, given: Written, rubric: Rubric) -> Review:
    current, now = writing(), clock.now()
    values = {"comment": given.comment, "private_note": given.private_note, "saved_at": now}
    if review is None:
        review_id = current.execute(
            insert(_REVIEWS)
            .values(case_id=case_id, person_id=actor.person_id, status="draft", revision=1, sent={}, **values)
            .returning(_REVIEWS.c.id)
        ).scalar_one()
    else:
        review_id = review.id
        current.execute(
            update(_REVIEWS).where(_REVIEWS.c.id == review_id).values(revision=_REVIEWS.c.revision + 1, **values)
        )
        current.execute(delete(_SCORES).where(_SCORES.c.review_id == review_id))
    rows = [_score(review_id, criterion, given) for criterion in rubric.criteria]
    current.execute(insert(_SCORES), rows)
    found = read_review(case_id, actor.person_id)
    assert found is not None
    return found


def _score(review_id: int, criterion: Criterion, given: Written) -> dict[str, Any]:
    mark = given.marks.get(criterion.code, Mark())
    points = None if mark.points is None else int(mark.points * 100)
    return {
        "review_id": review_id,
        "criterion": criterion.code,
        "hundredths": points,
        "comment": mark.comment,
    }
