"""Values kept for a few seconds per process, so that a webhook costs no look-up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BriefCache(Generic[K, V]):
    """Keeps what `load` finds for `seconds`. A miss (None) is not kept, so what is new works at once."""

    instances: list[BriefCache[object, object]] = []

    def __init__(self, load: Callable[[K], V | None], seconds: float, size: int = 2048) -> None:
        self._load, self._seconds, self._size = load, seconds, size
        self._kept: dict[K, tuple[float, V]] = {}
        self._lock = threading.Lock()
        BriefCache.instances.append(self)  # type: ignore[arg-type]

    def get(self, key: K) -> V | None:
        now = time.monotonic()
        kept = self._kept.get(key)
        if kept and kept[0] > now:
            return kept[1]
        value = self._load(key)
        with self._lock:
            if len(self._kept) >= self._size:
                self._kept.clear()
            if value is None:
                self._kept.pop(key, None)
            else:
                self._kept[key] = (now + self._seconds, value)
        return value

    def forget(self, key: K) -> None:
        with self._lock:
            self._kept.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
