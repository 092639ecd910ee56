"""Text from outside, made fit to be stored."""

from __future__ import annotations

import hashlib
import json
import math
import re
from typing import Any, NoReturn

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(text: str) -> str:
    """The text without NUL and lone surrogates: JSON can spell both, PostgreSQL takes neither."""
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def fingerprint(data: Any) -> str:
    """SHA-256 of decoded JSON, in hexadecimal: the same whatever the order of its members."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def loads(body: bytes | str) -> Any:
    """Decodes JSON from outside. Raises ValueError for whatever is not JSON, and for nesting that is an attack."""
    try:
        text = body if isinstance(body, str) else body.decode(json.detect_encoding(body), "surrogatepass")
        decoded = _DECODER.decode(text)
        # What cannot be stored stands there as itself, or as an escape: most bodies have neither.
        return _cleaned(decoded) if "\\u" in text or _UNSTORABLE.search(text) else decoded
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_cleaned(member) for member in value]
    if isinstance(value, dict):
        return {storable(name): _cleaned(member) for name, member in value.items()}
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _float(digits: str) -> float | str:
    """A number beyond what a float holds stays as it was written: JSON cannot spell the infinity it would become."""
    number = float(digits)
    return digits if math.isinf(number) else number


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_float)
