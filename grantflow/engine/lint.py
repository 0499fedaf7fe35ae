"""Owns judging a whole definition: runs every rule over it and gathers all that they find.

Leaves the rules themselves to `rules` (names and people), `wording` and `paths` (what can be reached), and
the form of single tables to `shape`.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from grantflow.engine import paths, rules, wording  # imported for their rules, which register themselves
from grantflow.engine.definition import Workflow
from grantflow.engine.faults import Fault
from grantflow.engine.registry import Registry
from grantflow.engine.ruling import RULES, View
from grantflow.engine.shape import TOP

KINDS = tuple(dict.fromkeys(rule.kind for rule in RULES))
"""The code of every rule, in the order they are run; kinds of `loader` and `shape` are not among them."""

__all__ = ["KINDS", "lint", "lint_mended", "paths", "rules", "wording"]


def lint(workflow: Workflow, registry: Registry, file: str = "") -> list[Fault]:
    """Every fault of a definition whose tables are of the right form; empty when it is sound."""
    return lint_mended(workflow, registry, file or f"{workflow.name}.toml", {})


def lint_mended(workflow: Workflow, registry: Registry, file: str, mended: Mapping[str, Set[str]]) -> list[Fault]:
    """As `lint`, but silent about what rests on keys that were mended: their own fault is told already."""
    view = View(workflow, registry)
    everywhere = {f"{_section(table)}.{key}" for table, keys in mended.items() for key in keys}
    # A table's own words may have been mended too: it is known by its place and called as the file calls it.
    called = {_place(table): table for table in mended}
    faults = []
    for rule in RULES:
        if everywhere & rule.needs:
            continue
        for found, text in rule.find(view):
            table = called.get(_place(found), found)
            if not mended.get(table, set()) & rule.reads:
                faults.append(Fault(file, table, text, rule.kind))
    return faults


def _place(table: str) -> str:
    return table.partition(' "')[0]


def _section(table: str) -> str:
    return "top" if table == TOP else table.split(".")[0].split("[")[0]
