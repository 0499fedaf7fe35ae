"""How a notice leaves the house: by SMTP where a server is set, else kept as a readable letter in the database.

Claiming and retrying are the outbox's, whether there is a letter at all is judged in `withholding`.
"""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from email.utils import formatdate, parseaddr
from typing import Any

from flask import current_app
from flask_babel import force_locale, gettext
from sqlalchemy import bindparam, insert, select, update

from grantflow import clock
from grantflow.cases import outbox, stops, texts, withholding
from grantflow.cases.models import Letter, Outbox
from grantflow.cases.notices import page_of, render
from grantflow.config import Settings
from grantflow.db import end_reading, session, unit_of_work
from grantflow.identity import links
from grantflow.identity.models import Person

_TIMEOUT = 20
# Asked for every letter, and built once.
_O, _P = Outbox.__table__.c, Person.__table__.c
_WAITING = (
    select(Outbox.__table__, _P.email, _P.language, _P.zone, _P.name_en, _P.name_ru, _P.active)
    .join(Person.__table__, _P.id == _O.person_id)
    .where(_O.id == bindparam("wanted"))
)
_NAME = select(_O.notice).where(_O.id == bindparam("wanted"))
_MARK = (
    update(Outbox.__table__)
    .where(_O.id == bindparam("wanted"), _O.sent_at.is_(None))
    .values(
        sent_at=bindparam("now"), lease_until=None, last_error="", text_id=bindparam("said_by"),
        withheld=bindparam("because"),
    )
)  # fmt: skip
_KEEP = insert(Letter.__table__)


def settings() -> Settings:
    """The settings this app was made with."""
    found: Settings = current_app.config["GRANTFLOW"]
    return found


def compose(row: Any, person: Any, way: links.Way | None = None, said: texts.Words | None = None) -> tuple[str, str]:
    """Subject and plain text of a notice for a person, in their language; `way`: with links that open a door once."""
    language = person.language
    link = settings().url + (page_of(row) or "")
    if way is not None and way.url:
        link = way.url
    other = ""
    if way is not None and way.language_url:
        with force_locale("en" if language == "ru" else "ru"):
            other = gettext("Pages and letters in this language instead:")
    notice = render(row.notice, row.params, language, person.zone, link, said)
    with force_locale(language):
        name = (person.name_ru or person.name_en) if language == "ru" else (person.name_en or person.name_ru)
        # Without the page's context: a letter is written where no request is.
        letter = current_app.jinja_env.get_template("mail/letter.txt")
        body = letter.render(
            notice=notice, name=name, link=link, language=language, other=other,
            other_link=way.language_url if way else "", stop=stops.link(person_id=row.person_id, notice=row.notice),
        )  # fmt: skip
    return notice.subject, body


def deliver(row_id: int) -> None:
    """Send one claimed notice and mark it. Without a mail server letter and mark are one transaction.

    With one, a kill between the server's acceptance and the mark may repeat the message, with the same Message-ID.
    """
    found = session().execute(_WAITING, {"wanted": row_id}).one()
    if found.sent_at is not None:
        return
    withheld = withholding.reason(found)
    if withheld is not None:
        _settle(row_id, withheld=withheld)
        return
    way = links.way_of(found.params)
    to = way.email if way is not None else found.email
    said = texts.current(found.notice, texts.programme_of(found.case_id))
    subject, body = compose(found, found, way, said)
    kept = None
    if settings().smtp_host and not current_app.config.get("DEMO"):
        end_reading(session())  # no transaction stays open while the network is slow
        if not outbox.hold(row_id):
            return
        _smtp(found, to, subject, body)
    else:
        kept = {
            "message_id": found.message_id, "person_id": found.person_id, "recipient": to,
            "language": found.language, "subject": subject, "body": body, "created_at": clock.now(),
        }  # fmt: skip
    _settle(row_id, kept, said=said)


def _settle(
    row_id: int, kept: dict[str, Any] | None = None, *, said: texts.Words | None = None, withheld: str | None = None
) -> None:
    """Mark a notice as done with, by which words or why without a letter; a letter kept here is part of the same unit."""
    with unit_of_work() as current:
        name = current.execute(_NAME, {"wanted": row_id}).scalar_one()
        text_id = texts.pin(name, said) if said is not None else None
        marked = current.execute(_MARK, {"wanted": row_id, "now": clock.now(), "said_by": text_id, "because": withheld})
        if kept is not None and marked.rowcount == 1:  # type: ignore[attr-defined]
            current.execute(_KEEP, kept)


def _smtp(row: Any, to: str, subject: str, body: str) -> None:
    config = settings()
    message = EmailMessage()
    message["From"] = config.mail_from
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = row.message_id
    message["Date"] = formatdate(row.created_at.timestamp(), localtime=False)
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = row.language
    message.set_content(body)
    with smtplib.SMTP(config.smtp_host, config.smtp_port, timeout=_TIMEOUT) as server:
        if config.smtp_starttls:
            server.starttls()
        if config.smtp_user:
            server.login(config.smtp_user, config.smtp_password)
        server.send_message(message, from_addr=parseaddr(config.mail_from)[1])
