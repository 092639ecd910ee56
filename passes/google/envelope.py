"""Callbacks as Google signs them (ECv2SigningOnly), the pure part: whose they are, and that nobody changed them.

A root key of Google's signs an intermediate key, which signs the message for one issuer. What is signed stands in the
envelope as text and is checked as it stands. Some pages name another sender; Google signs as GooglePayPasses.
https://developers.google.com/wallet/generic/use-cases/use-callbacks-for-saves-and-deletions
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

SENDER, PROTOCOL = "GooglePayPasses", "ECv2SigningOnly"
SIGNATURES_READ = 4


class Forged(ValueError):
    """The envelope is not Google's, not for this issuer, or too old. The text is for the log, not for who sent it."""


@dataclass(frozen=True)
class RootKey:
    """`value`: DER, as SPKI. `expires`: milliseconds since 1970; 0 where Google names none."""

    value: bytes
    expires: int = 0


@dataclass(frozen=True)
class Told:
    """What a callback says. Types other than save and del exist, and some name no object."""

    type: str
    object_id: str
    class_id: str
    nonce: str
    expires: int
    count: int | None = None


def opened(body: Any, *, issuer_id: str, roots: Iterable[RootKey], now_ms: int) -> Told:
    """The message of an envelope, once everything about it is in order. Raises Forged."""
    if not isinstance(body, Mapping) or body.get("protocolVersion") != PROTOCOL:
        raise Forged("another protocol")
    between, message = body.get("intermediateSigningKey"), body.get("signedMessage")
    if not isinstance(between, Mapping) or not isinstance(message, str):
        raise Forged("a part is missing")
    signed_key, signatures = between.get("signedKey"), between.get("signatures")
    if not isinstance(signed_key, str) or not isinstance(signatures, list):
        raise Forged("the intermediate key is missing")
    trusted = [_public_key(root.value) for root in roots if not root.expires or root.expires > now_ms]
    told = _tlv(SENDER, PROTOCOL, signed_key)
    if not any(_signed(key, each, told) for key in trusted for each in signatures[:SIGNATURES_READ]):
        raise Forged("no root key of Google's signed the intermediate key")
    key = _intermediate(signed_key, now_ms)
    if not _signed(key, body.get("signature"), _tlv(SENDER, issuer_id, PROTOCOL, message)):
        raise Forged("the message is not signed for this issuer")
    return _told(message, issuer_id, now_ms)


def _tlv(*parts: str) -> bytes:
    """Each part with the number of its bytes before it, four of them, little-endian."""
    coded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(4, "little") + part for part in coded)


def _intermediate(signed_key: str, now_ms: int) -> ec.EllipticCurvePublicKey:
    found = _object(signed_key)
    if _number(found.get("keyExpiration")) <= now_ms:
        raise Forged("the intermediate key has expired")
    return _public_key(_decoded(found.get("keyValue")))


def _told(message: str, issuer_id: str, now_ms: int) -> Told:
    found = _object(message)
    object_id, class_id = (_text(found.get(name)) for name in ("objectId", "classId"))
    told = Told(
        type=_text(found.get("eventType")),
        object_id=object_id,
        class_id=class_id,
        nonce=_text(found.get("nonce")),
        expires=_number(found.get("expTimeMillis")),
        count=found.get("count") if isinstance(found.get("count"), int) else None,
    )
    if told.expires <= now_ms:
        raise Forged("the message has expired")
    if not told.nonce:
        raise Forged("the message has no nonce")
    if any(each and not each.startswith(f"{issuer_id}.") for each in (object_id, class_id)):
        raise Forged("the message is about another issuer")
    return told


def _object(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Forged("a part is not JSON") from error
    if not isinstance(found, dict):
        raise Forged("a part is not an object")
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= 255 and value.isprintable() else ""


def _number(value: Any) -> int:
    """Milliseconds, which Google writes as a number here and as text there."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return 0
    digits = str(value)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 15 else 0


def _decoded(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise Forged("a key or signature is not Base64") from error


def _public_key(der: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(der)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Forged("a key cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Forged("a key is of another kind")
    return key


def _signed(key: ec.EllipticCurvePublicKey, signature: Any, told: bytes) -> bool:
    try:
        key.verify(_decoded(signature), told, ec.ECDSA(SHA256()))
    except (InvalidSignature, Forged):
        return False
    return True
