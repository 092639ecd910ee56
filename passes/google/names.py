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


def type_of(design: Mapping[str, Any]) -> str:
    """The first part of its resources' names: `loyalty` of loyaltyClass and loyaltyObject."""
    return TYPES[design["kind"]]


def schema_of(design: Mapping[str, Any], part: str) -> str:
    """The name of its `class` or `object` in the description of Google's API: `LoyaltyClass`."""
    name = type_of(design)
    return f"{name[0].upper()}{name[1:]}{part.title()}"
