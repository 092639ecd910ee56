"""Bodies on their way in and out: Google's spellings of values, keys that it does not know, what it adds. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from passes.google.schema import SCHEMAS

Json = dict[str, Any]
TYPES = ("eventTicket", "flight", "generic", "giftCard", "loyalty", "offer", "transit")
KINDS = tuple(f"{each}{what}" for each in TYPES for what in ("Class", "Object"))
RESOURCES = {f"{kind}es" if kind.endswith("Class") else f"{kind}s": kind for kind in KINDS}  # the keys of a save link


class Part(NamedTuple):
    """An object within a body: the name of its schema, where it stands, and itself."""

    schema: str
    path: str
    value: Mapping[str, Any]


def schema_of(kind: str) -> str:
    """`loyaltyObject` → `LoyaltyObject`"""
    return kind[0].upper() + kind[1:]


def is_class(kind: str) -> bool:
    return kind.endswith("Class")


def class_kind(kind: str) -> str:
    """`loyaltyObject` → `loyaltyClass`"""
    return kind.removesuffix("Object") + "Class"


def issuer_of(resource: str) -> str:
    return resource.partition(".")[0]


def merged(stored: Mapping[str, Any], patch: Mapping[str, Any]) -> Json:
    """JSON merge (RFC 7396): objects merge, null removes, lists are replaced whole."""
    found = dict(stored)
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping):
            before = found.get(key)
            found[key] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            found[key] = value
    return found


def unknown_keys(schema: str, body: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """The paths of keys that the schema does not have."""
    for key, value in body.items():
        inner = f"{path}.{key}" if path else key
        wanted = SCHEMAS[schema]["properties"].get(key)
        if wanted is None:
            yield inner
            continue
        for name, place, each in _objects(value, wanted, inner):
            yield from unknown_keys(name, each, place)


def parts(schema: str, body: Mapping[str, Any], path: str = "") -> Iterator[Part]:
    """The body itself and every object within that the schema knows."""
    yield Part(schema, path, body)
    for key, value in body.items():
        if wanted := SCHEMAS[schema]["properties"].get(key):
            for name, place, each in _objects(value, wanted, f"{path}.{key}" if path else key):
                yield from parts(name, each, place)


def kept(schema: str, body: Mapping[str, Any]) -> Json:
    """The body as it is stored: without unknown keys, values in today's spelling."""
    known = SCHEMAS[schema]["properties"]
    return {key: _kept(value, known[key]) for key, value in body.items() if key in known}


# Recorded as told even where they were never given.
_UNSET = {
    "GenericClass": {"multipleDevicesAndHoldersAllowedStatus": "STATUS_UNSPECIFIED",
                     "viewUnlockRequirement": "VIEW_UNLOCK_REQUIREMENT_UNSPECIFIED"},
    "GenericObject": {"genericType": "GENERIC_TYPE_UNSPECIFIED"},
}  # fmt: skip


def echoed(schema: str, body: Mapping[str, Any]) -> Json:
    """The body as Google's servers were recorded to answer: old spellings, kinds, no empty lists."""
    known = SCHEMAS[schema]["properties"]
    told = {**_UNSET.get(schema, {}), **body}
    found = {key: _echoed(value, known.get(key, {})) for key, value in told.items() if value != []}
    return {"kind": f"walletobjects#{_camel(schema)}", **found} if "kind" in known else found


def _objects(value: Any, wanted: Mapping[str, Any], path: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if "list" in wanted and isinstance(value, list):
        for number, each in enumerate(value):
            yield from _objects(each, wanted["list"], f"{path}.{number}")
    elif "ref" in wanted and isinstance(value, Mapping):
        yield wanted["ref"], path, value


def _kept(value: Any, wanted: Mapping[str, Any]) -> Any:
    if "list" in wanted and isinstance(value, list):
        return [_kept(each, wanted["list"]) for each in value]
    if "ref" in wanted and isinstance(value, Mapping):
        return kept(wanted["ref"], value)
    return wanted["legacy"].get(value, value) if "enum" in wanted and isinstance(value, str) else value


def _echoed(value: Any, wanted: Mapping[str, Any]) -> Any:
    if isinstance(value, list):
        return [_echoed(each, wanted.get("list", {})) for each in value]
    if isinstance(value, Mapping):
        return echoed(wanted["ref"], value) if "ref" in wanted else value
    if "enum" in wanted and isinstance(value, str):
        return next((old for old, new in wanted["legacy"].items() if new == value), _lower_camel(value))
    return value


def _camel(schema: str) -> str:
    """Messages call themselves otherwise than their schema does."""
    return "walletObjectMessage" if schema == "Message" else schema[0].lower() + schema[1:]


def _lower_camel(value: str) -> str:
    """`GENERIC_TYPE_UNSPECIFIED` → `genericTypeUnspecified`: recorded also where no alias is described."""
    first, *rest = value.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)
