"""Keeps one django-q2 cluster alive: own process group, heart watched, stopped cleanly, never orphaned.

django-q2 does not notice a worker that died idle, nor a dead monitor, and an orphaned cluster works on unseen
(docs/operations.md lists the faults). So the supervisor trusts only the heart that drains beat in the database.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

from portal import ledger, queue

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
START_GRACE = timedelta(seconds=20)
STOP_GRACE_SECONDS = 45.0
LIFELINE_VARIABLE = "PORTAL_LIFELINE"


class Supervisor:
    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self._stopping = threading.Event()
        self._cluster: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0

    def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then lets running Events finish and returns."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._ask_to_stop)
        os.environ[queue.CLUSTER_VARIABLE] = self.name
        with tempfile.TemporaryDirectory(prefix="portal-worker-") as folder:
            stop_file = Path(folder) / "stop"
            os.environ[queue.STOP_VARIABLE] = str(stop_file)
            self._wait_for_database()
            while not self._stopping.is_set():
                self._tend()
                self._stopping.wait(SWEEP_SECONDS)
            stop_file.touch()
            self._stop_cluster()
        log.info("worker=%s stopped", self.name)

    def _ask_to_stop(self, signum: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _wait_for_database(self) -> None:
        while not self._stopping.is_set():
            try:
                connection.ensure_connection()
                return
            except DatabaseError as error:
                log.warning("worker=%s database=unreachable waiting (%s)", self.name, type(error).__name__)
                self._stopping.wait(2)

    def _tend(self) -> None:
        """One look at the cluster: start it, restart it when it died or went silent, keep drains queued."""
        try:
            close_old_connections()
            if self._cluster is None:
                self._start_cluster()
            elif (code := self._cluster.poll()) is not None:
                log.error("worker=%s cluster=died code=%s", self.name, code)
                self._kill_cluster()
            elif self._is_silent():
                log.error("worker=%s cluster=silent killing", self.name)
                self._kill_cluster()
            queue.sweep(self.workers)
        except DatabaseError as error:
            log.warning("worker=%s database=unreachable (%s)", self.name, type(error).__name__)

    def _is_silent(self) -> bool:
        silent = queue.silent_for()
        if not silent:  # no beat yet
            return time.monotonic() - self._started_at > START_GRACE.total_seconds()
        return silent > timedelta(seconds=settings.HEART_LIMIT_SECONDS)

    def _start_cluster(self) -> None:
        queue.clear()
        lifeline, self._lifeline = os.pipe()
        environment = {**os.environ, LIFELINE_VARIABLE: str(lifeline)}
        self._cluster = subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker", "--cluster"],
            env=environment,
            start_new_session=True,
            pass_fds=[lifeline],
        )
        os.close(lifeline)
        self._started_at = time.monotonic()
        log.info("worker=%s cluster=started pid=%s workers=%s", self.name, self._cluster.pid, self.workers)

    def _kill_cluster(self) -> None:
        """Kills the whole group, gives back what it held, and leaves the restart to the next look."""
        if self._cluster:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._cluster.pid, signal.SIGKILL)
            self._cluster.wait()
            os.close(self._lifeline)
            self._cluster = None
        queue.clear()
        if released := ledger.release_leases(self.name):
            log.warning("worker=%s released=%s", self.name, released)

    def _stop_cluster(self) -> None:
        if self._cluster and self._cluster.poll() is None:
            self._cluster.terminate()  # the leader only: django-q2 then lets its workers end their task
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._cluster.wait(STOP_GRACE_SECONDS)
        with contextlib.suppress(DatabaseError):
            self._kill_cluster()


def watch_lifeline() -> None:
    """In the cluster's leader: when the supervisor is gone, its end of the pipe closes, and the group goes too."""
    lifeline = int(os.environ[LIFELINE_VARIABLE])

    def watch() -> None:
        os.read(lifeline, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
