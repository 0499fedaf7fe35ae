"""Real registers, replayed through the real engine: what was applied for and awarded adds up as in the file, to the øre.

The data does not ship with the project. The files are looked for in `../shared/realdata`, or where
GRANTFLOW_TEST_REALDATA names the folder; the tests are skipped where they are absent.
"""

from __future__ import annotations

import csv
import os
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import func, select

from grantflow.awards.models import PastOutcome
from grantflow.awards.totals import Sum, totals
from grantflow.cases.models import Case
from grantflow.cases.service import fire
from grantflow.db import session, unit_of_work
from grantflow.history import verify
from grantflow.identity.access import SYSTEM
from grantflow.programmes import pack as packs
from grantflow.programmes.service import load_pack
from grantflow.submissions import importing, mapping
from grantflow.submissions.models import Application
from tests.factories import person, signed_in
from tests.imports.conftest import ROOT

DATA = Path(os.environ.get("GRANTFLOW_TEST_REALDATA") or ROOT.parent / "shared" / "realdata")
NORWAY = DATA / "norway_rcn" / "soknader2_union.csv"
GIVING = DATA / "360giving"
MAPS = ROOT / "workflows" / "imports"


def here(*found: Path) -> Path:
    """The file, or the end of the test with the reason."""
    if not found or not found[0].is_file():
        pytest.skip(
            f"the real data is not here: {NORWAY if not found else found[0]} (GRANTFLOW_TEST_REALDATA names its folder)"
        )
    return found[0]


def replay(pack: str, map_name: str, file: Path) -> tuple[int, Any, Counter[str]]:
    """Load a programme, open its calls and import each; gives back programme, manager, and counts by call."""
    with unit_of_work():
        loaded = load_pack(packs.read(ROOT / "workflows" / "programmes" / pack), SYSTEM)
    manager = person("manager", programme_id=loaded.programme_id)
    counts: Counter[str] = Counter()
    for code in mapping.read(MAPS / map_name).calls:
        with unit_of_work():
            fire(loaded.calls[code], "take_over", actor=manager)
        plan = importing.look(file, code, MAPS / map_name, manager, lambda _d, _o: None)
        assert (plan.faults, plan.nobodys, plan.unread) == ([], 0, [])
        with unit_of_work():
            counts[code] = importing.carry_out(plan, manager, lambda _d, _o: None)
        again = importing.look(file, code, MAPS / map_name, manager, lambda _d, _o: None)
        assert (again.good, again.here) == (0, counts[code])
    session().rollback()
    return loaded.programme_id, manager, counts


def tally(rows: list[dict[str, Any]], by: str, asked: str, awarded: str) -> dict[str, tuple[int, int, int]]:
    """By the words of one column: how many, applied for and awarded, in minor units."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        one = found[row[by] or ""]
        one[0] += 1
        for at, column in ((1, asked), (2, awarded)):
            minor = Decimal(f"{Decimal(str(row[column])):.15g}") * 100
            assert minor == int(minor)
            one[at] += int(minor)
    return {word: (a, b, c) for word, (a, b, c) in found.items()}


def counted(sums: tuple[Sum, ...], name: Any) -> dict[str, tuple[int, int, int]]:
    return {name(one.of): (one.applied, one.asked.minor, one.awarded.minor) for one in sums}


def under(told: dict[str, tuple[int, int, int]], words: dict[str, str], blank: str) -> dict[str, tuple[int, int, int]]:
    """A tally under the codes that the mapping gives the file's words."""
    found: dict[str, tuple[int, int, int]] = {}
    for word, sums in told.items():
        code = words[word] if word else blank
        before = found.get(code, (0, 0, 0))
        found[code] = tuple(a + b for a, b in zip(before, sums, strict=True))  # type: ignore[assignment]
    return found


def test_the_norwegian_register_adds_up_by_region_and_by_who_leads_to_the_ore(app: Flask) -> None:
    file = here(NORWAY)
    programme, manager, counts = replay("rcn_2012.toml", "rcn_2012.toml", file)
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert (sum(counts.values()), len(counts)) == (len(rows), 14) == (171, 14)
    read = mapping.read(MAPS / "rcn_2012.toml")
    found = totals(programme, "NOK")
    by_region = tally(rows, "fylke", "sokt_belop", "tildelt_belop")
    assert counted(found.by_place, lambda place: place.code) == under(
        by_region, read.answers["region"].values, "NO-not-stated"
    )
    by_leader = tally(rows, "prosjektleder_kjonn", "sokt_belop", "tildelt_belop")
    assert counted(found.by_leader, str) == under(by_leader, read.answers["led_by"].values, "not_stated")
    assert found.whole.awarded.minor == sum(sums[2] for sums in by_region.values())
    states = Counter(session().scalars(select(Case.state).where(Case.kind == "application")))
    assert states == {"awarded": 64, "declined": 107}
    more = select(func.count()).select_from(PastOutcome).join(Application, Application.case_id == PastOutcome.case_id)
    assert session().scalar(more.where(PastOutcome.amount_minor > Application.asked_minor)) == 6
    assert session().scalar(more.where(PastOutcome.amount_minor == 0)) == 1
    assert session().scalar(more.where(PastOutcome.amount_minor % 100 != 0)) == 2
    report = verify.verify_all()
    assert report.whole and report.cases > 171
    pages = signed_in(app, manager)
    assert "NOK" in pages.get("/programmes/rcn_2012").text
    sample = list(session().scalars(select(Application.case_id).order_by(Application.case_id)))[::30]
    session().rollback()
    for case_id in sample:
        assert "What the register says" in pages.get(f"/cases/{case_id}").text


def test_the_published_grants_of_a_foundation_add_up_by_place(app: Flask) -> None:
    file = here(*sorted(GIVING.glob("*.xlsx")))
    programme, _manager, counts = replay("published_grants.toml", "threesixtygiving.toml", file)
    book = load_workbook(file, read_only=True)
    lines = list(book.worksheets[0].iter_rows(values_only=True))
    book.close()
    rows = [dict(zip(lines[0], cells, strict=False)) for cells in lines[1:]]
    assert counts == {"GIV-2020": len(rows)} == {"GIV-2020": 475}
    read = mapping.read(MAPS / "threesixtygiving.toml")
    by_place = tally(rows, "Beneficiary Location:Name", "Amount Applied For", "Amount Awarded")
    found = totals(programme, "GBP")
    assert counted(found.by_place, lambda place: place.code) == under(
        by_place, read.answers["region"].values, "GB-not-stated"
    )
    assert found.by_leader == ()
    assert verify.verify_all().whole
