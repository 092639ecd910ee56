"""`manage.py worker` as real processes: serving, stopping, and every kill that django-q2 does not survive by itself."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from django_q.models import OrmQ

from portal.models import Heart
from tests.faults.conftest import SAME_ON_SQLITE
from tests.faults.kinds import BREAK, SLOW
from tests.faults.worker import OWN, START_SECONDS, Database, WorkerProcess, prepared, processes, wait_until

pytestmark = [pytest.mark.slow, SAME_ON_SQLITE]
RECOVERY_SECONDS = 20


def test_sigterm_lets_running_events_end_and_leaves_nothing_behind(database: Database, worker: WorkerProcess) -> None:
    running = database.put(SLOW, seconds=1.5)
    wait_until(lambda: database.status(running) == "leased", 5, "it runs")
    took = worker.stop()
    assert took < 8
    assert database.status(running) == "done"
    assert not database.events().filter(status="leased").exists()
    assert processes(worker.groups()[-1]) == {}
    assert not OrmQ.objects.using(OWN).exists()
    assert not Heart.objects.using(OWN).exists()
    assert not list(worker.log_file.parent.glob("portal-worker-*"))


def test_a_killed_supervisor_leaves_no_orphans(database: Database, worker: WorkerProcess) -> None:
    worker.process.kill()
    worker.process.wait()
    wait_until(lambda: not processes(worker.groups()[-1]), 5, "the group is gone")


def test_a_supervisor_killed_together_with_its_clusters_leader_leaves_no_orphans(
    database: Database, worker: WorkerProcess
) -> None:
    leader, _ = worker.members()
    os.kill(worker.process.pid, signal.SIGSTOP)  # it cannot notice that its cluster's leader dies first
    os.kill(leader, signal.SIGKILL)
    worker.process.kill()
    worker.process.wait()
    wait_until(lambda: not processes(leader), 5, "the group is gone")


def test_a_slow_event_holds_up_nothing_beyond_its_own_thread(database: Database, worker: WorkerProcess) -> None:
    for _ in range(7):  # all places of both processes but one
        database.put(SLOW, seconds=6)
    began = time.monotonic()
    while time.monotonic() - began < 6:  # longer than a drain lasts
        assert database.serve_one(3) < 1.5
    wait_until(lambda: not database.events().exclude(status="done").exists(), 10, "all is done")
    assert set(database.events().values_list("attempts", flat=True)) == {1}  # leases were renewed


def test_the_queue_of_a_supervisor_stays_short(database: Database, worker: WorkerProcess) -> None:
    began = time.monotonic()
    while time.monotonic() - began < 6:
        assert OrmQ.objects.using(OWN).count() <= 4
        time.sleep(0.1)


def test_the_log_tells_of_each_event_without_anyones_data(database: Database, worker: WorkerProcess) -> None:
    done = database.put()
    broken = database.put(BREAK, subject="jan@example.com", email="jan@example.com")
    wait_until(lambda: database.events().get(pk=broken.pk).retries, 5, "it failed")
    wait_until(lambda: database.status(done) == "done", 5, "it is done")
    worker.stop()
    log = worker.log()
    assert len(re.findall(rf"event={done.pk} kind=worker\.note attempt=1 status=done ms=\d+$", log, re.MULTILINE)) == 1
    assert f"event={broken.pk} kind=worker.break attempt=1 status=waiting" in log
    assert f"event={broken.pk} kind=worker.break error=ValueError" in log
    assert "jan@example.com" not in log
    assert re.search(r"worker=\S+ stopped$", log, re.MULTILINE)


def test_it_starts_before_its_database_is_ready_and_waits(
    empty_database: str, tmp_path: Path, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock(), prepared(empty_database) as database:
        worker = WorkerProcess(database, tmp_path)  # there are no tables yet
        try:
            wait_until(lambda: "waiting: Migrations wait" in worker.log(), START_SECONDS, "it says so")
            database.migrate()
            database.prepare()
            database.serve_one(START_SECONDS)
        finally:
            worker.clean_up()
