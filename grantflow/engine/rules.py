"""Owns the rules about names and people: everything named must exist, and every move have its people.

Leaves the ways a case can go to `paths`, and what people read to `wording`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from grantflow.engine.faults import instead, quoted
from grantflow.engine.registry import SYSTEM
from grantflow.engine.ruling import Finding, View, rule
from grantflow.engine.shape import TOP

MOST_VOTES = 50
"""No panel has more members: a larger quorum is a slip of the pen."""


@rule("unknown-state", reads="from", needs="states.name")
def unknown_source_state(view: View) -> Iterator[Finding]:
    """A move out of nowhere."""
    for table, move in view.moves:
        yield from _lost(view, table, "from", dict.fromkeys(move.source))


@rule("unknown-state", reads="to", needs="states.name")
def unknown_target(view: View) -> Iterator[Finding]:
    """A move into nowhere."""
    for table, move in view.moves:
        yield from _lost(view, table, "to", [move.to] if move.to is not None else [])


@rule("unknown-state", reads="state initial", needs="states.name")
def unknown_place(view: View) -> Iterator[Finding]:
    """A beginning or a deadline in no state."""
    yield from _lost(view, TOP, "initial", [view.workflow.initial])
    for table, deadline in view.deadlines:
        yield from _lost(view, table, "state", [deadline.state])


@rule("unknown-guard", reads="guards")
def unknown_guard(view: View) -> Iterator[Finding]:
    """A guard nobody registered."""
    for table, move in view.moves:
        yield from _unknown(table, "guard", move.guards, view.registry.guards)


@rule("unknown-effect", reads="effects")
def unknown_effect(view: View) -> Iterator[Finding]:
    """An effect nobody registered."""
    for table, move in view.moves:
        yield from _unknown(table, "effect", move.effects, view.registry.effects)


@rule("unknown-notice", reads="notices")
def unknown_notice(view: View) -> Iterator[Finding]:
    """A notice nobody wrote."""
    for table, move in view.moves:
        yield from _unknown(table, "notice", move.notices, view.registry.notices)


@rule("unknown-form", reads="form")
def unknown_form(view: View) -> Iterator[Finding]:
    """A form nobody built."""
    for table, move in view.moves:
        yield from _unknown(table, "form", [move.form] if move.form else [], view.registry.forms)


@rule("unknown-role", reads="roles")
def unknown_role(view: View) -> Iterator[Finding]:
    """A role nobody can hold."""
    for table, move in view.moves:
        yield from _unknown(table, "role", move.roles, view.registry.roles)


@rule("unknown-desk", reads="desk")
def unknown_desk(view: View) -> Iterator[Finding]:
    """A desk of nobody: a case would lie there unseen."""
    for table, state in view.states:
        if state.desk == SYSTEM:
            yield (
                table,
                f'nobody sits at the desk of "{SYSTEM}"; leave desk out where nothing waits for a person.',
            )
        elif state.desk and state.desk not in view.registry.roles:
            yield table, f'desk is "{state.desk}", which is no role{instead(state.desk, view.registry.roles)}'


@rule("unknown-source", reads="after")
def unknown_source(view: View) -> Iterator[Finding]:
    """A deadline that asks for a date nobody knows."""
    for table, deadline in view.deadlines:
        sources = view.registry.deadline_sources
        if deadline.field and deadline.field not in sources:
            yield table, f'nothing knows the date "{deadline.field}"{instead(deadline.field, sources)}'


@rule("unknown-trigger", reads="trigger", needs="moves.trigger")
def unknown_trigger(view: View) -> Iterator[Finding]:
    """A deadline that fires nothing."""
    triggers = {move.trigger for move in view.workflow.moves}
    for table, deadline in view.deadlines:
        if deadline.trigger not in triggers:
            yield table, f'no move has the trigger "{deadline.trigger}"{instead(deadline.trigger, triggers)}'


@rule("unknown-move", reads="distinct_from", needs="moves.name moves.trigger")
def unknown_move(view: View) -> Iterator[Finding]:
    """Two pairs of eyes that hang on a move which is not there."""
    known = view.workflow.moves_by_name
    for table, move in view.moves:
        for name in move.distinct_from:
            if name not in known:
                yield (
                    table,
                    f'distinct_from names the move "{name}", which does not exist{instead(name, known)}',
                )


@rule("duplicate-name", reads="name trigger")
def duplicate_name(view: View) -> Iterator[Finding]:
    """Two of one name: history could not tell them apart."""
    for tables in ([(t, s.name) for t, s in view.states], [(t, d.name) for t, d in view.deadlines]):
        seen: set[str] = set()
        for table, name in tables:
            if name in seen:
                yield table, f'the name "{name}" is taken already; give this one another name.'
            seen.add(name)
    first: dict[str, str] = {}
    for table, move in view.moves:
        if move.name in first:
            how = f'give this move a name of its own, such as name = "{move.name}_2".'
            yield table, f'the name "{move.name}" is taken by {first[move.name].split()[0]}; {how}'
        first.setdefault(move.name, table)


@rule("listed-twice", reads="from roles guards effects notices distinct_from")
def listed_twice(view: View) -> Iterator[Finding]:
    """One thing twice in a list: an effect would be done twice."""
    for table, move in view.moves:
        lists = {
            "from": move.source,
            "roles": move.roles,
            "guards": move.guards,
            "effects": move.effects,
            "notices": move.notices,
            "distinct_from": move.distinct_from,
        }
        for key, names in lists.items():
            if twice := [name for name, count in Counter(names).items() if count > 1]:
                yield table, f"{key} lists {quoted(twice)} more than once; once is enough."


@rule("no-roles", reads="roles")
def no_roles(view: View) -> Iterator[Finding]:
    """A move that nobody may make."""
    for table, move in view.moves:
        if not move.roles:
            text = 'roles is empty, so nobody may make this move; name who may, such as roles = ["officer"]'
            yield table, f'{text}, or roles = ["{SYSTEM}"].'


@rule("quorum", reads="quorum roles")
def quorum(view: View) -> Iterator[Finding]:
    """A quorum nobody can meet."""
    for table, move in view.moves:
        if move.quorum < 1:
            yield table, f"a quorum of {move.quorum} can never be met; write quorum = 1 or leave it out."
        elif move.quorum > MOST_VOTES:
            yield table, f"no panel has {move.quorum} members; a quorum may be {MOST_VOTES} at the most."
        elif move.quorum > 1 and set(move.roles) == {SYSTEM}:
            yield (
                table,
                f"wants {move.quorum} people, but only the system may make it; add a role of people.",
            )


@rule("distinct-system", reads="distinct_from", needs="moves.name moves.roles")
def distinct_system(view: View) -> Iterator[Finding]:
    """Two pairs of eyes, of which one is a machine's."""
    for table, move in view.moves:
        for name in move.distinct_from:
            other = view.workflow.moves_by_name.get(name)
            if other is not None and set(other.roles) == {SYSTEM}:
                yield (
                    table,
                    f'distinct_from names "{name}", which only the system makes; name a move made by people.',
                )


@rule("system-only", reads="roles reason form hidden")
def system_only(view: View) -> Iterator[Finding]:
    """A move of the system's that asks for a person."""
    for table, move in view.moves:
        if set(move.roles) != {SYSTEM}:
            continue
        if move.reason == "required":
            yield (
                table,
                'only the system makes this move, and it writes no reason; write reason = "optional".',
            )
        if move.form is not None:
            yield table, "only the system makes this move, and it fills in no form; take form away."
        if not move.hidden:
            yield (
                table,
                "only the system makes this move, so its button would serve nobody; write hidden = true.",
            )


@rule("notice-to-nobody", reads="notices")
def notice_to_nobody(view: View) -> Iterator[Finding]:
    """A notice that no person can ever receive."""
    for table, move in view.moves:
        for name in dict.fromkeys(move.notices):
            known = view.registry.notices.get(name)
            to = tuple(getattr(known, "recipients", known) or ())
            for role in to:
                if role != SYSTEM and role not in view.registry.roles:
                    text = f'the notice "{name}" goes to "{role}", which is no role'
                    yield table, text + instead(role, view.registry.roles)
            if to and set(to) == {SYSTEM}:
                yield (
                    table,
                    f'the notice "{name}" goes to the system only, which reads no mail; name other roles.',
                )


def _unknown(table: str, what: str, names: Iterable[str], known: Iterable[str]) -> Iterator[Finding]:
    there = set(known)
    for name in dict.fromkeys(names):
        if name not in there:
            yield table, f'there is no {what} "{name}"{instead(name, there)}'


def _lost(view: View, table: str, key: str, names: Iterable[str]) -> Iterator[Finding]:
    known = view.workflow.states_by_name
    for name in names:
        if name not in known:
            yield table, f'{key} names the state "{name}", which does not exist{instead(name, known)}'
