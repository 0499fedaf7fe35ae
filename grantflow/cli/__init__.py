"""What a shell runs: `grantflow …`. Each command is a thin door to a service; what it prints is meant to be read.

A command that changes anything takes `--as EMAIL` and is recorded as that person. `running` serves and maintains the
house, `definitions` judges and draws, `records` brings in and takes out, `people` adds people,
`amending` moves what is live to newer versions.
"""

from __future__ import annotations

from typing import Any

import click

from grantflow.cli import amending, definitions, people, records, running
from grantflow.errors import GrantFlowError, Invalid, NotFound


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def grantflow() -> None:
    """GrantFlow: from the first draft of a call to the last check of whether the enterprise still stands."""


for _command in (
    running.demo, running.init, running.serve, running.worker, running.scheduler, running.db,
    definitions.workflows, records.programmes, records.applications, records.history, records.export, people.users,
):  # fmt: skip
    grantflow.add_command(_command)
definitions.workflows.add_command(amending.migrate)
records.programmes.add_command(amending.amend)


def main(arguments: list[str] | None = None) -> Any:
    """Entry point: every expected failure is one clear sentence and exit code 1; a wrong call exits with 2."""
    from sqlalchemy.exc import DBAPIError

    from grantflow.engine.faults import DefinitionFaults

    try:
        return grantflow.main(args=arguments, prog_name="grantflow", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except DefinitionFaults as faults:
        for fault in faults.faults:
            click.echo(str(fault), err=True)
        return 1
    except Invalid as error:
        sentences = [str(text) for text in error.fields.values()] or [str(error)]
        click.echo("\n".join(sentences), err=True)
        return 1
    except NotFound as error:
        click.echo(str(error) or "There is no such record, or this person may not see it.", err=True)
        return 1
    except GrantFlowError as error:
        click.echo(str(error) or type(error).__name__, err=True)
        return 1
    except DBAPIError as error:
        click.echo(f"The database did not do this: {' '.join(str(error.orig).split())}.", err=True)
        return 1
    except OSError as error:
        click.echo(f"{error.filename or 'The machine'}: {error.strerror}", err=True)
        return 1
    except KeyboardInterrupt:
        return 130
