"""PNG images of a template: what they are, without decoding them."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

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
        raise ImageError(_("The image is larger than 1 MB. Wallets need small images: save it smaller."))
    if len(data) < 33 or not data.startswith(SIGNATURE) or data[12:16] != b"IHDR":
        raise ImageError(_("This is not a PNG image. Export it as PNG."))
    width, height = struct.unpack(">II", data[16:24])
    kinds = list(_chunks(data))
    if not (width and height) or kinds[-1:] != [b"IEND"] or b"IDAT" not in kinds:
        raise ImageError(_("The PNG image is damaged. Export it again."))
    return Png(width, height, hashlib.sha1(data, usedforsecurity=False).hexdigest())


def _chunks(data: bytes) -> Iterator[bytes]:
    """The kinds of the chunks; a nameless one for what is cut or damaged, which phones leave out without a word."""
    position = len(SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        chunk = data[position + 4 : position + 8 + length]
        if data[position + 8 + length : position + 12 + length] != struct.pack(">I", zlib.crc32(chunk)):
            yield b""
            return
        yield chunk[:4]
        position += 12 + length
