"""Links by mail that open one door of one person's, once, for a while: made, sent, looked up, spent, withdrawn.

A link is signed and holds no word about anybody. The database knows it by its digest alone; mail makes it anew from the
row and the secret key when the letter leaves. What a door does when it opens is for `registration` and `addresses`.
All functions that write need a unit of work around them.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import column, delete, insert, select, table, update

from grantflow import clock
from grantflow.db import session, writing
from grantflow.errors import NotFound
from grantflow.identity.models import AccountLink, Person
from grantflow.identity.roles import CASES

LIVES = {
    "invitation": timedelta(days=7),
    "confirmation": timedelta(days=2),
    "password": timedelta(hours=2),
    "address": timedelta(days=2),
    "undo": timedelta(days=7),
    "language": timedelta(days=30),
    "draft": timedelta(days=3),
}
PATHS = {
    "address": "letter/address", "undo": "letter/undo", "language": "letter/language", "draft": "letter/draft",
}  # fmt: skip
"""Where a link leads, if that is not its kind alone."""
INWARD = ("invitation", "confirmation", "password", "address", "draft")
"""Links that let somebody in, or would move the account: a new password ends all that are open."""
KEPT = timedelta(days=90)
"""How long a row stays after its link has ended: the list of invitations tells what became of them."""
_LINKS, _PEOPLE = AccountLink.__table__, Person.__table__
_LETTERS = table("outbox", *(column(c) for c in ("id", "person_id", "notice", "sent_at", "last_error")))


class Spent(NotFound):
    """The link was used, withdrawn, is too old, or never was one: all the same to whoever holds it."""

    def __init__(self) -> None:
        super().__init__(_("This link does not work any more: each one works once, for a while."))


@dataclass(frozen=True)
class Way:
    """Where a letter goes and where its links lead."""

    email: str
    url: str
    language_url: str = ""


def _signer(kind: str) -> URLSafeSerializer:
    return URLSafeSerializer(
        current_app.config["SECRET_KEY"],
        salt=f"grantflow/link/{kind}",
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
    )


def _token(kind: str, nonce: str) -> str:
    return str(_signer(kind).dumps(nonce))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _signed(token: str, kind: str) -> bool:
    """Whether this house made it for that door: asked before the database is."""
    try:
        _signer(kind).loads(token)
    except BadSignature:
        return False
    return True


def lock(person_id: int) -> None:
    """Take the person's file first, whatever is written next: so no two writers take two rows in different order."""
    writing().execute(select(CASES.c.id).where(CASES.c.id == person_id).with_for_update())


def issue(person_id: int, kind: str, *, email: str = "", onward: str = "", by_id: int | None = None) -> int:
    """Make a link and give back its number; `email` is where it goes, by default the person's address.

    A new invitation or change of address ends the one before. Rows whose link ended long ago go.
    """
    current, now = writing(), clock.now()
    lock(person_id)
    if kind in ("invitation", "address"):
        withdraw(person_id, (kind,))
    current.execute(delete(_LINKS).where(_LINKS.c.expires_at < now - KEPT))
    if not email:
        email = current.execute(select(_PEOPLE.c.email).where(_PEOPLE.c.id == person_id)).scalar_one()
    nonce = secrets.token_urlsafe(24)
    return int(
        current.execute(
            insert(_LINKS)
            .values(
                kind=kind,
                person_id=person_id,
                digest=_digest(_token(kind, nonce)),
                nonce=nonce,
                email=email,
                email_key=email.casefold(),
                onward=onward,
                by_id=by_id,
                created_at=now,
                expires_at=now + LIVES[kind],
            )
            .returning(_LINKS.c.id)
        ).scalar_one()
    )


def letter(person_id: int, kind: str, **more: Any) -> dict[str, int]:
    """Make a link to be sent: what a notice needs for its letter. With it goes a link to the other language."""
    made = {"account_link": issue(person_id, kind, **more)}
    if kind != "address":  # who reads there is not known yet
        language = session().execute(select(_PEOPLE.c.language).where(_PEOPLE.c.id == person_id)).scalar_one()
        other = "en" if language == "ru" else "ru"
        made["language_link"] = issue(person_id, "language", email=more.get("email", ""), onward=other)
    return made


def address_of(link_id: int) -> str:
    """The whole address a link opens; made anew each time, kept nowhere."""
    row = session().execute(select(_LINKS.c.kind, _LINKS.c.nonce).where(_LINKS.c.id == link_id)).one_or_none()
    if row is None:
        return str(current_app.config["GRANTFLOW"].url)
    path = PATHS.get(row.kind, row.kind)
    return f"{current_app.config['GRANTFLOW'].url}/{path}/{_token(row.kind, row.nonce)}"


def way_of(params: dict[str, Any]) -> Way | None:
    """Where the letter of a notice goes and leads, if the notice carries a link; None for every other.

    With `former_link`, the number of the link an earlier change of address sent there, it goes to the address somebody
    had before and opens no door.
    """
    number = params.get("account_link") or params.get("former_link")
    row = session().execute(select(_LINKS.c.email).where(_LINKS.c.id == number)).one_or_none() if number else None
    if row is None:
        return None
    if "account_link" not in params:
        return Way(row.email, "")
    other = params.get("language_link")
    return Way(row.email, address_of(int(params["account_link"])), address_of(int(other)) if other else "")


def _open() -> list[Any]:
    return [_LINKS.c.used_at.is_(None), _LINKS.c.withdrawn_at.is_(None), _LINKS.c.expires_at > clock.now()]


def opened_by(token: str, kind: str) -> Any:
    """The row of a link that would open now, with its person's account open too; else None. Looking spends nothing."""
    if not _signed(token, kind):
        return None
    return (
        session()
        .execute(
            select(_LINKS, _PEOPLE.c.language, _PEOPLE.c.email.label("present"))
            .join(_PEOPLE, _PEOPLE.c.id == _LINKS.c.person_id)
            .where(_LINKS.c.digest == _digest(token), _LINKS.c.kind == kind, _PEOPLE.c.active, *_open())
        )
        .one_or_none()
    )


def spend(token: str, kind: str) -> Any:
    """Open the door: gives back the link's row, to one asker alone. Raises Spent to every other.

    The row is marked in the same unit of work as whatever the door does: if that fails, the link is as it was.
    """
    found = opened_by(token, kind)
    if found is None:
        raise Spent
    lock(found.person_id)
    taken = writing().execute(
        update(_LINKS).where(_LINKS.c.id == found.id, *_open()).values(used_at=clock.now()).returning(*_LINKS.c)
    )
    row = taken.one_or_none()
    if row is None:
        raise Spent
    return row


def withdraw(person_id: int, kinds: Iterable[str]) -> int:
    """End the open links of these kinds; gives back how many there were."""
    ended = writing().execute(
        update(_LINKS)
        .where(_LINKS.c.person_id == person_id, _LINKS.c.kind.in_(tuple(kinds)), *_open())
        .values(withdrawn_at=clock.now())
    )
    return int(ended.rowcount)  # type: ignore[attr-defined]


def come_in(person_id: int) -> None:
    """A password is chosen: what invited to that is used, every other link that would let somebody in is ended."""
    writing().execute(
        update(_LINKS)
        .where(_LINKS.c.person_id == person_id, _LINKS.c.kind.in_(("invitation", "confirmation")), *_open())
        .values(used_at=clock.now())
    )
    withdraw(person_id, INWARD)


def holder_of(email_key: str) -> Any:
    """The open way back to an address that was changed a few days ago: nobody else may take it meanwhile."""
    return (
        session()
        .execute(
            select(_LINKS.c.id, _LINKS.c.person_id)
            .where(_LINKS.c.email_key == email_key, _LINKS.c.kind == "undo", *_open())
            .order_by(_LINKS.c.id.desc())
            .limit(1)
        )
        .one_or_none()
    )


def letter_fault(person_id: int) -> str | None:
    """Why the letter with somebody's newest invitation has not left: what the mail server said last; None where it left
    or nothing was said yet."""
    newest = select(_LETTERS).where(_LETTERS.c.person_id == person_id, _LETTERS.c.notice == "invited")
    row = session().execute(newest.order_by(_LETTERS.c.id.desc()).limit(1)).one_or_none()
    return str(row.last_error) if row is not None and row.sent_at is None and row.last_error else None


def invitations_of(person_ids: list[int]) -> dict[int, Any]:
    """The last invitation of each of these people."""
    rows = session().execute(
        select(_LINKS).where(_LINKS.c.person_id.in_(person_ids), _LINKS.c.kind == "invitation").order_by(_LINKS.c.id)
    )
    return {row.person_id: row for row in rows}


def state_of(row: Any) -> str:
    """What became of a link: open, used, withdrawn or over."""
    if row.used_at is not None:
        return "used"
    if row.withdrawn_at is not None:
        return "withdrawn"
    return "open" if row.expires_at > clock.now() else "over"
