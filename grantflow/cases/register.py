"""The pages of the register of notices: who is told what and when, in which words; for a manager to change the words,
try them on oneself and go back to any version.

What words may be taken is judged in `texts`.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select
from werkzeug.wrappers import Response
from wtforms import HiddenField, StringField, TextAreaField

from grantflow.cases import notices, samples, texts, titles
from grantflow.cases.access import see
from grantflow.cases.blueprint import bp
from grantflow.cases.models import Case
from grantflow.cases.service import record
from grantflow.db import session, unit_of_work
from grantflow.errors import Invalid, NotFound, Refused
from grantflow.identity.access import Actor, access
from grantflow.identity.forms import Keyed, show_faults
from grantflow.identity.kept import form_data
from grantflow.identity.labels import role_names
from grantflow.identity.session import current_actor
from grantflow.rendering import zone

Page = str | Response | tuple[str, int]
READERS = ("manager", "auditor")
TRIAL = "trial_letter"


class WordsForm(Keyed):
    """The words of a notice in both languages. `seen` is the version the writer had before them."""

    subject_en = StringField(lazy_gettext("Subject in English"))
    text_en = TextAreaField(lazy_gettext("Text in English"))
    subject_ru = StringField(lazy_gettext("Subject in Russian"))
    text_ru = TextAreaField(lazy_gettext("Text in Russian"))
    seen = HiddenField()

    def said(self) -> dict[str, dict[str, str]]:
        """What was typed, by part and language; lines end in one way."""
        return {
            part: {
                language: (self[f"{part}_{language}"].data or "").replace("\r\n", "\n").strip()
                for language in texts.LANGUAGES
            }
            for part in ("subject", "text")
        }


def _programmes(actor: Actor) -> list[Any]:
    ids = {number for role in READERS for number in actor.scopes(role, "programme_id")}
    cases = Case.__table__.c
    return list(session().execute(select(Case.__table__).where(cases.id.in_(ids)).order_by(cases.title, cases.id)))


def _programme(programme_id: int, actor: Actor) -> Any:
    case = see(programme_id, actor, "programme")
    if not actor.roles_on(_Scope(programme_id)) & set(READERS):
        raise NotFound
    return case


class _Scope:
    """A record of this programme and of nothing narrower."""

    def __init__(self, programme_id: int) -> None:
        self.programme_id, self.alliance_id, self.panel_id, self.organisation_id = programme_id, None, None, None


def _manages(programme_id: int, actor: Actor) -> bool:
    return programme_id in actor.scopes("manager", "programme_id")


def _notice(name: str) -> notices.Notice:
    found = notices.catalogue().get(name)
    if found is None:
        raise NotFound
    return found


@bp.get("/notices")
@access(*READERS)
def registers() -> str | Response:
    """The programmes whose register this reader may see; where there is one, the register itself."""
    found = _programmes(current_actor())
    if len(found) == 1:
        return redirect(url_for("cases.register", programme_id=found[0].id), 303)
    return render_template("cases/registers.html", programmes=found)


@bp.get("/notices/<int:programme_id>")
@access(*READERS)
def register(programme_id: int) -> str:
    """Every number with event, recipient, moment, and the subjects of its notices as they count in this programme."""
    programme = _programme(programme_id, current_actor())
    newest = texts.changed(programme_id)
    shown: dict[str, list[dict[str, Any]]] = {}
    for name, notice in notices.catalogue().items():
        words = newest.get(name) or texts.standard(name)
        shown.setdefault(notice.code, []).append({"name": name, "subject": words.subject, "version": words.version})
    return render_template(
        "cases/register.html", programme=programme, rows=notices.rows(), notices=shown, title=titles.title(programme)
    )


@bp.get("/notices/<int:programme_id>/<name>")
@access(*READERS)
def notice(programme_id: int, name: str) -> str:
    """One notice: how it reads in both languages with invented values, who gets it, and all its versions."""
    actor = current_actor()
    programme, found = _programme(programme_id, actor), _notice(name)
    words = texts.current(name, programme_id)
    return render_template(
        "cases/notice.html",
        programme=programme, title=titles.title(programme), name=name, notice=found, row=notices.row_of(name),
        words=words, versions=texts.versions(programme_id, name), writers=texts.writers(programme_id, name),
        previews={language: samples.preview(name, words, language, zone()) for language in texts.LANGUAGES},
        roles=role_names(found.to) if found.to else "", editable=texts.editable(name),
        manages=_manages(programme_id, actor), form=Keyed(),
    )  # fmt: skip


@bp.route("/notices/<int:programme_id>/<name>/words", methods=["GET", "POST"])
@access("manager")
def words(programme_id: int, name: str) -> Page:
    """Write a new version: look at it with invented values first, or keep it."""
    actor = current_actor()
    programme, found = _programme(programme_id, actor), _notice(name)
    if not _manages(programme_id, actor) or not texts.editable(name):
        raise Refused(
            _(
                "Letters about accounts, and those that gather others, are the same everywhere; nobody changes them for a programme."
            )
        )
    count = texts.current(name, programme_id)
    rows = texts.versions(programme_id, name)
    before = {f"{part}_{lang}": getattr(count, part)[lang] for part in ("subject", "text") for lang in texts.LANGUAGES}
    form = WordsForm(form_data(), data={**before, "seen": str(rows[0].version if rows else 0)})
    previews, status = None, 200
    if request.method == "POST" and form.validate():
        seen = str(form.seen.data or "")[:9]
        try:
            if request.form.get("do") == "look":
                previews = _look(name, form)
            else:
                with unit_of_work():
                    texts.write(
                        programme_id, name, form.said(), actor=actor, key=form.key.data,
                        seen=int(seen) if seen.isascii() and seen.isdigit() else -1,
                    )  # fmt: skip
                flash(_("The new words count from now on. Letters sent before keep theirs."), "good")
                return redirect(url_for("cases.notice", programme_id=programme_id, name=name), 303)
        except Invalid as fault:
            show_faults(form, fault)
            status = 400
        except Refused as refusal:
            form.form_errors = [str(refusal)]
            status = 409
    return render_template(
        "cases/notice_words.html",
        programme=programme, title=titles.title(programme), name=name, notice=found, form=form, previews=previews,
        known=sorted(texts.allowed(name)), limits=(texts.SUBJECT, texts.TEXT),
    ), status  # fmt: skip


def _look(name: str, form: WordsForm) -> dict[str, notices.Rendered]:
    said = form.said()
    if wrong := texts.faults(name, said):
        raise Invalid("", wrong)
    typed = texts.Words(said["subject"], said["text"])
    return {language: samples.preview(name, typed, language, zone()) for language in texts.LANGUAGES}


@bp.post("/notices/<int:programme_id>/<name>/standard")
@access("manager")
def standard(programme_id: int, name: str) -> Response:
    """Let the words that came with GrantFlow count again, as a new version."""
    actor = current_actor()
    _programme(programme_id, actor)
    rows, form = texts.versions(programme_id, name), Keyed()
    try:
        with unit_of_work():
            texts.write(
                programme_id, name, None, actor=actor, seen=rows[0].version if rows else 0, key=form.key.data or None
            )
        flash(_("The standard words count again."), "good")
    except Refused as refusal:
        flash(str(refusal), "warm")
    return redirect(url_for("cases.notice", programme_id=programme_id, name=name), 303)


@bp.post("/notices/<int:programme_id>/<name>/trial")
@access("manager")
def trial(programme_id: int, name: str) -> Response:
    """Send the words that count now to oneself, with invented values, in both languages."""
    actor = current_actor()
    _programme(programme_id, actor)
    found = _notice(name)
    if not _manages(programme_id, actor):
        raise NotFound
    said, form = texts.current(name, programme_id), Keyed()
    seen = [samples.preview(name, said, language, zone()) for language in texts.LANGUAGES]
    note = "\n\n".join(f"{one.subject}\n\n{one.text}" for one in seen)
    with unit_of_work():
        record(
            programme_id, "notice_tried", actor=actor, role="manager", key=form.key.data or None,
            facts={"notice": name, "number": found.code, "version": said.version},
            notices=[(TRIAL, [actor.person_id or 0], {"number": found.code, "note": note})],
        )  # fmt: skip
    flash(_("A trial letter is on its way to you. It also stands among your notices."), "good")
    return redirect(url_for("cases.notice", programme_id=programme_id, name=name), 303)
