"""Fields: what fits on the card and into its details, and what Google has no form or news of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from passes.findings import Facts, Finding, error, warning
from passes.google.places import FRONT, Places, places_of
from portal.sentences import say

MODULES, LINKS = 10, 10
LABEL, POINTS_LABEL = 35, 9
MODULE_ID = re.compile(r"[A-Za-z0-9_-]+")


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    fields, places = design["fields"], places_of(design)
    for field in places.left_over:
        said = say("A card at Google Wallet has three rows of three. Move it to the back.")
        yield error("fields.place", said, _row(field))
    yield from _details(fields)
    yield from _points(design, places)
    for field in fields:
        if not MODULE_ID.fullmatch(field["key"]):
            yield error("fields.key", say("Google Wallet takes letters, digits, _ and - only."), _row(field))
        yield from _options(field, design["kind"])


def _details(fields: list[Mapping[str, Any]]) -> Iterator[Finding]:
    for field in [field for field in fields if field["place"] not in FRONT][MODULES:]:
        said = say("Google Wallet shows %(count)s texts below the card. This one may be left out.", count=MODULES)
        yield warning("fields.place", said, _row(field))
    for field in [field for field in fields if field.get("link")][LINKS:]:
        said = say("Google Wallet shows %(count)s links. This one may be left out.", count=LINKS)
        yield warning("fields.link", said, _row(field))


def _points(design: Mapping[str, Any], places: Places) -> Iterator[Finding]:
    if design["kind"] == "customerCard" and not places.points:
        yield warning(
            "fields", say("No field has the format “Number”, so Google Wallet has no points to show and to announce.")
        )
    for field in places.points:
        if len(field["label"]) > POINTS_LABEL:
            said = say("Google Wallet may cut it after %(count)s characters.", count=POINTS_LABEL)
            yield warning("fields.label", said, _row(field))
    if design["kind"] == "giftCard" and places.balance is None:
        yield warning("fields", say("No field has the format “Amount of money”, so Google Wallet shows no balance."))


def _options(field: Mapping[str, Any], kind: str) -> Iterator[Finding]:
    if len(field["label"]) > LABEL:
        said = say("Google Wallet may cut it after %(count)s characters.", count=LABEL)
        yield warning("fields.label", said, _row(field))
    if field["change_message"] and kind == "generic":
        said = say("Google Wallet does not announce what changes on a generic pass. It takes a message, three a day.")
        yield warning("fields.change_message", said, _row(field))
    if field.get("format") in {"words", "scientific"}:
        yield warning("fields.format", say("Google Wallet shows a plain number."), _row(field))
    if field.get("relative"):
        yield warning("fields.relative", say("Google Wallet shows the date itself."), _row(field))


def _row(field: Mapping[str, Any]) -> str:
    return str(field["label"] or field["key"])
