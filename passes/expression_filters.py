"""The filters that a value expression may use: Django's harmless ones, and dates that understand stored values."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.template import Library, defaultfilters
from django.utils.dateparse import parse_date, parse_datetime

register = Library()

# Left out on purpose: filters that make HTML, and those that can make a huge text from a small one (ljust, center).
_HARMLESS = (
    "add", "capfirst", "cut", "default", "divisibleby", "first", "last", "length", "lower", "pluralize", "slice",
    "title", "truncatechars", "truncatewords", "upper", "urlencode", "yesno",
)  # fmt: skip
for _name in _HARMLESS:
    register.filters[_name] = defaultfilters.register.filters[_name]

# Django writes as many decimals as it is asked for, were it a billion.
DECIMALS_LIMIT = 20


@register.filter
def floatformat(value: Any, places: Any = -1) -> str:
    """`{{ balance|floatformat:2 }}`, with Django's suffixes g and u; more decimals than 20 are an error."""
    digits = str(places).rstrip("gu") or "-1"
    if abs(int(digits)) > DECIMALS_LIMIT:
        raise ValueError(f"A number has {DECIMALS_LIMIT} decimals at most.")
    return str(defaultfilters.floatformat(value, places))


@register.filter
def default_if_none(value: Any, fallback: Any) -> Any:
    """`{{ points|default_if_none:"–" }}`: what stands there when the customer has no such value. Zero is a value."""
    return fallback if value is None or value == "" else value


@register.filter(name="date")
def format_date(value: Any, pattern: str = "d/m/Y") -> str:
    """`{{ expires|date:"d/m/Y" }}`: values are stored as ISO 8601 text, so they are read first."""
    moment = _moment(value)
    return str(defaultfilters.date(moment, str(pattern))) if moment else ""


def _moment(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return parse_datetime(str(value)) or parse_date(str(value))
    except ValueError:
        return None
