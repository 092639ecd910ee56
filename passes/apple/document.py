"""pass.json of neutral content. Keys and values as in Apple's reference of `Pass`.

https://developer.apple.com/documentation/walletpasses/pass
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
BARCODES = {
    "qr": "PKBarcodeFormatQR",
    "pdf417": "PKBarcodeFormatPDF417",
    "aztec": "PKBarcodeFormatAztec",
    "code128": "PKBarcodeFormatCode128",
}
_PLACES = ("header", "primary", "secondary", "auxiliary", "back")


def pass_json(content: Mapping[str, Any], identity: Mapping[str, str]) -> dict[str, Any]:
    """pass.json of neutral content. Keys and values as in Apple's reference of `Pass`."""
    document: dict[str, Any] = {
        "formatVersion": 1,
        **identity,
        "organizationName": content["organization_name"],
        "description": content["description"],
        "backgroundColor": _rgb(content["colours"]["background"]),
        "foregroundColor": _rgb(content["colours"]["text"]),
        "labelColor": _rgb(content["colours"]["label"]),
        STYLES[content["kind"]]: _style(STYLES[content["kind"]], content["fields"]),
    }
    if content["logo_text"]:
        document["logoText"] = content["logo_text"]
    if barcode := content["barcode"]:
        document["barcodes"] = [_barcode(barcode)]
    if content["voided"]:
        document["voided"] = True
    return document


def _barcode(barcode: Mapping[str, str]) -> dict[str, str]:
    """In Latin-1, which every reader copes with, unless the message has other letters: iOS would show no barcode."""
    try:
        barcode["message"].encode("latin-1")
    except UnicodeEncodeError:
        encoding = "utf-8"
    else:
        encoding = "iso-8859-1"
    return {"format": BARCODES[barcode["format"]], "message": barcode["message"], "messageEncoding": encoding}


def _style(style: str, fields: list[dict[str, Any]]) -> dict[str, Any]:
    """The groups of fields that a style has: {"headerFields": […]}."""
    groups: dict[str, Any] = {}
    for place in _PLACES:
        row = style == "eventTicket" and place == "auxiliary"
        if found := [field_of(field, row=row) for field in fields if field["place"] == place]:
            groups[f"{place}Fields"] = found
    return groups


def _rgb(colour: str) -> str:
    """`#1A2B3C` as `rgb(26, 43, 60)`, the form that old iOS versions read too."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgb({red}, {green}, {blue})"
