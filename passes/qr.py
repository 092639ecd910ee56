"""QR codes of links, as pictures that a page holds or a printer takes at any size."""

from __future__ import annotations

import base64
import re

import zxingcpp

# A seventh of it may be dirty or torn (https://www.qrcode.com/en/about/error_correction.html).
_LEVEL = "M"
_HEAD = re.compile(r"<\?xml[^>]*>\s*<!DOCTYPE[^>]*>\s*|\s*<desc>.*?</desc>")
_SIZE = re.compile(r'<svg width="(\d+)" height="(\d+)"')


def qr_svg(text: str) -> str:
    """An SVG document without a size of its own, with the quiet zone that readers need around the code."""
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=_LEVEL)
    return _SIZE.sub(r'<svg viewBox="0 0 \1 \2" shape-rendering="crispEdges"', _HEAD.sub("", code.to_svg()))


def qr_address(text: str) -> str:
    """The picture as a data address."""
    return "data:image/svg+xml;base64," + base64.b64encode(qr_svg(text).encode()).decode()
