"""Texts and barcode: what Google cannot be without, and what it cuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from passes.barcodes import drawable
from passes.findings import Facts, Finding, error, warning
from passes.google.barcodes import ITF_DIGITS
from passes.lint.texts import constant
from portal.sentences import say

NAME_LENGTH = 20


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    for name in ("organization_name", "description"):
        if not design[name].strip():
            yield error(name, say("Google Wallet refuses a pass without it."))
    for name in ("organization_name", "logo_text"):
        if len(design[name]) > NAME_LENGTH:
            yield warning(name, say("Google Wallet may cut it after %(count)s characters.", count=NAME_LENGTH))
    yield from _barcode(design)


def _barcode(design: Mapping[str, Any]) -> Iterator[Finding]:
    barcode = design["barcode"]
    message = constant(barcode["expression"])
    if design["kind"] == "giftCard" and (not barcode["format"] or message == ""):
        said = say("Google Wallet wants the number of a gift card, which is that of its barcode. What does it say?")
        yield error("barcode_message", said)
    elif barcode["format"] and message and not _carries(barcode["format"], str(message)):
        yield warning("barcode_message", say("Google Wallet shows a Code 128 instead: this format cannot carry it."))


def _carries(name: str, message: str) -> bool:
    return drawable(name, message) and (name != "itf" or len(message) == ITF_DIGITS)
