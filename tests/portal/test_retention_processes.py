"""Retention as real processes: beside workers, several at once, and killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.db.models import F
from django.utils import timezone

from portal.models import Attempt, Event, Pruning
from tests.faults.worker import OWN, Database, WorkerProcess, wait_until

pytestmark = pytest.mark.slow
OLD = 3000


@pytest.fixture
def database(database: Database) -> Database:
    fill(database)
    return database


def fill(database: Database) -> None:
    """Chains of an arrival and what followed, each with a call; every tenth ended as a dead letter."""
    then = timezone.now() - timedelta(days=100)
    common = {"tenant": database.tenant, "lane": database.lane, "kind": "t", "source": "t", "created_at": then,
              "finished_at": then}  # fmt: skip
    rows = Event.objects.using(OWN)
    arrivals = rows.bulk_create([Event(subject=f"s:{n}", status="done", **common) for n in range(OLD // 2)])
    rows.bulk_create(
        [
            Event(
                subject=f"t:{n}", status="done" if n % 10 else "failed", parent=arrival,
                correlation_id=arrival.correlation_id, **common,
            )
            for n, arrival in enumerate(arrivals)
        ]
    )  # fmt: skip
    Attempt.objects.using(OWN).bulk_create([Attempt(event=event, number=1) for event in rows.all()])


def prune(database: Database, folder: Path, *more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "DATABASE_URL": database.url, "VAR_DIR": str(folder)}
    command = [sys.executable, "manage.py", "prune", "--yes", "--class", "events", *more]
    return subprocess.Popen(
        command, env=environment, cwd=settings.BASE_DIR, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def left(database: Database) -> int:
    return database.events().filter(kind="t").count()


def assert_whole(database: Database) -> None:
    """No row points to one that is gone, and every dead letter has its arrival."""
    connections[OWN].check_constraints()
    assert not Attempt.objects.using(OWN).filter(event=None).exists()
    failed = database.events().filter(kind="t", status="failed")
    assert failed.count() == OLD // 20
    assert not failed.filter(parent=None).exists()


def test_a_run_that_is_killed_leaves_everything_whole_and_the_next_one_ends_it(
    database: Database, tmp_path: Path
) -> None:
    killed = prune(database, tmp_path, "--batch", "20")
    wait_until(lambda: left(database) < OLD - 100, 30, "it removes")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert OLD // 10 < left(database) < OLD
    assert_whole(database)
    refused = prune(database, tmp_path)
    assert "another process is removing it right now" in refused.communicate()[1]
    Pruning.objects.using(OWN).update(held_until=F("held_until") - timedelta(minutes=2))
    ended = prune(database, tmp_path)
    assert ended.communicate()[0]
    assert ended.returncode == 0
    assert left(database) == OLD // 10
    assert_whole(database)


def test_of_two_runs_at_once_one_works_and_the_other_says_so(database: Database, tmp_path: Path) -> None:
    both = [prune(database, tmp_path, "--batch", "20") for _ in range(2)]
    told = [run.communicate() for run in both]
    assert sorted(run.returncode for run in both) == [0, 1]
    assert sum("another process" in errors for _, errors in told) == 1
    assert left(database) == OLD // 10


def test_ctrl_c_ends_a_run_with_a_report(database: Database, tmp_path: Path) -> None:
    run = prune(database, tmp_path, "--batch", "20")
    wait_until(lambda: left(database) < OLD - 100, 30, "it removes")
    run.send_signal(signal.SIGINT)
    said, errors = run.communicate(timeout=10)
    assert "removed before you stopped it" in said
    assert "run it again to go on" in errors
    assert not Pruning.objects.using(OWN).filter(held_until__gt=timezone.now()).exists()


def test_a_worker_removes_what_is_old_by_itself_while_it_serves(database: Database, tmp_path: Path) -> None:
    worker = WorkerProcess(database, tmp_path)
    try:
        wait_until(lambda: left(database) < OLD - 100, 40, "it removes")
        longest = max(database.serve_one(20) for _ in range(20))
        sys.stdout.write(f"longest wait of an event meanwhile: {longest:.2f} s\n")
        wait_until(lambda: left(database) == OLD // 10, 60, "all that is old is gone")
        wait_until(lambda: Pruning.objects.using(OWN).filter(name="events", asked_at=None).exists(), 20, "it is noted")
        assert_whole(database)
        assert worker.stop() < 10
        assert "retention=events removed=" in worker.log()
    finally:
        worker.clean_up()
