"""Links that open a door once: an invitation to choose the first password, and one to choose a new password.

A link names the person and the epoch of their sessions, so that it is spent as soon as a password was chosen.
"""

from __future__ import annotations

from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from grantflow.db import session
from grantflow.identity.models import Person

INVITATION_DAYS, RESET_HOURS = 7, 2
_AGES = {"invitation": INVITATION_DAYS * 86400, "password": RESET_HOURS * 3600}


def _signer(kind: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=f"grantflow/{kind}")


def link(person: Person, kind: str = "invitation") -> str:
    """The whole address to send: good for seven days (`invitation`) or two hours (`password`), and for one
    use.
    """
    token = _signer(kind).dumps([person.id, person.session_epoch])
    return f"{current_app.config['GRANTFLOW'].url}/{kind}/{token}"


def opened_by(token: str, kind: str) -> Person | None:
    """Whose link this is, while it is good."""
    try:
        person_id, epoch = _signer(kind).loads(token, max_age=_AGES[kind])
    except (BadSignature, ValueError, TypeError):
        return None
    person = session().get(Person, person_id) if isinstance(person_id, int) else None
    return person if person is not None and person.active and person.session_epoch == epoch else None
