"""The keys of teams at the push service, and the tokens that they sign.

https://developer.apple.com/documentation/usernotifications/establishing-a-token-based-connection-to-apns
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import jwt

from passes.apple.sandbox.apns_protocol import Answer

EXPIRE_SECONDS, RENEW_SECONDS = 3600, 1200


@dataclass(frozen=True)
class TeamKey:
    """`public_key` is PEM; `topics` are the pass types of the team."""

    team: str
    public_key: str
    topics: frozenset[str]


class ProviderKeys:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, TeamKey] = {}
        self._newest: dict[str, int] = {}

    def add(self, key_id: str, key: TeamKey) -> None:
        with self._lock:
            self._keys[key_id] = key

    def judge(self, authorization: str, topic: str) -> Answer | None:
        """What Apple answers to a token; None for a good one."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return Answer(403, "MissingProviderToken")
        try:
            key_id = str(jwt.get_unverified_header(token).get("kid"))
            key = self._keys[key_id]
            claims = jwt.decode(
                token, key.public_key, algorithms=["ES256"], issuer=key.team,
                options={"require": ["iss", "iat"], "verify_iat": False},
            )  # fmt: skip
            issued = int(claims["iat"])
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            return Answer(403, "InvalidProviderToken")
        if not -EXPIRE_SECONDS < issued - time.time() < EXPIRE_SECONDS:
            return Answer(403, "ExpiredProviderToken")
        if topic not in key.topics:
            return Answer(400, "TopicDisallowed")
        return self._paced(key_id, issued)

    def _paced(self, key_id: str, issued: int) -> Answer | None:
        with self._lock:
            newest = self._newest.get(key_id)
            if newest is not None and 0 < issued - newest < RENEW_SECONDS:
                return Answer(429, "TooManyProviderTokenUpdates")
            self._newest[key_id] = max(issued, newest or 0)
        return None
