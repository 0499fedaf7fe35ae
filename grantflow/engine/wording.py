"""Owns the rules about what people read: the right language, and no two things of one name side by side.

Leaves names that only the machine reads to `rules`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from grantflow.engine.definition import Label
from grantflow.engine.ruling import Finding, View, rule
from grantflow.engine.shape import TOP

LONGEST_CARD = 40
"""Characters of a state's label: more fits neither a badge nor a box of the picture."""

_CYRILLIC = re.compile("[Ѐ-ӿ]")


@rule("wrong-language", reads="label say hint")
def wrong_language(view: View) -> Iterator[Finding]:
    """English where Russian belongs, or the other way round."""
    for table, key, label in _labels(view):
        if not _CYRILLIC.search(label.ru):
            yield table, f'the Russian text of {key} is "{label.ru}", which is not Russian; translate it.'
        if _CYRILLIC.search(label.en):
            yield table, f'the English text of {key} is "{label.en}", which is not English; translate it.'


@rule("same-label", reads="label")
def same_label(view: View) -> Iterator[Finding]:
    """Two states, or two buttons side by side, that read the same."""
    for index, (table, state) in enumerate(view.states):
        for other in view.workflow.states[:index]:
            if shared := _shared(state.label, other.label):
                yield (
                    table,
                    f'is called "{shared}" like the state "{other.name}"; people could not tell them apart.',
                )
    for index, (table, move) in enumerate(view.moves):
        for rival in view.workflow.moves[:index]:
            side_by_side = set(move.source) & set(rival.source) and not (move.hidden or rival.hidden)
            shared = _shared(move.label, rival.label)
            if side_by_side and shared and move.trigger != rival.trigger:
                yield (
                    table,
                    f'its button reads "{shared}" like that of "{rival.name}" beside it; say what differs.',
                )


@rule("long-label", reads="label")
def long_label(view: View) -> Iterator[Finding]:
    """The name of a state that fits neither a badge nor the picture."""
    for table, state in view.states:
        for text in (state.label.en, state.label.ru):
            if len(text) > LONGEST_CARD:
                yield (
                    table,
                    f'the label "{text}" has {len(text)} characters; a state has {LONGEST_CARD} at most.',
                )


def _labels(view: View) -> Iterator[tuple[str, str, Label]]:
    yield TOP, "label", view.workflow.label
    yield from ((table, "label", state.label) for table, state in view.states)
    for table, move in view.moves:
        yield table, "label", move.label
        yield table, "say", move.say
        if move.hint is not None:
            yield table, "hint", move.hint


def _shared(one: Label, other: Label) -> str:
    return one.en if one.en == other.en else one.ru if one.ru == other.ru else ""
