"""An act that writes to many is looked at before it is done: the same act, done whole and taken back, tells which letters
it would send. It is done for good only while these are the letters that were looked at.

What the act does is `service.fire`'s and its effects', or its stage's; what a letter says is `mail`'s, who gets none is
`withholding`'s.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from grantflow.cases import mail, outbox, service, stops, texts, withholding
from grantflow.cases.notices import catalogue
from grantflow.db import session, unit_of_work
from grantflow.engine.definition import Move
from grantflow.engine.registry import registry
from grantflow.history.canonical import sha256
from grantflow.identity.models import Person

SAMPLES = 3
"""So many letters are shown whole."""
LOT = 500
"""So many readers are looked up by one query."""
_P = Person.__table__.c
READERS = select(_P.id, _P.name_en, _P.name_ru, _P.language, _P.zone, _P.active)


@dataclass(frozen=True)
class Line:
    """The letters of one notice: how many, to how many people, in which languages, and how many leave at once."""

    notice: str
    code: str
    subject: Mapping[str, str]
    letters: int
    people: int
    languages: Mapping[str, int]
    leaving: int


@dataclass(frozen=True)
class Sample:
    """One letter as its reader would get it; `withheld`: why it is none of its own."""

    notice: str
    code: str
    reader: Any
    subject: str
    body: str
    withheld: str | None


@dataclass(frozen=True)
class Letters:
    """What an act would send. `mark` is the word for exactly these letters, `seen` how many were looked at before."""

    mark: str
    seen: int | None
    total: Line
    lines: tuple[Line, ...]
    withheld: Mapping[str, int]
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Judged:
    """A row for the outbox with its reader, and why it would bring them no letter of its own."""

    row: Mapping[str, Any]
    reader: Any
    withheld: str | None


Rows = Sequence[dict[str, Any]]


class _TakenBack(Exception):
    def __init__(self, letters: Letters) -> None:
        self.letters = letters


def writes_to_many(move: Move) -> bool:
    """Whether a person who makes this move looks at its letters first: an effect of it says that it writes to many.

    It is the effect that says so, not the definition: so it holds for every definition that names the effect, those of
    programmes and those that running cases are pinned to among them, and nobody can forget it in one.
    """
    return not registry.to_many.isdisjoint(move.effects)


def fire(case_id: int, trigger: str, *, seen: str, **how: Any) -> service.Outcome | Letters:
    """Make the move, if the letters it writes are those under the mark `seen`, as `act` does."""
    return act(case_id, partial(service.fire, case_id, trigger, **how), seen=seen)


def act(case_id: int, do: Callable[[], service.Outcome], *, seen: str) -> service.Outcome | Letters:
    """Do it, if the letters it writes are those under the mark `seen`; else take everything back and give the letters as
    they would be now. It is a unit of work of its own and refuses what `do` refuses; `case_id` says whose words count.

    The letters are compared inside the act itself, so nothing can come between. What a reader switches for themselves
    until a letter leaves (language, which mail they want) makes no other letter.
    """
    heard: list[dict[str, Any]] = []
    try:
        with unit_of_work() as current:
            current.info[outbox.OVERHEARD] = heard
            outcome = do()
            words = _words(heard, texts.programme_of(case_id))
            mark = _mark(heard, words)
            if mark != seen and not outcome.replayed:
                raise _TakenBack(_letters(heard, words, mark, seen))
        return outcome
    except _TakenBack as back:
        return back.letters
    finally:
        session().info.pop(outbox.OVERHEARD, None)


def expected(told: Sequence[tuple[str, Any]], case: Any, samples: Sequence[Sample], mark: str, seen: str) -> Letters:
    """The letters of an act over more cases than can be rehearsed: `told` are its notices, each with its reader as
    `READERS` reads them; the samples are of some that were rehearsed. The programme of `case` says which words count.

    It reads as often for ten thousand as for one. `mark` is the word for all that was looked at, by whoever asks.
    """
    programme_id = texts.programme_of(case.id)
    words = _words([{"notice": name} for name in sorted({name for name, _reader in told})], programme_id)
    stopped = stops.stopped_by({reader.id for _name, reader in told}) if told else {}
    judged = [
        Judged({"notice": name}, reader, withholding.of_reader(name, reader.active, stopped.get(reader.id, set())))
        for name, reader in told
    ]
    return _counted(judged, words, tuple(samples), mark, seen)


def _words(rows: Rows, programme_id: int | None) -> dict[str, texts.Words]:
    """The words that count in the programme for each notice among these, in the order of their numbers."""
    names = sorted({row["notice"] for row in rows}, key=lambda name: (catalogue()[name].code, name))
    return {name: texts.current(name, programme_id) for name in names}


def _mark(rows: Rows, words: Mapping[str, texts.Words]) -> str:
    """How many letters, and a word for who is told what, in which words. Of a date only the day: terms run from now."""
    told = sorted(
        _written([row["notice"], row["person_id"], row["params"] | {"due": row["params"].get("due", "")[:10]}])
        for row in rows
    )
    said = [[name, dict(one.subject), dict(one.text)] for name, one in words.items()]
    return f"{len(rows)}.{sha256(_written([told, said]).encode())[:32]}"


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _count(mark: str) -> int | None:
    """How many letters a mark is for; None where it is none."""
    number = mark.partition(".")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None


def _letters(rows: Rows, words: Mapping[str, texts.Words], mark: str, seen: str) -> Letters:
    readers, stopped = _readers({row["person_id"] for row in rows})
    judged = []
    for row in rows:
        reader = readers[row["person_id"]]
        codes = stopped.get(reader.id, set())
        judged.append(Judged(row, reader, withholding.of_reader(row["notice"], reader.active, codes)))
    samples = tuple(_sample(letter, words[letter.row["notice"]]) for letter in _differing(judged))
    return _counted(judged, words, samples, mark, seen)


def _counted(
    judged: Sequence[Judged], words: Mapping[str, texts.Words], samples: tuple[Sample, ...], mark: str, seen: str
) -> Letters:
    return Letters(
        mark=mark,
        seen=_count(seen),
        total=_line("", {}, judged),
        lines=tuple(
            _line(name, one.subject, [letter for letter in judged if letter.row["notice"] == name])
            for name, one in words.items()
        ),
        withheld=Counter(letter.withheld for letter in judged if letter.withheld is not None),
        samples=samples,
    )


def _readers(person_ids: set[int]) -> tuple[dict[int, Any], dict[int, set[str]]]:
    """These people, and the numbers of the register that each has stopped."""
    order = sorted(person_ids)
    readers: dict[int, Any] = {}
    stopped: dict[int, set[str]] = {}
    for first in range(0, len(order), LOT):
        lot = order[first : first + LOT]
        readers |= {row.id: row for row in session().execute(READERS.where(_P.id.in_(lot)))}
        stopped |= stops.stopped_by(lot)
    return readers, stopped


def _line(name: str, subject: Mapping[str, str], letters: Sequence[Judged]) -> Line:
    languages = Counter(letter.reader.language for letter in letters)
    return Line(
        notice=name,
        code=catalogue()[name].code if name else "",
        subject=subject,
        letters=len(letters),
        people=len({letter.reader.id for letter in letters}),
        languages={language: languages[language] for language in texts.LANGUAGES},
        leaving=sum(letter.withheld is None for letter in letters),
    )


def _differing(letters: Sequence[Judged]) -> list[Judged]:
    """Three of them that differ as far as they can: in language, notice, and whether they leave; the most common first."""
    groups: dict[tuple[Any, ...], list[Judged]] = {}
    for letter in letters:
        groups.setdefault((letter.reader.language, letter.row["notice"], letter.withheld), []).append(letter)
    chosen: list[Judged] = []
    met: set[tuple[int, Any]] = set()
    waiting = dict(groups)
    while waiting and len(chosen) < SAMPLES:
        kind = max(waiting, key=lambda kind: (len(set(enumerate(kind)) - met), len(waiting[kind])))
        chosen.append(waiting.pop(kind)[0])
        met.update(enumerate(kind))
    # Where there are fewer kinds than samples, the most common ones show more than one letter.
    more = (letter for kind in sorted(groups.values(), key=len, reverse=True) for letter in kind[1:])
    return chosen + list(islice(more, SAMPLES - len(chosen)))


def _sample(letter: Judged, said: texts.Words) -> Sample:
    """The letter whole, but for the address that would stop it: that works for whoever has it."""
    row = SimpleNamespace(**letter.row)
    subject, body = mail.compose(row, letter.reader, said=said)
    if way := stops.link(letter.reader.id, row.notice):
        body = body.replace(way, "…")
    return Sample(row.notice, catalogue()[row.notice].code, letter.reader, subject, body, letter.withheld)
