"""Jobs under real workers that are killed: 5,000 rows, paused in the middle, none twice and none left out."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from django.db.models import Count

from portal.models import Event, Job
from tests.faults.conftest import SAME_ON_SQLITE
from tests.faults.kinds import NUMBERS
from tests.faults.worker import OWN, START_SECONDS, Database, WorkerProcess, processes, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.long]
ROWS, KILLS, END_SECONDS = 5_000, 10, 180


def started(database: Database, rows: int) -> Job:
    """As portal.jobs.start stores it, in the worker's database."""
    job = Job.objects.using(OWN).create(
        tenant=database.tenant, kind=NUMBERS, title="Numbers", total=rows, who="anna",
        payload={"count": rows, "lane": database.lane.pk},
    )  # fmt: skip
    wake(database, job)
    return job


def wake(database: Database, job: Job) -> None:
    Event.objects.using(OWN).create(
        tenant=database.tenant, lane=database.lane, kind="portal.job", subject=f"job:{job.pk}", coalesces=True,
        source="portal", payload={"job": job.pk},
    )  # fmt: skip


def stored(job: Job) -> Job:
    return Job.objects.using(OWN).get(pk=job.pk)


def set_state(job: Job, state: str) -> None:
    Job.objects.using(OWN).filter(pk=job.pk).update(state=state)


def numbers(job: Job) -> list[int]:
    payloads = Event.objects.using(OWN).filter(job=job).values_list("payload", flat=True)
    return sorted(payload["number"] for payload in payloads)


def test_no_row_is_fed_twice_or_left_out_whatever_is_killed(database: Database, worker: WorkerProcess) -> None:
    job = started(database, ROWS)
    began = time.monotonic()
    kills = 0
    while stored(job).state != Job.State.DONE:
        assert time.monotonic() - began < END_SECONDS, stored(job).__dict__
        time.sleep(1.2)
        alive = list(processes(worker.groups()[-1]))
        if kills < KILLS and alive:
            for pid in alive if kills % 3 == 2 else [random.choice(alive)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            kills += 1
    took = time.monotonic() - began
    sys.stdout.write(f"{ROWS} rows with {kills} kills: {took:.0f} s, {ROWS / took * 60:.0f} a minute\n")
    assert kills == KILLS
    assert numbers(job) == list(range(ROWS))
    ends = Event.objects.using(OWN).filter(job=job).values("status").annotate(number=Count("pk"))
    assert {each["status"]: each["number"] for each in ends} == {"done": ROWS}
    assert stored(job).fed == ROWS


@SAME_ON_SQLITE
def test_a_pause_in_the_middle_takes_effect_at_once_and_survives_a_restart(
    database: Database, worker: WorkerProcess, tmp_path: Path
) -> None:
    job = started(database, ROWS)
    wait_until(lambda: stored(job).fed > 500, 60, "it is under way")
    set_state(job, Job.State.PAUSED)
    fed = stored(job).fed
    assert fed < ROWS
    waiting = Event.objects.using(OWN).filter(job=job, status__in=["waiting", "leased"])
    took = wait_until(lambda: not waiting.exists(), 10, "what was fed has ended")
    sys.stdout.write(f"paused at {fed}: still for good after {took:.1f} s\n")
    worker.process.kill()
    worker.process.wait()
    again = WorkerProcess(database, tmp_path)
    try:
        database.serve_one(START_SECONDS)
        time.sleep(2)
        assert stored(job).fed == fed
        set_state(job, Job.State.RUNNING)
        wake(database, job)
        wait_until(lambda: stored(job).state == Job.State.DONE, END_SECONDS, "it has ended")
    finally:
        again.clean_up()
    assert numbers(job) == list(range(ROWS))


@SAME_ON_SQLITE
def test_webhooks_of_the_same_lane_are_served_while_a_job_runs(database: Database, worker: WorkerProcess) -> None:
    database.lane.max_running = 4
    database.lane.save(using=OWN)
    job = started(database, ROWS)
    wait_until(lambda: stored(job).fed > 300, 60, "it is under way")
    waits = [database.serve_one(10) for _ in range(20)]
    sys.stdout.write(f"a webhook's way behind a job: median {sorted(waits)[10]:.2f} s, longest {max(waits):.2f} s\n")
    assert max(waits) < 5
