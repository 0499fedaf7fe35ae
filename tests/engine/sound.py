"""A small sound definition to plant faults into, and a registry that knows the names in it."""

from __future__ import annotations

from pathlib import Path

from grantflow.engine.definition import Workflow
from grantflow.engine.loader import read
from grantflow.engine.registry import Registry
from grantflow.engine.verdict import YES

SOUND = """\
name = "tranche"
label = { en = "Tranche", ru = "Транш" }
initial = "planned"

[states.planned]
label = { en = "Planned", ru = "Запланирован" }
tone = "idle"
stage = "preparation"
desk = "finance"

[states.checked]
label = { en = "Checked", ru = "Проверен" }
tone = "move"
stage = "disbursement"
desk = "finance"

[states.approved_first]
label = { en = "Approved by the first", ru = "Утверждён первым" }
tone = "move"
stage = "disbursement"
desk = "manager"

[states.on_hold]
label = { en = "On hold", ru = "Удержан" }
tone = "hold"
stage = "disbursement"

[states.paid]
label = { en = "Paid", ru = "Выплачен" }
tone = "done"
stage = "closed"
final = true

[states.cancelled]
label = { en = "Cancelled", ru = "Отменён" }
tone = "stop"
stage = "refused"
final = true

[[moves]]
trigger = "prepare"
from = ["planned"]
to = "checked"
label = { en = "Prepare", ru = "Подготовить" }
say = { en = "Prepared", ru = "Подготовлен" }
roles = ["finance"]
guards = ["disbursements.gates_open"]
effects = ["disbursements.number"]
notices = ["prepared"]
form = "disbursements.prepare"

[[moves]]
trigger = "approve"
from = ["checked"]
to = "approved_first"
label = { en = "Approve as first", ru = "Утвердить первым" }
say = { en = "Approved by the first officer", ru = "Утверждён первым сотрудником" }
hint = { en = "Whoever prepared it cannot approve it.", ru = "Кто готовил, тот не утверждает." }
roles = ["finance"]
distinct_from = ["prepare"]
kind = "primary"

[[moves]]
name = "approve_second"
trigger = "approve"
from = ["approved_first"]
to = "paid"
label = { en = "Approve as second", ru = "Утвердить вторым" }
say = { en = "Approved by the second officer", ru = "Утверждён вторым сотрудником" }
roles = ["manager", "finance"]
distinct_from = ["prepare", "approve"]
quorum = 2

[[moves]]
trigger = "hold"
from = ["checked", "approved_first"]
to = "on_hold"
label = { en = "Hold", ru = "Удержать" }
say = { en = "Held", ru = "Удержан" }
roles = ["manager"]
reason = "required"

[[moves]]
trigger = "release"
from = ["on_hold"]
to = "checked"
label = { en = "Release", ru = "Снять удержание" }
say = { en = "Released", ru = "Удержание снято" }
roles = ["manager", "system"]

[[moves]]
trigger = "cancel"
from = ["planned", "checked", "on_hold"]
to = "cancelled"
label = { en = "Cancel", ru = "Отменить" }
say = { en = "Cancelled", ru = "Отменён" }
roles = ["manager"]
kind = "stop"

[[moves]]
trigger = "remind"
from = ["planned"]
label = { en = "Remind", ru = "Напомнить" }
say = { en = "Reminded", ru = "Напоминание отправлено" }
roles = ["system"]
hidden = true

[[deadlines]]
name = "planned_date"
state = "planned"
after = "field:disbursements.planned_on"
trigger = "remind"

[[deadlines]]
name = "hold_ends"
state = "on_hold"
after = "P14D"
trigger = "release"
"""


def registry() -> Registry:
    """A registry that knows exactly the names the sound definition uses."""
    known = Registry()
    known.role("finance", "manager")
    known.guard("disbursements.gates_open")(lambda ctx: YES)
    known.effect("disbursements.number")(lambda ctx: None)
    known.deadline_source("disbursements.planned_on")(lambda ctx: None)
    known.notice("prepared", to=("finance",))
    known.form("disbursements.prepare")
    return known


def planted(*changes: tuple[str, str]) -> str:
    """The sound text with each `old` replaced by `new`; every `old` must stand there exactly once."""
    text = SOUND
    for old, new in changes:
        assert text.count(old) == 1, f"{text.count(old)} times: {old!r}"
        text = text.replace(old, new)
    return text


def written(folder: Path, text: str, name: str = "tranche.toml") -> Path:
    """The text as a file of a folder."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def sound(folder: Path) -> Workflow:
    """The sound definition, read."""
    return read(written(folder, SOUND))
