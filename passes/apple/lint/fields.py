"""Fields: what fits on the card, and options that their place does not have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from passes.apple import schema
from passes.apple.styles import poster_places, style_of
from passes.findings import Facts, Finding, error, warning
from passes.lint import fields as common
from portal.sentences import say

MOST = 100
# What a style shows of each place; the rest is left out without a word. Secondary and auxiliary fields of one row count
# together (Human Interface Guidelines, Wallet).
SHOWN = {
    "boardingPass": {"header": 3, "primary": 2, "secondary": 5, "auxiliary": 5},
    "eventTicket": {"header": 3, "primary": 1, "secondary": 4, "auxiliary": 4},
}
USUAL = {"header": 3, "primary": 1, "secondary": 4, "auxiliary": 4}
TOGETHER = 4


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    fields, style = design["fields"], style_of(design)
    if len(fields) > MOST:
        yield error("fields", say("%(count)s fields are more than a card can hold: %(most)s at most.",
                                  count=len(fields), most=MOST))  # fmt: skip
        return
    yield from common.check(design, facts)
    yield from _room(fields, style)
    if design.get("poster"):
        yield from _poster_room(fields)
    for field in fields:
        row = field["label"] or field["key"]
        yield from _options(field, style, row)
        for problem in schema.problems(field.get("semantics", {}), "Semantics"):
            yield error("fields.semantics", problem.told, row)
        if field["place"] == "footer" and not design.get("poster"):
            yield warning("fields.place", say("Only posters have a foot, so this is not shown."), row)


def _room(fields: list[dict[str, Any]], style: str) -> Iterator[Finding]:
    """The fields that come too late to be shown, one by one."""
    limits = SHOWN.get(style, USUAL)
    seen: Counter[Any] = Counter()
    for field in fields:
        place, row = field["place"], field.get("second_row", False) and style == "eventTicket"
        if place not in limits:
            continue
        seen[place, row] += 1
        together = seen["secondary", False] + seen["auxiliary", False]
        lower = place in {"secondary", "auxiliary"}
        if seen[place, row] > limits[place] or (style not in SHOWN and lower and together > TOGETHER):
            said = say("There is no room for it: at most %(count)s shown there.",
                       count=TOGETHER if style not in SHOWN and lower else limits[place])  # fmt: skip
            yield warning("fields.place", said, field["label"] or field["key"])


def _poster_room(fields: list[dict[str, Any]]) -> Iterator[Finding]:
    shown = {id(field) for group in poster_places(fields).values() for field in group}
    for field in fields:
        if id(field) not in shown:
            yield warning("fields.place", say("There is no room for it on the poster."), field["label"] or field["key"])


def _options(field: Mapping[str, Any], style: str, row: str) -> Iterator[Finding]:
    place = field["place"]
    if field.get("alignment") and place in {"primary", "back"}:
        yield warning("fields.alignment", say("It has no effect in this place."), row)
    if field.get("second_row") and (style, place) != ("eventTicket", "auxiliary"):
        yield warning("fields.second_row", say("Only auxiliary fields of event tickets have a second row."), row)
    if field.get("detectors") and place != "back":
        yield warning("fields.detectors", say("It has an effect on the back only."), row)
    if field["change_message"] and "%@" not in field["change_message"]:
        yield warning("fields.change_message", say("Without %@, phones show a text of their own."), row)
