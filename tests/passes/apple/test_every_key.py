"""Everything pass.json can say: each key and value that Apple's pass-builder names is reached, from a template's form
(as the golden passes show) or as an addition to pass.json.

apple-pass-keys.json: names and types as Apple's open-source pass-builder has them (Apache-2.0, June 2026).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from passes.apple import schema
from passes.apple.additions import OWNED, STYLES
from passes.apple.bundle import build
from passes.apple.sandbox import inspect
from tests.passes import world
from tests.passes.apple.test_golden import GOLDEN, IDENTITY

NAMED: dict[str, Any] = json.loads((Path(__file__).parent / "apple-pass-keys.json").read_text())
NAMED.pop("note")
NAMED.pop("PassStyle")  # they are keys of Pass as well
NAMED["BarcodeFormat"] = {"values": NAMED["Barcode"].pop("values")}
OTHERWISE = {"Semantics": "PassSemantics", "PersonName": "PersonNameComponents"}
# Swift's own, which JSON has not: the decoded form of `value`, and a computed property.
NOT_JSON = {("FieldContent", "fieldValue"), ("PersonNameComponents", "isEmpty")}
SAMPLES = {
    "String": "a text", "Int": 7, "UInt16": 7, "Double": 1.5, "Distance": 100, "Bool": True, "Color": "rgb(1, 2, 3)",
    "Date": "2027-03-31T10:00:00+02:00", "Value": "a text",
}  # fmt: skip
Key = tuple[str, str]


def resolved(kind: str) -> str:
    """The name of a type as the list has it: `Pass.Fields?` is Fields, `EventDateInfo?` is Semantics.EventDateInfo."""
    bare = kind.removesuffix("?").removeprefix("Pass.")
    names = (OTHERWISE.get(bare, bare), f"Semantics.{bare}", f"Upcoming.{bare}")
    return next((name for name in names if name in NAMED), bare)


def keys_of(kind: str) -> dict[str, str]:
    return dict(NAMED.get(kind, {}).get("keys", {}))


def every_key() -> set[Key]:
    return {(kind, key) for kind in NAMED for key in keys_of(kind)} - NOT_JSON


def every_value() -> set[Key]:
    return {(kind, value) for kind, listed in NAMED.items() for value in listed.get("values", ())}


def reached(document: Any, kind: str = "Pass") -> Iterator[Key]:
    """The keys and the values in a document, by the type that they belong to."""
    kind = kind.removesuffix("?")
    if kind.startswith("["):
        for each in document:
            yield from reached(each, kind[1:-1])
        return
    kind = resolved(kind)
    if isinstance(document, dict):
        for key, value in document.items():
            yield kind, key
            yield from reached(value, keys_of(kind).get(key, "Any"))
    elif isinstance(document, str):
        yield kind, document


def sample(kind: str, left_out: frozenset[str] = frozenset()) -> Any:
    kind = kind.removesuffix("?")
    if kind.startswith("["):
        return [sample(kind[1:-1])]
    kind = resolved(kind)
    if kind in SAMPLES:
        return SAMPLES[kind]
    if keys := keys_of(kind):
        return {key: sample(each) for key, each in keys.items() if (kind, key) not in NOT_JSON and key not in left_out}
    return NAMED[kind]["values"][0]


def from_templates() -> set[Key]:
    """What the golden passes hold that were made without additions, and what every pass holds."""
    found = {("Pass", key) for key in IDENTITY} | {("Pass", "voided")}
    for path in GOLDEN:
        case = json.loads(path.read_text())
        if not case.get("template", {}).get("apple_additions"):
            found |= set(reached(case["pass"]))
    return found


def added(kind: str, additions: dict[str, Any]) -> dict[str, Any]:
    """pass.json of a template with the additions, as a phone accepted it."""
    held = world.wallet_pass(world.template(kind=kind, apple_additions=additions))
    return inspect(build(held), world.authority().root, allow_http=True).document


@pytest.mark.django_db
def test_every_key_is_reached_from_the_form_or_as_an_addition() -> None:
    """`barcode`, which only iOS 8 reads, is among the additions."""
    groups = {"additionalInfoFields": [{"key": "info", "label": "More", "value": "a text"}]}
    event = {**sample("Pass", frozenset(OWNED | STYLES)), "eventTicket": groups}
    boarding = {"boardingPass": {"transitType": "PKTransitTypeAir"}}

    found = from_templates() | set(reached(added("eventTicket", event))) | set(reached(added("generic", boarding)))

    assert every_key() - found == set()


@pytest.mark.django_db
def test_every_value_is_reached_from_the_form_or_as_an_addition() -> None:
    found = from_templates()
    for value in NAMED["TransitType"]["values"]:
        found |= set(reached(added("generic", {"boardingPass": {"transitType": value}})))
    for value in NAMED["Semantics.EventType"]["values"]:
        found |= set(reached(added("eventTicket", {"semantics": {"eventType": value}})))

    assert every_value() - found == set()


def test_no_key_of_a_list_is_unknown_to_the_product() -> None:
    """What the product knows besides is documented by Apple elsewhere."""
    known = {(kind, key) for kind, keys in schema.OBJECTS.items() for key in keys}
    names = {"FieldContent": "Field", "PassSemantics": "Semantics", "PersonNameComponents": "PersonName"}
    listed = {(names.get(kind, kind.split(".")[-1]), key) for kind, key in every_key()}

    assert listed - known == set()
    assert {key for kind, key in known - listed} == {
        "row", "semantics", "userInfo", "suppressStripShine", "placeIdentifier", "relevantDate",
        "membershipProgramStatus", "URLs", "URL", "SHA256",
    }  # fmt: skip
