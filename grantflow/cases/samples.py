"""Invented values for every word in braces, so that a notice can be read before there is anything to tell."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from grantflow import clock
from grantflow.cases.notices import PLACEHOLDERS, Rendered, Said, render
from grantflow.history.canonical import stamp

LINK = "https://grantflow.example/cases/1"
_SAMPLES: dict[str, Any] = {
    "ref": "KR-2021-0099",
    "title": {"en": "A felt workshop by the lake", "ru": "Войлочная мастерская у озера"},
    "call": {"en": "Small grants for new enterprises", "ru": "Малые гранты для новых предприятий"},
    "reason": {"en": "The budget lacks the price of the loom.", "ru": "В смете нет цены станка."},
    "state": {"en": "Sustainable", "ru": "Устойчиво"},
    "amount": {"minor": 15_040_000, "currency": "RUB"},
    "organisation": {"en": "Example Workshop", "ru": "Мастерская «Пример»"},
    "person": {"en": "A. Example", "ru": "А. Примерова"},
    "before": {"en": "1 November 2021, 23:59, Moscow time", "ru": "1 ноября 2021 г., 23:59, московское время"},
    "closes": {"en": "8 November 2021, 23:59, Moscow time", "ru": "8 ноября 2021 г., 23:59, московское время"},
    "months": "12",
    "number": "6",
    "role": {"en": "Auditor", "ru": "Аудитор"},
    "vote": {"en": "for", "ru": "за"},
    "again": {
        "en": " Until the call closes you can open the application again and send it anew.",
        "ru": " Пока идёт приём, заявку можно открыть и отправить заново.",
    },
    "note": {"en": "– A felt workshop goes to the panel", "ru": "– Заявка мастерской допущена к оценке"},
}


def values() -> dict[str, Any]:
    """A value for each word; the date is a week ahead."""
    found = {**_SAMPLES, "due": stamp(clock.now() + timedelta(days=7)), "sent": stamp(clock.now())}
    assert found.keys() | {"link"} == PLACEHOLDERS
    return found


def preview(name: str, said: Said, language: str, zone: str) -> Rendered:
    """The notice as somebody who reads this language would get it, with invented values."""
    return render(name, values(), language, zone, LINK, said)
