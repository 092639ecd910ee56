"""Bearer tokens of vendors, kept by each process until shortly before they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from portal.http import READ_SECONDS
from portal.ledger.registry import Trail

MARGIN_SECONDS = 60.0
A = TypeVar("A")


@dataclass
class _Kept:
    """One account's token. The lock lets one thread fetch while the others of this account wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str = ""
    good_until: float = 0.0


class KeptTokens(Generic[A]):
    """By account. `fetch` gives a new token and for how many seconds it is good, and raises ApiError.

    `name`: what tells accounts apart. Whatever makes an old token useless when it changes belongs to it.
    """

    def __init__(
        self, fetch: Callable[[A, Trail | None, float], tuple[str, float]], name: Callable[[A], Hashable]
    ) -> None:
        self._fetch, self._name = fetch, name
        self._lock = threading.Lock()
        self._kept: dict[Any, _Kept] = {}

    def get(self, account: A, trail: Trail | None, read_seconds: float = READ_SECONDS) -> str:
        """The token that is kept and still good, or a new one. Raises ApiError."""
        kept = self._of(account)
        with kept.lock:
            if kept.good_until <= time.monotonic():
                kept.token, seconds = self._fetch(account, trail, read_seconds)
                kept.good_until = time.monotonic() + seconds - min(MARGIN_SECONDS, seconds / 2)
            return kept.token

    def renew(self, account: A, trail: Trail | None, read_seconds: float = READ_SECONDS) -> None:
        """A new token, whatever is kept. Raises ApiError."""
        kept = self._of(account)
        with kept.lock:
            kept.good_until = 0.0
        self.get(account, trail, read_seconds)

    def forget(self, account: A, token: str) -> None:
        """Drops this token, unless another thread has a newer one already."""
        kept = self._of(account)
        with kept.lock:
            if kept.token == token:
                kept.good_until = 0.0

    def drop(self, account: A) -> None:
        """Nothing of this account is kept."""
        with self._lock:
            self._kept.pop(self._name(account), None)

    def _of(self, account: A) -> _Kept:
        with self._lock:
            return self._kept.setdefault(self._name(account), _Kept())
