"""The pages on which a programme manager sees to people and their roles.

What may be given and taken, and why not, is in `roles`; members of panels are seated on the panel's own page.
"""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response
from wtforms import SelectChoice  # type: ignore[attr-defined]  # the stubs are older than the library

from grantflow.db import unit_of_work
from grantflow.errors import Invalid, Refused
from grantflow.identity import closing, forms, kept, links, queries, registration, service
from grantflow.identity.access import access
from grantflow.identity.blueprint import bp
from grantflow.identity.session import ROLE_TITLES, current_actor
from grantflow.paging import number
from grantflow.rendering import language

Page = str | Response | tuple[str, int]
GIVEN_HERE = ("officer", "finance", "manager", "auditor")


@bp.route("/people")
@access("manager")
def people() -> Page:
    """People with a role in the programmes of this manager; a whole address finds anybody."""
    actor = current_actor()
    text = request.args.get("q", "").strip()[:254]
    rows, page = queries.people_of(actor, text, number(request.args.get("page")))
    if "@" in text and rows:
        found = [*session.get("found", []), *(row["person"].id for row in rows)]
        session["found"] = list(dict.fromkeys(found))[-20:]
    return render_template(
        "identity/people.html",
        rows=rows,
        text=text,
        page=page,
        titles=ROLE_TITLES,
        programmes=queries.programmes_of(actor),
    )


@bp.route("/people/new", methods=["GET", "POST"])
@access("manager")
def add_person() -> Page:
    """Open an account for somebody; a link to choose their password goes to them by mail."""
    form = forms.NewPerson(kept.form_data(), data={"language": language()})
    if request.method == "POST" and form.validate():
        try:
            actor = current_actor()
            with unit_of_work():
                person = service.add_person(
                    actor,
                    email=form.email.data or "",
                    name=form.name.data or "",
                    language=form.language.data,
                    zone=current_app.config["ZONE"],
                    key=form.key.data,
                )
                person_id = person.id
                if person.password_hash is None:
                    registration.invite(actor, person_id, key=form.key.data)
            flash(_("The account is open and an invitation is on its way. Now give the person a role."), "good")
            return redirect(url_for("identity.roles", person_id=person_id), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
    return render_template("identity/add_person.html", form=form), 400 if form.errors else 200


def _choices() -> list[SelectChoice]:
    return [SelectChoice("", _("Choose a role"))] + [
        SelectChoice(f"{role}/{row.id}", ROLE_TITLES[role], optgroup=row.title)
        for row in queries.programmes_of(current_actor())
        for role in GIVEN_HERE
    ]


@bp.route("/people/<int:person_id>/roles", methods=["GET", "POST"])
@access("manager")
def roles(person_id: int) -> Page:
    """What somebody may do in the programmes of this manager: give a role, and see which were given and
    taken.
    """
    actor = current_actor()
    person = queries.person_for(actor, person_id, session.get("found", []))
    form = forms.GrantRole(kept.form_data())
    form.role.choices = _choices()
    status = 200
    if request.method == "POST" and form.validate():
        role, _slash, programme = form.role.data.partition("/")
        try:
            with unit_of_work():
                service.grant_role(
                    actor,
                    person_id,
                    role,
                    programme_id=int(programme),
                    starts_on=form.starts_on.day,
                    ends_on=form.ends_on.day,
                    reason=form.reason.data or "",
                    key=form.key.data,
                )
            flash(_("The role is given. It holds from the person’s next click."), "good")
            return redirect(url_for("identity.roles", person_id=person_id), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
        except Refused as refusal:
            form.form_errors.append(str(refusal))
            status = 403
    held = queries.roles_of([person_id], actor.scopes("manager", "programme_id"))[person_id]
    invited = links.invitations_of([person_id]).get(person_id)
    shown = render_template(
        "identity/roles.html",
        form=form,
        person=person,
        roles=held,
        titles=ROLE_TITLES,
        account=queries.account_of(person, invited),
        invited=invited,
        letter_fault=links.letter_fault(person_id),
        closing=closing.may_close(actor, person_id),
        key=forms.new_key(),
    )
    return shown, status if status != 200 else 400 if form.errors else 200


@bp.route("/people/<int:person_id>/roles/<int:assignment_id>/revoke", methods=["GET", "POST"])
@access("manager")
def revoke(person_id: int, assignment_id: int) -> Page:
    """Take a role back, with a reason."""
    actor = current_actor()
    person = queries.person_for(actor, person_id, session.get("found", []))
    row = queries.assignment_for(actor, person_id, assignment_id)
    form = forms.Reasoned(kept.form_data())
    status = 200
    if request.method == "POST" and form.validate():
        try:
            with unit_of_work():
                service.revoke_role(actor, assignment_id, reason=form.reason.data or "", key=form.key.data)
            flash(_("The role is taken back."), "good")
            return redirect(url_for("identity.roles", person_id=person_id), 303)
        except Invalid as fault:
            forms.show_faults(form, fault)
        except Refused as refusal:
            form.form_errors.append(str(refusal))
            status = 403
    shown = render_template("identity/revoke.html", form=form, person=person, row=row, title=ROLE_TITLES[row.role])
    return shown, status if status != 200 else 400 if form.errors else 200
