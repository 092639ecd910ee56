"""Envelopes as Google signs them, made here with keys of the tests."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from passes.google.envelope import RootKey

ISSUER = "3388000000022141777"
NOW = 1_800_000_000_000  # milliseconds
HOUR = 3_600_000


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


ROOT, BETWEEN = new_key(), new_key()


def der(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def root(expires: int = NOW + HOUR) -> RootKey:
    return RootKey(der(ROOT), expires)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _signed(key: ec.EllipticCurvePrivateKey, *parts: str) -> str:
    told = b""
    for part in parts:
        told += len(part.encode()).to_bytes(4, "little") + part.encode()
    return _b64(key.sign(told, ec.ECDSA(hashes.SHA256())))


@dataclass
class Google:
    """Signs as Google does; each argument is what a forger, or time, may change."""

    sender: str = "GooglePayPasses"
    recipient: str = ISSUER
    protocol: str = "ECv2SigningOnly"
    root: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ROOT)
    between: ec.EllipticCurvePrivateKey = field(default_factory=lambda: BETWEEN)
    key_expires: Any = str(NOW + HOUR)

    def envelope(self, **changes: Any) -> dict[str, Any]:
        message = {
            "classId": f"{ISSUER}.card",
            "objectId": f"{ISSUER}.abc",
            "eventType": "save",
            "expTimeMillis": NOW + HOUR,
            "count": 1,
            "nonce": "nonce-1",
            **changes,
        }
        return self.sealed(json.dumps(message, ensure_ascii=False))

    def sealed(self, message: str) -> dict[str, Any]:
        key = json.dumps({"keyValue": _b64(der(self.between)), "keyExpiration": self.key_expires})
        key = key.replace("=", "\\u003d")
        return {
            "signature": _signed(self.between, self.sender, self.recipient, self.protocol, message),
            "intermediateSigningKey": {
                "signedKey": key,
                "signatures": [_signed(self.root, self.sender, self.protocol, key)],
            },
            "protocolVersion": self.protocol,
            "signedMessage": message,
        }
