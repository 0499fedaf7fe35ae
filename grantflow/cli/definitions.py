"""Definitions from a shell: judging all of them, drawing one."""

from __future__ import annotations

from pathlib import Path

import click

from grantflow.cli.base import say
from grantflow.errors import Misconfigured


@click.group()
def workflows() -> None:
    """Check and draw the state machines."""


@workflows.command("check")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def workflows_check(paths: tuple[Path, ...]) -> None:
    """Judge all definitions, notices and programme packs; print every fault with its file and table."""
    read, faults = judge(paths)
    if faults:
        raise SystemExit(say(f"{faults} faults in {read} files." if faults > 1 else f"1 fault in {read} files."))
    click.echo(f"{read} files, no faults.")


def judge(paths: tuple[Path, ...]) -> tuple[int, int]:
    """Print every fault of these files and folders (default: all that ship); how many files were read, and faults."""
    from grantflow import load_stages
    from grantflow.config import resource_folder
    from grantflow.definitions_check import examine_all

    try:
        load_stages()
        load_fault = None
    except Exception as error:  # a faulty notices file is one of the faults to be told
        load_fault = error
    read, faults = examine_all(list(paths) or [resource_folder("workflows")], load_fault)
    for fault in faults:
        click.echo(str(fault), err=True)
    return read, len(faults)


@workflows.command("draw")
@click.argument("name")
@click.option("--format", "form", type=click.Choice(["mermaid", "svg"]), default="mermaid", show_default=True)
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
def workflows_draw(name: str, form: str, language: str) -> None:
    """Draw a state machine: call, application, award, tranche, report, check."""
    from grantflow import load_stages
    from grantflow.cases import definitions
    from grantflow.engine import diagram

    load_stages()
    known = definitions.all_current()
    if name not in known:
        raise Misconfigured(f"There is no workflow {name!r}; there are: {', '.join(sorted(known))}.")
    draw = diagram.mermaid if form == "mermaid" else diagram.svg
    click.echo(draw(known[name], language))
