"""The executor: drain(), sweep() and the heart. The only importer of django-q2, and nobody's dependency.

django-q2 runs `drain` in its workers and knows nothing else: the committed Event is the wake-up and the truth. Each
supervisor (`manage.py worker`) has a queue of its own, named after it, so a lost queue row costs nothing.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection
from django.utils import timezone
from django_q.cluster import Cluster
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.signals import post_spawn
from django_q.tasks import async_task

from portal import ledger
from portal.durability import unhurried
from portal.models import Event, Heart

log = logging.getLogger(__name__)

DRAIN = "portal.queue.drain"
CLUSTER_VARIABLE = "PORTAL_WORKER"
STOP_VARIABLE = "PORTAL_STOP_FILE"
# A claim that found work may have left some behind (limits, locked lanes): look again soon.
LOCKED_LOOK_SECONDS = 0.004
# Short runs are claimed ahead: as many as the threads do in this time, by the usual length of the last runs.
AHEAD_SECONDS = 0.1
MOST_AHEAD = 120
LEAST_SECONDS = 0.001
RUNS_REMEMBERED = 20
# django-q2's pusher sleeps this long when it loses the database; drains go on meanwhile, so that none is missed.
PUSHER_PAUSE_SECONDS = 12.0
LONGEST_LINGER_SECONDS = 60.0
DATABASE_LOOK_SECONDS = 0.5
# No handler takes this long: every outgoing call has its deadline.
STUCK_SECONDS = 100.0
# A drain that was taken from the queue and not acknowledged by then: the note of its end was lost.
LOST_AFTER = timedelta(seconds=60)
FORGET_AFTER = timedelta(hours=1)


def cluster_name() -> str:
    """The supervisor this process belongs to."""
    return os.environ.get(CLUSTER_VARIABLE, "portal")


def process_name() -> str:
    """What this process's heart and leases are marked with."""
    return f"{cluster_name()}/{os.getpid()}"


def stop_requested() -> bool:
    path = os.environ.get(STOP_VARIABLE)
    return bool(path) and Path(path or "").exists()


def drain(seconds: float | None = None, stop: Callable[[], bool] = stop_requested) -> int:
    """Claims and runs due Events; returns how many ended. With `seconds`, it leaves nothing running.

    A worker's drain passes what still runs at its end on to the next drain of the process: one slow vendor must not
    keep the other threads from claiming.
    """
    ours = _drain_of(os.getpid())
    if seconds is None:
        return ours.until(time.monotonic() + settings.DRAIN_SECONDS, stop)
    return ours.until(time.monotonic() + seconds, stop) + ours.finish()


@lru_cache(maxsize=1)
def _drain_of(process: int) -> _Drain:
    """The drain of this process. Keyed by process, because a fork copies the cache but not the threads."""
    return _Drain()


@dataclass(frozen=True)
class _Ended:
    """How a run ended: a status that is committed, a result that is not yet, or None when the database was lost."""

    event: Event
    how: ledger.Result | str | None
    seconds: float


class _Drain:
    """Claims and finishes on its own thread, runs on the pool, beats the heart and renews the leases in between."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(settings.WORKER_THREADS, thread_name_prefix="event")
        self._running: dict[tuple[int, UUID | None], tuple[Event, float]] = {}  # by Event and lease
        self._ended: SimpleQueue[_Ended] = SimpleQueue()
        self._usual_seconds = 1.0
        self._expecting = False
        self._broken_off: list[Event] = []
        self._leases = ledger.LeaseWatch()
        self._beat_due = 0.0
        self._linger_until = 0.0
        self._reachable = True

    def until(self, end: float, stop: Callable[[], bool]) -> int:
        close_old_connections()
        began = time.monotonic()
        count = 0
        while not stop() and time.monotonic() < max(end, min(self._linger_until, began + LONGEST_LINGER_SECONDS)):
            count += self._turn(claiming=not self._is_stuck())
        return count + self.finish() if stop() or self._is_stuck() else count

    def finish(self) -> int:
        """Waits for what was begun; leases stay alive meanwhile."""
        count = 0
        while self._running:
            count += self._turn(claiming=False)
        return count

    def _is_stuck(self) -> bool:
        """Whether a handler hangs: then this process waits for it without claiming, until django-q2 ends it."""
        longest = time.monotonic() - STUCK_SECONDS
        return any(began < longest for _, began in self._running.values())

    def _turn(self, *, claiming: bool) -> int:
        claimed = 0
        try:
            self._beat()
            claimed = self._claim() if claiming else 0
        except DatabaseError as error:
            self._lose_database(error)
        return self._wait(claimed)

    def _lose_database(self, error: Exception) -> None:
        """Raising would leave what runs without anyone to renew its leases."""
        if self._reachable:
            log.warning("worker=%s database=unreachable (%s)", cluster_name(), type(error).__name__)
        self._reachable = False
        connection.close()
        self._beat_due = 0.0
        self._linger_until = time.monotonic() + PUSHER_PAUSE_SECONDS
        time.sleep(DATABASE_LOOK_SECONDS)

    def _claim(self) -> int:
        ahead = self._ahead()
        if len(self._running) > settings.WORKER_THREADS - 1 + ahead // 2:  # many at a time: each claim has its price
            return 0
        places = settings.WORKER_THREADS + ahead - len(self._running)
        claimed = ledger.claim(places, process_name(), expecting=self._expecting)
        self._expecting = bool(claimed)
        for event in claimed:
            self._running[event.pk, event.lease_token] = event, time.monotonic()
            self._pool.submit(_run, event, self._ended)
        return len(claimed)

    def _ahead(self) -> int:
        """How many to claim beyond the threads: what they will have done in a moment, so that none waits for a claim.

        Where runs take long there are none: what one process holds back, another could begin.
        """
        return min(MOST_AHEAD, int(AHEAD_SECONDS * settings.WORKER_THREADS / self._usual_seconds))

    def _wait(self, claimed: int) -> int:
        """Until a run ends, or it is time to look again. Returns how many ended."""
        look = LOCKED_LOOK_SECONDS if claimed else settings.DRAIN_LOOK_SECONDS
        if not self._running:
            time.sleep(look)
            return 0
        ended = []
        with suppress(Empty):
            ended.append(self._ended.get(timeout=look))
            while True:
                ended.append(self._ended.get_nowait())
        if ended:
            self._settle(ended)
        return len(ended)

    def _settle(self, ended: list[_Ended]) -> None:
        """Commits the results that are not yet, all at once, and notes how each run ended."""
        results = [(each.event, each.how) for each in ended if isinstance(each.how, ledger.Result)]
        held: set[int] | None = set()
        try:
            held = ledger.finish_all(results) if results else held
        except DatabaseError as error:
            held = None
            self._lose_database(error)
        for each in ended:
            del self._running[each.event.pk, each.event.lease_token]
            self._usual_seconds += (max(each.seconds, LEAST_SECONDS) - self._usual_seconds) / RUNS_REMEMBERED
            if each.how is None or (held is None and isinstance(each.how, ledger.Result)):
                self._broken_off.append(each.event)
                self._beat_due = 0.0
            else:
                _log(each, held or set())

    def _beat(self) -> None:
        now = time.monotonic()
        if now < self._beat_due:
            return
        beat()
        if not self._reachable:
            log.warning("worker=%s database=back", cluster_name())
        self._reachable = True
        ledger.renew_leases([event for event, _ in self._running.values()])
        self._leases.expire()
        ledger.give_back(self._broken_off)
        self._broken_off = []
        self._beat_due = now + settings.HEART_SECONDS


def _run(event: Event, ended: SimpleQueue[_Ended]) -> None:
    """On a thread of the pool. Whatever happens, the drain hears of it."""
    started = time.monotonic()
    how: ledger.Result | str | None = None
    try:
        close_old_connections()
        how = ledger.run_handler(event)
    except Exception as error:  # the database itself is out of reach
        log.error("event=%s kind=%s broken_off=%s", event.pk, event.kind, type(error).__name__)
        connection.close()
    finally:
        ended.put(_Ended(event, how, time.monotonic() - started))


def _log(ended: _Ended, held: set[int]) -> None:
    event, how = ended.event, ended.how
    status = how if isinstance(how, str) else (str(how.status) if how and event.pk in held else ledger.LOST)
    spent = ended.seconds * 1000
    log.info("event=%s kind=%s attempt=%s status=%s ms=%d", event.pk, event.kind, event.attempts, status, spent)


def beat() -> None:
    process = process_name()
    now = timezone.now()
    with unhurried():
        if not Heart.objects.filter(process=process).update(beat_at=now):
            Heart.objects.get_or_create(process=process, defaults={"cluster": cluster_name(), "beat_at": now})


def sweep(workers: int) -> None:
    """Keeps one drain running and one queued per worker, so that none is idle between two drains."""
    now = timezone.now()
    taken_until = now + timedelta(seconds=Conf.RETRY)  # django-q2 locks what it takes for so long
    ours = OrmQ.objects.filter(key=cluster_name())
    ours.filter(lock__gt=now, lock__lt=taken_until - LOST_AFTER).delete()
    for _ in range(2 * workers - ours.count()):
        async_task(DRAIN, cluster=cluster_name())


def forget_drains() -> None:
    """Those that a clock that has been set back dates ahead would not be taken; the next sweep queues new ones."""
    OrmQ.objects.filter(key=cluster_name()).delete()


def forget_the_gone() -> None:
    """Removes what supervisors that were killed have left behind."""
    long_ago = timezone.now() - FORGET_AFTER
    OrmQ.objects.filter(lock__lt=long_ago).delete()
    Heart.objects.filter(beat_at__lt=long_ago).delete()


def clear() -> None:
    """Empties this supervisor's queue, whose rows belong to processes that are gone."""
    forget_drains()
    Heart.objects.filter(cluster=cluster_name()).delete()


def bury(process: str) -> None:
    """After a worker process of this supervisor was seen to be gone: gives back what it held."""
    released = ledger.release_leases(process)
    Heart.objects.filter(process=process).delete()
    log.warning("worker=%s gone=%s released=%s", cluster_name(), process.rpartition("/")[2], released)


def pulse() -> list[tuple[str, datetime]]:
    """The beats of this supervisor's processes: the pulse changes as long as one of them lives."""
    hearts = Heart.objects.filter(cluster=cluster_name()).order_by("process")
    return list(hearts.values_list("process", "beat_at"))


def run_cluster(in_every_process: Callable[[], None]) -> None:
    """Runs the django-q2 cluster in this process until SIGTERM."""

    def spawned(**_: Any) -> None:
        in_every_process()

    in_every_process()
    post_spawn.connect(spawned, weak=False)
    cluster = Cluster()
    cluster.start()
    cluster.sentinel.join()
