"""Times, places, buttons and NFC: what Google Wallet has of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from passes.addresses import LINKS
from passes.findings import Facts, Finding, error, warning
from passes.google.shared import MOST_LOCATIONS
from passes.lint.texts import constant
from portal.sentences import say


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    if len(design.get("locations", [])) > MOST_LOCATIONS:
        yield error("locations", say("Google Wallet refuses more than %(count)s places.", count=MOST_LOCATIONS))
    if design.get("beacons"):
        yield warning("beacons", say("Google Wallet knows no beacons."))
    if design.get("max_distance"):
        yield warning("max_distance", say("Google Wallet decides by itself how near is near."))
    if design.get("nfc"):
        yield warning("nfc_message", say("Google Wallet does not send it: there, terminals need Google's Smart Tap."))
    for moment in design.get("moments", []) if design["kind"] != "eventTicket" else []:
        said = say("In Google Wallet, only event tickets have a time.")
        yield warning("moments.starts", said, moment["starts"])
    for action in design.get("actions", []):
        target = str(constant(action["target"]) or action["target"])
        if action["kind"] == "place" or not target.startswith((*LINKS, "{{")):
            said = say("Google Wallet leaves it out: a link begins with https://, mailto: or tel:.")
            yield warning("actions.target", said, action["kind"])
