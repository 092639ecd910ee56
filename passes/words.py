"""A field's value as people read it outside of a wallet, which has formats of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils import formats, translation

_DATES = {"short": "SHORT_DATE_FORMAT"}
CENTS = 2


def words(field: Mapping[str, Any], language: str | None = None) -> str:
    """The value of a field of neutral content in a language, or in that of the reader."""
    return words_of([field], language)[0]


def words_of(fields: Iterable[Mapping[str, Any]], language: str | None = None) -> list[str]:
    """Those of several fields: changing the language takes longer than writing a number."""
    with translation.override(language or translation.get_language()):
        return [_words(field) for field in fields]


def _words(field: Mapping[str, Any]) -> str:
    value, kind = field.get("value", ""), field.get("format", "")
    if value == "" or not kind:
        return str(value)
    if kind == "date":
        return _moment(datetime.fromisoformat(value), field)
    if kind == "currency":
        return f"{formats.number_format(value, CENTS, use_l10n=True, force_grouping=True)} {field['currency']}"
    if kind == "percent":
        return f"{formats.number_format(round(value * 100, CENTS), use_l10n=True)} %"
    return formats.number_format(value, use_l10n=True, force_grouping=kind == "number")


def _moment(moment: datetime, field: Mapping[str, Any]) -> str:
    day, time = field.get("date_style"), field.get("time_style")
    shown = [formats.date_format(moment, _DATES.get(str(day), "DATE_FORMAT"))] if day or not time else []
    return " ".join([*shown, *([formats.time_format(moment.timetz())] if time else [])])
