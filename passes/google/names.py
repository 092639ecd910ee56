"""What Google calls the kinds of passes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TYPES = {
    "customerCard": "loyalty",
    "offer": "offer",
    "giftCard": "giftCard",
    "eventTicket": "eventTicket",
    "generic": "generic",
}
JOURNEYS = (
    "flight",
    "transit",
)  # what a generic template may be by its additions, as it may be a boardingPass at Apple


def type_of(design: Mapping[str, Any]) -> str:
    """The first part of its resources' names: `loyalty` of loyaltyClass and loyaltyObject."""
    additions = design.get("google")
    asked = additions.get("type") if isinstance(additions, Mapping) else None
    return asked if design["kind"] == "generic" and asked in JOURNEYS else TYPES[design["kind"]]


def schema_of(design: Mapping[str, Any], part: str) -> str:
    """The name of its `class` or `object` in the description of Google's API: `LoyaltyClass`."""
    name = type_of(design)
    return f"{name[0].upper()}{name[1:]}{part.title()}"
