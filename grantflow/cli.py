"""What a shell runs: `grantflow …`. Each command is a thin door to a service; what it prints is meant to be read.

A command that changes anything takes `--as EMAIL` and is recorded as that person.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grantflow.errors import GrantFlowError, Invalid, Misconfigured, NotFound

if TYPE_CHECKING:
    from flask import Flask

    from grantflow.identity.access import Actor


def _app(*, schema: bool = True) -> Flask:
    from grantflow import create_app
    from grantflow import schema as database

    app = create_app()
    if schema:
        database.require_current(app)
    return app


def _person(email: str) -> Actor:
    from grantflow.identity.access import actor_for
    from grantflow.identity.service import person_by_email

    person = person_by_email(email)
    if person is None or not person.active:
        raise Misconfigured(f"There is no active account with the address {email}.")
    return actor_for(person)


_as = click.option(
    "--as", "email", required=True, metavar="EMAIL", help="Who does it: the change is recorded as theirs."
)


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on long work, told how much is done and of how much; on a terminal only."""
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def progress(done: int, of: int) -> None:
            bar.length = max(of, 1)
            bar.update(done - bar.pos)

        yield progress
        bar.finish()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def grantflow() -> None:
    """GrantFlow: from the first draft of a call to the last check of whether the enterprise still stands."""


@grantflow.command()
@click.option("--host", help="Address to listen on.  [default: GRANTFLOW_HOST or 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on.  [default: GRANTFLOW_PORT or 8000]")
def serve(host: str | None, port: int | None) -> None:
    """Serve the web pages, with the embedded worker for mail and deadlines."""
    from grantflow import server
    from grantflow.demo.command import demo_facts

    _, faults = _judge(())
    if faults:
        raise SystemExit(_say("Definitions with a fault are not served. Mend them, then: grantflow workflows check"))
    app = _app()
    demo_facts(app)  # a demo served by hand still says that it is one
    settings = app.config["GRANTFLOW"]
    host, port = host or settings.host, port or settings.port
    sock = server.listen(host, port)
    click.echo(f"GrantFlow serves http://{host}:{port}  (Ctrl+C stops it)")
    if settings.redis_url:
        click.echo("Mail and deadlines are left to `grantflow worker` and `grantflow scheduler`.")
    server.serve(app, sock)


@grantflow.command()
def worker() -> None:
    """Run a worker for mail and deadlines; as many as you like, on as many hosts."""
    url = _queue("worker")
    from grantflow import jobs, workers
    from grantflow import schema as database

    database.require_current(jobs.house())
    workers.work(url, click.echo)


@grantflow.command()
def scheduler() -> None:
    """Ring the workers for deadlines, reminders, checkpoints and what was left behind; one, or two for safety."""
    url = _queue("scheduler")
    from grantflow import workers

    workers.schedule(url, click.echo)


def _queue(what: str) -> str:
    from grantflow.config import read_settings

    url = read_settings().redis_url
    if not url:
        raise Misconfigured(
            f"A {what} needs a queue: set REDIS_URL, here and for the web server, for example to "
            "redis://localhost:6379/0. Without one `grantflow serve` does this work itself."
        )
    return url


@grantflow.command()
@click.option("--email", prompt="Address of the first manager", help="Address of the first manager.")
@click.option("--name", prompt="Name of the first manager", help="Name of the first manager.")
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
@click.option(
    "--programme", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A programme pack to load."
)
def init(email: str, name: str, language: str, programme: Path | None) -> None:
    """First run for real: tables, secret key, the first manager by an invitation link."""
    from grantflow import schema
    from grantflow.identity import links, registration
    from grantflow.identity.access import Actor

    app = _app(schema=False)
    schema.upgrade(app)
    shell = Actor(None, "shell", everywhere="admin")
    with app.app_context():
        from grantflow.db import unit_of_work
        from grantflow.identity.service import add_person, person_by_email
        from grantflow.programmes.setup import found_programme

        with unit_of_work():
            person = person_by_email(email) or add_person(shell, email=email, name=name, language=language)
            person_id, known = person.id, person.password_hash is not None
            if programme is not None:
                found_programme(programme, shell, manager_id=person_id)
            link = "" if known else links.address_of(registration.invite(shell, person_id))
    click.echo("The database is ready.")
    if known:
        click.echo(f"{email} has an account with a password and signs in with it.")
    else:
        click.echo(f"{name} chooses a password here, within seven days, once the server runs:\n  {link}")
    if programme is None:
        click.echo("Next, load a programme:  python3 run.py programmes load FILE --as " + email)
    click.echo("Then serve it:           python3 run.py serve")


@grantflow.group()
def db() -> None:
    """Bring the database up to date."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Run the migrations that are missing; makes all tables of an empty database."""
    from grantflow import schema

    app = _app(schema=False)
    before = schema.present(app)
    schema.upgrade(app)
    after = schema.present(app)
    click.echo(f"The database stands at migration {after}" + (", as before." if before == after else "."))


@db.command("downgrade")
@click.argument("revision")
def db_downgrade(revision: str) -> None:
    """Take the database down to a migration, or to "base"."""
    from grantflow import schema

    app = _app(schema=False)
    schema.downgrade(app, revision)
    click.echo(f"The database stands at migration {schema.present(app) or 'base'}.")


@grantflow.group()
def workflows() -> None:
    """Check and draw the state machines."""


@workflows.command("check")
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
def workflows_check(paths: tuple[Path, ...]) -> None:
    """Judge all definitions, notices and programme packs; print every fault with its file and table."""
    read, faults = _judge(paths)
    if faults:
        raise SystemExit(_say(f"{faults} faults in {read} files." if faults > 1 else f"1 fault in {read} files."))
    click.echo(f"{read} files, no faults.")


def _judge(paths: tuple[Path, ...]) -> tuple[int, int]:
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


def _say(text: str) -> int:
    click.echo(text, err=True)
    return 1


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


@grantflow.group()
def programmes() -> None:
    """Load a programme and its calls."""


@programmes.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_as
def programmes_load(file: Path, email: str) -> None:
    """Create or update a programme and its calls from a pack. Whoever loads a new programme becomes its manager."""
    app = _app()
    with app.app_context():
        from grantflow.db import unit_of_work
        from grantflow.programmes.setup import found_programme

        actor = _person(email)
        with unit_of_work():
            loaded = found_programme(file, actor, manager_id=actor.person_id)
    added, changed = sum(loaded.added.values()), sum(loaded.changed.values())
    click.echo(f"Loaded {file.name}: {len(loaded.calls)} calls; {added} rows added, {changed} changed.")


@grantflow.group()
def applications() -> None:
    """Bring applications in from a file."""


@applications.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--call", "code", required=True, help="Code of the call they belong to.")
@click.option(
    "--mapping",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML that says which column answers which question.",
)
@click.option("--skip-bad", is_flag=True, help="Import the good lines although others are bad.")
@_as
def applications_import(file: Path, code: str, mapping: Path, skip_bad: bool, email: str) -> None:
    """Import the applications of an XLSX or CSV file into a call: all of them or none.

    Every bad line is told with its column and reason. The same file again brings nothing twice.
    """
    app = _app()
    with app.app_context():
        from grantflow.submissions import command

        if not command.run(file, code, mapping, actor=_person(email), skip_bad=skip_bad, bar=_progress):
            raise SystemExit(1)


@grantflow.group()
def history() -> None:
    """Verify the history, lodge a checkpoint."""


@history.command("verify")
@click.option(
    "--case", "ref", help="Only this case, by its number (KR-2021-0007) or its name in the chain (application/17)."
)
@click.option(
    "--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A checkpoint lodged elsewhere."
)
def history_verify(ref: str | None, against: Path | None) -> None:
    """Walk the chains and checkpoints; exit 1 and name the first break of each."""
    app = _app()
    with app.app_context():
        from grantflow.history import lodged, verify

        if ref is not None:
            report = verify.verify_case(_case_number(ref))
        else:
            with _progress("Verifying") as progress:
                report = verify.verify_all(progress)
        if against is not None:
            report.breaks += lodged.compare(against)
        for broken in report.breaks:
            click.echo(f"BROKEN  {broken}", err=True)
        counted = f"{report.cases} cases, {report.events} events, {report.checkpoints} checkpoints"
        if report.erased:
            counted += f", {report.erased} values erased on request"
        if not report.whole:
            raise SystemExit(_say(f"The history is broken in {len(report.breaks)} places ({counted})."))
        click.echo(f"The history is whole: {counted}.")
        if against is None and ref is None:
            click.echo(
                "Somebody who rewinds the whole database is found only by --against a checkpoint lodged elsewhere."
            )


def _case_number(ref: str) -> int:
    from sqlalchemy import select

    from grantflow.cases.models import Case
    from grantflow.db import session

    kind, _, number = ref.partition("/")
    where = (Case.kind == kind, Case.id == int(number)) if number.isdigit() else (Case.ref == ref,)
    found = session().scalar(select(Case.id).where(*where))
    if found is None:
        raise Misconfigured(f"There is no case {ref}.")
    return int(found)


@history.command("checkpoint")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Also write it to this file, to be lodged elsewhere.",
)
def history_checkpoint(out: Path | None) -> None:
    """Lodge a checkpoint over all chains."""
    app = _app()
    with app.app_context():
        from grantflow.history import checkpoints, lodged

        row = checkpoints.lodge()
        if out is not None:
            lodged.write(row, out)
        click.echo(f"Checkpoint {row['seq']}: {row['cases']} cases, {row['events']} events, root {row['root']}")


@grantflow.group()
def export() -> None:
    """What auditors, the public and the bank receive."""


@export.command("history")
@click.option("--out", required=True, type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--case", "ref", help="One case, by its number.")
@click.option("--call", "code", help="A whole call, by its code.")
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
@_as
def export_history(out: Path, ref: str | None, code: str | None, language: str, email: str) -> None:
    """Write the history of a case or of a call as XLSX."""
    if (ref is None) == (code is None):
        raise Misconfigured("Say which history: --case NUMBER or --call CODE.")
    app = _app()
    with app.app_context():
        from flask_babel import force_locale

        from grantflow.oversight.exports import history_workbook

        actor = _person(email)
        with force_locale(language), _progress("Writing") as progress:
            case_ids = [_case_number(ref)] if ref else None
            count = history_workbook(out, actor, case_ids=case_ids, call_code=code, progress=progress)
    click.echo(f"{count} events written to {out}.")


@grantflow.group()
def users() -> None:
    """People and their roles."""


@users.command("add")
@click.argument("address")
@click.option("--name", required=True)
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
@click.option("--role", type=click.Choice(["officer", "finance", "manager", "auditor"]), help="A role in a programme.")
@click.option("--programme", help="Code of the programme the role is in.")
@_as
def users_add(address: str, name: str, language: str, role: str | None, programme: str | None, email: str) -> None:
    """Add a person, give a role, and print the link by which they choose a password."""
    if (role is None) != (programme is None):
        raise Misconfigured("A role needs its programme and a programme its role: give both or neither.")
    app = _app()
    with app.app_context():
        from grantflow.db import unit_of_work
        from grantflow.identity import links, registration
        from grantflow.identity.roles import grant_role
        from grantflow.identity.service import add_person
        from grantflow.programmes.queries import programme_by_code

        actor = _person(email)
        with unit_of_work():
            person_id = add_person(actor, email=address, name=name, language=language).id
            if role is not None and programme is not None:
                grant_role(actor, person_id, role, programme_id=programme_by_code(programme).id)
            link = links.address_of(registration.invite(actor, person_id))
    click.echo(f"{name} chooses a password here, within seven days:\n  {link}")


@grantflow.command()
@click.option(
    "--until",
    type=click.Choice(["open", "eligibility", "scoring", "award", "paying", "followup", "end"]),
    help="Stage at which the demo call stands.  [default: paying]",
)
@click.option("--fresh", is_flag=True, help="Build the demo database anew.")
@click.option("--no-serve", is_flag=True, help="Only build it.")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.  [default: 8000]")
def demo(until: str | None, fresh: bool, no_serve: bool, host: str | None, port: int | None) -> None:
    """Build a demo database through the real engine, and serve it."""
    from grantflow.demo import command

    command.run(until=until, fresh=fresh, serve=not no_serve, host=host, port=port)


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
