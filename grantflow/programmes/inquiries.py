"""Owns questions about a call and their answers: who may ask and until when, who answers, and what an answer may become.

A question stays as it was asked; what everybody reads is the officer's wording of it. An answer is never edited: another
version stands beside it, and what was once told to all is never taken from them in silence. (The questions of a call's
form are `questions`'.) Reading is `inquiry_queries`'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import func, insert, select

from grantflow import clock
from grantflow.cases import words
from grantflow.cases.rows import lock
from grantflow.cases.service import record
from grantflow.db import writing
from grantflow.engine.verdict import YES, Verdict, no
from grantflow.errors import Invalid, Refused, Stale
from grantflow.history.canonical import sha256
from grantflow.identity.access import Actor
from grantflow.programmes import inquiry_queries
from grantflow.programmes.inquiry_models import REACHES, TO_ALL, Inquiry, InquiryAnswer, Said
from grantflow.programmes.models import Call
from grantflow.rendering import day
from grantflow.typed import clean_text

STAFF = frozenset(("officer", "manager"))
"""Who answers the questions about a call of their programme."""
SHORTEST, LONGEST, LONGEST_ANSWER = 10, 2000, 4000
MOST_OPEN = 5
"""How many questions about one call somebody may have waiting at once."""
_Q, _A = Inquiry.__table__, InquiryAnswer.__table__

words.say(
    question_asked=_("A question asked about the call"),
    question_answered=_("A question answered"),
    answer_corrected=_("The answer to a question corrected"),
    answer_withdrawn=_("The answer to a question withdrawn"),
)
words.field(question=_("Question as asked"), wording=_("Question as published"), answer=_("Answer"))
words.fact(inquiry=_("Question number"), reach=_("For whom"))
words.code(reach={"public": _("everybody"), "asker": _("whoever asked"), "withdrawn": _("nobody any more")})


@dataclass(frozen=True)
class Reply:
    """What an officer says to a question: for whom, the question in neutral words, and the answer."""

    reach: str
    wording: Said
    text: Said


def takes_applications(call: Any, case: Any) -> bool:
    """Whether the call takes applications at this minute, its grace not counted."""
    return bool(case.stage == "submission" and call.opens_at <= clock.now() <= call.closes_at)


def answers_here(case: Any, actor: Actor) -> bool:
    """Whether somebody is of those who answer the questions about this call."""
    return bool(STAFF & actor.roles_on(case))


def may_ask(call: Any, case: Any, actor: Actor) -> Verdict:
    """Whether this actor may ask about the call now; somebody not signed in is judged as if they were."""
    if answers_here(case, actor):
        return no(_("You are of those who answer the questions about this call."))
    if not takes_applications(call, case):
        return no(_("Questions can be asked while the call takes applications."))
    if clock.today(call.zone) > call.questions_until_on:
        return no(_("Questions were taken until %(day)s.", day=_Day(call.questions_until_on)))
    if actor.person_id is not None and inquiry_queries.open_of(call.case_id, actor.person_id) >= MOST_OPEN:
        return no(
            _("%(count)s questions of yours wait for an answer. Ask the next when one is answered.", count=MOST_OPEN)
        )
    return YES


@dataclass(frozen=True)
class _Day:
    """A day inside a sentence, written in the reader's language at the moment of reading."""

    on: Any

    def __str__(self) -> str:
        return day(self.on)


def ask(call_id: int, text: str, *, actor: Actor, language: str, key: str) -> int:
    """Ask a question about a call, inside a unit of work; gives back its number. A repeated key asks nothing new.

    Raises Invalid for a text that is too short or too long, Refused with why nobody, or not this person, may ask now.
    """
    current, case, press = writing(), lock(call_id), _press(actor, key)
    known = current.scalar(select(_Q.c.number).where(_Q.c.key == press))
    if known is not None:
        return int(known)
    call = current.get_one(Call, call_id)
    verdict = may_ask(call, case, actor)
    if actor.person_id is None or not verdict:
        raise Refused(verdict.because or _("Sign in to ask."))
    text = clean_text(text)
    if len(text) < SHORTEST:
        raise Invalid(fields={"question": _("Write your question in a sentence or two.")})
    if len(text) > LONGEST:
        raise Invalid(fields={"question": _too_long(text, LONGEST)})
    number = int(current.scalar(select(func.count()).where(_Q.c.call_id == call_id)) or 0) + 1
    event = record(
        call_id, "question_asked", actor=actor, facts={"inquiry": number, "language": language},
        private_changes=[("question", None, text, actor.person_id)],
    )  # fmt: skip
    current.execute(
        insert(_Q).values(
            call_id=call_id, number=number, seq=event["seq"], asker_id=actor.person_id, asked_at=clock.now(),
            language=language, key=press,
        )
    )  # fmt: skip
    return number


def answer(call_id: int, number: int, reply: Reply, *, actor: Actor, seen: int, key: str) -> int:
    """Answer a question, or put another version beside its answer, inside a unit of work; gives back the version.

    `seen` is the version that was on the page, 0 for none: where somebody else answered meanwhile, Stale. A repeated key,
    and the same words again, change nothing. Raises NotFound, Refused for who does not answer here, Invalid by field.
    """
    current, case, press = writing(), lock(call_id), _press(actor, key)
    if not answers_here(case, actor):
        raise Refused(_("Only an officer or the manager of the programme answers questions about its calls."))
    known = current.scalar(select(_A.c.version).where(_A.c.key == press))
    if known is not None:
        return int(known)
    asked = inquiry_queries.exchange(call_id, number)
    before = asked.latest
    if (before.version if before else 0) != seen:
        raise Stale(
            _("Somebody else answered while you were writing. Their answer stands here; yours is not sent yet.")
        )
    reply = Reply(reply.reach, _cleaned(reply.wording), _cleaned(reply.text))
    _judge(reply, before)
    if before is not None and (before.reach, before.wording, before.text) == (reply.reach, reply.wording, reply.text):
        return before.version
    what = "question_answered" if before is None else "answer_corrected"
    if reply.reach == "withdrawn":
        what = "answer_withdrawn"
    # What all may read is nobody's personal data; what goes to one person may tell of them.
    of = None if reply.reach in TO_ALL else asked.asker_id
    texts = [("wording", reply.wording), ("answer", reply.text)]
    code = current.get_one(Call, call_id).code
    event = record(
        call_id,
        what,
        actor=actor,
        role="officer" if "officer" in actor.roles_on(case) else "manager",
        facts={"inquiry": number, "version": seen + 1, "reach": reply.reach},
        private_changes=[(name, None, {"en": said.en, "ru": said.ru}, of) for name, said in texts if said],
        notices=[(what, [asked.asker_id], _told(reply.text, f"/calls/{code}/questions/{number}"))],
    )
    current.execute(
        insert(_A).values(
            inquiry_id=asked.id, version=seen + 1, call_id=call_id, seq=event["seq"], answered_by_id=actor.person_id,
            answered_at=clock.now(), reach=reply.reach, key=press,
        )
    )  # fmt: skip
    return seen + 1


def reaches_after(before: Any) -> tuple[str, ...]:
    """What a next version may be: what all have read stays with all, corrected or withdrawn."""
    if before is None:
        return ("public", "asker")
    if before.reach == "asker":
        return ("public", "asker")
    return TO_ALL


def _press(actor: Actor, key: str) -> str:
    """The name of one press of a button by one person, whatever their browser sent as its key."""
    return f"{actor.person_id}/{sha256(key.encode('utf-8', 'replace'))}"


def _told(text: Said, page: str) -> dict[str, Any]:
    return {"note": {"en": text.in_("en"), "ru": text.in_("ru")}, "page": page}


def _cleaned(said: Said) -> Said:
    return Said(clean_text(said.en), clean_text(said.ru))


def _too_long(text: str, most: int) -> Any:
    return _("This is %(count)s characters. Write at most %(most)s.", count=len(text), most=most)


def _judge(reply: Reply, before: Any) -> None:
    """Raise Invalid with everything that is missing: a whom, an answer, and the question wherever there is an answer."""
    faults: dict[str, Any] = {}
    if reply.reach not in REACHES or reply.reach not in reaches_after(before):
        faults["reach"] = _("Say for whom the answer is.")
    if not reply.text:
        faults["answer_ru"] = faults["answer_en"] = _("Write the answer in one of the languages, best in both.")
    for language in ("en", "ru"):
        text, wording = getattr(reply.text, language), getattr(reply.wording, language)
        if len(text) > LONGEST_ANSWER:
            faults[f"answer_{language}"] = _too_long(text, LONGEST_ANSWER)
        if len(wording) > LONGEST:
            faults[f"wording_{language}"] = _too_long(wording, LONGEST)
        if reply.reach in TO_ALL and text and not wording:
            faults[f"wording_{language}"] = _(
                "Put the question in neutral words in this language too, without names: everybody reads it."
            )
        if reply.reach in TO_ALL and wording and reply.text and not text:
            faults[f"answer_{language}"] = _("The question stands in this language: write the answer in it too.")
    if faults:
        raise Invalid(fields=faults)
