"""Which values a pass shows: the customer's, and those that were put on the pass itself. Pure.

Per value the newest write wins, by the ledger's number of what brought it; a pinned one stays until it is cleared.
A pass's own values have origins as a customer's have: {"points": {"number": 812, "set": 800}}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from portal.sentences import Explained, say

SUM_LIMIT, LENGTH_LIMIT = 10**15, 100


class NoSum(Explained, ValueError):
    """What was to be added cannot be."""


@dataclass(frozen=True)
class Write:
    """One value for a pass. With `add`, the number is added to what the pass shows; None takes back what was put on."""

    name: str
    value: Any
    add: bool = False
    pinned: bool = False


@dataclass(frozen=True)
class Held:
    """What was put on a pass, and from where."""

    values: Mapping[str, Any]
    origins: Mapping[str, Any]


def shown(customer: Held, held: Held) -> dict[str, Any]:
    """The values that a pass is worked out from."""
    found = dict(customer.values)
    for name, value in held.values.items():
        origin = held.origins.get(name, {})
        if name not in found or origin.get("pinned") or _number(origin) > _changed(customer.origins.get(name, {})):
            found[name] = value
    return found


def written(customer: Held, held: Held, writes: Iterable[Write], number: int) -> Held:
    """What the pass holds after the writes that the arrival `number` brought. What was set later stays.

    What one arrival adds is added to what it sets. Additions are not recognised when they come again: the caller
    leaves out those that have been counted.
    """
    for write in sorted(writes, key=lambda write: write.add):
        held = _added(customer, held, write, number) if write.add else _set(held, write, number)
    return held


def _set(held: Held, write: Write, number: int) -> Held:
    origin = held.origins.get(write.name, {})
    if number <= _number(origin):
        return held
    values = {**held.values, write.name: write.value}
    if write.value is None:
        del values[write.name]
    origin = {"number": number, "set": number, "pinned": write.pinned}
    return Held(values, {**held.origins, write.name: origin})


def _added(customer: Held, held: Held, write: Write, number: int) -> Held:
    origin = held.origins.get(write.name, {})
    if number < int(origin.get("set", 0)):  # it is part of what was set since
        return held
    values = {**held.values, write.name: _sum(shown(customer, held).get(write.name), write.value)}
    origin = {**origin, "number": max(number, _number(origin))}
    return Held(values, {**held.origins, write.name: origin})


def _number(origin: Mapping[str, Any]) -> int:
    return int(origin.get("number", 0))


def _changed(origin: Mapping[str, Any]) -> int:
    return int(origin.get("changed", _number(origin)))


def _sum(start: Any, value: Any) -> Any:
    """Raises NoSum when one of them is no number, or the sum is beyond what a value may be."""
    total = _decimal(start if start not in (None, "") else 0) + _decimal(value)
    if not total.is_finite() or abs(total) > SUM_LIMIT:
        raise NoSum(say("The sum is too large a number."))
    return int(total) if total == total.to_integral_value() else float(total)


def _decimal(value: Any) -> Decimal:
    text = str(value)
    if len(text) > LENGTH_LIMIT:
        raise NoSum(say("The sum is too large a number."))
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise NoSum(say("Only numbers can be added.")) from error
