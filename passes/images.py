"""PNG images of a template: what they are, without decoding them."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SIZE_LIMIT = 1024 * 1024


class ImageError(ValueError):
    """Not an image that a pass can carry; the message says why."""


@dataclass(frozen=True)
class Png:
    width: int
    height: int
    sha1: str  # Apple's manifest names files by SHA-1


def inspect_png(data: bytes) -> Png:
    """Size and hash of a PNG. Raises ImageError for anything else."""
    if len(data) > SIZE_LIMIT:
        raise ImageError("The image is larger than 1 MB. Wallets need small images: save it smaller.")
    if len(data) < 33 or not data.startswith(SIGNATURE) or data[12:16] != b"IHDR":
        raise ImageError("This is not a PNG image. Export it as PNG.")
    width, height = struct.unpack(">II", data[16:24])
    return Png(width, height, hashlib.sha1(data, usedforsecurity=False).hexdigest())
