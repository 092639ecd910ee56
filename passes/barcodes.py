"""What a barcode of each format can carry. Pure."""

from __future__ import annotations

import re

# The formats that are not for any text.
LIMITED = {
    "ean13": re.compile(r"[0-9]{13}"),
    "code39": re.compile(r"[0-9A-Z .$/+%-]+"),
    "codabar": re.compile(r"([A-D]?)[0-9$:/.+-]+([A-D]?)"),
    "itf": re.compile(r"([0-9]{2})+"),
}


def drawable(name: str, message: str) -> bool:
    if name not in LIMITED:
        return True
    return bool(LIMITED[name].fullmatch(message)) and (name != "ean13" or _checks(message))


def fallback(message: str) -> str:
    """What carries a message that its own format cannot. Code 128 is read where those are; it carries ASCII only."""
    return "code128" if message.isascii() else "qr"


def _checks(digits: str) -> bool:
    """EAN-13's last digit: with it, the digits weighted 1, 3, 1, 3 … add up to tens."""
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0
