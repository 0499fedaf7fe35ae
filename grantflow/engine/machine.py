"""Owns the step from one state to the next: one shared `transitions` machine per definition.

Leaves guards, effects, rights, the row and the history to `cases.fire()`; nothing here knows a case.
"""

from __future__ import annotations

import logging

from transitions import Machine, MachineError

from grantflow.engine.definition import Move, Workflow
from grantflow.errors import GrantFlowError

# The library tells of every step at INFO; the history is GrantFlow's record, the log need not repeat it.
logging.getLogger("transitions").setLevel(logging.WARNING)


class IllegalMove(GrantFlowError):
    """A move was asked of a state it does not start in: a programmer's slip, never a person's refusal."""


class _Carrier:
    """Holds a state for the length of one step. The machine writes to it, so no two steps may share one."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class Lifecycle:
    """The legal steps of one definition. It keeps no case, so all threads may use one at the same time."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self._machine = Machine(
            model=None,
            states=[state.name for state in workflow.states],
            initial=workflow.initial,
            auto_transitions=False,
            send_event=True,
        )
        # One event per move, not per trigger: of two moves with one trigger from one state the guards chose
        # already, and the machine must not choose again.
        for move in workflow.moves:
            self._machine.add_transition(move.name, list(move.source), move.to)
        # The machine has no callbacks, so that a step always ends where it ended the first time.
        self._known: dict[tuple[str, str], str] = {}

    def advance(self, state: str, move: Move) -> str:
        """The state a case in `state` reaches by `move`; the same state for a move without `to`.

        Raises IllegalMove when the move is not of this definition or does not start in `state`.
        """
        known = self.workflow.moves_by_name.get(move.name)
        # Nearly always it is the very same move; to compare two by value costs as much as the step itself.
        if known is not move and known != move:
            raise IllegalMove(f'Workflow "{self.workflow.name}" has no move "{move.name}" of this form.')
        step = (state, move.name)
        reached = self._known.get(step)
        if reached is None:
            reached = self._known[step] = self._step(state, move)
        return reached

    def _step(self, state: str, move: Move) -> str:
        event = self._machine.events[move.name]
        carrier = _Carrier(state)
        try:
            event.trigger(carrier)
        except (MachineError, ValueError) as error:
            raise IllegalMove(
                f'Workflow "{self.workflow.name}": the move "{move.name}" does not start in "{state}".'
            ) from error
        return carrier.state


_lifecycles: dict[str, Lifecycle] = {}


def lifecycle_of(workflow: Workflow) -> Lifecycle:
    """The one lifecycle of a definition in this process, found by the hash of its content."""
    key = workflow.content_hash
    # Two threads may both build it the first time; setdefault keeps one, and the other is thrown away
    # unharmed.
    return _lifecycles.get(key) or _lifecycles.setdefault(key, Lifecycle(workflow))
