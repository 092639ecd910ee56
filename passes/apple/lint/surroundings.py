"""Validity, times, places, buttons, app and NFC."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from passes import conversions
from passes.apple.document import GROUPED
from passes.apple.styles import style_of
from passes.behaviour import NFC_BYTES
from passes.findings import Facts, Finding, error, warning
from passes.lint.texts import UTC, constant
from portal.sentences import say

MOST_PLACES = 10
LONGEST = timedelta(hours=24)


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    if design.get("grouping") and style_of(design) not in GROUPED:
        yield error("grouping", say("Only event tickets lie in groups: phones refuse any other pass with one."))
    if design.get("app_link") and not design.get("stores"):
        yield error("app_link", say("Which app is it? Enter its App Store number."))
    for name in ("locations", "beacons"):
        if len(design.get(name, [])) > MOST_PLACES:
            yield warning(name, say("Phones heed the first %(count)s only.", count=MOST_PLACES))
    if design.get("max_distance") and not (design.get("locations") or design.get("beacons")):
        yield warning("max_distance", say("There is no place that it could be near to."))
    for moment in design.get("moments", []):
        yield from _moment(moment)
    for action in design.get("actions", []):
        target = str(constant(action["target"]) or action["target"])
        if action["kind"] != "place" and ":" not in target and not target.startswith("{{"):
            yield error("actions.target", say("A link begins with https://, mailto: or tel:."), action["kind"])
    if nfc := design.get("nfc"):
        yield from _nfc(nfc, design, facts)


def _moment(moment: Mapping[str, str]) -> Iterator[Finding]:
    """Only what is the same for everybody can be seen here."""
    starts, ends = (_time(moment.get(name, ""), end=name == "ends") for name in ("starts", "ends"))
    if starts and ends and not timedelta(0) <= ends - starts <= LONGEST:
        yield error("moments.ends", say("Phones ignore a time that does not end within 24 hours."), moment["starts"])


def _time(text: str, *, end: bool) -> datetime | None:
    found = conversions.moment(constant(text), UTC, end=end)
    return datetime.fromisoformat(found[0]) if found else None


def _nfc(nfc: Mapping[str, Any], design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    if facts.nfc is False:
        yield error("nfc_message", say("The certificate is not made for NFC, so phones refuse the pass."))
    if len(str(constant(nfc["message"]) or "").encode()) > NFC_BYTES:
        yield error("nfc_message", say("This is longer than 64 bytes."))
    if not _is_p256(nfc["key"]):
        yield error("nfc_key", say("This is no public key on the curve P-256."))
    if nfc.get("confirmed") and not design.get("sharing_prohibited"):
        yield warning("sharing_prohibited", say("Who confirms with Face ID should not be able to pass the card on."))


def _is_p256(key: str) -> bool:
    try:
        found = load_der_public_key(base64.b64decode(key, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return False
    return isinstance(found, EllipticCurvePublicKey) and isinstance(found.curve, SECP256R1)
