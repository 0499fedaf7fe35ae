"""A section with a question of every kind that is more than one control, and with all that can hang on answers."""

from __future__ import annotations

import json
from typing import Any

from grantflow.programmes.terms import Terms

SAY = {"en": "The contributions together must reach a tenth of your own share.", "ru": "Вместе — не меньше десятой."}


def label(text: str) -> dict[str, str]:
    return {"en": text, "ru": f"{text} (рус.)"}


def options(*values: str) -> list[dict[str, Any]]:
    return [{"value": value, "label": label(value.capitalize())} for value in values]


LAWS = {
    "code": "laws", "kind": "table", "label": label("Contributions to laws"), "required": False, "max_lines": 5,
    "columns": [
        {"code": "name", "kind": "text", "label": label("Name"), "max_length": 80},
        {"code": "type", "kind": "choice", "label": label("Type"), "options": options("law", "policy")},
        {"code": "year", "kind": "year", "label": label("Year")},
        {"code": "level", "kind": "choice", "label": label("Expected level"), "options": options("high", "low")},
        {"code": "status", "kind": "choice", "label": label("Status"), "options": options("drafted", "adopted"),
         "required": False},
        {"code": "cost", "kind": "money", "label": label("Cost"), "required": False},
        {"code": "country", "kind": "country", "label": label("Country"), "required": False},
        {"code": "on", "kind": "date", "label": label("Adopted on"), "required": False, "past": True},
    ],
}  # fmt: skip
EXTRA = {
    "code": "extra", "title": label("Laws and partners"), "minutes": 5,
    "checks": [{"rule": "default(law_costs, 0) * 10 >= own_share or not answered(laws)", "say": SAY}],
    "questions": [
        LAWS,
        {"code": "law_costs", "kind": "computed", "label": label("Together"), "value": "sum(laws.cost)", "money": True},
        {"code": "why_many", "kind": "text", "label": label("Why so many?"), "when": "count(laws) > 1"},
        {"code": "large", "kind": "text", "label": label("Why so large?"), "when": "total(costs) > 200000"},
        {"code": "lead", "kind": "organisation", "label": label("Lead partner"), "required": False},
        {"code": "photos", "kind": "consent", "label": label("Photographs"), "version": "2",
         "text": {"en": "You may show our pictures.", "ru": "Можно показывать наши снимки."}},
        {"code": "short", "kind": "long_text", "label": label("In short"), "about": 60, "limit": 80, "required": False},
    ],
}  # fmt: skip


def with_extra(terms: Terms) -> Terms:
    """The same terms with that section at the end of their form."""
    body = json.loads(terms.content)
    body["form"].append(EXTRA)
    return Terms.from_content(json.dumps(body))
