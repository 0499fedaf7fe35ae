"""What is typed to ask about a call and to answer. What is allowed is `inquiries`' to judge."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import (  # type: ignore[attr-defined]  # the stubs are older than the library
    HiddenField,
    RadioField,
    SelectChoice,
    TextAreaField,
)

from grantflow.identity.forms import Keyed
from grantflow.programmes.inquiry_models import Said


class AskForm(Keyed):
    """A question about a call."""

    question = TextAreaField(
        _("Your question"),
        description=_(
            "Leave out names and details of your project: if the answer helps others too, everybody reads it. "
            "The question is then put in neutral words, and nobody is told who asked."
        ),
    )


REACH_LABELS = {
    "public": _("Publish for all: everybody in the contest gets the same answer"),
    "asker": _("Only to whoever asked: it helps nobody else"),
    "withdrawn": _("Withdraw: the answer no longer holds; below stands why"),
}


class AnswerForm(Keyed):
    """An answer in both languages, with the question as everybody may read it."""

    reach = RadioField(_("For whom is the answer?"), validate_choice=False)
    wording_en = TextAreaField(
        _("The question in neutral words, English"),
        description=_("Without the name of a person, an enterprise or a project. Not needed for an answer to one."),
    )
    wording_ru = TextAreaField(_("The question in neutral words, Russian"))
    answer_en = TextAreaField(_("Answer, English"), description=_("One language is enough; both are better."))
    answer_ru = TextAreaField(_("Answer, Russian"))
    seen = HiddenField()

    def offer(self, reaches: tuple[str, ...]) -> None:
        """Let only these be chosen."""
        self.reach.choices = [SelectChoice(reach, REACH_LABELS[reach]) for reach in reaches]

    @property
    def wording(self) -> Said:
        """The question as everybody may read it."""
        return Said(self.wording_en.data or "", self.wording_ru.data or "")

    @property
    def text(self) -> Said:
        """The answer."""
        return Said(self.answer_en.data or "", self.answer_ru.data or "")
