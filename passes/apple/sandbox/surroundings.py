"""Where and when a device shows a pass by itself, its buttons, and what it says to a terminal.

Sources: developer.apple.com/documentation/walletpasses/pass, …/creating-a-poster-generic-pass
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from passes.apple.sandbox import keys
from passes.apple.sandbox.keys import objects

Document = dict[str, Any]
LIMITS = {"locations": 10, "beacons": 10, "featuredActions": 2}
LONGEST = timedelta(hours=24)
NFC_BYTES, WORD = 64, 65535


def check_surroundings(document: Document) -> Iterator[str]:
    yield from _places(document)
    for entry in objects(document, "relevantDates"):
        for key in sorted({"date", "relevantDate", "startDate", "endDate"} & set(entry)):
            if not keys.is_date(entry[key]):
                yield f"{key} {entry[key]!r} in relevantDates is not a date with a time zone."
    yield from _actions(document)
    nfc = document.get("nfc")
    for key in ("message", "encryptionPublicKey"):
        if isinstance(nfc, dict) and not keys.is_text(nfc.get(key)):
            yield f"nfc needs {key}."


def _places(document: Document) -> Iterator[str]:
    for location in objects(document, "locations"):
        for key, limit in (("latitude", 90), ("longitude", 180)):
            degrees = location.get(key)
            if not keys.is_number(degrees):
                yield f"A location needs {key} as a number, not {degrees!r}."
            elif abs(float(degrees or 0)) > limit:
                yield f"A {key} of {degrees!r} is no place on earth."
    for beacon in objects(document, "beacons"):
        if not keys.is_text(beacon.get("proximityUUID")):
            yield "A beacon needs a proximityUUID."
        for key in ("major", "minor"):
            number = beacon.get(key, 0)
            if not isinstance(number, int) or not 0 <= number <= WORD:
                yield f"{key} of a beacon must be a number up to 65535, not {number!r}."


def _actions(document: Document) -> Iterator[str]:
    actions = objects(document, "featuredActions")
    for identifier, count in Counter(str(action.get("identifier")) for action in actions).items():
        if count > 1:
            yield f"The identifier {identifier!r} of featuredActions is used {count} times."
    for action in actions:
        if str(action.get("type")) not in keys.ACTION_TYPES:
            yield f"The type {action.get('type')!r} of a featured action is not one that iOS knows."
        target = "placeIdentifier" if action.get("type") == "place" else "url"
        for key in ("identifier", target):
            if not keys.is_text(action.get(key)):
                yield f"A featured action needs {key}."


def surroundings_notices(document: Document) -> Iterator[str]:
    """What a device leaves out without a word."""
    for key, limit in LIMITS.items():
        if len(objects(document, key)) > limit:
            yield f"{key} has more than {limit} entries; the rest is ignored."
    for entry in objects(document, "relevantDates"):
        first, last = entry.get("startDate"), entry.get("endDate")
        if keys.is_date(first) and keys.is_date(last):
            lasts = datetime.fromisoformat(str(last)) - datetime.fromisoformat(str(first))
            if not timedelta(0) <= lasts <= LONGEST:
                yield "relevantDates has an interval that does not end within 24 hours of its start; it is ignored."
    nfc = document.get("nfc")
    if isinstance(nfc, dict) and len(str(nfc.get("message", "")).encode()) > NFC_BYTES:
        yield "The NFC message is longer than 64 bytes; the rest is cut off."
