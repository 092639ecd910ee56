"""`manage.py worker` as real processes: serving, stopping, and every kill that django-q2 does not survive by itself."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django_q.models import OrmQ

from portal.models import Heart
from tests.portal.worker_kinds import BREAK, KILL, SLOW
from tests.portal.worker_process import OWN, Database, WorkerProcess, prepared, processes, unreachable, wait_until

pytestmark = pytest.mark.slow
START_SECONDS, RECOVERY_SECONDS = 20, 20


@pytest.fixture
def database(own_database: str, django_db_blocker: Any) -> Iterator[Database]:
    with django_db_blocker.unblock(), prepared(own_database) as found:
        found.prepare()
        yield found


@pytest.fixture
def worker(database: Database, tmp_path: Path) -> Iterator[WorkerProcess]:
    started = WorkerProcess(database, tmp_path)
    try:
        database.serve_one(START_SECONDS)
        yield started
    finally:
        started.clean_up()


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


@pytest.mark.parametrize("victim", ["a worker", "all workers", "the monitor", "the pusher", "the leader", "the group"])
def test_work_flows_again_after_a_kill_of(database: Database, worker: WorkerProcess, victim: str) -> None:
    held = database.put(SLOW, seconds=1)
    wait_until(lambda: database.status(held) == "leased", 5, "it runs")
    leader, (first, second, monitor, pusher) = worker.members()
    victims = {
        "a worker": [first],
        "all workers": [first, second],
        "the monitor": [monitor],
        "the pusher": [pusher],
        "the leader": [leader],
        "the group": list(processes(leader)),
    }
    for pid in victims[victim]:
        os.kill(pid, signal.SIGKILL)
    killed_at = time.monotonic()
    longest = 0.0
    while time.monotonic() - killed_at < 8:  # long enough for every process to be missed
        longest = max(longest, database.serve_one(RECOVERY_SECONDS))
    sys.stdout.write(f"killed {victim}: longest wait {longest:.1f} s\n")
    wait_until(lambda: database.status(held) == "done", 15, "what ran at the kill is done")
    assert worker.stop() < 8
    assert not database.events().exclude(status="done").exists()


@pytest.mark.parametrize("victims", [1, 2])
def test_work_flows_again_after_a_kill_of_workers_that_wait_for_the_queue(
    database: Database, worker: WorkerProcess, victims: int
) -> None:
    idle = worker.members()[1][:victims]
    os.kill(worker.process.pid, signal.SIGSTOP)  # nobody fills the queue
    wait_until(lambda: not OrmQ.objects.using(OWN).exists(), 15, "the workers are idle")
    time.sleep(1)
    for pid in idle:
        os.kill(pid, signal.SIGKILL)
    os.kill(worker.process.pid, signal.SIGCONT)
    sys.stdout.write(f"killed {victims} idle: {database.serve_one(RECOVERY_SECONDS):.1f} s\n")
    for _ in range(10):
        database.serve_one(RECOVERY_SECONDS)


def test_an_event_that_kills_its_worker_waits_for_its_retry_and_stops_no_one_else(
    database: Database, worker: WorkerProcess
) -> None:
    killer = database.put(KILL)
    for _ in range(3):
        database.serve_one(RECOVERY_SECONDS)
    wait_until(lambda: database.status(killer) == "waiting", 15, "it waits for its retry")
    stored = database.events().get(pk=killer.pk)
    assert 1 <= stored.attempts == stored.retries <= 2
    wait_until(lambda: database.events().get(pk=killer.pk).attempts > stored.attempts, 20, "it is tried again")
    database.serve_one(RECOVERY_SECONDS)


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
    own_database: str, tmp_path: Path, django_db_blocker: Any
) -> None:
    with django_db_blocker.unblock(), prepared(own_database) as database:
        worker = WorkerProcess(database, tmp_path)  # there are no tables yet
        try:
            wait_until(lambda: "database=unreachable" in worker.log(), START_SECONDS, "it says so")
            database.prepare()
            database.serve_one(START_SECONDS)
        finally:
            worker.clean_up()


@pytest.mark.skipif(settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"), reason="a file cannot go away")
@pytest.mark.parametrize("seconds", [1, 15])
def test_work_flows_again_when_the_database_comes_back(
    database: Database, worker: WorkerProcess, seconds: float
) -> None:
    held = database.put(SLOW, seconds=0.5)
    wait_until(lambda: database.status(held) == "leased", 5, "it runs")
    cluster = worker.groups()
    with unreachable(database.url):
        time.sleep(seconds)
    sys.stdout.write(f"database away for {seconds} s: {database.serve_one(RECOVERY_SECONDS):.1f} s\n")
    wait_until(lambda: database.status(held) == "done", 15, "what ran meanwhile is done")
    time.sleep(15)  # django-q2's own processes come back later; the drains must last until then
    assert database.serve_one(RECOVERY_SECONDS) < 1
    assert "Traceback" not in re.sub(r"(?s)ERROR django-q.*?(?=^\d{4}-)", "", worker.log(), flags=re.MULTILINE)
    assert worker.groups() == cluster  # nothing that lived was killed
    assert worker.stop() < 8
