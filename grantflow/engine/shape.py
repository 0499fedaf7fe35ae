"""Owns reading one table of a file into its value, and saying in plain English what is wrong with it.

Leaves files to `loader` and the whole to `lint`. A table with a fault is mended with stand-ins, so that the
lint can go on and all faults come out at once; `Mended` remembers what was mended, so that no stand-in is
ever blamed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from grantflow.engine.definition import Deadline, Move, State, Workflow
from grantflow.engine.faults import Fault, instead, quoted

P = TypeVar("P", bound=BaseModel)
Mended = dict[str, set[str]]
"""The keys mended in each table: {'moves[3] "approve"': {"guards"}}."""

TOP = "top level"
_LABEL = {"en": "Text", "ru": "Текст"}
_STAND_INS: dict[type[BaseModel], dict[str, Any]] = {
    State: {"name": "unnamed", "label": _LABEL, "tone": "idle", "stage": "preparation"},
    Move: {
        "name": "unnamed",
        "trigger": "unnamed",
        "from": ["unnamed"],
        "label": _LABEL,
        "say": _LABEL,
        "roles": ["system"],
    },
    Deadline: {"name": "unnamed", "state": "unnamed", "after": "P1D", "trigger": "unnamed"},
    Workflow: {"name": "unnamed", "label": _LABEL, "initial": "unnamed"},
}
_SAMPLES = {
    "name": 'name = "approve"',
    "trigger": 'trigger = "approve"',
    "from": 'from = ["draft"]',
    "to": 'to = "submitted"',
    "label": 'label = { en = "…", ru = "…" }',
    "say": 'say = { en = "…", ru = "…" }',
    "hint": 'hint = { en = "…", ru = "…" }',
    "roles": 'roles = ["officer"]',
    "guards": 'guards = ["scoring.quorum_met"]',
    "effects": 'effects = ["awards.plan_tranches"]',
    "notices": 'notices = ["submissions.received"]',
    "distinct_from": 'distinct_from = ["prepare"]',
    "form": 'form = "awards.accept"',
    "tone": 'tone = "idle"',
    "stage": 'stage = "preparation"',
    "desk": 'desk = "officer"',
    "initial": 'initial = "draft"',
    "state": 'state = "offered"',
    "after": 'after = "P14D"',
    "quorum": "quorum = 2",
    "lane": "lane = 1",
    "final": "final = true",
    "hidden": "hidden = true",
}
# What people write who know other tools.
_OTHER_WORDS = {
    "source": "from",
    "sources": "from",
    "dest": "to",
    "target": "to",
    "title": "label",
    "text": "say",
    "condition": "guards",
    "conditions": "guards",
    "color": "tone",
    "colour": "tone",
    "start": "initial",
    "transitions": "moves",
    "role": "roles",
    "guard": "guards",
    "effect": "effects",
    "notice": "notices",
    "timeout": "after",
}


def state_table(name: object) -> str:
    """How a fault names the table of a state: `states.planned`."""
    return f"states.{_short(name)}"


def list_table(heading: str, index: int, name: object) -> str:
    """How a fault names a table of a list, counted from 1: `moves[3] "approve"`."""
    return f'{heading}[{index}] "{_short(name)}"' if isinstance(name, str) and name else f"{heading}[{index}]"


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys a table of this kind may hold, as they stand in the file."""
    return [str(field.validation_alias or name) for name, field in model.model_fields.items()]


def part(
    model: type[P], raw: object, file: str, table: str, faults: list[Fault], mended: Mended, **given: Any
) -> P | None:
    """Read one table; every fault is appended to `faults`. None only where there is no table at all.

    `given` are values that come from elsewhere (a state's name from its heading) and are not keys of the
    table.
    """
    if not isinstance(raw, Mapping):
        faults.append(Fault(file, table, f"must be a table with keys, not {_kind(raw)}.", "not-a-table"))
        return None
    data, touched = dict(raw), mended.setdefault(table, set())
    keys = keys_of(model)
    for key in [key for key in data if key not in keys or key in given]:
        value = data.pop(key)
        if key in given:
            text = f'the name of a state is its heading; take "{key}" away.'
            faults.append(Fault(file, table, text, "unknown-key"))
            continue
        meant = _meant(key, keys)
        hint = f'; did you mean "{meant}"?' if meant else f"; known: {quoted(keys)}."
        faults.append(Fault(file, table, f'there is no key "{_short(key)}"{hint}', "unknown-key"))
        if meant and meant not in data and meant not in given:
            data[meant] = value
    data.update(given)
    try:
        return _read(model, data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            key = str(detail["loc"][0]) if detail["loc"] else ""
            # A move without a name is named after its trigger: a bad trigger is said once, of the trigger.
            # A list that is short only because its items are wrong is told for its items.
            taken_over = key == "name" and key not in data and model is Move
            if not taken_over and not (detail["type"] == "too_short" and detail["input"]):
                faults.append(Fault(file, table, *_explain(model, key, detail)))
            touched.add(key)
    stand_ins = _STAND_INS[model]
    for key in touched:
        data.pop(key, None)
        if key in stand_ins:
            data[key] = stand_ins[key]
    return _read(model, data)


def _meant(key: str, keys: list[str]) -> str:
    word = _OTHER_WORDS.get(key.lower(), "")
    return word if word in keys else next(iter(get_close_matches(key.lower(), keys, n=1, cutoff=0.6)), "")


def _read(model: type[P], data: Mapping[str, Any]) -> P:
    return model.model_validate(data, by_alias=True, by_name=False)


def _explain(model: type[BaseModel], key: str, detail: ErrorDetails) -> tuple[str, str]:
    """One sentence and the code of one error of pydantic's."""
    kind, value, where = detail["type"], detail["input"], detail["loc"]
    sample = _SAMPLES.get(key, f"{key} = …")
    if where[1:] and where[-1] in ("en", "ru") and key in ("label", "say", "hint"):
        language = "English" if where[-1] == "en" else "Russian"
        if kind in ("missing", "string_too_short"):
            return f'"{key}" has no {language} text; write {sample}.', "missing-language"
        if kind == "string_too_long":
            return (
                f'the {language} text of "{key}" has {len(str(value))} characters; 240 are the most.',
                "too-long",
            )
        if kind == "value_error":
            return f'the {language} text of "{key}" {_own(detail)}.', "unclean-text"
        return f'the {language} text of "{key}" must be text in quotes, not {_kind(value)}.', "wrong-type"
    if kind == "extra_forbidden":
        return f'"{key}" has an unknown language "{_short(where[-1])}"; write {sample}.', "unknown-key"
    if kind == "missing":
        return f'"{key}" is missing; write for example {sample}.', "missing-key"
    if kind in ("model_type", "model_attributes_type"):
        return f'"{key}" must hold both languages; write {sample}.', "missing-language"
    if kind == "tuple_type":
        item = f'"{_short(value)}"' if isinstance(value, str) else "…"
        return f'"{key}" must be a list; write {key} = [{item}].', "wrong-type"
    if kind == "too_short":
        return f'"{key}" is an empty list; write for example {sample}.', "empty-list"
    if kind in ("literal_error", "enum"):
        return (
            f'"{key}" cannot be {_shown(value)}{instead(str(value), _choices(model, key))}',
            "unknown-value",
        )
    if kind in ("string_pattern_mismatch", "string_too_short", "string_too_long"):
        return f'"{_short(value)}" in "{key}" is no name{_as_name(str(value))}', "bad-name"
    if kind == "value_error":
        return f'"{key}" {_own(detail)}; it is {_shown(value)}.', "bad-value"
    if kind in ("greater_than_equal", "less_than_equal"):
        return f'"{key}" is {_shown(value)}; it must lie between -9 and 9.', "bad-value"
    must = {
        "string_type": "text in quotes",
        "int_type": "a whole number without quotes",
        "bool_type": "true or false",
    }
    if kind in must:
        return f'"{key}" must be {must[kind]}, not {_kind(value)}; write for example {sample}.', "wrong-type"
    return f'"{key}": {detail["msg"]}.', "bad-value"


def _own(detail: ErrorDetails) -> str:
    return str(detail["msg"]).removeprefix("Value error, ")


def _choices(model: type[BaseModel], key: str) -> list[str]:
    schema = model.model_json_schema(by_alias=True)
    found: Mapping[str, Any] = schema["properties"][key]
    if "$ref" in found:
        found = schema["$defs"][found["$ref"].rsplit("/", 1)[-1]]
    return list(found["enum"])


def _as_name(text: str) -> str:
    slug = re.sub(r"_+", "_", re.sub(r"[^a-z0-9_.]", "_", text.lower())).strip("_.")[:60].strip("_.")
    rule = "; use small Latin letters, digits and underscores, beginning with a letter, 60 at the most"
    return f'{rule}, such as "{slug}".' if re.match(r"[a-z]", slug) and slug != text else f"{rule}."


def _kind(value: object) -> str:
    kinds = [
        (bool, "true or false"),
        (str, "text"),
        (int, "a number"),
        (float, "a number with a point"),
        (list, "a list"),
    ]
    return next(
        (name for kind, name in kinds if isinstance(value, kind)),
        "a table" if isinstance(value, dict) else "a date",
    )


def _shown(value: object) -> str:
    return quoted([_short(value)]) if isinstance(value, str) else _short(value)


def _short(value: object) -> str:
    """A value for a message: one line, no control characters, 60 characters at the most."""
    text = "".join(c if c.isprintable() else "�" for c in str(value))
    return text if len(text) <= 60 else text[:59] + "…"
