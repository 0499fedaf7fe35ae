"""The pages on which an organisation tells of itself: figures of women and men, what it lived on, its fiscal sponsor.

What may be written is judged in `profiles` and `sponsors`; the description itself is in `bodies`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from wtforms import SelectChoice  # type: ignore[attr-defined]  # the stubs are older than the library

from grantflow import plots, rendering
from grantflow.db import unit_of_work
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.extensions import limiter
from grantflow.identity import body_forms, forms, kept, profiles, sponsors
from grantflow.identity.access import access
from grantflow.identity.blueprint import bp
from grantflow.identity.bodies import Page, own
from grantflow.identity.labels import FUNDING_LABELS, GROUP_LABELS, SPONSORSHIP_LABELS
from grantflow.identity.models import FUNDING_SOURCES, GROUPS, name_of
from grantflow.identity.session import current_actor


def funding_chart(years: list[profiles.Year]) -> dict[str, Any] | None:
    """The figure of what a body lived on: a column a year, a stripe a source, with its table. None without a year.

    One currency is drawn, that of the last year; years in another stand in the table alone.
    """
    if not years:
        return None
    currency = years[-1].currency
    drawn = [year for year in years if year.currency == currency]
    head = [_("Year"), *(str(FUNDING_LABELS[source]) for source in FUNDING_SOURCES), _("Together")]
    rows = [
        [str(y.year), *(_said(y.of(source)) for source in FUNDING_SOURCES), rendering.money(y.total)]
        for y in reversed(years)
    ]
    svg = plots.columns(
        [(str(y.year), [y.by_source.get(source, 0) for source in FUNDING_SOURCES]) for y in drawn[-8:]],
        [str(FUNDING_LABELS[source]) for source in FUNDING_SOURCES],
        _("What the organisation lived on, by year and source"),
        words=lambda minor: rendering.money(minor, currency),
    )
    return {"svg": svg, "head": head, "rows": rows}


def _said(money: Any) -> str:
    return "" if money is None else rendering.money(money)


def profile_of(rows: list[Any]) -> dict[int, dict[str, Any]]:
    """What stands on the page beside the description of each of these bodies, in three queries."""
    numbers = [row.id for row in rows]
    figures, funding = profiles.figures_of(numbers), profiles.funding_of(numbers)
    sponsorships = sponsors.sponsorships_of(numbers)
    return {
        number: {
            "figures": figures[number],
            "years": funding[number],
            "chart": funding_chart(funding[number]),
            "as_group": [one for one in sponsorships if one.group_id == number],
            "as_sponsor": [one for one in sponsorships if one.sponsor_id == number],
        }
        for number in numbers
    }


@bp.route("/organisation/<int:organisation_id>/figures", methods=["GET", "POST"])
@access("applicant")
def figures(organisation_id: int) -> Page:
    """How many women and men sit on the board, own and work, as of a day; earlier days stay."""
    row = own(organisation_id)
    form = body_forms.Figures(kept.form_data())
    known = profiles.figures_of([row.id])[row.id]
    if known and not form.is_submitted() and form.as_of_on.data is None:
        latest = known[0]
        for group in GROUPS:
            for sex in ("women", "men", "not_stated"):
                count = getattr(getattr(latest, group), sex)
                form[f"{group}_{sex}"].data = "" if count is None else str(count)
        share = latest.women_share
        form.women_share.data = (
            "" if share is None else rendering.number(share, max(-int(share.as_tuple().exponent), 0))
        )
    if request.method == "POST" and form.validate():
        try:
            actor = current_actor()
            with unit_of_work():
                profiles.record_figures(actor, row.id, form.as_of_on.day, form.typed(), key=form.key.data)
            flash(_("Saved."), "good")
            return redirect(url_for("identity.organisation"), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
    shown = render_template("identity/figures.html", form=form, row=row, known=known, groups=GROUP_LABELS)
    return shown, 400 if form.errors else 200


@bp.route("/organisation/<int:organisation_id>/funding", methods=["GET", "POST"])
@access("applicant")
def funding(organisation_id: int) -> Page:
    """What the organisation lived on in a year; `?year=` shows what is written of it."""
    row = own(organisation_id)
    form = body_forms.Funding(kept.form_data())
    years = profiles.funding_of([row.id])[row.id]
    asked = request.args.get("year", "")
    shown_year = next((y for y in years if str(y.year) == asked), None)
    if not form.is_submitted():
        form.currency.data = shown_year.currency if shown_year else years[-1].currency if years else _currency(row)
        if shown_year:
            form.year.data = asked
            for source in FUNDING_SOURCES:
                sum_ = shown_year.of(source)
                form[source].data = "" if sum_ is None else rendering.money(sum_, bare=True)
    if request.method == "POST" and form.validate():
        try:
            actor = current_actor()
            with unit_of_work():
                profiles.record_funding(
                    actor, row.id, form.whole_year, form.currency.data or "", form.typed(), key=form.key.data
                )
            flash(_("Saved."), "good")
            if "more" in request.form:
                return redirect(url_for("identity.funding", organisation_id=row.id), 303)
            return redirect(url_for("identity.organisation"), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
    page = render_template(
        "identity/funding.html",
        form=form,
        row=row,
        years=list(reversed(years)),
        sources=FUNDING_LABELS,
        chart=funding_chart(years),
    )
    return page, 400 if form.errors else 200


def _currency(row: Any) -> str:
    found = {"RU": "RUB", "KZ": "KZT", "NO": "NOK", "SE": "SEK", "DK": "DKK", "GB": "GBP"}.get(row.country, "EUR")
    return found if found in profiles.CURRENCIES else "EUR"


@bp.route("/organisation/<int:organisation_id>/sponsor", methods=["GET", "POST"])
@access("applicant")
@limiter.limit("60 per hour")
def ask_sponsor(organisation_id: int) -> Page:
    """Find the organisation that shall receive the group's money, and ask it."""
    row = own(organisation_id)
    if row.legal_form != sponsors.UNREGISTERED:
        raise NotFound
    text = (request.args.get("q") or "").strip()[:200]
    found = sponsors.find_sponsors(text, row.id) if text else []
    form = body_forms.AskSponsor(kept.form_data())
    form.sponsor.choices = [SelectChoice(str(body.id), _named(body)) for body in found]
    status = 200
    if request.method == "POST" and form.validate():
        try:
            chosen = form.sponsor.data or ""
            sponsor_id = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 19 else 0
            actor = current_actor()
            with unit_of_work():
                sponsors.ask_sponsor(actor, row.id, sponsor_id, form.words.data or "", key=form.key.data)
            flash(_("Asked. You are told as soon as somebody there has answered."), "good")
            return redirect(url_for("identity.organisation"), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
        except Refused as refusal:
            form.form_errors.append(str(refusal))
            status = 403
    page = render_template("identity/sponsor.html", form=form, row=row, text=text, found=found)
    return page, status if status != 200 else 400 if form.errors else 200


def _named(body: Any) -> str:
    number = f", {body.inn}" if body.inn else ""
    return f"{name_of(body, rendering.language())}{number}"


@bp.route("/organisation/sponsorships/<int:sponsorship_id>", methods=["GET", "POST"])
@access("applicant")
def sponsorship(sponsorship_id: int) -> Page:
    """One fiscal sponsorship: to agree or decline, by the sponsor; to end, by either side."""
    actor = current_actor()
    row = sponsors.sponsorship(actor, sponsorship_id)
    is_sponsor = row.sponsor_id in actor.scopes("applicant", "organisation_id")
    form = body_forms.AnswerSponsor(kept.form_data())
    status = 200
    if request.method == "POST" and form.validate():
        done = request.form.get("do", "")
        try:
            with unit_of_work():
                if done in ("agree", "decline"):
                    sponsors.answer(actor, row.id, done == "agree", key=form.key.data)
                elif done == "end":
                    sponsors.end(actor, row.id, reason=form.reason.data or "", key=form.key.data)
                else:
                    raise Refused(_("That did not arrive whole. Press once more."))
            flash(_("Saved."), "good")
            return redirect(url_for("identity.organisation"), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
        except Refused as refusal:
            form.form_errors.append(str(refusal))
            status = 403
    page = render_template(
        "identity/sponsorship.html", form=form, row=row, is_sponsor=is_sponsor, states=SPONSORSHIP_LABELS
    )
    return page, status if status != 200 else 400 if form.errors else 200
