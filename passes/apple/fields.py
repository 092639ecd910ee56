"""Apple's form of a field: PassFieldContent.

https://developer.apple.com/documentation/walletpasses/passfieldcontent
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.html import escape

from passes.hush import HUSHED

NUMBER_STYLES = {
    "number": "PKNumberStyleDecimal",
    "percent": "PKNumberStylePercent",
    "scientific": "PKNumberStyleScientific",
    "words": "PKNumberStyleSpellOut",
}
DATE_STYLES = {
    "": "PKDateStyleNone",
    "short": "PKDateStyleShort",
    "medium": "PKDateStyleMedium",
    "long": "PKDateStyleLong",
    "full": "PKDateStyleFull",
}
ALIGNMENTS = {
    "natural": "PKTextAlignmentNatural",
    "left": "PKTextAlignmentLeft",
    "center": "PKTextAlignmentCenter",
    "right": "PKTextAlignmentRight",
}
DETECTORS = {
    "phone": "PKDataDetectorTypePhoneNumber",
    "link": "PKDataDetectorTypeLink",
    "address": "PKDataDetectorTypeAddress",
    "calendar": "PKDataDetectorTypeCalendarEvent",
}


def field_of(field: Mapping[str, Any], *, row: bool = False) -> dict[str, Any]:
    """One field of neutral content; `row` says whether the style has a second row for it."""
    return dict(_parts(field, row))


def _parts(field: Mapping[str, Any], row: bool) -> Iterator[tuple[str, Any]]:
    yield "key", field["key"]
    yield "value", field["value"]
    if field["label"]:
        yield "label", field["label"]
    if field["value"] != "":  # what becomes empty is no news, and has no format
        if field["change_message"] and not field.get(HUSHED):
            yield "changeMessage", field["change_message"]
        yield from _format(field)
    if alignment := field.get("alignment"):
        yield "textAlignment", ALIGNMENTS[alignment]
    if row and field.get("second_row"):
        yield "row", 1
    if detectors := field.get("detectors"):
        yield "dataDetectorTypes", [DETECTORS[name] for name in detectors if name != "none"]
    if semantics := field.get("semantics"):
        yield "semantics", semantics


def _format(field: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    kind = field.get("format")
    if kind == "currency":
        yield "currencyCode", field["currency"]
    elif kind == "date":
        yield "dateStyle", DATE_STYLES[field.get("date_style", "")]
        yield "timeStyle", DATE_STYLES[field.get("time_style", "")]
        if field.get("relative"):
            yield "isRelative", True
        if field.get("fixed_zone"):
            yield "ignoresTimeZone", True
    elif kind:
        yield "numberStyle", NUMBER_STYLES[kind]
    elif link := field.get("link"):
        yield "attributedValue", f'<a href="{escape(link)}">{escape(field["value"])}</a>'
