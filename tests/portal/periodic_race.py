"""Several processes that look for periodic tasks at once, started by test_ledger_periodic.py; prints counts as JSON."""

from __future__ import annotations

import json
import multiprocessing
import sys
import time
from collections.abc import Sequence
from datetime import timedelta

from django.db import connections
from django.utils import timezone

from portal import ledger
from portal.ledger import periodic
from portal.models import Event, PeriodicTask, Tenant

KIND, TASK, PROCESSES, ROUNDS = "periodic.noted", "periodic.race", 4, 5
fork = multiprocessing.get_context("fork")


def note(tenant_ids: Sequence[int]) -> None:
    for tenant_id in tenant_ids:
        ledger.news(KIND, tenant_id=tenant_id, subject="periodic", result=ledger.done("Ran."))
    time.sleep(0.05)  # long enough for the others to come by


def look(begin: multiprocessing.synchronize.Barrier) -> None:
    connections.close_all()
    for _ in range(ROUNDS):
        begin.wait()
        ledger.run_due()
        begin.wait()
        begin.wait()


def main() -> None:
    periodic._tasks.clear()
    ledger.regularly(TASK, f"{__name__}.note")
    Tenant.objects.create(slug="race", name="Race")
    connections.close_all()
    begin = fork.Barrier(PROCESSES + 1)
    processes = [fork.Process(target=look, args=(begin,)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    runs = []
    for _ in range(ROUNDS):
        begin.wait()
        begin.wait()
        runs.append(Event.objects.filter(kind=KIND).count())
        PeriodicTask.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        connections.close_all()
        begin.wait()
    for process in processes:
        process.join()
    sys.stdout.write(json.dumps({"runs": runs, "exits": [process.exitcode for process in processes]}))
