"""Google's description of the Wallet API, reduced to what the portal sends: names, types, values and what is required.

`python -m tests.discovery` writes passes/google/discovery.json anew from the document that google-api-python-client
brings along. What a property is required for stands in Google's prose alone: "Required. …".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import googleapiclient

Json = dict[str, Any]
SOURCE = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents" / "walletobjects.v1.json"
REDUCED = Path(__file__).resolve().parent.parent / "passes" / "google" / "discovery.json"
TYPES = ("eventTicket", "flight", "generic", "giftCard", "loyalty", "offer", "transit")
# What has a body of its own beside the classes and objects.
OTHERS = ("AddMessageRequest", "Issuer", "JwtResource", "JwtValidateRequest", "Permissions", "Resources")
_ALIAS = re.compile(r"Legacy alias for `(\w+)`")


def document() -> Json:
    """The whole of Google's document."""
    return json.loads(SOURCE.read_text(encoding="utf-8"))


def reduced(whole: Mapping[str, Any]) -> Json:
    """{"revision": …, "schemas": {name: {"required": […], "properties": {name: property}}}}

    A property is {"type", "format"?}, {"enum": […], "legacy": {alias: value}}, {"ref": name} or {"list": property};
    "deprecated" is true where Google gave it up.
    """
    roots = [f"{kind[0].upper()}{kind[1:]}{what}" for kind in TYPES for what in ("Class", "Object")]
    names = set(_reached(whole["schemas"], [*roots, *OTHERS]))
    return {
        "revision": whole["revision"],
        "schemas": {name: _schema(whole["schemas"][name]) for name in sorted(names)},
    }


def written(description: Mapping[str, Any]) -> str:
    """One line a property, so that a new revision reads well as a difference."""
    schemas = ",\n".join(f"  {json.dumps(name)}: {_lines(found)}" for name, found in description["schemas"].items())
    return f'{{\n "revision": {json.dumps(description["revision"])},\n "schemas": {{\n{schemas}\n }}\n}}\n'


def _lines(schema: Mapping[str, Any]) -> str:
    properties = ",\n".join(
        f"    {json.dumps(name)}: {json.dumps(found)}" for name, found in schema["properties"].items()
    )
    return f'{{"required": {json.dumps(schema["required"])}, "properties": {{\n{properties}\n  }}}}'


def _reached(schemas: Mapping[str, Any], names: list[str]) -> set[str]:
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            names += _refs(schemas[name])
    return found


def _refs(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        if "$ref" in part:
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _refs(each)


def _schema(schema: Mapping[str, Any]) -> Json:
    properties = schema.get("properties", {})
    return {
        "required": sorted(
            name for name, each in properties.items() if each.get("description", "").startswith("Required.")
        ),
        "properties": {name: _property(each) for name, each in sorted(properties.items())},
    }


def _property(given: Mapping[str, Any]) -> Json:
    found = _kind(given)
    return {**found, "deprecated": True} if given.get("deprecated") else found


def _kind(given: Mapping[str, Any]) -> Json:
    if "$ref" in given:
        return {"ref": given["$ref"]}
    if given["type"] == "array":
        return {"list": _property(given["items"])}
    if "enum" in given:
        return _values(given)
    return {name: given[name] for name in ("type", "format") if name in given}


def _values(given: Mapping[str, Any]) -> Json:
    """Raises ValueError when Google gives up a value in other words than those of an alias."""
    gone = given.get("enumDeprecated") or [False] * len(given["enum"])
    legacy = {}
    for value, said, deprecated in zip(given["enum"], given["enumDescriptions"], gone, strict=True):
        if deprecated:
            if not (alias := _ALIAS.search(said)):
                raise ValueError(f"{value} is deprecated, and no alias: {said}")
            legacy[value] = alias.group(1)
    return {"enum": [value for value in given["enum"] if value not in legacy], "legacy": legacy}


if __name__ == "__main__":
    REDUCED.write_text(written(reduced(document())), encoding="utf-8")
    print(f"{REDUCED.name}: revision {document()['revision']}")
