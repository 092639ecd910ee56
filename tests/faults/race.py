"""Producers and workers as real processes on one database, started by test_race.py; prints counts as JSON.

Modes: `race` (arrivals while workers read a vendor whose truth moves on), `stopped` (the same, and a worker is stopped
for longer than its lease) and `twins` (the same vendor event id, posted by several at once). DATABASE_URL says where.
"""

from __future__ import annotations

import http.client
import json
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Event as Flag
from typing import Any

from django.db import connections

from portal import ledger, queue
from portal.models import Customer, Event, Tenant

ARRIVALS, PRODUCERS, WORKERS, POSTS = 20, 2, 3, 50
READ_SECONDS = 0.004
KIND = "race.read"
fork = multiprocessing.get_context("fork")


class Vendor(BaseHTTPRequestHandler):
    """GET and PUT of one number per subject. A read answers what was true when it began."""

    protocol_version = "HTTP/1.1"
    truth: Counter[str] = Counter()
    reads = 0

    def do_PUT(self) -> None:
        Vendor.truth[self.path] = int(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(b"")

    def do_GET(self) -> None:
        value = Vendor.truth[self.path]
        Vendor.reads += 1
        time.sleep(READ_SECONDS * random.uniform(0.5, 3))
        self._answer(str(value).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def ask(port: int, method: str, subject: str, body: str | None = None) -> bytes:
    link = http.client.HTTPConnection("127.0.0.1", port)
    link.request(method, f"/{subject}", body)
    answer = link.getresponse().read()
    link.close()
    return answer


def read(work: Any) -> Any:
    """The handler: reads the vendor, and returns the effect that stores what it said."""
    value = int(ask(work.event.payload["port"], "GET", work.event.subject))
    return partial(store, work.event, value)


def store(event: Any, value: int) -> Any:
    Customer.objects.filter(tenant_id=event.tenant_id, key=event.subject).update(values={"value": value})
    return ledger.done("Read.")


def produce(port: int, tenant_id: int, lane_id: int, subjects: list[str]) -> None:
    changes = subjects * ARRIVALS
    random.shuffle(changes)
    last: Counter[str] = Counter()
    for subject in changes:
        last[subject] += 1
        ask(port, "PUT", subject, str(last[subject]))
        ledger.record(
            tenant_id=tenant_id, lane_id=lane_id, kind=KIND, subject=subject, payload={"port": port}, source="race"
        )


def work_until(stop: Flag) -> None:
    while not stop.is_set():
        queue.drain(seconds=0.5, stop=stop.is_set)


def start(target: Any, *args: Any) -> ForkProcess:
    process = fork.Process(target=target, args=args)
    process.start()
    return process


def is_quiet() -> bool:
    return not Event.objects.filter(status__in=["waiting", "leased"]).exists()


def race(subjects: int, *, with_stop: bool) -> dict[str, Any]:
    tenant = Tenant.objects.create(slug="race", name="Race")
    lane = ledger.lane_id_for(tenant.pk, "vendor", max_running=16)
    names = [f"subject:{number}" for number in range(subjects)]
    Customer.objects.bulk_create([Customer(tenant=tenant, key=name) for name in names])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    server.daemon_threads = True
    port = server.server_address[1]
    connections.close_all()
    stop = fork.Event()
    workers = [start(work_until, stop) for _ in range(WORKERS)]
    producers = [start(produce, port, tenant.pk, lane, names[each::PRODUCERS]) for each in range(PRODUCERS)]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if with_stop:
        for worker in workers[:2]:
            time.sleep(0.5)
            os.kill(int(worker.pid or 0), signal.SIGSTOP)
            time.sleep(2.5)
            os.kill(int(worker.pid or 0), signal.SIGCONT)
    for producer in producers:
        producer.join()
    deadline = time.monotonic() + 60
    while not is_quiet() and time.monotonic() < deadline:
        time.sleep(0.05)
    stop.set()
    for worker in workers:
        worker.join()
    stored = dict(Customer.objects.values_list("key", "values"))
    return {
        "arrivals": subjects * ARRIVALS,
        "reads": Vendor.reads,
        "stale": sum(stored[name].get("value") != Vendor.truth[f"/{name}"] for name in names),
        "lost": sum(Vendor.truth[f"/{name}"] != ARRIVALS for name in names),
        "statuses": dict(Counter(Event.objects.values_list("status", flat=True))),
        "exits": [process.exitcode for process in workers + producers],
    }


def post(tenant_id: int, lane_id: int, begin: Flag) -> None:
    begin.wait()
    for _ in range(POSTS):
        ledger.record(
            tenant_id=tenant_id, lane_id=lane_id, kind=KIND, subject="s", payload={}, source="race", source_id="same"
        )


def twins() -> dict[str, Any]:
    tenant = Tenant.objects.create(slug="race", name="Race")
    lane = ledger.lane_id_for(tenant.pk, "vendor")
    connections.close_all()
    begin = fork.Event()
    posters = [start(post, tenant.pk, lane, begin) for _ in range(PRODUCERS)]
    begin.set()
    for poster in posters:
        poster.join()
    return {
        "repeats": list(Event.objects.values_list("repeats", flat=True)),
        "exits": [poster.exitcode for poster in posters],
    }


def main(mode: str, subjects: int) -> None:
    logging.getLogger().setLevel(logging.WARNING)
    ledger.handles(KIND, f"{__name__}.read", title="Read", coalesces=True)
    counts = twins() if mode == "twins" else race(subjects, with_stop=mode == "stopped")
    sys.stdout.write(json.dumps(counts))
