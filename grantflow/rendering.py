"""Words and figures for a reader: money, numbers, dates, hours with their zone, in English and in Russian.

It owns the filters, globals and error pages. How an answer travels is `delivery`; reading what was typed is `typed`,
passed on here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers, units
from flask import (
    Flask,
    current_app,
    g,
    has_app_context,
    has_request_context,
    render_template,
    url_for,
)
from flask_babel import get_locale, gettext, ngettext
from flask_babel import lazy_gettext as _
from werkzeug.routing import BuildError

from grantflow import clock
from grantflow.delivery import asset, install_headers
from grantflow.money import MINOR_DIGITS, Money
from grantflow.typed import Unreadable as Unreadable
from grantflow.typed import clean_text as clean_text
from grantflow.typed import parse_date as parse_date
from grantflow.typed import parse_decimal as parse_decimal
from grantflow.typed import parse_money as parse_money

LANGUAGES = {"en": "English", "ru": "Русский"}
DEFAULT_ZONE = "Europe/Moscow"
NBSP = "\N{NO-BREAK SPACE}"
ZONES = {
    "Europe/Moscow": _("Petrozavodsk and Moscow time"),
    "Asia/Chita": _("Chita time"),
    "UTC": _("UTC, the time of Greenwich"),
}


def language() -> str:
    """The language of this page or letter, "en" or "ru"; English where nobody chose."""
    found = get_locale() if has_app_context() else None
    return found.language if found is not None and found.language in LANGUAGES else "en"


def _locale(lang: str | None = None) -> Locale:
    return Locale("ru") if (lang or language()) == "ru" else Locale("en", "GB")


def zone() -> str:
    """The IANA name of the zone the reader's clock is told in."""
    if has_request_context() and g.get("zone"):
        return str(g.zone)
    return str(current_app.config.get("ZONE") or DEFAULT_ZONE) if has_app_context() else DEFAULT_ZONE


def _utc_offset(at: datetime) -> str:
    minutes = int((at.utcoffset() or clock.now() - clock.now()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")


def zone_words(name: str | None = None, at: datetime | None = None, *, offset: bool = True) -> str:
    """A zone in words, "Chita time, UTC+9"; a zone nobody named here is told by its city."""
    name = name or zone()
    when = (at or clock.now()).astimezone(ZoneInfo(name))
    if name in ZONES:
        words = str(ZONES[name])
    else:
        city = dates.get_timezone_location(ZoneInfo(name), _locale(), return_city=True)
        words = gettext("time of the zone %(city)s", city=city)
    return words if name == "UTC" or not offset else f"{words}, {_utc_offset(when)}"


def label(value: Any) -> str:
    """A record's value as the reader sees it: `Label(en, ru)`, sum, number, day, yes or no; None is blank."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(gettext("Yes") if value else gettext("No"))
    if isinstance(value, Money):
        return money(value)
    if isinstance(value, Decimal):
        return number(value, max(0, -int(value.as_tuple().exponent)) if value.is_finite() else None)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Mapping):
        return str(value.get(language()) or value.get("en") or "")
    return str(value.in_(language())) if hasattr(value, "in_") else str(value)


def quoted(names: Iterable[str]) -> str:
    """Names in a row, each between the quotation marks of the reader's language."""
    return ", ".join(gettext("“%(words)s”", words=name) for name in names)


def number(value: Decimal | int | float | None, places: int | None = None) -> str:
    """A number with the reader's separators; `places` fixes the decimals. Nothing is blank, zero is 0."""
    if value is None:
        return ""
    pattern = None if places is None else "#,##0" + ("." + "0" * places if places else "")
    return numbers.format_decimal(value, format=pattern, locale=_locale(), decimal_quantization=False).replace("-", "−")


def percent(share: Decimal | int | float | None, places: int | None = None) -> str:
    """A number of percent (12 is twelve percent) with the sign after a no-break space."""
    return "" if share is None else f"{number(share, places)}{NBSP}%"


def money(value: Money | int | None, currency: str | None = None, *, bare: bool = False) -> str:
    """`RUB 331,800.00` or `331 800,00 ₽`. Minor units need their currency; `bare` leaves it out."""
    if value is None:
        return ""
    if not isinstance(value, Money):
        if currency is None:
            raise TypeError("minor units need their currency")
        value = Money(value, currency)
    before, figures, after = money_parts(value)
    if bare:
        return figures
    return f"{before} {figures}" if before else f"{figures}{NBSP}{after}"


def money_parts(value: Money) -> tuple[str, str, str]:
    """Currency before, figures, currency after, as the language sets them; one currency is empty."""
    figures = number(value.amount, MINOR_DIGITS[value.currency])
    if language() == "ru":
        return "", figures, numbers.get_currency_symbol(value.currency, "ru")
    return value.currency, figures, ""


def currency_sign(code: str | None) -> str:
    """The currency alone, for the head of a column or beside a field: RUB, in Russian ₽."""
    return (numbers.get_currency_symbol(code, "ru") if language() == "ru" else code) if code else ""


_DAYS = {
    "long": "long",
    "short": "d MMM y",
    "brief": "d MMM",
    "full": "EEEE d MMMM y",
    "noyear": "d MMMM",
    "year": "y",
}


def day(value: date | datetime | None, style: str = "long", zone_name: str | None = None) -> str:
    """A date: `long` 1 November 2021, `full` with the weekday, `noyear`, and for tables `short` and `brief`.

    An instant is first turned into the day of the reader's zone or of `zone_name`.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(ZoneInfo(zone_name or zone())).date()
    pattern = "EEEE, d MMMM y 'г'." if language() == "ru" and style == "full" else _DAYS[style]
    return dates.format_date(value, pattern, locale=_locale()).replace("\u202f", NBSP).replace(" г.", f"{NBSP}г.")


def hour(at: datetime | None, zone_name: str | None = None, *, seconds: bool = False) -> str:
    """The wall clock, 23:59 or 14:32:07, without its zone: only beside a zone already said."""
    return (
        "" if at is None else at.astimezone(ZoneInfo(zone_name or zone())).strftime("%H:%M:%S" if seconds else "%H:%M")
    )


def moment(at: datetime | None, zone_name: str | None = None, style: str = "long", *, seconds: bool = False) -> str:
    """Day, hour and the zone in words: 1 November 2021, 23:59, Petrozavodsk and Moscow time."""
    if at is None:
        return ""
    name = zone_name or zone()
    return f"{day(at, style, name)}, {hour(at, name, seconds=seconds)}, {zone_words(name, at, offset=False)}"


def two_zones(at: datetime | None, first: str | None = None, second: str | None = None) -> str:
    """A deadline said in the zone that decides and, in brackets, in another region's where that differs."""
    if at is None:
        return ""
    said = moment(at, first, "full")
    if (
        second is None
        or at.astimezone(ZoneInfo(second)).utcoffset() == at.astimezone(ZoneInfo(first or zone())).utcoffset()
    ):
        return said
    return f"{said} ({moment(at, second, 'full')})"


def iso(at: date | datetime | None) -> str:
    """For the `datetime` attribute of `<time>`; instants in UTC."""
    return "" if at is None else (at.astimezone(UTC) if isinstance(at, datetime) else at).isoformat()


@dataclass(frozen=True)
class Left:
    """Whole days until a date or instant, negative once past. Its text ends a sentence: "9 days left"."""

    days: int
    late: bool

    def __str__(self) -> str:
        if self.late and self.days == 0:
            return str(gettext("late since today"))
        if self.days == 0:
            return str(gettext("today"))
        if self.late:
            return str(ngettext("%(num)d day late", "%(num)d days late", -self.days))
        return str(ngettext("%(num)d day left", "%(num)d days left", self.days))


def days_left(due: date | datetime | None, zone_name: str | None = None) -> Left | None:
    """How long until `due`, in calendar days of the zone; an instant is late the second it is past."""
    if due is None:
        return None
    name = zone_name or zone()
    today = clock.today(name)
    if isinstance(due, datetime):
        return Left((due.astimezone(ZoneInfo(name)).date() - today).days, due < clock.now())
    return Left((due - today).days, due < today)


def file_size(octets: int | None) -> str:
    """184 kB, 1.2 MB; in Russian 184 кБ. Thousands, as shops and mail say it."""
    if octets is None:
        return ""
    step = min(3, int(math.log(octets, 1000))) if octets >= 1000 else 0
    unit = ("digital-byte", "digital-kilobyte", "digital-megabyte", "digital-gigabyte")[step]
    shown = round(octets / 1000**step, 1 if step > 1 else 0)
    width: Literal["short", "long"] = "long" if step == 0 else "short"  # "734 byte" is no English
    return units.format_unit(int(shown) if shown == int(shown) else shown, unit, width, locale=_locale())


def fours(digest: str | None, groups: int = 8) -> str:
    """A fingerprint in groups of four, as it is read over the telephone."""
    return " ".join((digest or "")[i : i + 4] for i in range(0, min(len(digest or ""), groups * 4), 4))


def href(endpoint: str, **values: Any) -> str:
    """`url_for`, or an empty string where no such page exists: the frame stands when a room is missing."""
    try:
        return url_for(endpoint, **values)
    except BuildError:
        return ""


def error_page(status: int, sentence: Any = "", *, bare: bool = False) -> tuple[str, int]:
    """The page of an HTTP error. From 500 on, or where the full frame fails, it needs only templates."""
    known = status if status in (400, 403, 404, 405, 409, 413, 429, 500, 503) else 500 if status >= 500 else 400
    facts = {"sentence": str(sentence or ""), "status": status}
    if status < 500 and not bare:
        try:
            return render_template(f"errors/{known}.html", **facts), status
        except Exception:
            current_app.logger.exception("the full error page failed")
    template = current_app.jinja_env.get_template(f"errors/{known}.html")
    return template.render(**facts, bare=True, language=language(), zone=zone()), status


def install(app: Flask) -> None:
    """Give the app's templates every filter and global here, the context and the headers of every answer."""
    from grantflow import plots

    filters = (
        label,
        number,
        percent,
        money,
        currency_sign,
        day,
        hour,
        moment,
        two_zones,
        iso,
        days_left,
        file_size,
        fours,
        zone_words,
    )
    app.jinja_env.filters.update({f.__name__: f for f in filters})
    app.jinja_env.globals.update({f.__name__: f for f in (*filters, asset, href, money_parts)})
    app.jinja_env.globals.update(languages=LANGUAGES, plots=plots, today=clock.today, now=clock.now)

    @app.context_processor
    def words() -> dict[str, Any]:
        return {"language": language(), "zone": zone()}

    install_headers(app)
