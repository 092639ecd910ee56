"""Texts, colours, layout, barcode: the first page of the form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from passes.apple.barcodes import NEW
from passes.barcodes import drawable
from passes.findings import Facts, Finding, error, warning
from passes.lint.texts import constant
from portal.sentences import say

# Web Content Accessibility Guidelines 2.2, 1.4.3: large text. Below it, few people can read a card in the sun.
CONTRAST = 3.0


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    for name in ("organization_name", "description"):
        if not design[name].strip():
            yield error(name, say("Phones refuse a pass without it."))
    yield from _colours(design["colours"])
    yield from _layout(design)
    yield from _barcode(design)


def _colours(colours: Mapping[str, str]) -> Iterator[Finding]:
    for name in ("text", "label"):
        if _contrast(colours[name], colours["background"]) < CONTRAST:
            yield warning(f"{name}_colour", say("This is hard to read on the background colour."))


def _contrast(one: str, other: str) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = (part / 255 for part in bytes.fromhex(colour.removeprefix("#")))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _layout(design: Mapping[str, Any]) -> Iterator[Finding]:
    if design.get("style") and design["kind"] != "customerCard":
        yield error("apple_style", say("Only customer cards have a choice of layout."))
    if design.get("poster") and design["kind"] != "generic":
        yield error("poster", say("Only generic passes have a poster."))


def _barcode(design: Mapping[str, Any]) -> Iterator[Finding]:
    barcode = design["barcode"]
    if not barcode["format"]:
        return
    message = constant(barcode["expression"])
    if message == "":
        yield error("barcode_message", say("What does the barcode say?"))
    elif message is not None and not drawable(barcode["format"], str(message)):
        yield warning("barcode_message", say("This format cannot carry it, so a Code 128 is shown instead."))
    shown = {barcode.get("text"), *(field["expression"] for field in design["fields"])}
    if barcode["format"] in NEW and barcode["expression"] not in shown:
        said = say("Show the number as text too: this format is new, and some readers will not know it.")
        yield warning("barcode_text", said)
