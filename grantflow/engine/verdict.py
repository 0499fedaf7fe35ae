"""Owns the answer of a guard: yes, or no with a sentence for a person.

Leaves the asking, the greying of buttons and the error page to `cases`, which all read this same value.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a move may be made; true in a condition exactly when it may.

    `because` is any object whose `str()` is the sentence, so that a lazy translation stays lazy until
    somebody reads it in their own language.
    """

    ok: bool
    because: object = ""

    def __bool__(self) -> bool:
        return self.ok

    @property
    def sentence(self) -> str:
        """The reason in the reader's language; empty for a yes."""
        return str(self.because)


YES = Verdict(True)


def no(sentence: object) -> Verdict:
    """Refuse with a reason. A no without a sentence is a fault of the guard that gave it: ValueError.

    Only a plain string is looked into: asking a lazy one for its text here would translate it too early.
    """
    if sentence is None or (isinstance(sentence, str) and not sentence.strip()):
        raise ValueError("A refusal needs a sentence that tells the person why.")
    return Verdict(False, sentence)
