"""Semantic tags are typed: what has another type is no tag to a device. Tags that are not listed here are texts.

Source: github.com/apple/pass-builder, PassSemantics
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from passes.apple.sandbox import keys

NUMBERS = frozenset({"duration", "flightNumber"})
BOOLEANS = frozenset({"internationalDocumentsAreVerified", "silenceRequested", "tailgatingAllowed"})
OBJECTS = frozenset(
    {"balance", "totalPrice", "eventStartDateInfo", "venueLocation", "departureLocation", "destinationLocation",
     "passengerName"}
)  # fmt: skip
LISTS = frozenset(
    """
    seats wifiAccess albumIDs artistIDs performerNames playlistIDs passengerCapabilities passengerAirlineSSRs
    passengerInformationSSRs passengerServiceSSRs passengerEligibleSecurityPrograms departureAirportSecurityPrograms
    destinationAirportSecurityPrograms
    """.split()  # noqa: SIM905  (a paragraph reads better)
)


def check_semantics(tags: Any, path: str) -> Iterator[str]:
    """`tags`: a dictionary of semantic tags; whatever else is told where it stands."""
    for key, value in tags.items() if isinstance(tags, dict) else ():
        if key.endswith("Date"):
            if not keys.is_date(value):
                yield f"{path}.{key} {value!r} is not a date with a time zone."
        elif not _fits(key, value):
            yield f"{path}.{key} {value!r} has the wrong type."


def _fits(key: str, value: Any) -> bool:
    if key in NUMBERS:
        return keys.is_number(value)
    if key in BOOLEANS:
        return isinstance(value, bool)
    if key in OBJECTS:
        return isinstance(value, dict)
    if key in LISTS:
        return isinstance(value, list)
    return isinstance(value, str)
