"""Apple's other way to be known by the push service: a signing key of the team (.p8) instead of the certificate.

A token is good for an hour, and Apple takes a new one of a key every 20 minutes at most; so a process keeps one a key.
https://developer.apple.com/documentation/usernotifications/establishing-a-token-based-connection-to-apns
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

GOOD_FOR_SECONDS = 50 * 60


class UnusableKey(ValueError):
    """It is no private key on the curve P-256. Without a cause, which might quote it."""


@dataclass(frozen=True)
class ProviderKey:
    """`private_key` is PEM."""

    team: str
    key_id: str
    private_key: str = field(repr=False)

    def fingerprint(self) -> str:
        return hashlib.sha256("\n".join((self.team, self.key_id, self.private_key)).encode()).hexdigest()


def key_pem(text: str) -> str:
    """The key of a .p8 file as it is stored. Raises UnusableKey."""
    try:
        key = load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UnusableKey
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def signed(key: ProviderKey, issued_at: float) -> str:
    """Raises UnusableKey."""
    try:
        claims = {"iss": key.team, "iat": int(issued_at)}
        return jwt.encode(claims, key.private_key, algorithm="ES256", headers={"kid": key.key_id})
    except (ValueError, TypeError, jwt.PyJWTError):
        pass
    raise UnusableKey


class Tokens:
    """One token per key, shared by the threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[str, float]] = {}

    def of(self, key: ProviderKey, refused: str = "") -> str:
        """The token of a key; a new one when it is old, or is the one that Apple `refused`. Raises UnusableKey."""
        with self._lock:
            token, made_at = self._kept.get(key.fingerprint(), ("", 0.0))
            now = time.monotonic()
            if not token or token == refused or now - made_at > GOOD_FOR_SECONDS:
                token = signed(key, time.time())
                self._kept[key.fingerprint()] = (token, now)
            return token


tokens = Tokens()
