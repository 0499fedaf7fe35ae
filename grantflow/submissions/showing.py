"""Owns what a request asks of a page with questions: how many lines its tables show, and which names it offers.

Leaves the fields to `forms` and what is asked to `hanging`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import request

from grantflow import rendering
from grantflow.programmes.questions import Question
from grantflow.submissions import countries


def lines_wanted(questions: Iterable[Question]) -> dict[str, int]:
    """How many lines a page was asked to show of each budget and table."""
    asked = {q.code: request.args.get(f"lines-{q.code}", request.args.get("lines", 0, int), int) for q in questions}
    return {code: max(0, min(lines, 200)) for code, lines in asked.items()}


def line_more() -> dict[str, Any]:
    """What to add to the address of a page after its button for another line was pressed."""
    code = request.form["add_line"]
    if code == "1":
        return {"lines": request.form.get("lines", 0, int) + 1, "_anchor": "add-line"}
    return {f"lines-{code}": request.form.get(f"lines-{code}", 0, int) + 1, "_anchor": f"add-{code}"}


def countries_for(questions: Iterable[Question]) -> list[str]:
    """The names offered where a table asks for a country; none where none does."""
    wanted = any(column.kind == "country" for question in questions for column in question.columns)
    return list(countries.names(rendering.language()[:2]).values()) if wanted else []
