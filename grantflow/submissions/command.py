"""What the shell's import prints: what is not taken over, every bad line, and in its last line the count.

Looking and importing are `importing`'s; options and the bar are the shell's own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import click
from flask_babel import force_locale

from grantflow.db import unit_of_work
from grantflow.identity.access import Actor
from grantflow.submissions import importing

Bar = Callable[[str], AbstractContextManager[importing.Progress]]


def run(file: Path, call: str, mapping: Path, *, actor: Actor, skip_bad: bool, bar: Bar) -> bool:
    """Import a file in the operator's language; False where bad lines stopped it. Nothing is written before the end."""
    with force_locale(actor.language):
        with bar("Reading") as reading:
            plan = importing.look(file, call, mapping, actor, reading)
        for sentence in importing.told(plan):
            click.echo(str(sentence), err=True)
        stopped, brought = bool(plan.faults) and not skip_bad, 0
        if plan.good and not stopped:
            with bar("Importing") as writing, unit_of_work():
                brought = importing.carry_out(plan, actor, writing)
        click.echo(str(importing.counted(plan, brought)))
    return not stopped
