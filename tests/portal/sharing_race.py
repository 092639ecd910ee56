"""Workers as real processes on two tenants' lanes, started by test_ledger_sharing.py; prints what the vendor saw.

The vendor counts how many calls it has at the same time, and how many in all. DATABASE_URL says where.
"""

from __future__ import annotations

import http.client
import json
import logging
import multiprocessing
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.synchronize import Event as Flag
from typing import Any

from django.db import connections

from portal import ledger, queue
from portal.ledger.limits import charge_call
from portal.models import Event, Tenant

KIND, WORKERS, EACH, SECONDS = "sharing.call", 3, 400, 4.0
CALL_SECONDS = 0.02
fork = multiprocessing.get_context("fork")


class Vendor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lock = threading.Lock()
    running = most = 0
    calls: Counter[str] = Counter()

    def do_GET(self) -> None:
        with Vendor.lock:
            Vendor.running += 1
            Vendor.most = max(Vendor.most, Vendor.running)
            Vendor.calls[self.path] += 1
        time.sleep(CALL_SECONDS)
        with Vendor.lock:
            Vendor.running -= 1
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def call(work: Any) -> Any:
    """The handler: one call of the account."""
    charge_call(work.event.lane_id)
    link = http.client.HTTPConnection("127.0.0.1", work.event.payload["port"])
    link.request("GET", f"/{work.event.tenant_id}")
    link.getresponse().read()
    link.close()
    return ledger.done("Called.")


def work_until(stop: Flag) -> None:
    while not stop.is_set():
        queue.drain(seconds=0.5, stop=stop.is_set)


def main(*, shared: bool, max_running: int, calls_per_minute: int) -> None:
    logging.getLogger().setLevel(logging.WARNING)
    ledger.handles(KIND, f"{__name__}.call", title="Call")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Vendor)
    server.daemon_threads = True
    for slug in ("verdi", "rossi"):
        tenant = Tenant.objects.create(slug=slug, name=slug)
        lane = ledger.lane_id_for(tenant.pk, "licence", max_running, calls_per_minute)
        ledger.prove(lane, {"one" if shared else slug})
        Event.objects.bulk_create(
            Event(tenant=tenant, lane_id=lane, kind=KIND, subject=f"s:{number}", source="race",
                  payload={"port": server.server_address[1]})
            for number in range(EACH)
        )  # fmt: skip
    connections.close_all()
    stop = fork.Event()
    workers = [fork.Process(target=work_until, args=(stop,)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    time.sleep(SECONDS)
    stop.set()
    for worker in workers:
        worker.join()
    counts = {"most": Vendor.most, "calls": sorted(Vendor.calls.values()),
              "statuses": dict(Counter(Event.objects.values_list("status", flat=True))),
              "exits": [worker.exitcode for worker in workers]}  # fmt: skip
    sys.stdout.write(json.dumps(counts))
