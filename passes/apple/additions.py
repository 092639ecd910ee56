"""Additions to pass.json: what only Apple Wallet has, as JSON beside the design."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from passes.apple import schema
from passes.apple.styles import additions_of, style_of
from passes.documents import Problem
from passes.filling import ContentError
from portal.sentences import say

# What the portal or the form says of a pass: an addition would be a second word on it.
OWNED = frozenset(
    """
    formatVersion passTypeIdentifier teamIdentifier serialNumber authenticationToken webServiceURL organizationName
    description logoText backgroundColor foregroundColor labelColor barcodes voided expirationDate groupingIdentifier
    sharingProhibited associatedStoreIdentifiers appLaunchURL maxDistance locations beacons relevantDate relevantDates
    featuredActions nfc
    """.split()  # noqa: SIM905  (a paragraph reads better)
)
STYLES = frozenset({"boardingPass", "coupon", "eventTicket", "generic", "posterGeneric", "storeCard"})


def merged(document: Mapping[str, Any], additions: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are merged, lists are joined, and what stands in the document stays."""
    found = dict(document)
    for key, value in additions.items():
        if key not in found:
            found[key] = value
        elif isinstance(found[key], Mapping) and isinstance(value, Mapping):
            found[key] = merged(found[key], value)
        elif isinstance(found[key], list) and isinstance(value, list):
            found[key] = [*found[key], *value]
    return found


def problems(design: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with a design's additions before any customer's values are known."""
    if "apple" not in design:
        return
    yield from schema.problems(design["apple"], "Pass")
    additions = additions_of(design)
    for key in sorted(OWNED & set(additions)):
        yield Problem(key, say("is set by the portal or elsewhere in this form"))
    for style in sorted(STYLES & set(additions) - _styles(design)):
        yield Problem(style, say("is not the style of this template"))
    yield from _fields(design, additions)
    yield from _boarding(additions)


def _styles(design: Mapping[str, Any]) -> set[str]:
    return {style_of(design), *(["posterGeneric"] if design.get("poster") else [])}


def _fields(design: Mapping[str, Any], additions: Mapping[str, Any]) -> Iterator[Problem]:
    """Keys of fields are unique across the whole pass."""
    taken = {field["key"] for field in design["fields"]}
    for style in sorted(STYLES & set(additions)):
        groups = additions[style] if isinstance(additions[style], Mapping) else {}
        for group, fields in groups.items():
            for number, field in enumerate(fields if isinstance(fields, list) else []):
                path, key = f"{style}.{group}.{number}", field.get("key") if isinstance(field, Mapping) else None
                if not (key and isinstance(key, str)) or "value" not in field:
                    yield Problem(path, say("needs a key and a value"))
                elif key in taken:
                    yield Problem(path, say("has the key of another field"))
                taken.add(key)


def _boarding(additions: Mapping[str, Any]) -> Iterator[Problem]:
    boarding = additions.get("boardingPass")
    if isinstance(boarding, Mapping) and "transitType" not in boarding:
        yield Problem("boardingPass", say("needs a transitType"))


def fitted(part: str, filled: Any, kind: str, zone: ZoneInfo) -> Any:
    """Filled-in JSON as phones expect it. Raises ContentError for a value of the wrong type."""
    fit = schema.fitted(filled, kind, zone)
    if wrong := next(schema.problems(fit, kind), None):
        raise ContentError(say("“%(part)s”: %(reason)s", part=part, reason=wrong.told))
    return fit
