"""The .pkpass archive itself: a zip with the files at its root, a manifest of SHA-1 sums, and images that are PNGs."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

PNG_HEAD = b"\x89PNG\r\n\x1a\n"
UNPACKED_LIMIT = 64 * 1024 * 1024
OUTSIDE_MANIFEST = {"manifest.json", "signature"}


def unpack(data: bytes) -> tuple[dict[str, bytes], list[str]]:
    """The files by path, and what is wrong with the archive. An unreadable archive has no files."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > UNPACKED_LIMIT:
                return {}, ["The archive unpacks to more than 64 MB."]
            files = {entry.filename: archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        return {}, [f"The file is not a readable zip archive ({error})."]
    return files, [*_entries(entries), *_layout(files)]


def _entries(entries: list[zipfile.ZipInfo]) -> Iterator[str]:
    for name, count in Counter(entry.filename for entry in entries).items():
        if count > 1:
            yield f"{name} is in the archive {count} times."
        if name.startswith("/") or ".." in name.split("/") or "\\" in name:
            yield f"{name} is not a path inside the archive."
    for entry in entries:
        if stat.S_ISLNK(entry.external_attr >> 16):
            yield f"{entry.filename} is a symbolic link."


def _layout(files: dict[str, bytes]) -> Iterator[str]:
    for name in ("pass.json", "manifest.json", "signature"):
        if name in files:
            continue
        nested = next((path for path in files if path.endswith(f"/{name}")), "")
        yield f"{name} is not at the root of the archive but at {nested}." if nested else f"{name} is missing."


def check_manifest(files: dict[str, bytes]) -> Iterator[str]:
    """Every file except manifest and signature, nothing else, each with its SHA-1 in lowercase hexadecimal."""
    if "manifest.json" not in files:
        return
    try:
        manifest = decode_json(files["manifest.json"])
    except ValueError as error:
        yield f"manifest.json is not valid JSON ({error})."
        return
    if not isinstance(manifest, dict):
        yield "manifest.json is not an object."
        return
    for name in sorted(set(files) - OUTSIDE_MANIFEST - set(manifest)):
        yield f"{name} is in the archive but not in manifest.json."
    for name, digest in manifest.items():
        if name in OUTSIDE_MANIFEST:
            yield f"manifest.json must not list {name}."
        elif name not in files:
            yield f"manifest.json lists {name}, which is not in the archive."
        elif digest != hashlib.sha1(files[name], usedforsecurity=False).hexdigest():
            yield f"The SHA-1 of {name} in manifest.json is wrong."


def check_images(files: dict[str, bytes]) -> tuple[list[str], list[str]]:
    """Reasons and notices: icon.png is required, and whatever is named .png must be one."""
    reasons = [
        f"{name} is not a PNG image." for name in sorted(files) if name.endswith(".png") and not _is_png(files[name])
    ]
    if "icon.png" not in files:
        reasons.append("icon.png is missing.")
    missing = [name for name in ("icon@2x.png", "icon@3x.png") if name not in files]
    notices = [f"{' and '.join(missing)} missing: the icon will look blurred."] if missing else []
    return reasons, [*notices, *_localised(files)]


def _localised(files: dict[str, bytes]) -> Iterator[str]:
    """A device that finds one scale of an image in its language's folder does not look outside for the others."""
    scales: dict[tuple[str, str], set[str]] = {}
    for path in files:
        folder, _, name = path.rpartition("/")
        if name.endswith(".png") and (not folder or folder.endswith(".lproj")):
            role, _, scale = name.removesuffix(".png").partition("@")
            scales.setdefault((folder, role), set()).add(scale)
    for (folder, role), found in sorted(scales.items()):
        if folder and (missing := scales.get(("", role), set()) - found):
            yield f"{folder} has {role} without {len(missing)} of its scales."


def _is_png(data: bytes) -> bool:
    """Walks the chunks: the head first, every checksum right, pixels, the end last."""
    if not data.startswith(PNG_HEAD):
        return False
    position, kinds = len(PNG_HEAD), []
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        chunk = data[position + 4 : position + 8 + length]
        checksum = data[position + 8 + length : position + 12 + length]
        if checksum != struct.pack(">I", zlib.crc32(chunk)):
            return False
        kinds.append(chunk[:4])
        position += 12 + length
    return kinds[:1] == [b"IHDR"] and kinds[-1:] == [b"IEND"] and b"IDAT" in kinds


def decode_json(data: bytes) -> Any:
    """Strict JSON in UTF-8: NaN, Infinity and a byte order mark are refused as a device refuses them."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(data.decode("utf-8"), parse_constant=refuse)
