"""A look at the database that never holds up its asker: on a thread and connection of its own, within a time limit."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

log = logging.getLogger(__name__)
T = TypeVar("T")
# PostgreSQL's client takes whole seconds, two at least.
CONNECT_SECONDS = 2


class Aside(Generic[T]):
    """Runs `work` one at a time and for all who ask meanwhile; they share what it gives within `seconds`.

    A database that hangs keeps one thread and one connection here, however many ask. What was found is good for
    `keep_seconds`, so that nobody can make the database busy by asking.
    """

    def __init__(self, work: Callable[[], Iterator[T]], *, seconds: float, keep_seconds: float = 1.0) -> None:
        self._work, self._seconds, self._keep_seconds = work, seconds, keep_seconds
        self._run: _Run[T] | None = None
        self._lock = threading.Lock()

    def ask(self) -> list[T]:
        """What `work` has given in time: all of it, or its beginning."""
        with self._lock:
            if self._run is None or self._run.is_past(self._keep_seconds):
                self._run = _Run(self._work, self._seconds)
            run = self._run
        return run.found_in_time()

    def forget(self) -> None:
        with self._lock:
            self._run = None


class _Run(Generic[T]):
    def __init__(self, work: Callable[[], Iterator[T]], seconds: float) -> None:
        self._work, self._seconds = work, seconds
        self._found: list[T] = []
        self._ended = threading.Event()
        self._began = time.monotonic()
        threading.Thread(target=self._go, name="aside", daemon=True).start()

    def is_past(self, keep_seconds: float) -> bool:
        return self._ended.is_set() and time.monotonic() > self._began + keep_seconds

    def found_in_time(self) -> list[T]:
        """The limit counts from the beginning: whoever asks while the database hangs is not kept waiting again."""
        self._ended.wait(max(0.0, self._began + self._seconds - time.monotonic()))
        return list(self._found)

    def _go(self) -> None:
        try:
            with _own_connection(self._seconds):
                for each in self._work():
                    self._found.append(each)  # there at once for those who ask
        except Exception as error:  # its words may hold what must not be logged
            log.error("aside=%s broken_off (%s)", getattr(self._work, "__qualname__", "?"), type(error).__name__)
        finally:
            self._ended.set()


@contextmanager
def _own_connection(seconds: float) -> Iterator[None]:
    link = connections[DEFAULT_DB_ALIAS].copy()
    link.settings_dict["OPTIONS"] = impatient(link.vendor, link.settings_dict.get("OPTIONS", {}), seconds)
    link.settings_dict["CONN_MAX_AGE"] = None
    connections[DEFAULT_DB_ALIAS] = link
    try:
        yield
    finally:
        link.close()


def impatient(vendor: str, options: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The options of a connection that gives up soon, on its own side and on the server's."""
    if vendor == "sqlite":
        return {**options, "timeout": seconds}
    return {
        **options,
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 2,
        "keepalives_interval": 1,
        "keepalives_count": 3,
        "tcp_user_timeout": 5_000,
        "options": f"{options.get('options', '')} -c statement_timeout={round(seconds * 1000)}".strip(),
    }
