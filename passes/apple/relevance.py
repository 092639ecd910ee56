"""Where and when a pass appears on the lock screen.

https://developer.apple.com/documentation/walletpasses/showing-a-pass-on-the-lock-screen
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def relevance(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if locations := content.get("locations"):
        yield "locations", [_renamed(location, text="relevantText") for location in locations]
    if beacons := content.get("beacons"):
        yield "beacons", [_renamed(beacon, uuid="proximityUUID", text="relevantText") for beacon in beacons]
    if distance := content.get("max_distance"):
        yield "maxDistance", distance
    if moments := content.get("moments"):
        yield "relevantDates", [_moment(moment) for moment in moments]
        yield "relevantDate", moments[0]["starts"]  # for iOS 17 and earlier


def _renamed(row: Mapping[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in row.items()}


def _moment(moment: Mapping[str, str]) -> dict[str, str]:
    """A single moment has two keys: `relevantDate` in iOS 18, `date` from iOS 26 on."""
    if "ends" in moment:
        return {"startDate": moment["starts"], "endDate": moment["ends"]}
    return {"date": moment["starts"], "relevantDate": moment["starts"]}
