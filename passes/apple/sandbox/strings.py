"""pass.strings: the translations inside a pass, looked up by the literal text in pass.json.

Source: developer.apple.com/documentation/walletpasses/building-a-pass (localized passes)
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

_TEXT = r'"((?:[^"\\]|\\.)*)"'
_PAIR = re.compile(rf"\s*{_TEXT}\s*=\s*{_TEXT}\s*;", re.DOTALL)
_SPACE = re.compile(r"(?:\s+|/\*.*?\*/|//[^\n]*)+", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def strings_of(files: dict[str, bytes], language: str) -> dict[str, str]:
    """The translations for a phone's language: `fr.lproj` first, else a regional one such as `fr-BE.lproj`."""
    folders = sorted(path.split("/")[0] for path in files if path.endswith(".lproj/pass.strings"))
    wanted = [folder for folder in folders if folder == f"{language}.lproj"]
    wanted += [folder for folder in folders if folder.startswith((f"{language}-", f"{language}_"))]
    try:
        return parse(files[f"{wanted[0]}/pass.strings"]) if wanted else {}
    except ValueError:
        return {}


def check_strings(files: dict[str, bytes]) -> Iterator[str]:
    for path in sorted(files):
        if path.endswith(".strings"):
            try:
                parse(files[path])
            except ValueError as error:
                yield f"{path} has a syntax error ({error})."


def parse(data: bytes) -> dict[str, str]:
    """`"key" = "value";` pairs in UTF-16 with a byte order mark, or UTF-8. Raises ValueError with the place."""
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if utf16 else "utf-8-sig")
    found: dict[str, str] = {}
    position = _skip(text, 0)
    while position < len(text):
        pair = _PAIR.match(text, position)
        if not pair:
            raise ValueError(f"line {text.count(chr(10), 0, position) + 1}")
        found[_unescape(pair[1])] = _unescape(pair[2])
        position = _skip(text, pair.end())
    return found


def _skip(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return space.end() if space else position


def _unescape(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text, flags=re.DOTALL)
