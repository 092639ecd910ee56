"""pass.json of neutral content. Keys and values as in Apple's reference of `Pass`.

https://developer.apple.com/documentation/walletpasses/pass
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from passes.apple.additions import merged
from passes.apple.barcodes import barcodes
from passes.apple.relevance import relevance
from passes.apple.styles import additions_of, style_of, styles
from passes.hush import ADDITIONS_HUSHED, without_messages

_SAME = {
    "sharing_prohibited": "sharingProhibited",
    "expires": "expirationDate",
    "stores": "associatedStoreIdentifiers",
}
GROUPED = frozenset({"eventTicket", "boardingPass"})  # other styles with a groupingIdentifier are refused


def pass_json(content: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    """`identity`: which pass it is, and where it asks for its updates."""
    document = {
        "formatVersion": 1,
        **identity,
        "organizationName": content["organization_name"],
        "description": content["description"],
        "backgroundColor": _rgb(content["colours"]["background"]),
        "foregroundColor": _rgb(content["colours"]["text"]),
        "labelColor": _rgb(content["colours"]["label"]),
        **styles(content),
        **dict(_rest(content)),
        **dict(relevance(content)),
    }
    additions = additions_of(content)
    return merged(document, without_messages(additions) if content.get(ADDITIONS_HUSHED) else additions)


def _rest(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if content["logo_text"]:
        yield "logoText", content["logo_text"]
    if barcode := content["barcode"]:
        yield "barcodes", barcodes(barcode)
    if content["voided"]:
        yield "voided", True
    for name, key in _SAME.items():
        if value := content.get(name):
            yield key, value
    if content.get("grouping") and style_of(content) in GROUPED:
        yield "groupingIdentifier", content["grouping"]
    if content.get("app_link") and content.get("stores"):
        yield "appLaunchURL", content["app_link"]
    if nfc := content.get("nfc"):
        confirmed = {"requiresAuthentication": True} if nfc.get("confirmed") else {}
        yield "nfc", {"message": nfc["message"], "encryptionPublicKey": nfc["key"], **confirmed}
    if actions := content.get("actions"):
        yield "featuredActions", [_action(action) for action in actions]


def _action(action: Mapping[str, str]) -> dict[str, str]:
    """A template has each kind once, so the kind is the identifier."""
    target = "placeIdentifier" if action["kind"] == "place" else "url"
    return {"identifier": action["kind"], "type": action["kind"], target: action["target"]}


def _rgb(colour: str) -> str:
    """`#1A2B3C` as `rgb(26, 43, 60)`, the form that old iOS versions read too."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgb({red}, {green}, {blue})"
