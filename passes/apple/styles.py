"""The layouts of a pass, and the groups of fields in them.

https://developer.apple.com/documentation/walletpasses/passfields
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from passes.apple.fields import field_of

STYLES = {
    "customerCard": "storeCard",
    "offer": "coupon",
    "giftCard": "storeCard",
    "eventTicket": "eventTicket",
    "generic": "generic",
}
PLACES = ("header", "primary", "secondary", "auxiliary", "back")
POSTER_HEADER, POSTER_PRIMARY, POSTER_FOOTER = 1, 4, 1


def additions_of(design: Mapping[str, Any]) -> Mapping[str, Any]:
    """Nothing where something else than an object is stored."""
    additions = design.get("apple")
    return additions if isinstance(additions, Mapping) else {}


def style_of(design: Mapping[str, Any]) -> str:
    """The classic style; a generic template may say `boardingPass` in its additions."""
    if design["kind"] == "generic" and "boardingPass" in additions_of(design):
        return "boardingPass"
    return str(design.get("style") or STYLES[design["kind"]])


def styles(content: Mapping[str, Any]) -> dict[str, Any]:
    """{"storeCard": {"headerFields": […]}}, and the poster beside the style that older phones show."""
    style, fields = style_of(content), content["fields"]
    found: dict[str, Any] = {style: _groups({place: _in(fields, place) for place in PLACES}, style)}
    if content.get("poster"):
        # Keys of fields are unique across the whole pass.
        own = [{**field, "key": f"poster.{field['key']}"} for field in fields]
        found["posterGeneric"] = _groups(poster_places(own), "posterGeneric")
    return found


def poster_places(fields: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """A poster has room for few fields, which take their places in order."""
    primary = [field for place in ("primary", "secondary", "auxiliary") for field in _in(fields, place)]
    return {
        "header": _in(fields, "header")[:POSTER_HEADER],
        "primary": primary[:POSTER_PRIMARY],
        "footer": _in(fields, "footer")[:POSTER_FOOTER],
        "back": _in(fields, "back"),
    }


def _in(fields: list[dict[str, Any]], place: str) -> list[dict[str, Any]]:
    return [field for field in fields if field["place"] == place]


def _groups(places: Mapping[str, list[dict[str, Any]]], style: str) -> dict[str, Any]:
    return {
        f"{place}Fields": [field_of(field, row=(style, place) == ("eventTicket", "auxiliary")) for field in fields]
        for place, fields in places.items()
        if fields
    }
