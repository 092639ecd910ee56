"""Barcodes as phones show them: the first of the list that an iPhone can draw.

https://developer.apple.com/documentation/walletpasses/pass/barcodes-data.dictionary
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from passes.barcodes import drawable, fallback

FORMATS = {
    "qr": "PKBarcodeFormatQR",
    "pdf417": "PKBarcodeFormatPDF417",
    "aztec": "PKBarcodeFormatAztec",
    "code128": "PKBarcodeFormatCode128",
    "ean13": "PKBarcodeFormatEAN13",
    "code39": "PKBarcodeFormatCode39",
    "codabar": "PKBarcodeFormatCodabar",
    "itf": "PKBarcodeFormatI2of5",
}
NEW = frozenset({"ean13", "code39", "codabar", "itf"})  # in iOS 27


def barcodes(barcode: Mapping[str, str]) -> list[dict[str, str]]:
    """iOS 26 and earlier show none of the new formats, so one that all know follows; it stands alone for a message
    that the new one cannot carry.
    """
    shown = [barcode["format"]] if drawable(barcode["format"], barcode["message"]) else []
    known = [fallback(barcode["message"])] if barcode["format"] in NEW else []
    return [_barcode(name, barcode) for name in [*shown, *known]]


def _barcode(name: str, barcode: Mapping[str, str]) -> dict[str, Any]:
    """In Latin-1, which every reader copes with, unless the message has other letters: iOS would show no barcode."""
    message = barcode["message"]
    try:
        message.encode("latin-1")
    except UnicodeEncodeError:
        encoding = "utf-8"
    else:
        encoding = "iso-8859-1"
    text = {"altText": barcode["text"]} if barcode.get("text") else {}
    return {"format": FORMATS[name], "message": message, "messageEncoding": encoding, **text}
