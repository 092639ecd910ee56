"""How many calls one key may make: a bucket of tokens per key, in this process, refilled as time goes by.

Only callers that were let in get here, before their body is read. Of each one number is kept, so a call costs about a
microsecond, and a flood of one key takes nothing from another's bucket.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from portal.access import Caller

if TYPE_CHECKING:  # DRF's views import this module through its settings
    from rest_framework.views import APIView

KEYS_KEPT = 4096


class TooMany(APIException):
    """429. `wait` is the time after which a call is let in again, if the sender is silent until then."""

    status_code = 429

    def __init__(self, wait: float) -> None:
        self.wait = max(1, math.ceil(wait))
        seconds = "1 second" if self.wait == 1 else f"{self.wait} seconds"
        super().__init__(f"More than {settings.WEBHOOK_RATE} calls a second. Nothing was stored; wait {seconds}.")


class Buckets:
    """Lets `burst` calls of a key in at once, and `rate` a second in the long run.

    Of each key the moment is kept at which its bucket is full again: one number says how full it is at any time.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, size: int = KEYS_KEPT) -> None:
        self._clock, self._size = clock, size
        self._full_at: dict[Hashable, float] = {}
        self._lock = Lock()

    def take(self, key: Hashable, rate: int, burst: int) -> float:
        """0 for a call that is let in; else the seconds until one will be."""
        cost = 1 / rate
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at.get(key, now), now)
            wait = full_at + cost - now - burst * cost
            if wait > cost * 1e-3:  # less is rounding
                return wait
            if key not in self._full_at and len(self._full_at) >= self._size:
                self._make_room(now)
            self._full_at[key] = full_at + cost
        return 0.0

    def _make_room(self, now: float) -> None:
        """A full bucket needs no number. Of the others the fullest half goes, so that this is rare."""
        left = sorted((item for item in self._full_at.items() if item[1] > now), key=lambda item: item[1])
        self._full_at = dict(left[-(self._size // 2) :])


_buckets = Buckets()


class CallerRate(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        """Raises TooMany."""
        if isinstance(request.auth, Caller):
            count_call(request.auth)
        return True


def count_call(caller: Caller) -> None:
    """Raises TooMany."""
    who = caller.key_id or (caller.tenant_id, caller.client)
    if wait := _buckets.take(who, settings.WEBHOOK_RATE, settings.WEBHOOK_BURST):
        raise TooMany(wait)
