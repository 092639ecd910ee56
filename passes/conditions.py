"""Whether a customer matches the conditions of a template. Pure, and never raises, whatever the values are.

Conditions as published: {"any": true, "rows": [{"name": "tier", "operator": "equals", "value": "Gold"}]}; without
"any", all rows must hold. Two texts that are numbers compare as numbers, two that are dates as dates, all else as text
without regard to case. A code with leading zeros is no number. Of a list, one element that fits is enough.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

EQUALS: Final = "equals"
IS_NOT: Final = "is_not"
GREATER: Final = "greater"
LESS: Final = "less"
CONTAINS: Final = "contains"
EMPTY: Final = "empty"
FILLED: Final = "filled"
ALONE = frozenset({EMPTY, FILLED})  # operators that compare with nothing
ORDERING = frozenset({GREATER, LESS})

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,29})(\.\d{1,30})?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def matches(conditions: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Nobody matches where there is no condition."""
    rows = conditions.get("rows", [])
    held = (_holds(row["operator"], values.get(row["name"]), row["value"]) for row in rows)
    return bool(rows) and (any(held) if conditions.get("any") else all(held))


def _holds(operator: str, found: Any, wanted: str) -> bool:
    if operator in ALONE:
        return _is_empty(found) == (operator == EMPTY)
    if operator == IS_NOT:
        return not _holds(EQUALS, found, wanted)
    test = _TESTS.get(operator)
    elements = found if isinstance(found, list) else [found]
    return test is not None and any(test(each, wanted) for each in elements if not _is_empty(each))


def _is_empty(found: Any) -> bool:
    return found is None or found == [] or (isinstance(found, str) and not found.strip())


def _equals(found: Any, wanted: str) -> bool:
    return _order(found, wanted) == 0


def _greater(found: Any, wanted: str) -> bool:
    return _order(found, wanted) == 1


def _less(found: Any, wanted: str) -> bool:
    return _order(found, wanted) == -1


def _contains(found: Any, wanted: str) -> bool:
    return _text(wanted) in _text(found)


_TESTS: dict[str, Callable[[Any, str], bool]] = {
    EQUALS: _equals, GREATER: _greater, LESS: _less, CONTAINS: _contains,
}  # fmt: skip


def _order(found: Any, wanted: str) -> int | None:
    """1 where what was found is the greater, -1 where it is the less; None where a number or date meets another type.

    A day and a moment compare by their days.
    """
    for read in (number, moment):
        one, other = read(found), read(wanted)
        if one is not None and other is not None:
            return _compared(*_alike(one, other))
    if is_typed(found) or is_typed(wanted):
        return 0 if _text(found) == _text(wanted) else None
    return _compared(_text(found), _text(wanted))


def is_typed(value: Any) -> bool:
    """Whether it is a number or a date, so that more than the alphabet puts it in order."""
    return number(value) is not None or moment(value) is not None


def number(value: Any) -> Decimal | None:
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if isinstance(value, float) and "e" in text:
        return Decimal(text)
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def moment(value: Any) -> date | datetime | None:
    """A day, or a moment; one without a time zone is in UTC."""
    text = value.strip() if isinstance(value, str) else ""
    if not _DAY.match(text):
        return None
    try:
        if len(text) == len("2027-03-31"):
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _alike(one: Any, other: Any) -> tuple[Any, Any]:
    if isinstance(one, datetime) != isinstance(other, datetime):
        return tuple(each.date() if isinstance(each, datetime) else each for each in (one, other))  # type: ignore[return-value]
    return one, other


def _compared(one: Any, other: Any) -> int:
    return int(one > other) - int(one < other)


def _text(value: Any) -> str:
    """As it is compared: true and false as JSON spells them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip().casefold()
