"""Running the house: the server, its workers, its database, its first manager, and the demo."""

from __future__ import annotations

from pathlib import Path

import click

from grantflow.cli.base import house, say
from grantflow.cli.definitions import judge
from grantflow.errors import Misconfigured


@click.command()
@click.option("--host", help="Address to listen on.  [default: GRANTFLOW_HOST or 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on.  [default: GRANTFLOW_PORT or 8000]")
def serve(host: str | None, port: int | None) -> None:
    """Serve the web pages, with the embedded worker for mail and deadlines."""
    from grantflow import server
    from grantflow.demo.command import demo_facts

    _, faults = judge(())
    if faults:
        raise SystemExit(say("Definitions with a fault are not served. Mend them, then: grantflow workflows check"))
    app = house()
    demo_facts(app)  # a demo served by hand still says that it is one
    settings = app.config["GRANTFLOW"]
    host, port = host or settings.host, port or settings.port
    sock = server.listen(host, port)
    click.echo(f"GrantFlow serves http://{host}:{port}  (Ctrl+C stops it)")
    if settings.redis_url:
        click.echo("Mail and deadlines are left to `grantflow worker` and `grantflow scheduler`.")
    server.serve(app, sock)


@click.command()
def worker() -> None:
    """Run a worker for mail and deadlines; as many as you like, on as many hosts."""
    url = _queue("worker")
    from grantflow import jobs, workers
    from grantflow import schema as database

    database.require_current(jobs.house())
    workers.work(url, click.echo)


@click.command()
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


@click.command()
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

    app = house(schema=False)
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


@click.group()
def db() -> None:
    """Bring the database up to date."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Run the migrations that are missing; makes all tables of an empty database."""
    from grantflow import schema

    app = house(schema=False)
    before = schema.present(app)
    schema.upgrade(app)
    after = schema.present(app)
    click.echo(f"The database stands at migration {after}" + (", as before." if before == after else "."))


@db.command("downgrade")
@click.argument("revision")
def db_downgrade(revision: str) -> None:
    """Take the database down to a migration, or to "base"."""
    from grantflow import schema

    app = house(schema=False)
    schema.downgrade(app, revision)
    click.echo(f"The database stands at migration {schema.present(app) or 'base'}.")


@click.command()
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
