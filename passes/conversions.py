"""A customer's value as what a field is to show: a number, or a moment with its zone. Pure."""

from __future__ import annotations

import math
from datetime import datetime, time, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_date, parse_datetime

DIGITS = 30


def number(value: Any) -> int | float | None:
    """The number, also one that came as text (`"12.50"`); None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    try:
        found = float(Decimal(str(value).strip())) if len(str(value)) <= DIGITS else math.nan
    except InvalidOperation:
        return None
    if not math.isfinite(found):
        return None
    return int(found) if found.is_integer() else found


def moment(value: Any, zone: ZoneInfo, *, end: bool = False) -> tuple[str, bool] | None:
    """The moment as ISO 8601 with an offset, and whether the value was a day without a time; None for anything else.

    Of a day, it is the beginning, or the `end`.

    A value without a zone is of the brand's. Phones take nothing but `Z` or `±HH:MM`, and want the time
    (github.com/apple/pass-builder, PassDateTimeFormatter).
    """
    if not isinstance(value, str):
        return None
    text = value.strip()
    try:
        day = parse_date(text)
        found = datetime.combine(day, time.max if end else time.min) if day else parse_datetime(text)
    except ValueError:
        return None
    if found is None:
        return None
    placed = (found if found.tzinfo else found.replace(tzinfo=zone)).replace(microsecond=0)
    return placed.replace(tzinfo=_whole_minutes(placed)).isoformat(), day is not None


def _whole_minutes(placed: datetime) -> timezone:
    """Before there were time zones, offsets had seconds."""
    return timezone(timedelta(minutes=round((placed.utcoffset() or timedelta()) / timedelta(minutes=1))))
