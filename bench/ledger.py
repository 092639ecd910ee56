"""`python -m bench.ledger`: what the ledger costs, on DATABASE_URL's server or on SQLite in a temporary folder.

Runs of what is compared take turns, so that other load hits both alike; medians and their ratios are printed.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from bench.place import place

ROUNDS, INSERTS, CLAIMS, BACKLOG, ROW, ARRIVALS = 7, 200, 20, 50_000, 20_000, 150
PLACES = 16
KIND = "apple.push"  # a kind whose handler ends at once when there is nothing to push


def main() -> None:
    with place() as here:
        _measure(here.folder)


def _measure(folder: Path) -> None:
    from django.core.management import call_command  # noqa: PLC0415 - after setup
    from django.db import connection  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    print(f"{connection.vendor}, {os.cpu_count()} cores")
    desk = _Desk()
    bare, ours = _take_turns(desk.create, desk.record)
    print(f"record()              {ours * 1e6:7.0f} µs   bare ORM create {bare * 1e6:.0f} µs, ratio {bare / ours:.2f}")
    desk.fill()
    claim, shared, look = _take_turns(desk.claim, desk.claim_shared, desk.look)
    print(f"claim {PLACES} of {BACKLOG:,}    {claim * 1e3:7.1f} ms   look {look * 1e6:.0f} µs")
    print(f"of an account that two tenants share {shared * 1e3:.1f} ms")
    desk.clear()
    desk.fill_one_subject()
    (behind,) = _take_turns(desk.claim_behind_it)
    print(f"behind {ROW:,} of one {behind * 1e3:7.1f} ms   (a claim while that subject runs)")
    desk.clear()
    p50, p95 = desk.latency(folder)
    print(f"commit to claim, idle {p50 * 1e3:7.0f} ms   p95 {p95 * 1e3:.0f} ms, {ARRIVALS} arrivals")


def _take_turns(*measured: Callable[[], float]) -> list[float]:
    rounds = [[each() for each in measured] for _ in range(ROUNDS)]
    return [statistics.median(times) for times in zip(*rounds, strict=True)]


class _Desk:
    def __init__(self) -> None:
        from portal import ledger  # noqa: PLC0415
        from portal.models import Event, Lane, Tenant  # noqa: PLC0415

        self.ledger, self.events, self.lanes = ledger, Event.objects, Lane.objects
        self.tenant = Tenant.objects.create(slug="bench", name="Bench")
        self.lane = Lane.objects.create(tenant=self.tenant, key="bench", max_running=1000)
        other = Tenant.objects.create(slug="other", name="Other")
        ledger.prove(Lane.objects.create(tenant=other, key="bench").pk, {"secret"})
        self.count = 0

    def _next(self) -> str:
        self.count += 1
        return f"bench:{self.count}"

    def record(self) -> float:
        began = time.perf_counter()
        for _ in range(INSERTS):
            self.arrive()
        return (time.perf_counter() - began) / INSERTS

    def arrive(self) -> int:
        name = self._next()
        return self.ledger.record(
            tenant_id=self.tenant.pk, lane_id=self.lane.pk, kind=KIND, subject=name, payload={"device": 0, "pass": 0},
            source="bench", source_id=name, body_hash="0" * 64,
        ).event_id  # fmt: skip

    def create(self) -> float:
        began = time.perf_counter()
        for _ in range(INSERTS):
            name = self._next()
            self.events.create(
                tenant=self.tenant, lane=self.lane, kind=KIND, subject=name, payload={"device": 0, "pass": 0},
                source="bench", source_id=name, body_hash="0" * 64, coalesces=True,
            )  # fmt: skip
        return (time.perf_counter() - began) / INSERTS

    def fill(self) -> None:
        model = self.events.model
        while (missing := BACKLOG - self.events.filter(status="waiting").count()) > 0:
            rows = (
                model(tenant=self.tenant, lane=self.lane, kind=KIND, subject=self._next(), coalesces=True)
                for _ in range(min(missing, 5000))
            )
            self.events.bulk_create(rows)

    def claim(self) -> float:
        began = time.perf_counter()
        claimed = [self.ledger.claim(PLACES, "bench") for _ in range(CLAIMS)]
        spent = (time.perf_counter() - began) / CLAIMS
        ids = [event.pk for events in claimed for event in events]
        self.events.filter(pk__in=ids).update(status="waiting", lease_token=None)
        return spent

    def claim_shared(self) -> float:
        self.ledger.prove(self.lane.pk, {"secret"})
        spent = self.claim()
        self.ledger.prove(self.lane.pk, set())
        return spent

    def fill_one_subject(self) -> None:
        model = self.events.model
        self.events.bulk_create(
            model(tenant=self.tenant, lane=self.lane, kind=KIND, subject="one", coalesces=False) for _ in range(ROW)
        )

    def claim_behind_it(self) -> float:
        (running,) = self.ledger.claim(PLACES, "bench")
        spent = self.claim()
        self.events.filter(pk=running.pk).update(status="waiting", lease_token=None)
        return spent

    def look(self) -> float:
        began = time.perf_counter()
        for _ in range(CLAIMS):
            self.ledger.look()
        return (time.perf_counter() - began) / CLAIMS

    def clear(self) -> None:
        self.events.all().delete()

    def latency(self, folder: Path) -> tuple[float, float]:
        """From the commit of an arrival to its claim, median and 95th percentile, with a worker that is idle."""
        with (folder / "worker.log").open("wb") as log:
            worker = subprocess.Popen([sys.executable, "manage.py", "worker"], stdout=log, stderr=log)
        try:
            self._wait_for(self.arrive())
            waits: list[timedelta] = []
            for number in range(ARRIVALS):
                event_id = self.arrive()
                committed = time.time()
                self._wait_for(event_id)
                claimed_at = self.events.get(pk=event_id).claimed_at
                waits.append(timedelta(seconds=(claimed_at.timestamp() if claimed_at else 0) - committed))
                time.sleep(0.05 + number % 10 / 200)
        finally:
            worker.send_signal(signal.SIGTERM)
            worker.wait()
        seconds = sorted(max(0.0, wait.total_seconds()) for wait in waits)
        return statistics.median(seconds), seconds[int(len(seconds) * 0.95)]

    def _wait_for(self, event_id: int) -> None:
        while not self.events.filter(pk=event_id, claimed_at__isnull=False).exists():
            time.sleep(0.01)


if __name__ == "__main__":
    main()
