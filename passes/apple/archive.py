"""Zip archives whose files are stored as they are (PKWARE's APPNOTE, 4.3), in parts that can be kept.

The pictures of a template are most of a pass and the same in each: laid out once, they only have to be copied. Entries
carry a fixed time, so that equal files make equal bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

_LOCAL, _CENTRAL, _END = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s4H2LH")
_NEEDED, _UNIX = 20, 3 << 8
_MODE = 0o100644 << 16
_TIME, _DATE = 0, (2020 - 1980) << 9 | 1 << 5 | 1


@dataclass(frozen=True)
class Part:
    """Some files of an archive: their bytes behind local headers, and their lines of the directory at its end."""

    files: bytes
    directory: bytes
    count: int


def archive(*parts: Part) -> bytes:
    """The whole archive, of parts that were laid out to follow each other."""
    files, directory = [each.files for each in parts], [each.directory for each in parts]
    count = sum(each.count for each in parts)
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, sum(map(len, directory)), sum(map(len, files)), 0)
    return b"".join((*files, *directory, end))


def part(files: Mapping[str, bytes], *, offset: int = 0) -> Part:
    """Lays out files that begin at `offset` of the archive. Names are in ASCII, and no file has 4 GB."""
    stored, directory = [], []
    for name, data in files.items():
        path, size = name.encode("ascii"), len(data)
        told = (_NEEDED, 0, 0, _TIME, _DATE, zlib.crc32(data), size, size, len(path), 0)
        stored += [_LOCAL.pack(b"PK\x03\x04", *told), path, data]
        directory += [_CENTRAL.pack(b"PK\x01\x02", _UNIX | _NEEDED, *told, 0, 0, 0, _MODE, offset), path]
        offset += _LOCAL.size + len(path) + size
    return Part(b"".join(stored), b"".join(directory), len(files))
