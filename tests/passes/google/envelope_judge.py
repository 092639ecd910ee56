"""A verifier of callbacks that shares no code with the product and none with the sandbox: only this file's words.

Source: developers.google.com/wallet/generic/use-cases/use-callbacks-for-saves-and-deletions, "verify the signature".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key


class Forged(Exception):
    """An envelope that is not to be believed, and why."""


def open_envelope(raw: bytes, keys: Mapping[str, Any], issuer: str, now: float) -> dict[str, Any]:
    """The message within. `now`: seconds since the epoch. Raises Forged."""
    envelope = json.loads(raw)
    protocol = "ECv2SigningOnly"
    if envelope["protocolVersion"] != protocol:
        raise Forged("protocol")
    roots = [
        each["keyValue"] for each in keys["keys"]
        if each["protocolVersion"] == protocol and int(each["keyExpiration"]) > now * 1000
    ]  # fmt: skip
    inner = envelope["intermediateSigningKey"]
    over = packed("GooglePayPasses", protocol, inner["signedKey"])
    if not any(holds(root, signature, over) for root in roots for signature in inner["signatures"]):
        raise Forged("intermediate key")
    signing = json.loads(inner["signedKey"])
    if int(signing["keyExpiration"]) <= now * 1000:
        raise Forged("intermediate key expired")
    if not holds(
        signing["keyValue"],
        envelope["signature"],
        packed("GooglePayPasses", issuer, protocol, envelope["signedMessage"]),
    ):
        raise Forged("message")
    message: dict[str, Any] = json.loads(envelope["signedMessage"])
    if message["expTimeMillis"] <= now * 1000:
        raise Forged("message expired")
    return message


def packed(*texts: str) -> bytes:
    whole = bytearray()
    for text in texts:
        data = text.encode("utf-8")
        whole += len(data).to_bytes(4, "little") + data
    return bytes(whole)


def holds(public: str, signature: str, data: bytes) -> bool:
    key = load_der_public_key(base64.b64decode(public))
    assert isinstance(key, EllipticCurvePublicKey)
    try:
        key.verify(base64.b64decode(signature), data, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
