from __future__ import annotations

import hashlib
import struct
import zlib

import pytest
from django.core.exceptions import ValidationError

from passes.images import ImageError, inspect_png
from passes.models import TemplateImage
from tests.passes.world import png


def test_a_png_has_its_size_and_sha1() -> None:
    found = inspect_png(png())

    assert (found.width, found.height, found.sha1) == (2, 2, hashlib.sha1(png()).hexdigest())


def without_size() -> bytes:
    data = bytearray(png())
    data[16:24] = struct.pack(">II", 0, 2)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a PNG"),
        (b"GIF89a" + b"\0" * 60, "not a PNG"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 60, "not a PNG"),
        (png()[:32], "not a PNG"),
        (png()[:-1], "damaged"),
        (png()[:50], "damaged"),
        (png() + b"\0" * 12, "damaged"),
        (png().replace(b"IDAT", b"IDAX"), "damaged"),
        (without_size(), "damaged"),
        (png() + b"\0" * 1024 * 1024, "larger than 1 MB"),
    ],
)
def test_anything_else_is_refused_with_what_to_do(data: bytes, sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence):
        inspect_png(data)


def test_a_damaged_image_is_an_error_of_its_field() -> None:
    with pytest.raises(ValidationError) as caught:
        TemplateImage(role="icon", data=b"no image").clean()

    assert caught.value.message_dict == {"data": ["This is not a PNG image. Export it as PNG."]}
