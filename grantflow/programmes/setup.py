"""Loading a pack from a file, as the shell and the demo do it: read, load, and make its loader the manager.

What a pack may hold is `pack`'s to judge; what loading does is `loading`'s.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from grantflow.db import writing
from grantflow.identity.access import SYSTEM, Actor
from grantflow.identity.roles import grant_role
from grantflow.programmes import pack
from grantflow.programmes.loading import load_pack
from grantflow.programmes.models import Programme
from grantflow.programmes.rows import Loaded


def found_programme(file: Path, actor: Actor, *, manager_id: int | None) -> Loaded:
    """Load a pack file inside a unit of work. Whoever brings a new programme becomes its manager.

    An existing programme is changed only by its managers: Refused. Raises DefinitionFaults with all that is
    wrong.
    """
    read = pack.read(file)
    known = writing().scalar(select(Programme.id).where(Programme.code == read.code))
    if known is not None:
        return load_pack(read, actor)
    shell = replace(actor, everywhere="admin")
    loaded = load_pack(read, shell)
    if manager_id is not None:
        # Nobody gives a role to themselves: to whoever brings a programme, the system gives it.
        giver = SYSTEM if manager_id == actor.person_id else shell
        grant_role(giver, manager_id, "manager", programme_id=loaded.programme_id)
    return loaded
