"""The keys of pass.json, the type that phones expect of each, and whether a JSON document keeps to them. Pure.

keys.json holds names and types as Apple's pass-builder has them (github.com/apple/pass-builder, June 2026), and what
its documentation names besides: "objects" by name with the type of each key, "values" that a name may take. A type is
text, integer, number, boolean, date, colour, value (of a field), any, a name of those, or one of them in brackets: a
list.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from passes import conversions
from passes.documents import Problem, is_expression
from portal.sentences import Sentence, say

_TABLE = json.loads((Path(__file__).with_name("keys.json")).read_text(encoding="utf-8"))
OBJECTS: dict[str, dict[str, str]] = _TABLE["objects"]
VALUES: dict[str, list[str]] = _TABLE["values"]
_COLOUR = re.compile(r"rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)|#[0-9A-Fa-f]{3}(?:[0-9A-Fa-f]{3})?")


def problems(document: Any, kind: str, path: str = "") -> Iterator[Problem]:
    """Everything that a phone would not take. A value that a customer has yet to fill in may be of any type."""
    if kind.startswith("["):
        if not isinstance(document, list):
            yield Problem(path, say("must be a list"))
            return
        for number, each in enumerate(document):
            yield from problems(each, kind[1:-1], f"{path}.{number}")
    elif kind in OBJECTS:
        yield from _object_problems(document, kind, path)
    elif not is_expression(document) and (said := _wrong(document, kind)):
        yield Problem(path, said)


def _object_problems(document: Any, kind: str, path: str) -> Iterator[Problem]:
    if not isinstance(document, Mapping):
        yield Problem(path, say("must be an object"))
        return
    for key, value in document.items():
        inner = f"{path}.{key}" if path else str(key)
        if key in OBJECTS[kind]:
            yield from problems(value, OBJECTS[kind][key], inner)
        else:
            yield Problem(inner, say("is no key that Apple Wallet knows"))


def fitted(document: Any, kind: str, zone: ZoneInfo) -> Any:
    """The document with filled-in values as the types that phones expect: dates get a zone, numbers in text become
    numbers. What cannot be made to fit stays as it is, for `problems` to tell.
    """
    if kind.startswith("[") and isinstance(document, list):
        return [fitted(each, kind[1:-1], zone) for each in document]
    if kind in OBJECTS and isinstance(document, Mapping):
        return {key: fitted(value, OBJECTS[kind].get(key, "any"), zone) for key, value in document.items()}
    if kind == "date":
        moment = conversions.moment(document, zone)
        return moment[0] if moment else document
    if kind in {"integer", "number"} and isinstance(document, str):
        number = conversions.number(document)
        return document if number is None else number
    return str(document) if kind == "text" and _is_number(document) else document


def _wrong(value: Any, kind: str) -> Sentence | None:
    if kind in VALUES:
        allowed = value in VALUES[kind]
        return None if allowed else say("must be one of %(values)s", values=VALUES[kind])
    fits, said = _SIMPLE[kind]
    return None if fits(value) else said


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_date(value: Any) -> bool:
    """Those without a zone get one."""
    return conversions.moment(value, ZoneInfo("UTC")) is not None


_SIMPLE: dict[str, tuple[Callable[[Any], bool], Sentence]] = {
    "any": (lambda value: True, Sentence()),
    "text": (lambda value: isinstance(value, str), say("must be a text in quotes")),
    "integer": (lambda value: _is_number(value) and value == int(value), say("must be a whole number, no quotes")),
    "number": (_is_number, say("must be a number, no quotes")),
    "boolean": (lambda value: isinstance(value, bool), say("must be true or false, no quotes")),
    "date": (_is_date, say("must be a date, such as 2027-03-31")),
    "colour": (lambda value: bool(_COLOUR.fullmatch(str(value))), say("must be a colour, such as #1A2B3C")),
    "value": (lambda value: isinstance(value, str) or _is_number(value), say("must be a text or a number")),
}
