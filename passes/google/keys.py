"""Google's root keys for callbacks: read from the address that Google names, kept, and never asked for often.

https://developers.google.com/wallet/generic/use-cases/use-callbacks-for-saves-and-deletions
"""

from __future__ import annotations

import base64
import binascii
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from passes.google.envelope import PROTOCOL, RootKey
from portal.http import ApiError, call, judge
from portal.sentences import say

log = logging.getLogger(__name__)

PATH = "/gp/m/issuer/keys"
TARGET = say("Google's keys for callbacks")
FRESH_SECONDS = 3600.0
KEPT_SECONDS = 86_400.0  # how long the address may be out of reach
RETRY_SECONDS = 60.0  # between two reads, whatever arrives: a forged callback must not make us ask Google
READ_SECONDS = 5.0
KEYS_LIMIT = 20


class OutOfReach(Exception):
    """Whether a callback is Google's cannot be said now."""


@dataclass
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: tuple[RootKey, ...] = ()
    read_at: float = float("-inf")
    tried_at: float = float("-inf")


class RootKeys:
    """By the address of the save page; one per process. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._by_address: dict[str, _Kept] = {}

    def of(self, address: str) -> tuple[RootKey, ...]:
        """Raises OutOfReach when none are known and the address does not answer."""
        with self._lock:
            kept = self._by_address.setdefault(address.rstrip("/"), _Kept())
        with kept.lock:
            now = self._clock()
            if now - kept.read_at >= FRESH_SECONDS and now - kept.tried_at >= RETRY_SECONDS:
                kept.tried_at = now
                self._read(address.rstrip("/") + PATH, kept, now)
            if not kept.keys or now - kept.read_at > KEPT_SECONDS:
                raise OutOfReach
            return kept.keys

    def clear(self) -> None:
        with self._lock:
            self._by_address.clear()

    def _read(self, url: str, kept: _Kept, now: float) -> None:
        try:
            answer = call("GET", url, target=TARGET, read_seconds=READ_SECONDS)
            if failure := judge(answer, TARGET):
                raise failure
            found = read_keys(answer.json())
        except ApiError as failure:
            log.warning("google keys=not read (%s)", failure.sentence)
            return
        if found:
            kept.keys, kept.read_at = found, now
        else:
            log.warning("google keys=not read (no usable key)")


root_keys = RootKeys()


def read_keys(document: Any) -> tuple[RootKey, ...]:
    """{"keys": [{"keyValue", "protocolVersion", "keyExpiration"}]}: those of the protocol; an odd one is left out."""
    members = document.get("keys") if isinstance(document, dict) else None
    found = [_read_key(each) for each in members[:KEYS_LIMIT]] if isinstance(members, list) else []
    return tuple(each for each in found if each)


def _read_key(member: Any) -> RootKey | None:
    if not isinstance(member, dict) or member.get("protocolVersion") != PROTOCOL:
        return None
    expires = str(member.get("keyExpiration", "0"))
    try:
        return RootKey(
            base64.b64decode(str(member.get("keyValue")), validate=True), int(expires) if expires.isdigit() else 0
        )
    except (ValueError, binascii.Error):
        return None
