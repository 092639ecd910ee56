"""Reading one value by its type and format, from an API or a file, as an export spells it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import models
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from portal.sentences import Explained, say
from portal.text import storable

_YES = {"true", "yes", "1", "on", "oui", "ja"}
_NO = {"false", "no", "0", "off", "non", "nee"}
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\Z")
_SPACED = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3})")
_CURRENCY = re.compile(r"[A-Za-z]{3}(?![A-Za-z])|(?<![A-Za-z])[A-Za-z]{3}\Z|[€$£¥]")
_SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY"}
# One separator before three digits: 1.234 is a thousand and more, or one and a bit.
_TWO_WAYS = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}\Z")
TEXT_LIMIT = 2000
NUMBER_LIMIT = 10**15
WHOLE_LENGTH = 15  # digits that stay below it
NUMBER_LENGTH, DATE_LENGTH = 100, 40
CENTS = 2
MOMENTS_FROM, MOMENTS_TO = -62_135_596_800, 253_402_300_799  # the years 1 to 9999, as seconds since 1970


class ValueType(models.TextChoices):
    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    MONEY = "money", _("Amount of money")
    YES_NO = "yes_no", _("Yes or no")
    DATE = "date", _("Date")
    CHOICE = "choice", _("Choice")


class DateFormat(models.TextChoices):
    """How days are written. ISO 8601 is read with each of them, since it cannot be taken for another."""

    ANY = "", _("2026-12-31 or 31/12/2026")
    DAY_FIRST = "%d/%m/%Y", "31/12/2026"
    MONTH_FIRST = "%m/%d/%Y", "12/31/2026"
    DOTS = "%d.%m.%Y", "31.12.2026"
    DASHES = "%d-%m-%Y", "31-12-2026"
    COMPACT = "%Y%m%d", "20261231"
    SECONDS = "seconds", _("Seconds since 1970")
    MILLISECONDS = "milliseconds", _("Milliseconds since 1970")


def _day_pattern(form: str) -> re.Pattern[str]:
    parts = {"%d": "(?P<d>[0-9]{1,2})", "%m": "(?P<m>[0-9]{1,2})", "%Y": "(?P<Y>[0-9]{4})"}
    return re.compile(re.sub("%[dmY]", lambda found: parts[found[0]], re.escape(form)))


_DAYS = {
    form.value: _day_pattern(form)
    for form in (DateFormat.DAY_FIRST, DateFormat.MONTH_FIRST, DateFormat.DOTS, DateFormat.DASHES)
}


@dataclass(frozen=True)
class Format:
    """How a value is written, and what is taken of it.

    `decimals`: numbers are rounded to that many; None leaves them, money has two. `currency`: of an amount, ISO 4217;
    an amount in another one is not read. `dates`: a DateFormat. `answers`: of a choice, Actito's answer -> the value.
    """

    decimals: int | None = None
    currency: str = ""
    dates: str = ""
    answers: Mapping[str, str] | None = None


PLAIN = Format()


class Unreadable(Explained, ValueError):
    """The value is not of the type."""


def read_value(value: Any, kind: str, form: Format = PLAIN) -> Any:
    """The value as customers have it: text, int or float, bool, ISO 8601. Raises Unreadable."""
    return _READERS[kind](value, form)


def _shown(value: Any) -> str:
    text = storable(str(value))
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"


def _text(value: Any, form: Format) -> str:
    if isinstance(value, str):
        return storable(value)[:TEXT_LIMIT]
    if isinstance(value, dict):
        raise Unreadable(say("%(value)s is not text.", value=_shown(value)))
    members = value if isinstance(value, list) else [value]
    return storable(", ".join(map(_word, members)))[:TEXT_LIMIT]


def _word(value: Any) -> str:
    """As Actito would write it in a text: true rather than True, 420 rather than 420.0."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < NUMBER_LIMIT:
        return str(int(value))
    return str(value)


def _number(value: Any, form: Format) -> int | float:
    """An int where it is whole. Texts may use a decimal comma, and spaces between thousands, as French exports do."""
    if isinstance(value, str) and len(value) <= WHOLE_LENGTH and value.isascii() and value.isdigit():
        return int(value)  # as nearly all of a long file are
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unreadable(say("%(value)s is not a number.", value=_shown(value)))
    text = value if isinstance(value, str) else str(value) if isinstance(value, float) else f"{value:d}"
    return _rounded(_decimal(_SPACED.sub("", text.strip()).replace(",", "."), value), form.decimals)


def _decimal(text: str, value: Any) -> Decimal:
    if len(text) > NUMBER_LENGTH or not _NUMBER.match(text):
        raise Unreadable(say("%(value)s is not a number.", value=_shown(value)))
    number = Decimal(text)
    if abs(number) > NUMBER_LIMIT:
        raise Unreadable(say("%(value)s is too large a number.", value=_shown(value)))
    return number


def _rounded(number: Decimal, decimals: int | None) -> int | float:
    if decimals is not None:
        number = number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    if number == number.to_integral_value():
        return int(number)
    nearest = float(number)
    return int(nearest) if nearest.is_integer() else nearest


def _money(value: Any, form: Format) -> int | float:
    """12.5, "12,50", "€ 1.234,56", "1,234.56 EUR". The sign of the currency may stand at either end, or be missing."""
    decimals = CENTS if form.decimals is None else form.decimals
    plain = Format(decimals)
    if not isinstance(value, str) or len(value) > NUMBER_LENGTH:
        return _number(value, plain)
    found = _CURRENCY.search(value)
    given = _SIGNS.get(found[0], found[0].upper()) if found else ""
    if given and form.currency and given != form.currency:
        said = say("%(value)s is not in %(currency)s.", value=_shown(value), currency=form.currency)
        raise Unreadable(said)
    amount = _SPACED.sub("", (value.replace(found[0], "", 1) if found else value).strip())
    amount = re.sub(r"\A([+-])\s+", r"\1", amount)
    if decimals != 3 and _TWO_WAYS.match(amount):
        raise Unreadable(say("%(value)s can be read two ways: is it thousands?", value=_shown(value)))
    return _rounded(_decimal(_without_thousands(amount), value), decimals)


def _without_thousands(amount: str) -> str:
    """Of two kinds of separators the last is the decimal one; of one kind that stands several times, none is."""
    marks = [sign for sign in amount if sign in ".,"]
    point = marks[-1] if marks and (len(set(marks)) == 2 or len(marks) == 1) else ""
    whole, _point, parts = amount.rpartition(point) if point else (amount, "", "")
    for sign in {*marks} - {point}:
        if not re.fullmatch(rf"[+-]?\d{{1,3}}(\{sign}\d{{3}})+", whole):
            return amount  # no thousands: it is refused as it stands
        whole = whole.replace(sign, "")
    return f"{whole}.{parts}" if point else whole


def _yes_no(value: Any, form: Format) -> bool:
    text = _word(value).strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise Unreadable(say("%(value)s is neither yes nor no.", value=_shown(value)))


def _date(value: Any, form: Format) -> str:
    """ISO 8601: a date, or a moment with its time where one was given."""
    if form.dates in {DateFormat.SECONDS, DateFormat.MILLISECONDS}:
        return _moment(value, 1000 if form.dates == DateFormat.MILLISECONDS else 1)
    text = str(value).strip()
    if form.dates == DateFormat.COMPACT and type(value) is int:
        value = text
    if not isinstance(value, str) or len(text) > DATE_LENGTH:
        raise Unreadable(say("%(value)s is not a date.", value=_shown(value)))
    day = form.dates or DateFormat.DAY_FIRST.value
    if found := _plain_day(text, day):
        return found
    if form.dates != DateFormat.COMPACT and (iso := _iso(text, value)):
        return iso
    for pattern in (day, f"{day} %H:%M", f"{day} %H:%M:%S"):
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - Actito gives no zone
        except ValueError:
            continue
        return moment.isoformat() if "%H" in pattern else moment.date().isoformat()
    if form.dates == DateFormat.COMPACT and (iso := _iso(text, value)):
        return iso
    if form.dates:
        said = say("%(value)s is not a date of the form %(form)s.", value=_shown(value), form=_example(form.dates))
        raise Unreadable(said)
    raise Unreadable(say("%(value)s is not a date.", value=_shown(value)))


def _plain_day(text: str, form: str) -> str:
    """What strptime would find, ten times as fast; empty for all that is written otherwise, or no day."""
    found = _DAYS[form].fullmatch(text) if form in _DAYS else None
    try:
        return date(int(found["Y"]), int(found["m"]), int(found["d"])).isoformat() if found else ""
    except ValueError:
        return ""


def _iso(text: str, value: Any) -> str:
    """Empty where it is not written so. Raises Unreadable for a day that there is not."""
    try:
        if parsed := parse_date(text):
            return parsed.isoformat()
        if moment := parse_datetime(text):
            return moment.isoformat()
    except ValueError as error:  # well formed, but no such day
        raise Unreadable(say("%(value)s is not a date.", value=_shown(value))) from error
    return ""


def _example(dates: str) -> str:
    return datetime(2026, 12, 31, tzinfo=UTC).strftime(dates)


def _moment(value: Any, parts: int) -> str:
    """A moment counted from 1970, in UTC."""
    try:
        seconds = _number(value, PLAIN) / parts
    except Unreadable as error:
        raise Unreadable(say("%(value)s is not a date.", value=_shown(value))) from error
    if not MOMENTS_FROM <= seconds <= MOMENTS_TO:
        raise Unreadable(say("%(value)s is not a date.", value=_shown(value)))
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _choice(value: Any, form: Format) -> str:
    """One of the known answers, or several: as it is spelled, else in any case where only one can be meant."""
    if isinstance(value, dict):
        raise Unreadable(say("%(value)s is not one of the known answers.", value=_shown(value)))
    members = value if isinstance(value, list) else [value]
    return ", ".join(_answer(_word(member).strip(), form.answers or {}) for member in members)[:TEXT_LIMIT]


def _answer(given: str, answers: Mapping[str, str]) -> str:
    if given in answers:
        return answers[given]
    alike = {known for answer, known in answers.items() if answer.lower() == given.lower()}
    if len(alike) != 1:
        raise Unreadable(say("%(value)s is not one of the known answers.", value=_shown(given)))
    return alike.pop()


_READERS: dict[str, Callable[[Any, Format], Any]] = {
    ValueType.TEXT: _text,
    ValueType.NUMBER: _number,
    ValueType.MONEY: _money,
    ValueType.YES_NO: _yes_no,
    ValueType.DATE: _date,
    ValueType.CHOICE: _choice,
}
