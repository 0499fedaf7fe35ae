"""How the tests build a demo: by the command itself, in a folder of theirs."""

from __future__ import annotations

import os
from pathlib import Path

from grantflow.demo import command


def build(folder: Path, **options: object) -> None:
    """What `grantflow demo --no-serve` does in a folder."""
    before = os.environ.get("GRANTFLOW_HOME")
    os.environ["GRANTFLOW_HOME"] = str(folder)
    try:
        command.run(**{"until": None, "fresh": False, "serve": False, "host": None, "port": None, **options})  # type: ignore[arg-type]
    finally:
        del os.environ["GRANTFLOW_HOME"]
        if before is not None:
            os.environ["GRANTFLOW_HOME"] = before
