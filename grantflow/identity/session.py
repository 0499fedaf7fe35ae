"""Who is here: sign-in and its end, the gate before every view, language and zone of the visitor, the places
in the
masthead.

Accounts are `service`'s, what a role may enter is declared on each view, kept words are in `kept`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import structlog
from flask import Flask, current_app, g, has_request_context, request, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as __
from flask_login import UserMixin, current_user, login_user, logout_user
from sqlalchemy import bindparam, select

from grantflow import clock, rendering
from grantflow.db import connection
from grantflow.extensions import login_manager
from grantflow.identity import background, kept
from grantflow.identity.access import NOBODY, Actor, actor_for, may_enter
from grantflow.identity.labels import role_names
from grantflow.identity.models import ROLES, Person, name_of
from grantflow.prepared import Prepared

log = structlog.get_logger(__name__)

OPEN_TO_ALL = {"static", "bootstrap.static"}
"""Files that ship with the program; every other endpoint says itself who may enter."""
ROLE_TITLES: dict[str, Any] = {
    "manager": __("Programme manager"),
    "chair": __("Panel chair"),
    "finance": __("Finance officer"),
    "officer": __("Programme officer"),
    "panellist": __("Panel member"),
    "auditor": __("Auditor"),
    "partner": __("National partner"),
    "applicant": __("Applicant"),
}
STAFF = ("officer", "panellist", "chair", "finance", "manager", "auditor")


@dataclass(frozen=True)
class Place:
    """A place in the masthead: shown to these roles (none named: to everybody signed in) once its page
    exists.
    """

    endpoint: str
    label: Any
    roles: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """Further endpoints that belong to it."""


PLACES = (
    Place("cases.desk", __("My desk"), (*STAFF, "partner"), ("cases.inbox",)),
    Place("cases.desk", __("My applications"), ("", "applicant"), ("cases.inbox",)),
    Place("eligibility.index", __("Pipeline"), ("officer", "manager")),
    Place("scoring.index", __("Panels"), ("panellist", "chair", "manager")),
    Place("disbursements.index", __("Money"), ("finance", "manager")),
    Place("awards.cascades", __("Child grants"), ("partner",), ("awards.cascade",)),
    Place("followups.index", __("Checks"), ("officer", "manager")),
    Place("programmes.index", __("Programmes"), STAFF),
    Place("oversight.index", __("Audit"), ("auditor",)),
    Place(
        "identity.people",
        __("People"),
        ("manager",),
        ("identity.add_person", "identity.roles", "identity.revoke"),
    ),
    Place("identity.bodies", __("Organisations"), ("officer", "manager"), ("identity.body", "identity.merge")),
    Place("programmes.calls", __("Open calls"), ("", "applicant", "nobody")),
    Place(
        "identity.organisation",
        __("Organisation"),
        ("applicant",),
        (
            *("identity.add_organisation", "identity.edit_organisation", "identity.figures", "identity.funding"),
            *("identity.ask_sponsor", "identity.sponsorship"),
        ),
    ),
)
_counters: dict[str, Callable[[Actor], int]] = {}


def counts(endpoint: str) -> Callable[[Callable[[Actor], int]], Callable[[Actor], int]]:
    """Register what counts the work that waits at a place."""

    def keep(function: Callable[[Actor], int]) -> Callable[[Actor], int]:
        _counters[endpoint] = function
        return function

    return keep


@dataclass(frozen=True)
class Visitor(UserMixin):  # type: ignore[misc]
    """The signed-in person for Flask-Login, with what a page needs of them, read once a request."""

    id: int
    epoch: int
    email: str
    name: str
    language: str
    zone: str
    theme: str

    def get_id(self) -> str:
        """Number and epoch: a changed password ends every older session."""
        return f"{self.id}:{self.epoch}"

    @classmethod
    def of(cls, person: Any) -> Visitor:
        """The visitor a person is, from their row."""
        return cls(
            person.id,
            person.session_epoch,
            person.email,
            name_of(person, person.language),
            person.language,
            person.zone,
            person.theme,
        )


_PERSON = Prepared(select(Person.__table__).where(Person.__table__.c.id == bindparam("wanted")))


@login_manager.user_loader  # type: ignore[untyped-decorator]
def _load(token: str) -> Visitor | None:
    number, _sep, epoch = token.partition(":")
    person = _PERSON.one(connection(), {"wanted": int(number)}) if number.isdigit() else None
    if person is None or not person.active or str(person.session_epoch) != epoch:
        return None
    g.actor = actor_for(person)
    g.visitor = Visitor.of(person)
    return g.visitor  # type: ignore[no-any-return]


def current_actor() -> Actor:
    """Who acts in this request, with the roles they hold today; NOBODY where nobody is signed in."""
    if not has_request_context() or not current_user.is_authenticated:
        return NOBODY
    return g.actor  # type: ignore[no-any-return]


def visitor() -> Visitor | None:
    """The signed-in person, or None."""
    return g.visitor if has_request_context() and current_user.is_authenticated else None


def sign_in(person: Person) -> None:
    """Begin a session in a clean one, so that nothing planted before goes along; the language and kept words
    stay.
    """
    stay = {name: session[name] for name in ("language", "kept", "precheck", "_flashes") if name in session}
    session.clear()
    session.update(stay)
    g.actor, g.visitor = actor_for(person), Visitor.of(person)
    login_user(g.visitor)
    session["seen"] = int(clock.now().timestamp())


def sign_out() -> None:
    """End the session of this browser; only the language stays."""
    language = session.get("language") or getattr(visitor(), "language", None)
    logout_user()
    session.clear()
    g.pop("actor", None), g.pop("visitor", None)
    if language:
        session["language"] = language


def known_id() -> int | None:
    """Whose session this is or was."""
    number = str(session.get("_user_id", "")).partition(":")[0]
    return int(number) if number.isdigit() else None


def _end_idle() -> int | None:
    """End a session nobody has clicked in for too long; gives back whose it was, if it ended."""
    if "_user_id" not in session:
        return None
    now, whose = int(clock.now().timestamp()), known_id()
    idle = timedelta(minutes=current_app.config["GRANTFLOW"].session_minutes).total_seconds()
    seen = session.get("seen", 0)
    if now - seen > idle or not current_user.is_authenticated:
        sign_out()
        return whose
    if abs(now - seen) > 30:
        session["seen"] = now
    return None


def gate() -> Any:
    """Before every view: may this visitor enter? A view that declares nothing is closed to everybody."""
    endpoint = request.endpoint
    if endpoint is None or endpoint in OPEN_TO_ALL:
        return None
    ended = _end_idle()
    who = visitor()
    if who is not None:
        g.zone = who.zone
    declared = getattr(current_app.view_functions[endpoint], "access", None)
    if declared is None:
        log.error("a view declares no access and stays closed", endpoint=endpoint)
        return rendering.error_page(404)
    if may_enter(declared, current_actor() if who else None):
        if ended is not None and request.method == "POST":  # a public form: its words must not be lost either
            return kept.to_sign_in(ended) if "public" not in declared else None
        return None
    if who is None:
        return background.door() if background.asked() else kept.to_sign_in(ended)
    roles = [role for role in ROLES if role in declared]
    return rendering.error_page(403, _("Only %(who)s may open this page.", who=role_names(roles)))


def chosen_language() -> str | None:
    """The language of this visitor: the person's, else the one chosen in this browser, else what the browser
    asks for.
    """
    if not has_request_context():
        return None
    try:
        if (who := visitor()) is not None:
            return who.language
    except Exception:  # the page that says "the database is away" needs a language too
        log.warning("the visitor's language could not be read")
    if (chosen := session.get("language")) in rendering.LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(list(rendering.LANGUAGES)) or current_app.config["GRANTFLOW"].language


def chosen_zone() -> str:
    """The zone in which this visitor's clock is told."""
    return rendering.zone()


def opens_for(actor: Actor, endpoint: str, record: Any) -> bool:
    """Whether a room of a record opens for somebody: a link is shown only where it leads somewhere."""
    declared: frozenset[str] = getattr(current_app.view_functions.get(endpoint), "access", frozenset())
    return bool(declared & actor.roles_on(record))


def places(actor: Actor) -> list[Any]:
    """The places in the masthead for this actor, with the work that waits there."""
    mine = {held.role for held in actor.held} or ({""} if actor.person_id else {"nobody"})
    shown: dict[str, Any] = {}
    for place in PLACES:
        url = rendering.href(place.endpoint) if place.endpoint in current_app.view_functions else ""
        if not url or place.endpoint in shown or not mine & set(place.roles):
            continue
        room = place.endpoint.partition(".")[0]
        here = request.endpoint or ""
        current = (
            here == place.endpoint
            or here in place.also
            or (room not in ("cases", "identity") and here.startswith(f"{room}.") and place.endpoint.endswith(".index"))
        )
        counter = _counters.get(place.endpoint)
        count = counter(actor) if counter and actor.person_id else 0
        shown[place.endpoint] = SimpleNamespace(label=place.label, url=url, current=current, count=count)
    return list(shown.values())


def main_role(actor: Actor) -> Any:
    """The title under the name: the weightiest role held."""
    return next((title for role, title in ROLE_TITLES.items() if actor.has(role)), "")


def _frame() -> dict[str, Any]:
    actor, who = current_actor(), visitor()
    demo = {"mailbox": rendering.href("cases.mailbox")} if current_app.config.get("DEMO") else None
    facts = {"nav": places(actor), "demo": demo, "theme": who.theme if who else "auto"}
    return facts | ({"me": SimpleNamespace(id=who.id, name=who.name, role=main_role(actor))} if who else {})


def install(app: Flask) -> None:
    """Wire sign-in, the gate and the frame's variables to the app."""
    login_manager.session_protection = None  # a phone changes its address on the way; the idle limit ends sessions
    login_manager.init_app(app)
    app.before_request(gate)
    app.context_processor(_frame)
