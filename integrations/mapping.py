"""Mapping: a source document and rules make values, with errors that a marketer can read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from portal.sentences import Explained, Sentence, say
from portal.text import storable

_DATE_FORMS = ("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S")
_YES = {"true", "yes", "1", "on", "oui", "ja"}
_NO = {"false", "no", "0", "off", "non", "nee"}
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?\Z")
TEXT_LIMIT = 2000
NUMBER_LIMIT = 10**15
NUMBER_LENGTH, DATE_LENGTH = 100, 40


class ValueType(models.TextChoices):
    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    YES_NO = "yes_no", _("Yes or no")
    DATE = "date", _("Date")


@dataclass(frozen=True)
class Rule:
    """`source` is a path in the document, such as attributes.loyaltyPoints; `name` is the customer value it fills."""

    source: str
    name: str
    type: str
    keep_if_empty: bool = False


@dataclass(frozen=True)
class Mapped:
    values: dict[str, Any]
    errors: list[Sentence]


class Unreadable(Explained, ValueError):
    """The value is not of the rule's type."""


def map_document(document: Mapping[str, Any], rules: Iterable[Rule]) -> Mapped:
    """The values that the rules find. A value that cannot be read is left out, so the customer keeps the old one."""
    values: dict[str, Any] = {}
    errors: list[Sentence] = []
    for rule in rules:
        found = document.get(rule.source)
        if found is None or found == "":
            if not rule.keep_if_empty:
                values[rule.name] = None
            continue
        try:
            values[rule.name] = _READERS[rule.type](found)
        except Unreadable as error:
            errors.append(say("“%(name)s” was kept as it was: %(error)s", name=rule.name, error=error.sentence))
    return Mapped(values, errors)


def _shown(value: Any) -> str:
    text = storable(str(value))
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"


def _text(value: Any) -> str:
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


def _number(value: Any) -> int | float:
    """An int where it is whole. Texts may use a decimal comma, and spaces between thousands, as French exports do."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unreadable(say("%(value)s is not a number.", value=_shown(value)))
    text = value if isinstance(value, str) else str(value) if isinstance(value, float) else f"{value:d}"
    text = re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d{3})", "", text.strip()).replace(",", ".")
    if len(text) > NUMBER_LENGTH or not _NUMBER.match(text):
        raise Unreadable(say("%(value)s is not a number.", value=_shown(value)))
    number = Decimal(text)
    if abs(number) > NUMBER_LIMIT:
        raise Unreadable(say("%(value)s is too large a number.", value=_shown(value)))
    if number == number.to_integral_value():
        return int(number)
    nearest = float(number)
    return int(nearest) if nearest.is_integer() else nearest


def _yes_no(value: Any) -> bool:
    text = _word(value).strip().lower()
    if text in _YES:
        return True
    if text in _NO:
        return False
    raise Unreadable(say("%(value)s is neither yes nor no.", value=_shown(value)))


def _date(value: Any) -> str:
    """ISO 8601: a date, or a moment with its time where one was given."""
    text = str(value).strip()
    if not isinstance(value, str) or len(text) > DATE_LENGTH:
        raise Unreadable(say("%(value)s is not a date.", value=_shown(value)))
    try:
        if parsed := parse_date(text):
            return parsed.isoformat()
        if moment := parse_datetime(text):
            return moment.isoformat()
    except ValueError as error:  # well formed, but no such day
        raise Unreadable(say("%(value)s is not a date.", value=_shown(value))) from error
    for form in _DATE_FORMS:
        try:
            moment = datetime.strptime(text, form)  # noqa: DTZ007 - Actito gives no zone
        except ValueError:
            continue
        return moment.isoformat() if "%H" in form else moment.date().isoformat()
    raise Unreadable(say("%(value)s is not a date.", value=_shown(value)))


_READERS: dict[str, Callable[[Any], Any]] = {
    ValueType.TEXT: _text,
    ValueType.NUMBER: _number,
    ValueType.YES_NO: _yes_no,
    ValueType.DATE: _date,
}
