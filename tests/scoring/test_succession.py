"""A member's seat goes to another person; reviews and declared interests stay who wrote them."""

from __future__ import annotations

from sqlalchemy import select

from grantflow.cases import service as cases
from grantflow.db import session, unit_of_work
from grantflow.history.models import Event
from grantflow.identity import succession
from grantflow.scoring import service as scoring
from grantflow.scoring.models import Interest, PanelMember, Review
from tests.factories import person


def looked(app, made, leaver, to):
    with app.test_request_context():
        return succession.look(made.manager, leaver.person_id, to.person_id)


def hand(app, made, leaver, to):
    with app.test_request_context():
        seen = succession.look(made.manager, leaver.person_id, to.person_id).seen
        with unit_of_work():
            succession.hand_over(made.manager, leaver.person_id, to.person_id, reason="Leaves", seen=seen)
    session().rollback()


def test_a_seat_goes_on_with_its_body_and_part_and_the_roles_with_it(app, contest):
    made = contest(started=True)
    chair, new = made.chair, person(name="New Chair")
    shown = looked(app, made, chair, new)
    assert [t.url for t in shown.moves] == [f"/panels/{made.panel}"]
    hand(app, made, chair, new)
    seat = session().scalars(select(PanelMember).where(PanelMember.person_id == new.person_id)).one()
    assert (seat.seat, seat.organisation_id, seat.chair) == ("other", made.bodies[0], True)
    assert session().scalars(select(PanelMember.left_on).where(PanelMember.person_id == chair.person_id)).one()
    assert made.again(new).has("panellist", "chair") and not made.again(chair).held
    file = session().scalars(select(Event.move).where(Event.case_id == made.panel)).all()
    assert list(file).count("panel_composed") == 2


def test_reviews_stay_with_their_writer_and_recusals_too(app, contest):
    made = contest(started=True)
    leaver, new = made.members[1], person(name="New Reader")
    with unit_of_work():
        scoring.declare_interest(made.applications[2], "family", actor=leaver)
    made.none(0, leaver)
    made.review(0, leaver, 4)
    made.none(1, leaver)
    with unit_of_work():
        scoring.save_review(made.applications[1], made.written(4), actor=leaver)
    told = {str(t.what): str(t.why) for t in looked(app, made, leaver, new).stays}
    assert "1 review submitted" in told and "1 declared interest" in told
    assert "own" in told["Review begun: KR-2021-0002"]
    hand(app, made, leaver, new)
    reviews = session().execute(select(Review.person_id, Review.status).order_by(Review.id)).all()
    assert [tuple(row) for row in reviews] == [(leaver.person_id, "submitted"), (leaver.person_id, "draft")]
    kinds = session().scalars(select(Interest.kind).where(Interest.person_id == leaver.person_id)).all()
    assert list(kinds) == ["family", "none", "none"]
    assert scoring.declared(made.applications[2], new.person_id) is None, "the successor declares their own"
    assert made.applications[2] in [
        row.id for row in session().execute(select(cases._CASES)).all() if made.again(new).roles_on(row)
    ]


def test_who_sits_there_already_or_pays_takes_no_seat(app, contest):
    made = contest(started=True)
    sitting = looked(app, made, made.chair, made.members[1])
    assert sitting.moves == [] and "already" in str(sitting.stays[0].why)
    payer = person("finance", programme_id=made.programme)
    refused = looked(app, made, made.chair, payer)
    assert refused.moves == [] and "does not pay" in str(refused.stays[0].why)
    assert [t.url for t in looked(app, made, made.members[1], payer).moves] == [f"/panels/{made.panel}"]


def test_a_panel_that_has_finished_hands_no_seat_on(app, contest):
    made = contest(started=True)
    made._move(made.call, "decided", "decision")
    shown = looked(app, made, made.chair, person())
    assert shown.moves == [] and "finished" in str(shown.stays[0].why)
