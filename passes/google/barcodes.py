"""Barcodes as Google names them.

https://developers.google.com/wallet/reference/rest/v1/Barcode
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from passes.barcodes import drawable, fallback

FORMATS = {
    "qr": "QR_CODE",
    "pdf417": "PDF_417",
    "aztec": "AZTEC",
    "code128": "CODE_128",
    "ean13": "EAN_13",
    "code39": "CODE_39",
    "codabar": "CODABAR",
    "itf": "ITF_14",
}
ITF_DIGITS = 14


def barcode_of(barcode: Mapping[str, str]) -> dict[str, Any]:
    name, message = barcode["format"], barcode["message"]
    fits = drawable(name, message) and (name != "itf" or len(message) == ITF_DIGITS)
    shown = name if fits else fallback(message)
    encoding = {} if message.isascii() else {"renderEncoding": "UTF_8"}
    text = {"alternateText": barcode["text"]} if barcode.get("text") else {}
    return {"type": FORMATS[shown], "value": message, **encoding, **text}


def number_of(content: Mapping[str, Any]) -> str:
    """The number that the barcode carries, as people read it; empty where there is none."""
    barcode = content["barcode"] or {}
    return str(barcode.get("text") or barcode.get("message") or "")
