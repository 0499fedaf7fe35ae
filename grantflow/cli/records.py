"""What comes into the records and goes out of them: programmes, applications, histories."""

from __future__ import annotations

from pathlib import Path

import click

from grantflow.cli.base import acting_as, actor_of, house, progress, say
from grantflow.errors import Misconfigured


@click.group()
def programmes() -> None:
    """Load a programme and its calls."""


@programmes.command("load")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@acting_as
def programmes_load(file: Path, email: str) -> None:
    """Create or update a programme and its calls from a pack. Whoever loads a new programme becomes its manager."""
    app = house()
    with app.app_context():
        from grantflow.db import unit_of_work
        from grantflow.programmes.setup import found_programme
        from grantflow.submissions.amending import held_to_earlier

        actor = actor_of(email)
        with unit_of_work():
            loaded = found_programme(file, actor, manager_id=actor.person_id)
        earlier = held_to_earlier(loaded.calls.values())
    added, changed = sum(loaded.added.values()), sum(loaded.changed.values())
    click.echo(f"Loaded {file.name}: {len(loaded.calls)} calls; {added} rows added, {changed} changed.")
    for code, count in earlier.items():
        held = "1 application keeps" if count == 1 else f"{count} applications keep"
        click.echo(f"{code}: {held} earlier terms until moved: grantflow programmes amend {code}")


@click.group()
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
@acting_as
def applications_import(file: Path, code: str, mapping: Path, skip_bad: bool, email: str) -> None:
    """Import the applications of an XLSX or CSV file into a call: all of them or none.

    Every bad line is told with its column and reason. The same file again brings nothing twice.
    """
    app = house()
    with app.app_context():
        from grantflow.submissions import command

        if not command.run(file, code, mapping, actor=actor_of(email), skip_bad=skip_bad, bar=progress):
            raise SystemExit(1)


@click.group()
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
    app = house()
    with app.app_context():
        from grantflow.history import lodged, verify

        if ref is not None:
            report = verify.verify_case(_case_number(ref))
        else:
            with progress("Verifying") as told:
                report = verify.verify_all(told)
        if against is not None:
            report.breaks += lodged.compare(against)
        for broken in report.breaks:
            click.echo(f"BROKEN  {broken}", err=True)
        counted = f"{report.cases} cases, {report.events} events, {report.checkpoints} checkpoints"
        if report.erased:
            counted += f", {report.erased} values erased on request"
        if not report.whole:
            raise SystemExit(say(f"The history is broken in {len(report.breaks)} places ({counted})."))
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
    app = house()
    with app.app_context():
        from grantflow.history import checkpoints, lodged

        row = checkpoints.lodge()
        if out is not None:
            lodged.write(row, out)
        click.echo(f"Checkpoint {row['seq']}: {row['cases']} cases, {row['events']} events, root {row['root']}")


@click.group()
def export() -> None:
    """What auditors, the public and the bank receive."""


@export.command("history")
@click.option("--out", required=True, type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--case", "ref", help="One case, by its number.")
@click.option("--call", "code", help="A whole call, by its code.")
@click.option("--again", type=int, help="An export you once asked for, by its number: as it stood then, byte for byte.")
@click.option("--language", type=click.Choice(["en", "ru"]), help="en unless told otherwise; --again keeps its own.")
@acting_as
def export_history(
    out: Path, ref: str | None, code: str | None, again: int | None, language: str | None, email: str
) -> None:
    """Write the history of a case or of a call as XLSX."""
    if sum(given is not None for given in (ref, code, again)) != 1:
        raise Misconfigured("Say which history: --case NUMBER, --call CODE or --again NUMBER.")
    app = house()
    with app.app_context():
        from flask_babel import force_locale

        from grantflow.cases.access import see
        from grantflow.oversight import asked, cutoff, exports

        actor = actor_of(email)
        if again is not None:
            earlier, cut_off = asked.seen_again(actor, again)
            language = language or earlier.language
        else:
            cut_off = cutoff.now(actor, see(_case_number(ref) if ref else _call_number(str(code)), actor))
        with force_locale(language or "en"), progress("Writing") as told:
            exports.write(out, cut_off, told)
    click.echo(f"{cut_off.events} events written to {out}.")


def _call_number(code: str) -> int:
    from sqlalchemy import select

    from grantflow.db import session
    from grantflow.programmes.models import Call

    found = session().scalar(select(Call.case_id).where(Call.code == code))
    if found is None:
        raise Misconfigured(f"There is no call {code}.")
    return int(found)
