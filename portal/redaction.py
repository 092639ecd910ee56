"""Redaction for traces and logs: what may be kept of a request, an answer, an address, or an error.

It works on text rather than on parsed JSON, because what needs a trace most is malformed: half an answer, an HTML page
that echoes a header, JSON inside a string. A secret that is cut off at the end of the text goes, too.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable

from portal.text import storable

MASK = "•••"
EXCERPT_LIMIT = 2000
# Redaction looks at this much, so that an answer of any size costs little; what follows is not kept in any case.
WINDOW = 16 * EXCERPT_LIMIT

_WORDS = r"authori[sz]ation|(?:api|private|signing)[-_ ]?key|token|passw|pwd|secret|assertion|credential|cookie"
# A quoted name with its colon ("accessToken": in JSON, also escaped inside a string), or a bare one (a header, a form).
# Every pattern here looks at a run of backslashes once: from each of its places, a long one would cost its square.
_NAME = re.compile(
    rf"""(?P<quote>["'])[^"'\\\n]{{0,80}}?(?:{_WORDS})[^"'\\\n]{{0,80}}(?P<slashes>\\*+)(?P=quote)\s{{0,9}}[:=]\s{{0,9}}"""
    rf"""|(?<![\w.-])[\w.-]{{0,80}}?(?:{_WORDS})[\w.-]{{0,80}}\s{{0,9}}(?P<sign>[:=]|%3[aAdD])[ \t]{{0,9}}""",
    re.IGNORECASE,
)
_STRING = re.compile(r"""(\\*)(["'])""")
_HEADER_VALUE = re.compile(r"""[^\r\n"'<\\]*""")
_FORM_VALUE = re.compile(r"""[^\s&;,"'<>\\]*""")
_OTHER_VALUE = re.compile(r"""[^\s,}\]"'\\]*""")
_LOOSE = re.compile(
    r"""\b(?P<scheme>Bearer|ApplePass|Basic)\s+[^\s"'<>\\,;]+"""
    r"""|\bawp_[a-z0-9]{8}_[\w-]+"""  # the portal's own keys
    r"""|\beyJ[\w-]{8,}(?:\.[\w-]*){0,4}"""  # JSON web tokens
    r"""|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)""",
    re.IGNORECASE | re.DOTALL,
)

# Without one of these, _NAME or _LOOSE matches nowhere. Most texts have none, and to look for them costs a hundredth.
_IN_NAMES = ("authori", "key", "token", "passw", "pwd", "secret", "assertion", "credential", "cookie")
_IN_LOOSE = ("bearer", "applepass", "basic", "awp_", "eyj", "-----begin")
_FOLDS = {ord("\N{LATIN SMALL LETTER DOTLESS I}"): "i", ord("\N{LATIN SMALL LETTER LONG S}"): "s", 0x307: None}


def redact(text: str) -> str:
    """The text without tokens, keys and passwords: values whose names tell of one, and what looks like one."""
    folded = _folded(text)
    if any(word in folded for word in _IN_NAMES):
        text = _without_named(text)
    return _LOOSE.sub(_mask_loose, text) if any(word in folded for word in _IN_LOOSE) else text


def _folded(text: str) -> str:
    """The text with all letters that the patterns take for the same made one; İ becomes two, an i and a dot."""
    lower = text.lower()
    return lower if lower.isascii() else lower.translate(_FOLDS)


def _without_named(text: str) -> str:
    parts: list[str] = []
    done = 0
    while name := _next_name(text, done):
        end = _value_end(text, name.end(), name["sign"])
        shown = text[name.end() : end]
        parts += [text[done : name.end()], _masked(shown)]
        done = end
    return "".join([*parts, text[done:]])


def _next_name(text: str, start: int) -> re.Match[str] | None:
    """The next name whose opening quote is escaped at least as often as its closing one."""
    position = start
    while name := _NAME.search(text, position):
        slashes = name["slashes"] or ""
        if text.endswith(slashes, start, name.start()):
            return name
        position = name.start() + 1
    return None


def _masked(value: str) -> str:
    if not value.strip():
        return value
    quote = _STRING.match(value)
    return f"{quote[0]}{MASK}{quote[0]}" if quote else MASK


def _mask_loose(found: re.Match[str]) -> str:
    return f"{found['scheme']} {MASK}" if found["scheme"] else MASK


def _value_end(text: str, start: int, sign: str | None) -> int:
    """Where the value that begins at `start` ends; the end of the text when it is cut off."""
    if quote := _STRING.match(text, start):
        return _string_end(text, quote)
    if text[start : start + 1] in {"[", "{"}:
        return _bracket_end(text, start)
    pattern = _OTHER_VALUE if sign is None else _HEADER_VALUE if sign == ":" else _FORM_VALUE
    found = pattern.match(text, start)
    return found.end() if found else start


def _string_end(text: str, quote: re.Match[str]) -> int:
    """Behind the closing quote: one that is escaped as often as the opening one is, not oftener."""
    depth = len(quote[1])
    for closing in re.compile(rf"(?<!\\)(\\*+){quote[2]}").finditer(text, quote.end()):
        if len(closing[1]) % (2 * (depth + 1)) == depth:
            return closing.end()
    return len(text)


def _bracket_end(text: str, start: int) -> int:
    open_brackets, position = 0, start
    for sign in re.compile(r"""[\[\]{}]|(?<!\\)\\*+["']""").finditer(text, start):
        if sign.start() < position:  # inside a string that was skipped
            continue
        if sign[0][-1] in "\"'":
            quote = _STRING.match(text, sign.start())
            position = _string_end(text, quote) if quote else sign.end()
            continue
        open_brackets += 1 if sign[0] in "[{" else -1
        if not open_brackets:
            return sign.end()
    return len(text)


def excerpt(body: bytes | str, limit: int = EXCERPT_LIMIT, *, hide: Iterable[str] = ()) -> str:
    """What a trace keeps of a body: readable, redacted first and then cut to `limit` characters.

    `hide` are secrets known by their value, such as the key that a call was made with.
    """
    text = storable(body.decode("utf-8", "replace") if isinstance(body, bytes) else body)
    for secret in sorted(filter(None, hide), key=len, reverse=True):
        text = text.replace(secret, MASK)
    whole = len(text)
    text = redact(text[:WINDOW])
    return text if len(text) <= limit and whole <= WINDOW else f"{text[:limit]}… ({whole} characters)"


def place_of(error: BaseException) -> str:
    """What a log keeps of an error beside its type: where, not what. Its words often hold a person's data."""
    return "".join(traceback.format_tb(error.__traceback__))
