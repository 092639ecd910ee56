"""Keeps one django-q2 cluster alive: own process group, heart watched, stopped cleanly, never orphaned.

django-q2 does not notice a worker that died idle, nor a dead monitor, and an orphaned cluster works on unseen
(docs/operations.md lists the faults). So the supervisor trusts only the heart that drains beat in the database.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

from portal import ledger, queue, readiness
from portal.retention import Beside

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0
PERIODIC_SECONDS = 60.0
# Until the first beat, and after the database was out of reach.
GRACE_SECONDS = 20.0
STOP_GRACE_SECONDS = 45.0
LIFELINE_VARIABLE = "PORTAL_LIFELINE"


class Supervisor:
    def __init__(self, workers: int) -> None:
        self.workers = workers
        # Containers may share their host name and their process ids, and then must not share a queue.
        self.name = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(3)}"
        self._stopping = threading.Event()
        self._cluster: subprocess.Popen[bytes] | None = None
        self._pulse: list[tuple[str, datetime]] = []
        self._silent_at = 0.0
        self._periodic_at = 0.0
        self._reachable = True
        self._retention = Beside()
        self._clock = ledger.ClockWatch()
        self._set_back = timedelta()
        self._leases = ledger.LeaseWatch()

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
            self._retention.stop()
            self._stop_cluster()
        log.info("worker=%s stopped", self.name)

    def _ask_to_stop(self, signum: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _wait_for_database(self) -> None:
        """Until it is there, and has the tables and columns of this version."""
        told = False
        while not self._stopping.is_set():
            try:
                if readiness.migrations().state is readiness.State.OK:
                    return
                if not told:
                    log.warning("worker=%s waiting: %s", self.name, readiness.NOT_MIGRATED)
                told = True
            except DatabaseError as error:
                self._note_unreachable(error)
                connection.close()
            self._stopping.wait(2)

    def _note_unreachable(self, error: Exception) -> None:
        """Once per outage."""
        if self._reachable:
            log.warning("worker=%s database=unreachable (%s), waiting", self.name, type(error).__name__)
        self._reachable = False

    def _tend(self) -> None:
        """One look at the cluster: start it, restart it when it died or went silent, keep drains queued."""
        self._set_back += min(self._clock.jump(), timedelta())
        try:
            close_old_connections()
            self._heed_clock()
            self._leases.expire()
            if self._cluster is None:
                self._forget_cluster()
                self._start_cluster()
                queue.forget_the_gone()
            elif (code := self._cluster.poll()) is not None:
                log.error("worker=%s cluster=died code=%s", self.name, code)
                self._kill_cluster()
            elif self._is_silent():
                log.error("worker=%s cluster=silent killing", self.name)
                self._kill_cluster()
            else:
                queue.sweep(self.workers)
                self._run_periodic()
            if not self._reachable:
                log.warning("worker=%s database=back", self.name)
            self._reachable = True
        except DatabaseError as error:
            self._note_unreachable(error)
            connection.close()
            self._silent_at = time.monotonic() + GRACE_SECONDS

    def _heed_clock(self) -> None:
        """Also at the start: the clock may have been set back while no worker ran."""
        if not self._set_back and self._cluster:
            return
        moved = ledger.move_back(self._set_back)
        if self._set_back:
            queue.forget_drains()
            log.warning(
                "worker=%s clock=set_back seconds=%d moved=%s", self.name, -self._set_back.total_seconds(), moved
            )
            self._set_back = timedelta()

    def _run_periodic(self) -> None:
        """What is due every day or so, looked for once a minute."""
        if time.monotonic() >= self._periodic_at:
            self._periodic_at = time.monotonic() + PERIODIC_SECONDS
            ledger.run_due()
            self._retention.start_if_asked()

    def _is_silent(self) -> bool:
        """Whether the pulse stands still. Measured by this process's own clock: the host's may be set meanwhile."""
        pulse = queue.pulse()
        self._bury_the_gone([process for process, _ in pulse])
        now = time.monotonic()
        if pulse != self._pulse:
            self._pulse, self._silent_at = pulse, now + settings.HEART_LIMIT_SECONDS
        return now > self._silent_at

    def _bury_the_gone(self, processes: Sequence[str]) -> None:
        """What a killed process held must not keep the places of its accounts until the leases run out."""
        for process in processes:
            if self._cluster and _group_of(int(process.rpartition("/")[2])) != self._cluster.pid:
                queue.bury(process)

    def _start_cluster(self) -> None:
        lifeline, self._lifeline = os.pipe()
        environment = {**os.environ, LIFELINE_VARIABLE: str(lifeline)}
        self._cluster = subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker", "--cluster"],
            env=environment,
            start_new_session=True,
            pass_fds=[lifeline],
        )
        os.close(lifeline)
        self._pulse, self._silent_at = [], time.monotonic() + GRACE_SECONDS
        queue.sweep(self.workers)
        log.info("worker=%s cluster=started pid=%s workers=%s", self.name, self._cluster.pid, self.workers)

    def _kill_cluster(self) -> None:
        """Kills the whole group; the next look starts another."""
        if self._cluster:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._cluster.pid, signal.SIGKILL)
            self._cluster.wait()
            os.close(self._lifeline)
            self._cluster = None

    def _forget_cluster(self) -> None:
        """Gives back what the cluster held that is gone."""
        queue.clear()
        if released := ledger.release_leases(self.name):
            log.warning("worker=%s released=%s", self.name, released)

    def _stop_cluster(self) -> None:
        if self._cluster and self._cluster.poll() is None:
            self._cluster.terminate()  # the leader only: django-q2 then lets its workers end their task
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._cluster.wait(STOP_GRACE_SECONDS)
        self._kill_cluster()
        with contextlib.suppress(DatabaseError):
            self._forget_cluster()


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def watch_lifeline() -> None:
    """When the supervisor is gone, its end of the pipe closes, and this process takes the whole group with it.

    The leader watches, and each worker too, because the leader may have been killed together with the supervisor.
    """
    lifeline = int(os.environ[LIFELINE_VARIABLE])

    def watch() -> None:
        os.read(lifeline, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
