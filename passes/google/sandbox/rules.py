"""Google's rules on a body that no description of types can say. Pure.

Source: the texts of the discovery document and of developers.google.com/wallet/reference/rest/v1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from passes.google.sandbox.wire import Part, parts

RESOURCE_ID = re.compile(r"\d+\.[A-Za-z0-9._-]+")
MESSAGES, LOCATIONS, ROWS, ADDED_VALUES = 10, 10, 3, 15
_CAPS = {"messages": MESSAGES, "merchantLocations": LOCATIONS,
         "cardRowTemplateInfos": ROWS, "valueAddedModuleData": ADDED_VALUES}  # fmt: skip
_MODULE_ID = re.compile(r"[A-Za-z0-9_-]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:.+", re.IGNORECASE)
_COLOUR = re.compile(r"#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})")
_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$")

Rule = Callable[[Mapping[str, Any]], Iterator[str]]


def broken(schema: str, body: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each rule that the body breaks, with the path."""
    for part in parts(schema, body):
        for said in _of_part(part):
            yield f"{part.path}: {said}" if part.path else said


def _of_part(part: Part) -> Iterator[str]:
    for key, cap in _CAPS.items():
        if len(part.value.get(key) or []) > cap:
            yield f"{key} has more than {cap} entries."
    if not _COLOUR.fullmatch(str(part.value.get("hexBackgroundColor", "#000"))):
        yield "hexBackgroundColor must be #rrggbb or #rgb."
    yield from _RULES.get(part.schema, _nothing)(part.value)


def _nothing(value: Mapping[str, Any]) -> Iterator[str]:
    yield from ()


def _exactly_one(*names: str) -> Rule:
    def rule(value: Mapping[str, Any]) -> Iterator[str]:
        if len(set(names) & set(value)) != 1:
            yield f"Exactly one of {', '.join(names)} must be set."

    return rule


def _all_of(*names: str) -> Rule:
    def rule(value: Mapping[str, Any]) -> Iterator[str]:
        for name in names:
            if value.get(name) in (None, ""):
                yield f"{name} is required."

    return rule


def _image(value: Mapping[str, Any]) -> Iterator[str]:
    yield from _exactly_one("sourceUri", "privateImageId")(value)
    if "sourceUri" in value and not str(value["sourceUri"].get("uri", "")).startswith(("https://", "http://")):
        yield "An image's URI must begin with https://."


def _module(value: Mapping[str, Any]) -> Iterator[str]:
    if "id" in value and not _MODULE_ID.fullmatch(value["id"]):
        yield f"The id {value['id']!r} may have letters, digits, _ and - only."


def _uri(value: Mapping[str, Any]) -> Iterator[str]:
    if not _SCHEME.fullmatch(value.get("uri", "")):
        yield f"The URI {value.get('uri', '')!r} has no scheme."


def _interval(value: Mapping[str, Any]) -> Iterator[str]:
    dates = [value[end].get("date", "") for end in ("start", "end") if end in value]
    if len({bool(_OFFSET.search(each[10:])) for each in dates}) > 1:
        yield "Either both ends of a time interval have an offset, or neither."


def _date(value: Mapping[str, Any]) -> Iterator[str]:
    try:
        datetime.fromisoformat(value.get("date", ""))
    except ValueError:
        yield f"{value.get('date', '')!r} is no ISO 8601 date."


def _balance_time(value: Mapping[str, Any]) -> Iterator[str]:
    if "balanceUpdateTime" in value and not _OFFSET.search(value["balanceUpdateTime"].get("date", "")[10:]):
        yield "balanceUpdateTime needs an offset."


def _linked(value: Mapping[str, Any]) -> Iterator[str]:
    if value.get("id") in (value.get("linkedObjectIds") or []):
        yield "An object cannot be linked to itself."


def _gift_card(value: Mapping[str, Any]) -> Iterator[str]:
    yield from _balance_time(value)
    yield from _linked(value)


def _leg(value: Mapping[str, Any]) -> Iterator[str]:
    legs = value.get("ticketLegs") or [value.get("ticketLeg") or {}]
    if "validTimeInterval" not in value and not all("departureDateTime" in leg for leg in legs):
        yield "ticketLeg.departureDateTime is required without a validTimeInterval."
    yield from _linked(value)


_RULES: dict[str, Rule] = {
    "Image": _image,
    "TextModuleData": _module,
    "ImageModuleData": _module,
    "Uri": _uri,
    "TimeInterval": _interval,
    "DateTime": _date,
    "LoyaltyPointsBalance": _exactly_one("string", "int", "double", "money"),
    "CardRowTemplateInfo": _exactly_one("oneItem", "twoItems", "threeItems"),
    "LocalizedString": _all_of("defaultValue"),
    "TranslatedString": _all_of("language", "value"),
    "Barcode": _all_of("type"),
    "RotatingBarcode": _all_of("type", "valuePattern", "totpDetails"),
    "EventVenue": _all_of("name", "address"),
    "FlightHeader": _all_of("carrier", "flightNumber"),
    "Permission": _all_of("emailAddress", "role"),
    "Money": _all_of("micros", "currencyCode"),
    "GiftCardObject": _gift_card,
    "TransitObject": _leg,
    **{f"{each}Object": _linked for each in ("EventTicket", "Flight", "Generic", "Loyalty", "Offer")},
}
