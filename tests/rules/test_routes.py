"""Every route says who may enter, and the whole of it stands in one table that people can read: `access.md`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule

from grantflow import load_stages
from grantflow.cases import definitions
from grantflow.identity.access import ROLES

TABLE = Path(__file__).with_name("access.md")
FILES = {"static", "bootstrap.static"}


def routes(app: Flask) -> Iterator[tuple[Rule, frozenset[str]]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda r: (r.rule, sorted(r.methods or ()))):
        if rule.endpoint not in FILES:
            yield rule, getattr(app.view_functions[rule.endpoint], "access", frozenset())


def written(app: Flask) -> str:
    """The table as the code has it."""
    head = "| route | methods | " + " | ".join(("signed out", *ROLES)) + " |"
    lines = [
        "# Who may enter what, and who may make which move",
        "",
        "Written from the code; a test fails when code and table differ. ✓ may, · may not. A record outside one's scope is",
        "not found for anybody; `signed in` routes are open to every role.",
        "",
        "## Routes",
        "",
        head,
        "|" + "---|" * (len(ROLES) + 3),
    ]
    for rule, words in routes(app):
        methods = " ".join(sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"}))
        marks = ["✓" if "public" in words else "·"]
        marks += ["✓" if words & {"public", "signed_in", role} else "·" for role in ROLES]
        lines.append(f"| `{rule.rule}` | {methods} | " + " | ".join(marks) + " |")
    load_stages()
    roles = (*ROLES, "system")
    for workflow in definitions.all_current().values():
        lines += [
            "",
            f"## Moves of the {workflow.name}",
            "",
            "| move | from | to | " + " | ".join(roles) + " | besides |",
        ]
        lines.append("|" + "---|" * (len(roles) + 4))
        for move in workflow.moves:
            besides = [f"votes: {move.quorum}"] if move.quorum > 1 else []
            besides += [f"not who made {name}" for name in move.distinct_from]
            besides += ["reason"] if move.reason == "required" else []
            marks = ["✓" if role in move.roles else "·" for role in roles]
            lines.append(
                f"| {move.name} | {', '.join(move.source)} | {move.to or 'stays'} | "
                + " | ".join(marks)
                + f" | {', '.join(besides)} |"
            )
    return "\n".join(lines) + "\n"


def test_every_route_says_who_may_enter(app: Flask) -> None:
    assert [rule.rule for rule, words in routes(app) if not words] == []


def test_the_table_people_read_is_what_the_code_does(app: Flask) -> None:
    assert TABLE.read_text(encoding="utf-8") == written(app), "write it anew: python tests/rules/test_routes.py"


def _path(rule: Rule) -> str:
    """The route with a record in it that does not exist."""
    values = {
        name: 999999999 if "int" in type(c).__name__.lower() else "nothing" for name, c in rule._converters.items()
    }
    for name, converter in rule._converters.items():
        if "Any" in type(converter).__name__:
            values[name] = sorted(converter.items)[0]
    _domain, path = rule.build(values, append_unknown=False) or ("", rule.rule)
    return path


@pytest.mark.parametrize("role", ["signed out", *ROLES])
def test_every_route_lets_in_whom_the_table_names_and_nobody_else(app: Flask, role: str) -> None:
    from tests.factories import organisation, person, record_file, signed_in

    client = app.test_client()
    if role != "signed out":
        scope = (
            {"organisation_id": organisation()} if role == "applicant"
            else {"panel_id": record_file("panel")} if role in ("panellist", "chair")
            else {"programme_id": record_file("programme")}
            | ({"organisation_id": record_file("organisation")} if role == "partner" else {})
        )  # fmt: skip
        client = signed_in(app, person(role, **scope))
    for rule, words in routes(app):
        if rule.endpoint in ("identity.sign_out",):
            continue
        for method in sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"}):
            answer = client.open(_path(rule), method=method)
            may = "public" in words or (role != "signed out" and bool(words & {"signed_in", role}))
            where = f"{role}: {method} {rule.rule} → {answer.status_code}"
            assert answer.status_code < 500, where
            if may:
                # Let in: a page, a redirect within, an unknown record, input that is missing; never the door.
                assert answer.status_code != 401 and "/sign-in" not in (answer.headers.get("Location") or ""), where
                if answer.status_code == 403:
                    assert rule.arguments or method == "POST", where
            elif role == "signed out":
                assert answer.status_code in (302, 303, 401), where
                assert answer.status_code == 401 or "/sign-in" in answer.headers["Location"], where
            else:
                assert answer.status_code == 403, where


if __name__ == "__main__":
    import tempfile

    from grantflow import create_app

    TABLE.write_text(written(create_app({"GRANTFLOW_HOME": tempfile.mkdtemp()})), encoding="utf-8")
