"""The blueprint of the pages of cases, and what all of them use: the path above.

The pages themselves are in `views`, `rooms` and `moving`.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, url_for

from grantflow.cases import titles, words

bp = Blueprint("cases", __name__)
bp.add_app_template_filter(titles.title, "titled")


def name_of(case: Any) -> Any:
    """What a case is called in a path: its number, else its title, else its kind."""
    return case.ref or titles.title(case) or words.KINDS[case.kind]


def steps(view: Any, *more: str) -> list[tuple[Any, str | None]]:
    """The path above a case's page: the programme first, the page itself last."""
    found: list[tuple[Any, str | None]] = [
        (row.ref or titles.title(row), url_for("cases.show", case_id=row.id)) for row in view.above
    ]
    case = view.case
    found.append((name_of(case), url_for("cases.show", case_id=case.id) if more else None))
    return found + [(words_, None) for words_ in more]
