"""Owns the rules about where a case can go: lost states, ends, traps, and moves that can never be made.

Leaves names and people to `rules`, and what people read to `wording`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations

from grantflow.engine.definition import Move
from grantflow.engine.faults import quoted
from grantflow.engine.registry import SYSTEM
from grantflow.engine.ruling import Finding, View, rule
from grantflow.engine.shape import TOP

_GRAPH = "moves.from moves.to states.name"


@rule("unreachable", needs=f"{_GRAPH} top.initial")
def unreachable(view: View) -> Iterator[Finding]:
    """A state that no case can ever be in."""
    for table, state in view.states:
        if view.reachable and state.name not in view.reachable:
            text = f'no move leads here from "{view.workflow.initial}"; give a move to = "{state.name}", '
            yield table, text + "or take the state away."


@rule("initial-final", needs="top.initial states.final")
def initial_final(view: View) -> Iterator[Finding]:
    """A case that is over when it begins."""
    state = view.workflow.states_by_name.get(view.workflow.initial)
    if state is not None and state.final:
        yield TOP, f'a case would begin in the final state "{state.name}"; name another state as initial.'


@rule("dead-end", reads="final", needs=_GRAPH)
def dead_end(view: View) -> Iterator[Finding]:
    """A state that is not an end, and that nothing leads out of."""
    ways_out = {source for move in view.workflow.moves if move.to for source in map(view.nearest, move.source)}
    for table, state in view.states:
        if not state.final and state.name not in ways_out:
            yield table, "no move leads out of this state; add one, or write final = true if it is an end."


@rule("no-way-to-an-end", reads="final", needs=f"{_GRAPH} states.final")
def no_way_to_an_end(view: View) -> Iterator[Finding]:
    """States that only lead round in a circle."""
    for table, state in view.states:
        onward = view.reach(state.name)
        ends = any(view.workflow.states_by_name[name].final or not view.steps[name] for name in onward)
        if not ends:
            yield table, "a case here can never reach a final state; add a move that leads out of the circle."


@rule("final-with-moves", reads="final", needs="moves.from")
def final_with_moves(view: View) -> Iterator[Finding]:
    """An end that is none."""
    for table, state in view.states:
        out = [move.name for move in view.workflow.moves_from(state.name) if move.to not in (None, state.name)]
        if state.final and out:
            yield table, f"is final, but {quoted(out)} would lead out of it; take final or the move away."


@rule("final-with-deadline", reads="state", needs="states.final")
def final_with_deadline(view: View) -> Iterator[Finding]:
    """A clock that runs on a case that is over."""
    for table, deadline in view.deadlines:
        state = view.workflow.states_by_name.get(deadline.state)
        if state is not None and state.final:
            yield (
                table,
                f'the state "{state.name}" is final, and nothing is due there; take the deadline away.',
            )


@rule("final-with-desk", reads="desk final")
def final_with_desk(view: View) -> Iterator[Finding]:
    """A case that is over and still lies on somebody's desk, for ever."""
    for table, state in view.states:
        if state.final and state.desk:
            yield table, f'is final, but would lie on the desk of "{state.desk}" for ever; take desk away.'


@rule("leads-back", reads="from to")
def leads_back(view: View) -> Iterator[Finding]:
    """A move to where it starts, which is an event without a step."""
    for table, move in view.moves:
        if move.to in move.source:
            text = f'leads from "{move.to}" back to "{move.to}"; leave "to" out where the case stays'
            yield table, text + ("." if len(move.source) == 1 else f', or take "{move.to}" out of from.')


@rule("ambiguous", reads="from trigger guards", needs="moves.from moves.trigger moves.guards")
def ambiguous(view: View) -> Iterator[Finding]:
    """Two moves, and nothing that says which of them a trigger means."""
    for first, second, table, states in _rivals(view):
        if not _conditional(first) and not _conditional(second):
            text = f'the trigger "{second.trigger}" from {quoted(states)} could as well mean "{first.name}"'
            yield table, f"{text}; give one of the two a guard or another trigger."


@rule("shadowed", reads="from trigger guards roles", needs="moves.from moves.trigger moves.guards moves.roles")
def shadowed(view: View) -> Iterator[Finding]:
    """A guarded move behind an unguarded one with the same trigger: it never gets its turn."""
    for first, second, table, states in _rivals(view):
        if not _conditional(first) and _conditional(second) and set(second.roles) <= set(first.roles):
            text = f'"{first.name}" stands before it, has the same trigger from {quoted(states)} and no guard'
            yield table, f"{text}, so this move can never be made; put the guarded move first."


@rule("distinct-impossible", reads="distinct_from from", needs=f"{_GRAPH} top.initial moves.name")
def distinct_impossible(view: View) -> Iterator[Finding]:
    """Two pairs of eyes on paper only: the other move can never have been made before this one."""
    for table, move in view.moves:
        here = {view.nearest(source) for source in move.source} & view.reachable
        for name in move.distinct_from:
            others = [other for other in view.workflow.moves if other.name == name]
            if here and len(others) == 1 and not here & _after(view, others[0]):
                text = f'"{name}" can never have been made before this move, so distinct_from = ["{name}"] '
                yield table, text + "guards nothing; name a move that comes before."


@rule("deadline-unavailable", reads="state trigger", needs="moves.from moves.trigger states.name")
def deadline_unavailable(view: View) -> Iterator[Finding]:
    """A clock that rings where its move does not start."""
    for table, deadline in view.deadlines:
        starts = [move for move in view.workflow.moves if move.trigger == deadline.trigger]
        known = deadline.state in view.workflow.states_by_name
        if starts and known and not view.workflow.moves_from(deadline.state, deadline.trigger):
            sources = quoted(dict.fromkeys(source for move in starts for source in move.source))
            text = f'the trigger "{deadline.trigger}" does not start in "{deadline.state}" but in {sources}'
            yield table, f'{text}; add "{deadline.state}" to its from, or name another trigger.'


@rule("deadline-not-system", reads="state trigger", needs="moves.from moves.trigger moves.roles")
def deadline_not_system(view: View) -> Iterator[Finding]:
    """A clock that rings, and nobody may open."""
    for table, deadline in view.deadlines:
        moves = view.workflow.moves_from(deadline.state, deadline.trigger)
        if moves and not any(SYSTEM in move.roles for move in moves):
            named = quoted(move.name for move in moves)
            text = f'the system fires "{deadline.trigger}", but {named} is not open to it'
            yield table, f'{text}; add "{SYSTEM}" to the roles of the move.'


@rule("deadline-needs-a-person", reads="state trigger", needs="moves.from moves.trigger moves.roles")
def deadline_needs_a_person(view: View) -> Iterator[Finding]:
    """A move that a clock fires and only a person can fill in."""
    for table, deadline in view.deadlines:
        for move in view.workflow.moves_from(deadline.state, deadline.trigger):
            if SYSTEM not in move.roles:
                continue
            wants = {
                "a written reason": move.reason == "required",
                "a filled-in form": move.form is not None,
                f"{move.quorum} votes": move.quorum > 1,
            }
            for what in (what for what, wanted in wants.items() if wanted):
                text = f'fires "{move.name}", which wants {what}, and a clock has none'
                yield table, f"{text}; give the deadline a move of its own."


def _after(view: View, move: Move) -> set[str]:
    """The states a case may be in at any time after a move."""
    sources = {view.nearest(source) for source in move.source} & view.reachable
    return view.reach(*(sources if move.to is None else [view.nearest(move.to)])) if sources else set()


def _conditional(move: Move) -> bool:
    return bool(move.guards or move.distinct_from)


def _rivals(view: View) -> Iterator[tuple[Move, Move, str, list[str]]]:
    """Each two moves that share a trigger and a state, in the order of the file, with the second one's
    table.
    """
    together = defaultdict(list)
    for table, move in view.moves:
        together[move.trigger].append((table, move))
    for moves in together.values():
        for (_, first), (table, second) in combinations(moves, 2):
            if states := [source for source in second.source if source in first.source]:
                yield first, second, table, states
