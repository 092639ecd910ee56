"""Which values a pass shows: the customer's, and those that were put on the pass itself. Pure.

Per value the newest write wins, by the ledger's number of what brought it; a pinned one stays until it is cleared.
A pass's own values have origins like a customer's: {"points": {"number": 812, "pinned": true, "added": [812]}}.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

# How many additions a value remembers, so that none counts twice: far more than are ever retried or replayed.
ADDITIONS_REMEMBERED = 200


@dataclass(frozen=True)
class Write:
    """One value for a pass. `add`: the number is added to what the pass shows; None clears what was put on the pass."""

    name: str
    value: Any
    add: bool = False
    pinned: bool = False


@dataclass(frozen=True)
class Held:
    """What was put on a pass, and from where."""

    values: dict[str, Any]
    origins: dict[str, Any]


def shown(
    customer: Mapping[str, Any], customer_origins: Mapping[str, Any], held: Held, names: Iterable[str] = ()
) -> dict[str, Any]:
    """The values that the pass is worked out from."""
    found = dict(customer)
    for name, value in held.values.items():
        origin = held.origins.get(name, {})
        if origin.get("pinned") or _number(origin) > _number(customer_origins.get(name, {})) or name not in customer:
            found[name] = value
    return found


def written(held: Held, writes: Iterable[Write], number: int, now: Mapping[str, Any]) -> Held:
    """What the pass holds after the writes of the arrival `number`; `now` is what it shows."""
    values, origins = dict(held.values), dict(held.origins)
    for write in writes:
        origin = origins.get(write.name, {})
        if write.add:
            if number in origin.get("added", []):
                continue
            start = values.get(write.name, now.get(write.name))
            values[write.name] = _sum(now.get(write.name, start), write.value)
            added = [*origin.get("added", []), number][-ADDITIONS_REMEMBERED:]
            origins[write.name] = {**origin, "number": max(number, _number(origin)), "added": added}
        elif number > _number(origin):
            if write.value is None:
                values.pop(write.name, None)
                origins[write.name] = {"number": number, "added": origin.get("added", [])}
            else:
                values[write.name] = write.value
                origins[write.name] = {**origin, "number": number, "pinned": write.pinned}
    return Held(values, origins)


def _number(origin: Mapping[str, Any]) -> int:
    number = origin.get("number", 0)
    return number if isinstance(number, int) else 0


def _sum(start: Any, value: Any) -> Any:
    try:
        total = Decimal(str(start or 0)) + Decimal(str(value))
    except InvalidOperation:
        return value
    return int(total) if total == total.to_integral_value() else float(total)
