"""Barcodes as phones show them: the first of the list that an iPhone can draw.

https://developer.apple.com/documentation/walletpasses/pass/barcodes-data.dictionary
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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
# New in iOS 27, and what each can carry.
NEW = {
    "ean13": re.compile(r"[0-9]{13}"),
    "code39": re.compile(r"[0-9A-Z .$/+%-]+"),
    "codabar": re.compile(r"([A-D]?)[0-9$:/.+-]+([A-D]?)"),
    "itf": re.compile(r"([0-9]{2})+"),
}


def barcodes(barcode: Mapping[str, str]) -> list[dict[str, str]]:
    """iOS 26 and earlier show none of the new formats, so one that all know follows; it stands alone for a message
    that the new one cannot carry.
    """
    shown = [barcode["format"]] if drawable(barcode["format"], barcode["message"]) else []
    fallback = [_fallback(barcode["message"])] if barcode["format"] in NEW else []
    return [_barcode(name, barcode) for name in [*shown, *fallback]]


def drawable(name: str, message: str) -> bool:
    if name not in NEW:
        return True
    return bool(NEW[name].fullmatch(message)) and (name != "ean13" or _checks(message))


def _checks(digits: str) -> bool:
    """EAN-13's last digit: with it, the digits weighted 1, 3, 1, 3 … add up to tens."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def _fallback(message: str) -> str:
    """Code 128 is read where the new ones are; it carries ASCII only."""
    return "code128" if message.isascii() else "qr"


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
