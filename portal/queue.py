"""The executor: drain(), sweep() and the heart. The only importer of django-q2, and nobody's dependency.

django-q2 runs `drain` in its workers and knows nothing else: the committed Event is the wake-up and the truth. Each
supervisor (`manage.py worker`) has a queue of its own, named after it, so a lost queue row costs nothing.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone
from django_q.cluster import Cluster
from django_q.models import OrmQ
from django_q.tasks import async_task

from portal import ledger
from portal.models import Event, Heart

log = logging.getLogger(__name__)

DRAIN = "portal.queue.drain"
CLUSTER_VARIABLE = "PORTAL_WORKER"
STOP_VARIABLE = "PORTAL_STOP_FILE"
# A claim that found work may have left some behind (limits, locked lanes): look again soon.
LOCKED_LOOK_SECONDS = 0.004
FORGET_HEARTS_AFTER = timedelta(hours=1)


def cluster_name() -> str:
    """The supervisor this process belongs to; also what its leases are marked with."""
    return os.environ.get(CLUSTER_VARIABLE, "portal")


def stop_requested() -> bool:
    path = os.environ.get(STOP_VARIABLE)
    return bool(path) and Path(path or "").exists()


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """The threads of this process. Keyed by process, because a fork copies the cache but not the threads."""
    return ThreadPoolExecutor(settings.WORKER_THREADS, thread_name_prefix="event")


def drain(seconds: float | None = None, stop: Callable[[], bool] = stop_requested) -> int:
    """Claims and runs due Events until its time is up or a stop is asked for. Returns how many ran."""
    lingers = settings.DRAIN_SECONDS if seconds is None else seconds
    return _Drain(stop, _pool(os.getpid())).until(time.monotonic() + lingers)


class _Drain:
    """Claims on its own thread, runs on the pool, beats the heart and renews the leases in between."""

    def __init__(self, stop: Callable[[], bool], pool: ThreadPoolExecutor) -> None:
        self._stop = stop
        self._pool = pool
        self._running: dict[Future[None], Event] = {}
        self._beat_due = 0.0
        self._count = 0

    def until(self, end: float) -> int:
        while time.monotonic() < end and not self._stop():
            self._beat()
            self._wait(claimed=self._claim())
        while self._running:  # finish what was begun; leases stay alive meanwhile
            self._beat()
            self._wait(claimed=0)
        return self._count

    def _claim(self) -> int:
        free = settings.WORKER_THREADS - len(self._running)
        claimed = ledger.claim(free, cluster_name()) if free else []
        for event in claimed:
            self._running[self._pool.submit(_run, event)] = event
        return len(claimed)

    def _wait(self, claimed: int) -> None:
        """Until a call ends, or it is time to look again."""
        look = LOCKED_LOOK_SECONDS if claimed else settings.DRAIN_LOOK_SECONDS
        if not self._running:
            time.sleep(look)
            return
        ended, _ = wait(self._running, timeout=look, return_when=FIRST_COMPLETED)
        for future in ended:
            del self._running[future]
        self._count += len(ended)

    def _beat(self) -> None:
        now = time.monotonic()
        if now < self._beat_due:
            return
        self._beat_due = now + settings.HEART_SECONDS
        beat()
        ledger.expire_leases()
        if tokens := {event.lease_token for event in self._running.values() if event.lease_token}:
            ledger.renew_leases(tokens)


def _run(event: Event) -> None:
    started = time.monotonic()
    close_old_connections()
    try:
        ledger.run(event)
    except Exception:  # the database itself is out of reach: the lease expires, and the Event is tried again
        log.exception("event=%s kind=%s unfinished", event.pk, event.kind)
    else:
        spent = round((time.monotonic() - started) * 1000)
        log.info("event=%s kind=%s attempt=%s ms=%d", event.pk, event.kind, event.attempts, spent)


def beat() -> None:
    process = f"{cluster_name()}/{os.getpid()}"
    now = timezone.now()
    if not Heart.objects.filter(process=process).update(beat_at=now):
        Heart.objects.get_or_create(process=process, defaults={"cluster": cluster_name(), "beat_at": now})


def sweep(workers: int) -> None:
    """Keeps one drain running and one queued per worker, so that none is idle between two drains."""
    for _ in range(2 * workers - OrmQ.objects.filter(key=cluster_name()).count()):
        async_task(DRAIN, cluster=cluster_name())
    Heart.objects.filter(beat_at__lt=timezone.now() - FORGET_HEARTS_AFTER).delete()


def clear() -> None:
    """Empties this supervisor's queue, whose rows belong to processes that are gone."""
    OrmQ.objects.filter(key=cluster_name()).delete()
    Heart.objects.filter(cluster=cluster_name()).delete()


def silent_for() -> timedelta:
    """How long none of this supervisor's processes has beaten; zero before the first beat."""
    last = Heart.objects.filter(cluster=cluster_name()).order_by("-beat_at").values_list("beat_at", flat=True).first()
    return timezone.now() - last if last else timedelta()


def run_cluster() -> None:
    """Runs the django-q2 cluster in this process until SIGTERM."""
    cluster = Cluster()
    cluster.start()
    cluster.sentinel.join()
