"""The words of the time line: what a record is called, what a changed field or a fact is called, and its
value in words.

Moves bring their own words from the definitions. A stage adds its own names here through `say()`, `field()`,
`fact()`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import g
from flask_babel import gettext, ngettext
from flask_babel import lazy_gettext as _

from grantflow import rendering
from grantflow.identity.labels import KIND_LABELS, LEGAL_FORM_LABELS, ROLE_LABELS, Joined
from grantflow.money import MINOR_DIGITS, Money

KINDS: dict[str, Any] = {
    "call": _("Call"),
    "application": _("Application"),
    "award": _("Grant"),
    "tranche": _("Tranche"),
    "report": _("Report"),
    "check": _("Check"),
    "person": _("Person"),
    "organisation": _("Organisation"),
    "programme": _("Programme"),
    "alliance": _("Alliance"),
    "panel": _("Panel"),
}
PLURALS: dict[str, Any] = {
    "call": _("Calls"),
    "application": _("Applications"),
    "award": _("Grants"),
    "tranche": _("Tranches"),
    "report": _("Reports"),
    "check": _("Checks"),
    "panel": _("Panels"),
    "history": _("Histories"),
    "": _("Other"),
}
SAYS: dict[str, Any] = {
    "open": _("Opened"),
    "account_opened": _("Account opened"),
    "name_changed": _("Name changed"),
    "password_changed": _("Password changed"),
    "signed_out_everywhere": _("Signed out on all devices"),
    "invited": _("Invitation sent"),
    "invitation_withdrawn": _("Invitation taken back"),
    "invitation_shown": _("Link of the invitation shown: its letter could not leave"),
    "invitation_accepted": _("Invitation accepted, password chosen"),
    "address_confirmed": _("Address confirmed, password chosen"),
    "link_sent": _("Link to choose a password sent"),
    "registration_repeated": _("Somebody wanted to open another account under this address"),
    "address_change_asked": _("Another address asked for"),
    "address_changed": _("Address changed"),
    "address_restored": _("Change of address undone"),
    "language_changed": _("Language changed"),
    "account_closed": _("Account closed"),
    "account_reopened": _("Account opened again"),
    "desk_handed_over": _("Desk handed over"),
    "desk_taken_over": _("Desk taken over"),
    "role_granted": _("Role given"),
    "notice_text_changed": _("Words of a notice changed"),
    "notice_tried": _("Notice sent to oneself as a trial"),
    "notices_stopped": _("Mail of a kind stopped"),
    "notices_wanted": _("Mail of a kind wanted again"),
    "role_revoked": _("Role taken back"),
    "organisation_changed": _("Description of the organisation changed"),
    "figures_recorded": _("Figures of women and men recorded"),
    "funding_recorded": _("Funding of a year recorded"),
    "sponsor_asked": _("Fiscal sponsor asked"),
    "sponsoring_asked": _("Asked to be fiscal sponsor"),
    "sponsor_agreed": _("Fiscal sponsor agreed"),
    "sponsor_declined": _("Fiscal sponsor declined"),
    "sponsor_ended": _("Fiscal sponsorship ended"),
    "co_lead_named": _("Co-lead named"),
    "co_lead_removed": _("Co-lead taken away"),
    "merged_into": _("Merged into another organisation"),
    "merged_with": _("Another organisation merged into this one"),
    "applicant_merged": _("The organisation was merged into another"),
    "role_followed": _("Role followed a merger of organisations"),
    "scope_amended": _("Districts of the call amended"),
    "closing_put_off": _("Closing put off"),
    "call_changed": _("Call changed from its pack"),
    "pack_loaded": _("Loaded from the programme’s pack"),
    "alliance_loaded": _("Alliance updated from the programme’s pack"),
    "definition_changed": _("Moved to another version of the workflow"),
    "terms_changed": _("Moved to another version of the call’s form and rules"),
    "extension": _("Deadline extended"),
    "late_attempt": _("Tried to submit after the deadline"),
    "rules_run": _("Eligibility rules run"),
    "rule_waived": _("A rule waived"),
    "panel_composed": _("Panel composed"),
    "interest_declared": _("An interest declared"),
    "no_interest_declared": _("No interest declared"),
    "reviews_assigned": _("Reviews assigned"),
    "reviewer_assigned": _("Review assigned"),
    "review_submitted": _("Review submitted"),
    "review_reopened": _("Review opened again"),
    "outcome_announced": _("Outcome announced"),
    "case_viewed": _("Opened by the auditor"),
    "history_verified": _("History verified"),
    "history_exported": _("History exported"),
    "pipeline_exported": _("List of applications exported"),
    "export_asked": _("Export of history asked for"),
    "export_ready": _("Export of history made"),
    "export_failed": _("Export of history not made"),
}
OPEN_RECORDS = {
    "open", "extension", "outcome_announced", "organisation_changed", "late_attempt", "figures_recorded",
    "funding_recorded", "sponsor_asked", "sponsoring_asked", "sponsor_agreed", "sponsor_declined", "sponsor_ended",
    "merged_into", "merged_with", "applicant_merged", "co_lead_named", "co_lead_removed",
}  # fmt: skip
"""Records without a move that an applicant also reads about their own case; all others are the house's."""
FIELDS: dict[str, Any] = {
    "email": _("E-mail"),
    "name": _("Name"),
    "language": _("Language"),
    "handed_to": _("Handed over to"),
    "taken_from": _("Taken over from"),
    "name_en": _("Spelling in Latin letters"),
    "name_ru": _("Spelling in Cyrillic letters"),
    "kind": _("Kind"),
    "legal_form": _("Legal form"),
    "country": _("Country"),
    "inn": _("INN"),
    "kpp": _("KPP"),
    "ogrn": _("OGRN"),
    "organisation": _("Organisation"),
    "board": _("The board"),
    "owners": _("Owners"),
    "staff": _("Staff"),
    "women": _("women"),
    "men": _("men"),
    "not_stated": _("not stated"),
    "from_state": _("From the state"),
    "from_grant": _("From grants"),
    "from_own": _("Own income"),
    "from_donation": _("From donations"),
    "payee": _("Paid to"),
    "co_lead": _("Co-lead"),
    "founded_on": _("Founded on"),
    "closes_at": _("Closes"),
    "opens_at": _("Opens"),
    "results_on": _("Results on"),
    "districts": _("Districts"),
    "amount": _("Amount"),
    "bank_account": _("Bank account"),
    "bank_name": _("Bank"),
    "bank_ref": _("Bank’s reference"),
    "due_on": _("Due on"),
    "due_at": _("Due"),
    "quorum": _("Quorum"),
    "reviews_due_on": _("Reviews due on"),
    "decision": _("Decision"),
    "verdict": _("Verdict"),
    "title": _("Title"),
    "starts_on": _("Begins on"),
    "ends_on": _("Ends on"),
    "agreement_no": _("Agreement number"),
    "state": _("State"),
    "definition": _("Version of the workflow"),
    "terms": _("Version of form and rules"),
    "pack_hash": _("Version of form and rules"),
}
FACTS: dict[str, Any] = {
    "role": _("Role"),
    "roles": _("Roles"),
    "as_of": _("As of"),
    "women_share": _("Share that belongs to women, %"),
    "year": _("Year"),
    "sponsor": _("Fiscal sponsor"),
    "group": _("Initiative group"),
    "merged": _("Merged"),
    "into": _("Into"),
    "cases": _("Cases that followed"),
    "people": _("People who followed"),
    "moved": _("Open items moved"),
    "stayed": _("Things that stay"),
    "amount": _("Amount"),
    "due": _("Due"),
    "fingerprint": _("Fingerprint of what was sent"),
    "receipt": _("Number"),
    "paid": _("Paid"),
    "signed_on": _("Signed on"),
    "agreement_no": _("Agreement number"),
    "starts_on": _("Begins on"),
    "ends_on": _("Ends on"),
    "spent": _("Spent"),
    "decision": _("Decision"),
    "verdict": _("Verdict"),
    "bank_ref": _("Bank’s reference"),
    "tranches": _("Tranches planned"),
    "reports": _("Reports planned"),
    "checks": _("Checks planned"),
    "mean": _("Mean mark"),
    "consent": _("Text agreed to"),
    "version": _("Version"),
    "booked_on": _("Booked on"),
    "rules_not_met": _("Rules not met"),
    "until": _("Until"),
    "instalment": _("Instalment"),
}
ERASED = _("erased on request")
_DAY = re.compile(r"\d{4}-\d\d-\d\d\Z")
_DECIMAL = re.compile(r"-?\d+\.\d+\Z")
_FIGURES = {"women_share", "mean", "points", "total", "share", "grants_share"}
"""Facts that are decimals; elsewhere figures with a point may be a number of a version or an agreement."""
_HASHES = {"definition", "terms", "pack_hash"}
"""Versions named by a hash, of which a reader needs the beginning."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z")
_ASKED: dict[str, Callable[[], Mapping[str, Any]]] = {}
_CODES: dict[str, dict[str, Any]] = {
    "role": ROLE_LABELS,
    "roles": ROLE_LABELS,
    "language": {"en": _("English"), "ru": _("Russian")},
    "legal_form": LEGAL_FORM_LABELS,
    "kind": KIND_LABELS,
}


def say(**labels: Any) -> None:
    """Add what records are called in the time line: `say(panel_composed=_("Panel composed"))`."""
    SAYS.update(labels)


def field(**labels: Any) -> None:
    """Add what changed fields are called."""
    FIELDS.update(labels)


def fact(**labels: Any) -> None:
    """Add what facts are called. A fact without a name is kept and exported, but not shown on the page."""
    FACTS.update(labels)


def code(**labels: dict[str, Any]) -> None:
    """Add what the codes of a field or fact stand for: `code(decision={"awarded": _("Awarded"), …})`."""
    for name, codes in labels.items():
        _CODES.setdefault(name, {}).update(codes)


def code_from(name: str, ask: Callable[[], Mapping[str, Any]]) -> None:
    """Let the codes of a field or fact be looked up where they are kept; asked once a request."""
    _ASKED[name] = ask


def _codes(name: str) -> Mapping[str, Any]:
    if name not in _ASKED:
        return _CODES.get(name, {})
    known: dict[str, Mapping[str, Any]] = g.setdefault("case_codes", {})
    if name not in known:
        known[name] = _ASKED[name]()
    return known[name]


def open_to_applicants(*records: str) -> None:
    """Let applicants read these records about their own cases."""
    OPEN_RECORDS.update(records)


def record_label(name: str) -> Any:
    """What a record is called; a name nobody gave words to stands as it is."""
    return SAYS.get(name, name.replace("_", " "))


def field_label(name: str) -> Any:
    """What a changed field is called."""
    return FIELDS.get(name, name.replace("_", " "))


def value(thing: Any, name: str = "") -> Any:
    """A value of an event in words: money, dates, instants, yes and no, codes, lists."""
    if thing is None or thing == "":
        return ""
    if isinstance(thing, bool):
        return gettext("yes") if thing else gettext("no")
    if isinstance(thing, int):
        return rendering.number(thing)
    if isinstance(thing, dict):
        if set(thing) == {"minor", "currency"} and thing["currency"] in MINOR_DIGITS:
            return rendering.money(Money(thing["minor"], thing["currency"]))
        if set(thing) == {"en", "ru"}:
            return rendering.label(thing)
        return ", ".join(f"{field_label(key)}: {value(item, key)}" for key, item in thing.items())
    if isinstance(thing, list):
        if len(thing) > 6 or any(isinstance(item, dict | list) for item in thing):
            return ngettext("%(num)d entry", "%(num)d entries", len(thing))
        return Joined(value(item, name) for item in thing)
    text = str(thing)
    if text in (codes := _codes(name)):
        return rendering.label(codes[text])
    if _DAY.match(text):
        return rendering.day(date.fromisoformat(text))
    if _INSTANT.match(text):
        return rendering.moment(datetime.fromisoformat(text.replace("Z", "+00:00")))
    if name in _FIGURES and _DECIMAL.match(text):
        return rendering.number(Decimal(text), len(text.partition(".")[2]))
    if name in _HASHES:
        return text[:12]
    return rendering.fours(text) if name == "fingerprint" else text
