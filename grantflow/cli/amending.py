"""Amending what is live from a shell: cases to a newer version of their workflow, applications to newer terms.

Each shows first and changes nothing; with `--yes` it does what it showed, or nothing. The deciding is
`cases.amending`'s and `submissions.amending`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from grantflow.cli.base import acting_as, actor_of, house, say
from grantflow.errors import Misconfigured

if TYPE_CHECKING:
    from grantflow.cases.amending import Plan

_seen = click.option(
    "--seen", "mark", default="", metavar="WORD", help="Only if it is what the preview with this word showed."
)
_yes = click.option("--yes", is_flag=True, help="Do it; without, it is only shown.")


@click.command("migrate")
@click.argument("name")
@click.option(
    "--map",
    "file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML: which state goes where.",
)
@click.option("--call", "call", help="Only cases of this call, by its code.")
@click.option("--programme", "programme", help="Only cases of this programme, by its code.")
@click.option(
    "--from", "version", default="", metavar="HASH", help="Only cases of this version, by the beginning of its hash."
)
@click.option("--final", is_flag=True, help="Cases that have ended too.")
@_seen
@_yes
@acting_as
def migrate(
    name: str, file: Path, call: str | None, programme: str | None, version: str, final: bool, mark: str, yes: bool,
    email: str,
) -> None:  # fmt: skip
    """Move live cases to the version of their workflow that is in force, by a map of states."""
    if call and programme:
        raise Misconfigured("Say which cases: --call CODE or --programme CODE, not both.")
    app = house()
    with app.app_context():
        from grantflow.cases import amending
        from grantflow.db import unit_of_work
        from grantflow.programmes.queries import call_by_code, programme_by_code

        actor = actor_of(email)
        chosen = amending.Chosen(
            name, call_by_code(call).case_id if call else None, programme_by_code(programme).id if programme else None,
            version, final,
        )  # fmt: skip
        with unit_of_work():
            seen = amending.plan(chosen, file, actor)
            lines = list(_shown(seen))
        click.echo("\n".join(lines))
        if seen.blocked:
            raise SystemExit(say(f"Nothing was moved: the map does not hold for {_cases(len(seen.blocked))}."))
        if not seen.going:
            click.echo("There is nothing to move.")
        elif not yes:
            click.echo(f"Nothing is changed yet. To do exactly this:  the same command with  --seen {seen.mark} --yes")
        else:
            with unit_of_work():
                done = amending.carry_out(chosen, file, actor, seen=seen.versions, mark=mark)
            click.echo(f"Moved: {_cases(len(done.going))}, each with an event in its history.")


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"


def _shown(plan: Plan) -> Iterable[str]:
    """The preview, line by line."""
    from grantflow.cases.amending import called
    from grantflow.cases.definitions import card

    new = plan.new
    yield f"{new.name}: to version {new.content_hash[:12]}, which is in force."
    yield f"{_cases(len(plan.going))} would move{':' if plan.going else '.'}"
    ways = Counter((going.old.content_hash[:12], going.case.state, going.state) for going in plan.going)
    for (old, state, to), count in ways.items():
        yield f"  {count:5}  of version {old}: {state} " + ("stays" if state == to else f"→ {to}")
    for (state, ends), count in plan.finals.items():
        yield f"  {count:5}  in {state}, which {'becomes an end' if ends else 'is an end no longer'}"
    for (move, counts), count in plan.votes.items():
        one = f"{count} vote{'s' if count > 1 else ''} under way on {move}"
        yield f"         {one} {'go on counting' if counts else 'will count no more; the vote begins anew'}"
    for (desk, to), count in plan.desks.items():
        yield f"  {count:5}  leave the desk of {desk or 'nobody'} for that of {to or 'nobody'}"
    said = {
        "ends": "ends",
        "begins": "begins",
        "moves": "gets another date",
        "falls at once": "has passed already and falls at once",
    }
    for (name, what), count in plan.dates.items():
        yield f"  {count:5}  deadline {name} {said[what]}"
    for (move, because), count in plan.guards.items():
        yield f"  {count:5}  would wait at {move}, which the newer version asks: {because}"
    for (move, step), count in plan.duties.items():
        yield f"  {count:5}  at {move}: it asks for somebody else than made the step {step}, by which nobody went there: nobody is barred"
    if plan.staying:
        yield f"{_cases(len(plan.staying))} would stay:"
        for (state, why), count in Counter((card(case).name, str(why)) for case, why in plan.staying).items():
            yield f"  {count:5}  in {state}: {why}"
    if plan.blocked:
        yield f"The map does not hold for {_cases(len(plan.blocked))}:"
        for case, why in plan.blocked:
            yield f"  {called(case)}, {case.state}: {why}"


@click.command("amend")
@click.argument("code")
@click.option("--reason", required=True, help="Why; it will stand in the history of each application.")
@click.option(
    "--application", "only", multiple=True, metavar="NUMBER", help="Only this one; may be given several times."
)
@_seen
@_yes
@acting_as
def amend(code: str, reason: str, only: tuple[str, ...], mark: str, yes: bool, email: str) -> None:
    """Move a call's drafts and unchecked applications to the version of its form and rules that is in force."""
    app = house()
    with app.app_context():
        from grantflow.db import unit_of_work
        from grantflow.submissions import amending

        actor = actor_of(email)
        with unit_of_work():
            seen = amending.plan(code, actor, only)
            lines = list(_terms_shown(seen))
        click.echo("\n".join(lines))
        if not seen.going:
            click.echo("There is nothing to move.")
        elif not yes:
            click.echo(f"Nothing is changed yet. To do exactly this:  the same command with  --seen {seen.mark} --yes")
        else:
            with unit_of_work():
                done = amending.carry_out(code, actor, reason, only, seen=seen.versions, mark=mark)
            click.echo(f"Moved: {len(done.going)} of {code}, each with an event in its history.")


def _terms_shown(plan: Any) -> Iterable[str]:
    """The preview of a move to newer terms, line by line."""
    yield f"{plan.code}: form and rules of version {plan.number}, {plan.new.content_hash[:12]}."
    for number, old in plan.changes.items():
        yield f"  Since version {number}: " + (
            "; ".join(f"{what}: {', '.join(names)}" for what, names in old.items()) or "nothing"
        )
    yield f"{len(plan.going)} would move{':' if plan.going else '.'}"
    for going in plan.going:
        said = [f"{len(going.kept)} answers kept"]
        said += [f"lost: {', '.join(going.lost)}"] if going.lost else []
        said += [f"to be answered: {', '.join(going.missing)}"] if going.missing else []
        yield f"  {going.name}, {going.state}: {'; '.join(said)}"
    if plan.staying:
        yield f"{len(plan.staying)} would stay:"
        for name, why in plan.staying:
            yield f"  {name}: {why}"
