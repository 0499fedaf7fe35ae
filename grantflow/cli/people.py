"""People from a shell."""

from __future__ import annotations

import click

from grantflow.cli.base import acting_as, actor_of, house
from grantflow.errors import Misconfigured


@click.group()
def users() -> None:
    """People and their roles."""


@users.command("add")
@click.argument("address")
@click.option("--name", required=True)
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
@click.option("--role", type=click.Choice(["officer", "finance", "manager", "auditor"]), help="A role in a programme.")
@click.option("--programme", help="Code of the programme the role is in.")
@acting_as
def users_add(address: str, name: str, language: str, role: str | None, programme: str | None, email: str) -> None:
    """Add a person, give a role, and print the link by which they choose a password."""
    if (role is None) != (programme is None):
        raise Misconfigured("A role needs its programme and a programme its role: give both or neither.")
    app = house()
    with app.app_context():
        from grantflow.db import unit_of_work
        from grantflow.identity import links, registration
        from grantflow.identity.roles import grant_role
        from grantflow.identity.service import add_person
        from grantflow.programmes.queries import programme_by_code

        actor = actor_of(email)
        with unit_of_work():
            person_id = add_person(actor, email=address, name=name, language=language).id
            if role is not None and programme is not None:
                grant_role(actor, person_id, role, programme_id=programme_by_code(programme).id)
            link = links.address_of(registration.invite(actor, person_id))
    click.echo(f"{name} chooses a password here, within seven days:\n  {link}")
