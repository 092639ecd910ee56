"""The JSON of Google's Wallet API, and whether a document keeps to it. Pure.

discovery.json is what Google describes of it (the discovery document of walletobjects v1, reduced by tests.discovery):
by name of a schema its required keys, and of each key the type, the values that it may have, or the schema that it
refers to.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from passes.documents import Problem, is_expression
from portal.sentences import Sentence, say

_DISCOVERY = json.loads(Path(__file__).with_name("discovery.json").read_text(encoding="utf-8"))
REVISION: str = _DISCOVERY["revision"]
SCHEMAS: dict[str, dict[str, Any]] = _DISCOVERY["schemas"]
_DIGITS = re.compile(r"-?\d{1,19}")


def findings(schema: str, body: Any, *, partial: bool = False) -> list[Problem]:
    """Everything in a body that the schema, such as `LoyaltyObject`, does not allow.

    A partial body is an addition to another: nothing is asked for in it, and a text that a customer's values fill in
    may become of any type.
    """
    return list(_problems(body, {"ref": schema}, "", partial))


def _problems(value: Any, wanted: Mapping[str, Any], path: str, partial: bool) -> Iterator[Problem]:
    if "list" in wanted:
        if not isinstance(value, list):
            yield Problem(path, say("must be a list"))
            return
        for number, each in enumerate(value):
            yield from _problems(each, wanted["list"], f"{path}.{number}", partial)
    elif "ref" in wanted:
        yield from _object_problems(value, wanted["ref"], path, partial)
    elif not (partial and is_expression(value)) and (said := _wrong(value, wanted)):
        yield Problem(path, said)


def _object_problems(value: Any, schema: str, path: str, partial: bool) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield Problem(path, say("must be an object"))
        return
    known = SCHEMAS[schema]
    for key in [] if partial else known["required"]:
        if key not in value:
            yield Problem(_inner(path, key), say("is required"))
    for key, each in value.items():
        if key in known["properties"]:
            yield from _problems(each, known["properties"][key], _inner(path, key), partial)
        else:
            yield Problem(_inner(path, key), say("is no key that Google Wallet knows here"))


def _inner(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


def _wrong(value: Any, wanted: Mapping[str, Any]) -> Sentence | None:
    if "enum" in wanted:
        if isinstance(value, str) and (value in wanted["enum"] or value in wanted["legacy"]):
            return None
        return say("must be one of %(values)s", values=[each for each in wanted["enum"] if not _is_unset(each)])
    fits, said = _SIMPLE[wanted.get("format", wanted["type"])]
    return None if fits(value) else said


def _is_unset(value: str) -> bool:
    """Each list of values begins with one for "not given", which is of no use to anybody who writes."""
    return value.endswith("_UNSPECIFIED") or value == "UNKNOWN_STATE"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_int32(value: Any) -> bool:
    return _is_number(value) and value == int(value) and -(2**31) <= value < 2**31


def _is_int64(value: Any) -> bool:
    """JSON's own numbers lose digits beyond 53 bits: Google takes these as text."""
    return isinstance(value, str) and bool(_DIGITS.fullmatch(value)) and -(2**63) <= int(value) < 2**63


_SIMPLE: dict[str, tuple[Callable[[Any], bool], Sentence]] = {
    "string": (lambda value: isinstance(value, str), say("must be a text in quotes")),
    "boolean": (lambda value: isinstance(value, bool), say("must be true or false, no quotes")),
    "int32": (_is_int32, say("must be a whole number, no quotes")),
    "int64": (_is_int64, say("must be a whole number in quotes")),
    "double": (_is_number, say("must be a number, no quotes")),
}
