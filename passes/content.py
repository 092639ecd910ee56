"""PASS, the pure part: a template's design and a customer's values make neutral content with a stable hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from passes.addresses import LINKS
from passes.apple.additions import fitted
from passes.behaviour import EXPRESSED, behaviour
from passes.design import NUMBERS
from passes.filling import ContentError, Filling
from portal.sentences import say

__all__ = ["Content", "ContentError", "content_hash", "render", "render_empty"]


@dataclass(frozen=True)
class Content:
    """Neutral content, as stored with a pass:

    {"kind", "organization_name", "description", "logo_text", "colours": {background, text, label}, "language",
     "fields": [{"place", "key", "label", "value", "change_message"}], "barcode": {"format", "message"} or null,
     "texts": {language: {text: translation}}, "images": {file name: SHA-1}, "voided"}

    A field may also have: "format" ("number", "currency", "percent", "scientific", "words": the value is a number;
    "date": ISO 8601 with an offset), "currency", "date_style", "time_style", "relative", "fixed_zone", "alignment",
    "second_row", "link", "detectors", "semantics".

    And where the template has them: "style", "poster", "expires", "grouping", "sharing_prohibited", "stores",
    "app_link", "nfc": {"message", "key", "confirmed"}, "max_distance", "locations": [{"latitude", "longitude",
    "altitude", "text"}], "beacons": [{"uuid", "major", "minor", "text"}], "moments": [{"starts", "ends"}],
    "actions": [{"kind", "target"}], "apple": what only Apple's pass.json has, "google": {"class", "object"} with what
    only Google's resources have, "time_zone".
    """

    data: dict[str, Any]
    hash: str


def render(design: Mapping[str, Any], values: Mapping[str, Any], *, voided: bool = False) -> Content:
    """The content of one pass. Raises ContentError for an expression that cannot be worked out."""
    filling = Filling(values, ZoneInfo(design.get("time_zone", "UTC")))
    data = {
        **{name: value for name, value in design.items() if name not in EXPRESSED},
        **behaviour(design, filling),
        "fields": [_field(field, filling) for field in design["fields"]],
        "barcode": _barcode(design["barcode"], filling),
        "voided": voided,
    }
    return Content(data, content_hash(data))


def render_empty(design: Mapping[str, Any]) -> Content:
    """The void card of somebody who was erased: of no values, announced by no line.

    Where an expression cannot be worked out of nothing, the card has nothing that holds expressions.
    """
    quiet = {**design, "fields": [{**field, "change_message": ""} for field in design["fields"]]}
    try:
        return render(quiet, {}, voided=True)
    except ContentError:
        plain = {name: value for name, value in design.items() if name not in EXPRESSED}
        data = {**plain, **_sort_of_card(design), "fields": [], "barcode": None, "voided": True}
        return Content(data, content_hash(data))


def _sort_of_card(design: Mapping[str, Any]) -> dict[str, Any]:
    """What of the additions says which sort of card it is: a wallet that holds it takes no other in its place."""
    type_, journey = design.get("google", {}).get("type"), design.get("apple", {}).get("boardingPass")
    google = {"google": {"type": type_}} if type_ else {}
    transit = {name: journey[name] for name in ("transitType",) if name in journey} if journey else {}
    return {**google, **({"apple": {"boardingPass": transit}} if journey else {})}


def content_hash(data: Mapping[str, Any]) -> str:
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _field(field: Mapping[str, Any], filling: Filling) -> dict[str, Any]:
    part = field["label"] or field["key"]
    kept = {name: value for name, value in field.items() if name not in {"expression", "link", "semantics"}}
    return {**kept, **_value(part, field, filling), **dict(_extras(part, field, filling))}


def _value(part: str, field: Mapping[str, Any], filling: Filling) -> dict[str, Any]:
    """A day is the same everywhere; a phone west of the brand would show the day before."""
    expression = field["expression"]
    if field.get("format") in NUMBERS:
        return {"value": filling.number(part, expression)}
    if field.get("format") == "date":
        moment, day = filling.moment(part, expression)
        return {"value": moment, **({"fixed_zone": True} if day else {})}
    return {"value": filling.value(part, expression)}


def _extras(part: str, field: Mapping[str, Any], filling: Filling) -> Iterator[tuple[str, Any]]:
    if "link" in field and (link := filling.text(part, field["link"])):
        if not link.startswith(LINKS):
            raise ContentError(say("“%(part)s”: the link is not a web address.", part=part))
        yield "link", link
    if "semantics" in field and (semantics := filling.tree(part, field["semantics"])):
        yield "semantics", fitted(part, semantics, "Semantics", filling.zone)


def _barcode(barcode: Mapping[str, str], filling: Filling) -> dict[str, str] | None:
    if not barcode["format"]:
        return None
    message = filling.text(say("Barcode"), barcode["expression"])
    text = filling.text(say("Text below the barcode"), barcode["text"]) if "text" in barcode else ""
    shown = {"text": text} if text else {}
    return {"format": barcode["format"], "message": message, **shown} if message else None
