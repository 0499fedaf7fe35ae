"""A small workflow of the tests' own, so that the door is tested apart from the programmes' definitions."""

from __future__ import annotations

from grantflow.engine.definition import Workflow
from grantflow.engine.registry import registry
from grantflow.engine.verdict import YES, Verdict, no


def label(text: str) -> dict[str, str]:
    return {"en": text, "ru": text}


def move(trigger: str, source: list[str], to: str | None, roles: list[str], **more: object) -> dict[str, object]:
    row: dict[str, object] = {
        "trigger": trigger, "from": source, "label": label(trigger), "say": label(f"{trigger} done"), "roles": roles, **more,
    }  # fmt: skip
    if to:
        row["to"] = to
    return row


@registry.guard("tests.lamp_on")
def lamp_on(ctx: object) -> Verdict:
    payload = ctx.payload  # type: ignore[attr-defined]
    return YES if ctx.asking or payload.get("lamp", "on") == "on" else no("The lamp is off.")  # type: ignore[attr-defined]


@registry.effect("tests.note")
def note(ctx: object) -> None:
    ctx.fact("noted", True)  # type: ignore[attr-defined]
    ctx.change("sum", 1, 2)  # type: ignore[attr-defined]
    ctx.change("phone", "111", "222", private=True, of=ctx.actor.person_id)  # type: ignore[attr-defined]


@registry.effect("tests.fail")
def fail(ctx: object) -> None:
    raise RuntimeError("the effect broke")


def small() -> Workflow:
    states = {
        "open": ("submission", False), "checked": ("eligibility", False), "first": ("decision", False),
        "done": ("closed", True), "refused": ("refused", True),
    }  # fmt: skip
    return Workflow.model_validate(
        {
            "name": "small",
            "label": label("Small"),
            "initial": "open",
            "states": [
                {"name": n, "label": label(n), "tone": "move", "stage": s, "final": f, "desk": "officer"}
                for n, (s, f) in states.items()
            ],
            "moves": [
                move("check", ["open"], "checked", ["officer"], guards=["tests.lamp_on"], effects=["tests.note"]),
                move("break", ["open"], "checked", ["officer"], effects=["tests.fail"]),
                move("approve", ["checked"], "first", ["finance"]),
                move("approve_second", ["first"], "done", ["finance"], distinct_from=["approve"]),
                move("refuse", ["open", "checked"], "refused", ["officer"], quorum=2, reason="required"),
                move("remark", ["open"], None, ["officer", "system"]),
                move("back", ["checked", "first"], "open", ["officer"]),
            ],
        }
    )
