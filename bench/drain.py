"""`python -m bench.drain`: how fast workers end what waits, on DATABASE_URL's server or on SQLite.

What is compared takes turns. Printed are: Events without effects against django-q2's own tasks, as it comes and as it
is fastest; calls of a vendor that takes 50 ms; how long another tenant's Event waits behind 50,000; what an idle worker
costs; what it holds in memory (with --events, such as 200000).
"""

from __future__ import annotations

import argparse
import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from bench.place import place
from bench.processes import cpu, memory, process

ROUNDS, TASKS, VENDOR_SECONDS, CALLS, CROWD, SINGLES = 3, 3000, 0.05, 1500, 50_000, 30
OF_DEFAULT, OF_BEST, OF_THREADS, MOST_DELAY, MOST_IDLE, MOST_GROWTH = 20, 4, 0.85, 2.0, 0.05, 0.10
WORKERS, THREADS = 2, 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--events", type=int, default=0, help="to be drained while memory is watched")
    asked = parser.parse_args()
    environment = {"WORKER_PROCESSES": str(WORKERS), "WORKER_THREADS": str(THREADS), "LOG_LEVEL": "WARNING"}
    with place(DJANGO_SETTINGS_MODULE="bench.kinds", **environment):
        _measure(asked)


def _measure(asked: argparse.Namespace) -> None:
    from django.core.management import call_command  # noqa: PLC0415 - after setup
    from django.db import connection  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    print(f"{connection.vendor}, {os.cpu_count()} cores, {WORKERS} workers of {THREADS} threads")
    yard = _Yard()
    turns = [(yard.drain(TASKS * 4), yard.django_q("default"), yard.django_q("best")) for _ in range(asked.rounds)]
    ours, usual, best = (statistics.median(rates) for rates in zip(*turns, strict=True))
    to_usual = statistics.median(turn[0] / turn[1] for turn in turns)
    to_best = statistics.median(turn[0] / turn[2] for turn in turns)
    print(f"drained without effects: {ours:,.0f}/s; django-q2 as it comes {usual:,.0f}/s, at its best {best:,.0f}/s")
    print(f"  ratios {to_usual:.1f} (wanted: {OF_DEFAULT}) and {to_best:.1f} (wanted: {OF_BEST})")
    with _vendor() as url:
        rate, most = statistics.median(yard.calls(url) for _ in range(asked.rounds)), WORKERS * THREADS / VENDOR_SECONDS
        print(f"calls of a vendor of {VENDOR_SECONDS * 1000:.0f} ms: {rate:.0f}/s of {most:.0f}, "
              f"{rate / most:.2f} (wanted: {OF_THREADS})")  # fmt: skip
        waits = yard.behind_a_crowd(url)
        print(f"another tenant's one Event behind {CROWD:,}: median {statistics.median(waits):.2f} s, "
              f"longest of {SINGLES} {max(waits):.2f} s (at most {MOST_DELAY})")  # fmt: skip
    print(f"idle: {yard.idle() * 100:.1f} % of one core (at most {MOST_IDLE * 100:.0f} %)")
    if asked.events:
        early, late = yard.memory(asked.events)
        print(f"memory of the workers: {early:.0f} MB after a tenth, {late:.0f} MB after {asked.events:,} Events, "
              f"{late / early - 1:+.1%} (at most ±{MOST_GROWTH:.0%})")  # fmt: skip


class _Slow(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 4096  # head and body in one packet: the kernel would hold the second one back for 40 ms

    def do_GET(self) -> None:
        time.sleep(VENDOR_SECONDS)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def _vendor() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


class _Yard:
    def __init__(self) -> None:
        from portal.models import Event, Lane, Tenant  # noqa: PLC0415

        self.events = Event.objects
        self._lanes = [
            Lane.objects.create(tenant=Tenant.objects.create(slug=f"bench{n}", name="Bench"), key="b", max_running=1000)
            for n in range(2)
        ]
        self._count = 0

    def _fill(self, number: int, kind: str, url: str = "", lane: int = 0) -> None:
        where = self._lanes[lane]
        for begin in range(0, number, 5000):
            self.events.bulk_create(
                self.events.model(
                    tenant_id=where.tenant_id, lane=where, kind=kind, subject=f"{kind}:{self._count + each}",
                    payload={"url": url}, source="bench",
                )
                for each in range(begin, min(begin + 5000, number))
            )  # fmt: skip
        self._count += number

    def _drained(self, number: int, kind: str) -> float:
        """Events per second, from the first claim to the last end."""
        from django.db.models import Max, Min  # noqa: PLC0415

        with process("worker"):
            while self.events.filter(kind=kind, status="done").count() < number:
                time.sleep(0.05)
        found = self.events.filter(kind=kind).aggregate(begun=Min("claimed_at"), ended=Max("finished_at"))
        self.events.all().delete()
        return float(number / (found["ended"] - found["begun"]).total_seconds())

    def drain(self, number: int) -> float:
        from bench.kinds import NOTHING  # noqa: PLC0415

        self._fill(number, NOTHING)
        return self._drained(number, NOTHING)

    def calls(self, url: str) -> float:
        from bench.kinds import CALL  # noqa: PLC0415

        self._fill(CALLS, CALL, url)
        return self._drained(CALLS, CALL)

    def django_q(self, settings: str) -> float:
        """Tasks per second, from the first that is gone from the queue to the last."""
        from django.db import transaction  # noqa: PLC0415
        from django_q.models import OrmQ, Task  # noqa: PLC0415
        from django_q.tasks import async_task  # noqa: PLC0415

        with transaction.atomic():
            for _ in range(TASKS):
                async_task("bench.kinds.task", cluster="bench")
        left, begun = TASKS, 0.0
        with process("qcluster", BENCH_DJANGO_Q=settings):
            while left:
                time.sleep(0.02)
                left = OrmQ.objects.count()
                if left < TASKS and not begun:
                    begun, first = time.perf_counter(), left
            seconds = time.perf_counter() - begun
        Task.objects.all().delete()
        return first / seconds

    def behind_a_crowd(self, url: str) -> list[float]:
        """Seconds from the commit of a single Event of one tenant to its end, while another's crowd is worked off."""
        from bench.kinds import CALL  # noqa: PLC0415

        self._fill(CROWD, CALL, url)
        waits = []
        with process("worker"):
            while not self.events.filter(status="done").exists():
                time.sleep(0.1)
            for _ in range(SINGLES):
                self._fill(1, CALL, url, lane=1)
                began = time.perf_counter()
                while self.events.filter(lane=self._lanes[1]).exclude(status="done").exists():
                    time.sleep(0.01)
                waits.append(time.perf_counter() - began)
                time.sleep(0.2)
        self.events.all().delete()
        return waits

    def idle(self) -> float:
        """The share of one core that a worker with nothing to do takes, its processes together."""
        with process("worker") as worker:
            time.sleep(8)
            used, began = cpu(worker.pid), time.perf_counter()
            time.sleep(20)
            return (cpu(worker.pid) - used) / (time.perf_counter() - began)

    def memory(self, number: int) -> tuple[float, float]:
        """Megabytes of a worker's processes after a tenth of the Events and after all of them."""
        from bench.kinds import NOTHING  # noqa: PLC0415

        self._fill(number, NOTHING)
        early = 0.0
        with process("worker") as worker:
            while (ended := self.events.filter(status="done").count()) < number:
                early = early or (memory(worker.pid) if ended > number / 10 else 0.0)
                time.sleep(0.5)
            return early, memory(worker.pid)


if __name__ == "__main__":
    main()
