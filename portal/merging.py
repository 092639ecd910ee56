"""What becomes of a customer's values when a system tells its own: the newest arrival wins. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from django.utils import timezone

if TYPE_CHECKING:
    from portal.consents import Entry
    from portal.customers import Known, Profile

# In the origin of a value that a consent decided.
DECIDED = "decided"


def merge_values(
    customer: Known, profile: Profile, number: int, origin: Mapping[str, Any] | None = None,
    decided: Collection[str] = (),
) -> dict[str, tuple[Any, Any]]:  # fmt: skip
    """Puts what was read into the customer, save what a later number wrote. Returns what changed: (before, after).

    `origin`: what origin_of says, where it is the same for many. `decided`: what consents decide. Where one was applied
    the reading says nothing, however new it is: it may show what stood before the decision arrived in that system.
    """
    changed: dict[str, tuple[Any, Any]] = {}
    origin = origin or origin_of(profile.source, number)
    for name, value in profile.values.items():
        known = customer.origins.get(name)
        if known and (known.get("number", 0) > number or (name in decided and known.get(DECIDED))):
            continue
        before = customer.values.get(name)
        equal = same(before, value)
        if equal and name in customer.values:
            # What was read again is as new as this reading: an arrival in between must not undo it.
            customer.origins[name] = {**(known or origin), "number": number}
            continue
        if not equal:
            changed[name] = (before, value)
        customer.values[name] = value
        customer.origins[name] = origin
    return changed


def decide(customer: Known, entry: Entry, number: int) -> dict[str, tuple[Any, Any]]:
    """Puts what a consent decided into the customer, whatever was read meanwhile. Returns what changed.

    It keeps the number of a newer reading, so that an older one does not come after it.
    """
    known = customer.origins.get(entry.name, {})
    before = customer.values.get(entry.name)
    equal = entry.name in customer.values and same(before, entry.after)
    number = max(number, known.get("number", 0))
    customer.origins[entry.name] = {**origin_of(entry.source, number), **(known if equal else {}), "number": number,
                                    DECIDED: True}  # fmt: skip
    customer.values[entry.name] = entry.after
    return {} if equal else {entry.name: (before, entry.after)}


def origin_of(source: str, number: int) -> dict[str, Any]:
    """Where a value comes from, as it stands in Customer.origins."""
    return {"source": source, "number": number, "changed": number, "at": timezone.now().isoformat()}


def same(one: Any, other: Any) -> bool:
    """In Python 1 == True; in JSON they differ."""
    return type(one) is type(other) and bool(one == other)
