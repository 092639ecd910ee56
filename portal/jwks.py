"""The keys that the issuer of bearer tokens signs with: read from its JWKS, kept, and never asked for often.

Whoever sends tokens with invented key ids makes us ask at most once a minute per process. Nobody waits longer than a
moment for an issuer that does not answer, and the keys that were read last go on being good for a day.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.conf import settings
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from portal import http
from portal.ledger.failure import Decision
from portal.sentences import Sentence

log = logging.getLogger(__name__)

FRESH_SECONDS = 600.0  # then the set is read again while the old one serves: a key that was withdrawn ends
KEPT_SECONDS = 86_400.0  # how long an issuer may be out of reach
RETRY_SECONDS = 60.0  # between two reads, whatever arrives
WAIT_SECONDS = 2.0  # the most that a request waits for a read
READ_SECONDS = 5.0
KEYS_LIMIT = 100
RSA_BITS = 2048

# What a key may sign with. HMAC and "none" are not in here, whatever a set or a token says.
_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES: Final = {"secp256r1": ("ES256",), "secp384r1": ("ES384",), "secp521r1": ("ES512",)}
_EDWARDS: Final = ("EdDSA",)
ALGORITHMS: Final = frozenset({*_RSA, *_EDWARDS, *(name for names in _CURVES.values() for name in names)})

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class OutOfReach(Exception):
    """Whether a key is one of the issuer's cannot be said now."""


@dataclass(frozen=True)
class SigningKey:
    kid: str | None
    algorithms: tuple[str, ...]
    key: PublicKey


@dataclass
class _Read:
    """One read of the set, for which several requests may wait."""

    started: float
    done: Event = field(default_factory=Event)


class KeySet:
    """The issuer's keys by their ids. One per process."""

    def __init__(self, url: Callable[[], str], clock: Callable[[], float] = time.monotonic) -> None:
        self._url, self._clock = url, clock
        self._lock = Lock()
        self._keys: tuple[SigningKey, ...] = ()
        self._read_at = float("-inf")
        self._answered = False  # whether the newest read that ended found keys
        self._newest = _Read(float("-inf"))
        self._newest.done.set()

    def find(self, kid: str | None, algorithm: str) -> PublicKey | None:
        """The key with this id, if it may sign so; without an id, the issuer's only one.

        Raises OutOfReach when the key is not known and the issuer does not answer.
        """
        now = self._clock()
        found = self._known(kid, now)
        if found and now - self._read_at < FRESH_SECONDS:
            return _fit(found, algorithm)
        read = self._read_again(now)
        if not found:
            read.done.wait(max(0.0, read.started + WAIT_SECONDS - now))
            found = self._known(kid, self._clock())
        if not found and not (read.done.is_set() and self._answered):
            raise OutOfReach
        return _fit(found, algorithm)

    def _known(self, kid: str | None, now: float) -> list[SigningKey]:
        keys = self._keys
        if now - self._read_at > KEPT_SECONDS:
            return []
        if kid is None:
            return list(keys) if len(keys) == 1 else []
        return [key for key in keys if key.kid == kid]

    def _read_again(self, now: float) -> _Read:
        """The read that is going on, a new one, or the newest if that was less than a minute ago."""
        with self._lock:
            if self._newest.done.is_set() and now - self._newest.started >= RETRY_SECONDS:
                self._newest = _Read(now)
                # On a thread of its own: a slow issuer holds nobody who can do without.
                Thread(target=self._read, args=(self._newest,), name="jwks", daemon=True).start()
            return self._newest

    def _read(self, read: _Read) -> None:
        try:
            keys = _fetch(self._url())
            self._keys, self._read_at, self._answered = keys, self._clock(), True
        except http.ApiError as failure:
            self._answered = False
            log.warning("jwks=not read (%s)", failure.sentence)
        except Exception as error:
            self._answered = False
            log.error("jwks=not read (%s)", type(error).__name__)
        finally:
            read.done.set()


def _fit(found: list[SigningKey], algorithm: str) -> PublicKey | None:
    return next((key.key for key in found if algorithm in key.algorithms), None)


def _fetch(url: str) -> tuple[SigningKey, ...]:
    """Raises ApiError; a set without any usable key is an error, too: no issuer means that."""
    target = "The issuer of bearer tokens"
    answer = http.call("GET", url, target=target, read_seconds=READ_SECONDS)
    if failure := http.judge(answer, target):
        raise failure
    keys = read_keys(answer.json())
    if not keys:
        raise http.ApiError(Sentence(f"{target} sent no usable key."), Decision.RETRY, status=answer.status)
    return keys


def read_keys(document: Any) -> tuple[SigningKey, ...]:
    """The usable keys of a JWKS (RFC 7517). One that is odd does not spoil the others."""
    members = document.get("keys") if isinstance(document, dict) else None
    found = [_read_key(member) for member in members[:KEYS_LIMIT]] if isinstance(members, list) else []
    return tuple(key for key in found if key)


def _read_key(member: Any) -> SigningKey | None:
    if not isinstance(member, dict) or member.get("use", "sig") != "sig":
        return None
    kid, operations, named = member.get("kid"), member.get("key_ops", ["verify"]), member.get("alg")
    if not isinstance(kid, str | None) or not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        key = _public_key(member)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        return None
    algorithms = tuple(name for name in _algorithms(key) if named in {None, name})
    return SigningKey(kid, algorithms, key) if key and algorithms else None


def _public_key(member: dict[str, Any]) -> PublicKey | None:
    """A member with a private part makes a private key, which verifies nothing."""
    reader: Any = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}.get(str(member.get("kty")))
    key = reader.from_jwk(member) if reader else None
    return key if isinstance(key, PublicKey) else None


def _algorithms(key: PublicKey | None) -> tuple[str, ...]:
    if isinstance(key, rsa.RSAPublicKey):
        return _RSA if key.key_size >= RSA_BITS else ()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVES.get(key.curve.name, ())
    return _EDWARDS if key else ()


issuer_keys = KeySet(lambda: settings.OAUTH_JWKS_URL)
