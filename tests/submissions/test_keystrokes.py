"""Two people type, save, reload, race, choose and send at random: every accepted keystroke is in what is stored and sent.

The model knows for each question which words were accepted last. Words go only where somebody who had them before their
eyes wrote others, or chose between the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from grantflow.db import unit_of_work
from grantflow.identity.access import Actor
from grantflow.submissions import service
from grantflow.submissions.merging import mark, marks
from tests.factories import person
from tests.submissions.conftest import ANSWERS, World

PLACES = {"steps": "plan", "after_grant": "plan", "team": "people", "summary": "project"}
QUESTIONS, WRITERS = sorted(PLACES), (0, 1)


@dataclass
class Window:
    """A section as somebody has it before them: what stood there when it was opened, and what they have typed over it."""

    actor: Actor
    seen: dict[str, str] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    dirty: set[str] = field(default_factory=set)
    clashing: set[str] = field(default_factory=set)
    revision: int = 0


def machine(world: World, colleague: Actor) -> type[RuleBasedStateMachine]:
    """The machine over the databases of one test; each run has a draft of its own."""

    class Writing(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.case_id = world.complete()
            self.accepted = {code: self.stored()[code] for code in QUESTIONS}
            self.windows = [Window(world.applicant), Window(colleague)]
            self.typed, self.sent = 0, 0
            for window in self.windows:
                self._open(window)

        def stored(self) -> dict[str, Any]:
            return dict(service.row_of(self.case_id).answers)

        def _open(self, window: Window) -> None:
            row = service.row_of(self.case_id)
            draft = service.draft_of(row)
            window.seen = {code: draft.values[code] for code in QUESTIONS}
            window.marks = marks(draft, service.terms_of(row.pack_hash).questions.values())
            window.words, window.revision = dict(window.seen), row.revision
            window.dirty, window.clashing = set(), set()

        @rule(at=st.sampled_from(WRITERS), code=st.sampled_from(QUESTIONS))
        def types(self, at: int, code: str) -> None:
            self.typed += 1
            self.windows[at].words[code] += f" k{self.typed}."
            self.windows[at].dirty.add(code)

        @rule(at=st.sampled_from(WRITERS))
        def reloads(self, at: int) -> None:
            """The browser gives the words back that were not saved, with what they were written over."""
            window = self.windows[at]
            old, before, typed, dirty = dict(window.marks), dict(window.seen), dict(window.words), set(window.dirty)
            self._open(window)
            for code in dirty:
                window.words[code], window.marks[code], window.seen[code] = typed[code], old[code], before[code]
            window.dirty = dirty

        @rule(at=st.sampled_from(WRITERS), section=st.sampled_from(sorted(set(PLACES.values()))), whole=st.booleans())
        def saves(self, at: int, section: str, whole: bool) -> None:
            """By itself, only what was typed; by the button, the whole section with what was only read."""
            window = self.windows[at]
            codes = [c for c in QUESTIONS if PLACES[c] == section and (whole or c in window.dirty)]
            if codes:
                self._send(window, section, codes)

        def _send(self, window: Window, section: str, codes: list[str]) -> None:
            changed = {c for c in codes if window.words[c] != window.seen[c]}
            lost = {c for c in changed if self.accepted[c] not in (window.seen[c], window.words[c])}
            typed = {code: window.words[code] for code in codes}
            try:
                with unit_of_work():
                    saved = service.save_section(
                        self.case_id, section, typed, revision=window.revision, actor=window.actor, was=window.marks
                    )
            except service.Clash as clash:
                assert set(clash.questions) == lost, "exactly the answers both changed are put before people"
                window.clashing |= lost
                rest = [code for code in codes if code not in lost]
                if rest:
                    self._send(window, section, rest)
                return
            assert not lost, f"{lost} of somebody else would have gone without a word"
            for code in changed:
                self.accepted[code] = window.words[code]
            for code in saved.mine:
                window.marks[code], window.seen[code] = mark(saved.draft, code), window.words[code]
                window.dirty.discard(code)
                window.clashing.discard(code)
            window.revision = saved.revision

        @precondition(lambda self: any(window.clashing for window in self.windows))
        @rule(mine=st.booleans())
        def chooses(self, mine: bool) -> None:
            window = next(window for window in self.windows if window.clashing)
            code = sorted(window.clashing)[0]
            draft = service.draft_of(service.row_of(self.case_id))
            window.clashing.discard(code)
            window.marks[code], window.seen[code] = mark(draft, code), draft.values[code]
            if mine:
                self._send(window, PLACES[code], [code])
            else:
                window.words[code] = window.seen[code]
                window.dirty.discard(code)

        @precondition(lambda self: self.sent < 3)
        @rule()
        def sends(self) -> None:
            """What is sent is what was accepted; then the officer opens everything again, and writing goes on."""
            world.submit(self.case_id)
            self.sent += 1
            version = service.answers_of(self.case_id, self.sent)
            assert {code: version[code] for code in QUESTIONS} == self.accepted
            world.give_back(self.case_id, *ANSWERS)

        @invariant()
        def every_accepted_keystroke_is_there(self) -> None:
            now = self.stored()
            assert {code: now[code] for code in QUESTIONS} == self.accepted

    return Writing


def test_every_accepted_keystroke_is_in_the_stored_version(world: World, thorough: bool) -> None:
    colleague = person("applicant", organisation_id=world.body)
    run_state_machine_as_test(
        machine(world, colleague),
        settings=settings(
            max_examples=400 if thorough else 5, stateful_step_count=40 if thorough else 20, deadline=None,
            database=None, suppress_health_check=list(HealthCheck),
            phases=tuple(Phase) if thorough else (Phase.generate,),  # a shorter example is worth minutes only then
        ),
    )  # fmt: skip
