"""What an answer may be at least and at most, said beforehand: on the page of the call and beside the field.

Leaves judging an answer by these bounds to `submissions.reading`.
"""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from grantflow import rendering
from grantflow.programmes.questions import Question


def said(question: Question) -> str:
    """The bounds of a question in a sentence; nothing where it has none that anybody could break unknowingly.

    Below one tick nothing is answered, and a sum or a number that may not be negative is no surprise.
    """
    low, high = question.min, question.max
    least, most = rendering.number(low), rendering.number(high)
    if question.kind == "table":
        lines = question.min_lines
        return str(ngettext("%(num)d line at least.", "%(num)d lines at least.", lines)) if lines > 1 else ""
    if question.kind in ("choices", "counter"):
        ticks = question.kind == "choices"
        few = _("Tick at least %(least)s.") if ticks else _("The three numbers must add up to %(least)s or more.")
        many = _("Tick at most %(most)s.") if ticks else _("The three numbers must add up to %(most)s or less.")
        parts = [few % {"least": least}] if low is not None and low > 1 else []
        return " ".join([*parts, many % {"most": most}] if high is not None else parts)
    if question.kind not in ("number", "money") or (high is None and not low):
        return ""
    if high is None:
        return str(_("Write %(least)s or more.", least=least))
    if low is None:
        return str(_("Write %(most)s or less.", most=most))
    return str(_("From %(least)s to %(most)s.", least=least, most=most))
