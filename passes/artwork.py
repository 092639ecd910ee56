"""Plain pictures, drawn here so that the repository ships no binary files and no library of images is needed. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

Colour = tuple[int, int, int, int]  # red, green, blue, and how much it covers
Span = tuple[float, float]  # from and to on a line
CLEAR: Colour = (0, 0, 0, 0)


@dataclass(frozen=True)
class Disc:
    x: float
    y: float
    radius: float

    def spans(self, y: float) -> Iterator[Span]:
        inside = self.radius**2 - (y - self.y) ** 2
        if inside > 0:
            half = sqrt(inside)
            yield self.x - half, self.x + half

    def placed(self, x: float, y: float, size: float) -> Disc:
        return Disc(x + self.x * size, y + self.y * size, self.radius * size)


@dataclass(frozen=True)
class Polygon:
    corners: tuple[tuple[float, float], ...]

    def spans(self, y: float) -> Iterator[Span]:
        """Between each second pair of edges that the line crosses."""
        edges = zip(self.corners, (*self.corners[1:], self.corners[0]), strict=True)
        crossed = sorted(x + (y - top) * (end - x) / (low - top) for (x, top), (end, low) in edges
                         if (top <= y) != (low <= y))  # fmt: skip
        yield from zip(crossed[::2], crossed[1::2], strict=True)

    def placed(self, x: float, y: float, size: float) -> Polygon:
        return Polygon(tuple((x + each_x * size, y + each_y * size) for each_x, each_y in self.corners))


Shape = Disc | Polygon
Layer = tuple[Shape, Colour]


def box(left: float, top: float, right: float, bottom: float) -> Polygon:
    return Polygon(((left, top), (right, top), (right, bottom), (left, bottom)))


def colour(text: str, cover: float = 1.0) -> Colour:
    """Of `#1F6F54`."""
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red, green, blue, round(255 * cover)


def drawing(width: int, height: int, ground: tuple[Colour, Colour], layers: Sequence[Layer]) -> bytes:
    """A PNG: a ground that goes from one colour above to another below, and shapes on it, in pixels."""
    return png(width, height, (_row(width, (y + 0.5), height, ground, layers) for y in range(height)))


def _row(width: int, y: float, height: int, ground: tuple[Colour, Colour], layers: Sequence[Layer]) -> bytes:
    row = bytearray(bytes(_between(*ground, y / height)) * width)
    for shape, fill in layers:
        for left, right in shape.spans(y):
            _fill(row, max(left, 0.0), min(right, float(width)), fill)
    return bytes(row)


def _fill(row: bytearray, left: float, right: float, fill: Colour) -> None:
    """Whole pixels at once where they are alike. Those at the ends as far as they are covered: edges are smooth."""
    if right <= left:
        return
    first, last = ceil(left), floor(right)
    if first > last:  # within one pixel
        _blend(row, last, right - left, fill)
        return
    if first > left:
        _blend(row, first - 1, first - left, fill)
    if right > last:
        _blend(row, last, right - last, fill)
    if fill[3] == 255:
        row[first * 4 : last * 4] = bytes(fill) * (last - first)
    else:
        _tint(row, first, last, fill)


def _tint(row: bytearray, first: int, last: int, fill: Colour) -> None:
    """A line of pixels that mostly have one colour: runs of it are mixed once."""
    start = first
    while start < last:
        found, end = bytes(row[start * 4 : start * 4 + 4]), last
        if row[start * 4 : last * 4] != found * (last - start):
            end = next((at for at in range(start + 1, last) if row[at * 4 : at * 4 + 4] != found), last)
        row[start * 4 : end * 4] = bytes(_over(found, 1.0, fill)) * (end - start)
        start = end


def _blend(row: bytearray, pixel: int, part: float, fill: Colour) -> None:
    row[pixel * 4 : pixel * 4 + 4] = bytes(_over(row[pixel * 4 : pixel * 4 + 4], part, fill))


def _over(below: Sequence[int], part: float, fill: Colour) -> Iterator[int]:
    """Porter and Duff's “over”."""
    above, under = part * fill[3] / 255, below[3] / 255
    cover = above + under * (1 - above)
    for new, old in zip(fill[:3], below[:3], strict=True):
        yield round((new * above + old * under * (1 - above)) / cover) if cover else 0
    yield round(255 * cover)


def _between(one: Colour, other: Colour, part: float) -> Iterator[int]:
    return (round(start + (end - start) * part) for start, end in zip(one, other, strict=True))


def png(width: int, height: int, rows: Iterable[bytes]) -> bytes:
    """A PNG of rows of RGBA pixels (RFC 2083: 8 bits, no filter)."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
