"""What the README promises: its pictures are the definitions, its settings and commands are the code's.

`python -m tests.rules.test_readme` writes the drawn and listed parts anew.
"""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path

import click
import pytest

from grantflow import config, load_stages
from grantflow.cases import definitions
from grantflow.cli import grantflow
from grantflow.engine import diagram

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def settings_table() -> str:
    """Every setting with its default and what stands under it in the code."""
    tree = ast.parse((ROOT / "grantflow" / "config.py").read_text(encoding="utf-8"))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Settings").body
    lines = ["| setting | default | what it is |", "|---|---|---|"]
    for field, text in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            name = f"GRANTFLOW_{field.target.id.upper()}"  # type: ignore[union-attr]
            default = "" if field.value is None else f"`{ast.literal_eval(field.value)}`".replace("``", "")
            lines.append(f"| `{name}` | {default} | {' '.join(str(text.value.value).split())} |")
    return "\n".join(lines)


def rewritten(text: str) -> str:
    """The README with every drawn and listed part as the code has it."""
    load_stages()
    for name in re.findall(r"<!-- draw (\w+) -->", text):
        drawn = f"<!-- draw {name} -->\n```mermaid\n{diagram.mermaid(definitions.current(name), 'en').strip()}\n```\n<!-- end -->"
        text = re.sub(rf"<!-- draw {name} -->.*?<!-- end -->", lambda _m, d=drawn: d, text, flags=re.S)  # type: ignore[misc]
    table = f"<!-- settings -->\n{settings_table()}\n<!-- end -->"
    return re.sub(r"<!-- settings -->.*?<!-- end -->", lambda _m: table, text, flags=re.S)


def test_pictures_and_settings_in_the_readme_are_the_codes() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == rewritten(text), "write it anew: python -m tests.rules.test_readme"


def test_every_setting_has_its_prose() -> None:
    assert settings_table().count("\n") - 1 == len(config.Settings.__dataclass_fields__)


def commands() -> list[str]:
    """Every line of a code block or table cell that calls run.py."""
    text = README.read_text(encoding="utf-8")
    return sorted(set(re.findall(r"(?:^|`)(?:\S+=\S+ )*python3 run\.py ([^`\n]+?)(?:`|$)", text, flags=re.M)))


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_readme_exists_with_these_options(line: str) -> None:
    words = re.findall(r'"[^"]*"|\S+', line)
    if words[0] == "test":
        return
    command: click.Command = grantflow
    while words and isinstance(command, click.Group):
        assert words[0] in command.commands, line
        command = command.commands[words.pop(0)]
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= options, line


if __name__ == "__main__":
    README.write_text(rewritten(README.read_text(encoding="utf-8")), encoding="utf-8")
