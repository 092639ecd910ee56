"""One installation as real processes, a load of numbered webhooks on it, and the count of what became of each.

An id counts once its webhook was answered with 2xx. FAULTS=full takes the product's own times instead of short ones.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections

from portal.models import Event
from tests.faults.kinds import EFFECT
from tests.faults.vendor import Vendor
from tests.faults.worker import OWN, Database, WorkerProcess, processes, wait_until
from tests.live import GRANIAN, free_port

FULL = os.environ.get("FAULTS") == "full"
TIMES = (
    {"HEART_SECONDS": "2", "HEART_LIMIT_SECONDS": "10", "LEASE_SECONDS": "50", "DRAIN_SECONDS": "8"}
    if FULL
    else {"HEART_SECONDS": "0.5", "HEART_LIMIT_SECONDS": "3", "LEASE_SECONDS": "3", "DRAIN_SECONDS": "2"}
)
OUTAGE_SECONDS = 10.0 if FULL else 3.0
READ_SECONDS = 30.0 if FULL else 2.0
LOAD_SECONDS = 12.0 if FULL else 3.0  # how long the load goes on after a fault
# A killed run is tried again after its lease and five seconds.
SETTLE_SECONDS = 150 if FULL else 40
FLOW_SECONDS = 20.0
LISTENER = "/api/verdi/webhooks/listeners/actito"
SETUP = """
from portal.models import Lane
from tests.world import make_speaker
print(make_speaker().secret)
Lane.objects.update(calls_per_minute=0, max_running=4)
"""


@dataclass
class Tally:
    """What became of the accepted ids. `seconds`: the longest pause after the fault without any run."""

    accepted: int
    lost: int
    effects_doubled: int
    executions_doubled: int
    seconds: float | None = None

    def tell(self, fault: str) -> None:
        """Prints its line of the table, and adds it to the file FAULTS_TABLE."""
        columns = (fault, self.accepted, self.lost, self.effects_doubled, self.executions_doubled)
        line = f"| {' | '.join(map(str, columns))} | {'–' if self.seconds is None else f'{self.seconds:.1f}'} |\n"
        sys.stdout.write(line)
        if "FAULTS_TABLE" in os.environ:
            with Path(os.environ["FAULTS_TABLE"]).open("a", encoding="utf-8") as table:
                table.write(line)


class Site:
    """Web server, worker, vendor and database of one installation."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder, self.database = folder, Database(database_url)
        self.vendor = Vendor()
        self.clock = folder / "clock"
        self.clock.write_text("0")
        self.environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith("PORTAL_")},
            **TIMES,
            "DATABASE_URL": database_url,
            "VAR_DIR": str(folder),
            "TMPDIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "WORKER_PROCESSES": "2",
            "WORKER_THREADS": "4",
            "GRANIAN_WORKERS": "2",
            "GRANIAN_BLOCKING_THREADS": "4",
            "GRANIAN_RESPAWN_FAILED_WORKERS": "true",
            "FAULT_VENDOR": self.vendor.url,
            "FAULT_READ_SECONDS": str(READ_SECONDS),
            "FAULT_CLOCK": str(self.clock),
        }
        self.database.migrate()
        self.secret = self.shell(SETUP)
        self.port = free_port()
        self.web: subprocess.Popen[bytes] | None = None
        self.worker: WorkerProcess | None = None

    def start(self) -> None:
        self.start_web()
        self.start_worker()
        self.database.use(slug="verdi")
        wait_until(lambda: self.answers("start"), 20, "the web server answers")
        wait_until(lambda: self.vendor.seen["start"], 20, "the worker works")

    def start_web(self) -> None:
        command = [*GRANIAN, "--port", str(self.port), "portal.wsgi:application"]
        with (self.folder / "web.log").open("ab") as log:
            self.web = subprocess.Popen(
                command, env=self.environment, cwd=settings.BASE_DIR, stdout=log, stderr=log, start_new_session=True
            )

    def start_worker(self) -> None:
        self.worker = WorkerProcess(self.database, self.folder, self.environment)

    def close(self) -> None:
        self.vendor.fault = None
        if self.worker:
            self.worker.clean_up()
        if self.web:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.web.pid, signal.SIGKILL)
            self.web.wait()
        self.vendor.close()

    def shell(self, script: str, **environment: str) -> str:
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", script]
        ended = subprocess.run(
            command, env={**self.environment, **environment}, cwd=settings.BASE_DIR, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def post(self, event: str, profile: int, operation: str = "profile/Update", line: Any = None) -> int:
        """The answer's status. Raises OSError or HTTPException where none came."""
        link = line or http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = json.dumps({"id": event, "data": {"profileId": profile}})
        headers = {"X-API-KEY": self.secret, "Content-Type": "application/json"}
        try:
            link.request("POST", f"{LISTENER}/{operation}", body, headers)
            answer = link.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            link.close()
            raise
        if line is None:
            link.close()
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0
        return int(answer.status)

    def answers(self, event: str) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.post(event, 1) in {200, 208}
        return False

    def web_workers(self) -> list[int]:
        assert self.web
        return [pid for pid, parent in processes(self.web.pid).items() if parent == self.web.pid]

    def is_quiet(self) -> bool:
        try:
            return not self.database.events().filter(status__in=["waiting", "leased"]).exists()
        except DatabaseError:
            connections[OWN].close()
            return False

    @contextlib.contextmanager
    def load(self, name: str, *, per_second: float = 40, senders: int = 4) -> Iterator[Load]:
        """Goes on for LOAD_SECONDS after the block."""
        load = Load(self, name, per_second / senders)
        threads = [threading.Thread(target=load.run, args=(number,)) for number in range(senders)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(1)
            yield load
            time.sleep(LOAD_SECONDS)
        finally:
            self.vendor.fault = None
            load.ended.set()
            for thread in threads:
                thread.join()

    def settle(self, load: Load) -> Tally:
        """Waits until all work is done, and counts."""
        wait_until(self.is_quiet, SETTLE_SECONDS, "all work is done")
        ended = {
            event.source_id.rpartition(":")[2]: event.status
            for event in self.database.events().filter(source_id__contains=f":{load.name}-")
        }
        effects = Counter(
            effect.payload["id"]
            for effect in self.database.events().filter(kind=EFFECT, payload__id__startswith=f"{load.name}-")
        )
        lost = [each for each in load.accepted if not load.is_kept(each, ended.get(each), effects[each])]
        acted = [each for each, count in self.vendor.acted.items() if count > 1 and each.startswith(f"{load.name}-")]
        runs = [self.vendor.seen[each] for each in load.accepted if self.vendor.seen[each]]
        assert not lost, [(each, ended.get(each), effects[each]) for each in lost[:5]]
        return Tally(
            accepted=len(load.accepted),
            lost=len(lost),
            effects_doubled=sum(count > 1 for count in effects.values()) + len(acted),
            executions_doubled=sum(len(times) > 1 for times in runs),
            seconds=load.longest_pause(),
        )


class Load:
    """Posts ids `name-1`, `name-2`, …; every tenth is an act that must not be repeated, every third has no effects."""

    def __init__(self, site: Site, name: str, per_second: float) -> None:
        self.site, self.name = site, name
        self.accepted: dict[str, float] = {}
        self.operations: dict[str, str] = {}
        self.answers: Counter[int | str] = Counter()
        self.back_at = 0.0
        self.ended = threading.Event()
        self._pause = 1 / per_second
        self._numbers = iter(range(1, 1_000_000))

    def run(self, sender: int) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=30)
        while not self.ended.wait(self._pause):
            number = next(self._numbers)
            event = f"{self.name}-{number}"
            self.operations[event] = self._operation(number)
            try:
                answered: int | str = self.site.post(event, self._subject(number), self.operations[event], line)
            except (OSError, http.client.HTTPException) as error:
                answered = type(error).__name__
            self.answers[answered] += 1
            if answered in {200, 208}:
                self.accepted[event] = time.monotonic()
        line.close()

    def _operation(self, number: int) -> str:
        if number % 10 == 0:
            return "custom-actions/updatePass"
        return "profile/Create" if number % 3 == 0 else "profile/Update"

    def _subject(self, number: int) -> int:
        return hash(self.name) % 10**9 * 10**6 + number

    def mark(self) -> None:
        """The fault is over: from here on, work should flow."""
        self.back_at = time.monotonic()

    def is_kept(self, event: str, status: str | None, effects: int) -> bool:
        """Uncertain is the promised end of an act that was cut short."""
        operation = self.operations[event]
        if operation.startswith("custom") and status == Event.Status.UNCERTAIN:
            return True
        return status == Event.Status.DONE and (effects > 0 or operation == "profile/Create")

    def longest_pause(self) -> float:
        """The longest time after the fault in which no accepted id was run for the first time, until the load's end."""
        seen = self.site.vendor.seen
        runs = sorted(min(seen[event]) for event in self.accepted if seen[event])
        moments = [self.back_at, *(moment for moment in runs if moment > self.back_at)]
        return max((after - before for before, after in pairwise(moments)), default=float("inf"))


def prove(site: Site, load: Load, fault: str, *, retried: bool = False) -> Tally:
    """The promises after a fault, and its line in the table. `retried`: calls failed, so many are made again."""
    tally = site.settle(load)
    tally.tell(fault)
    assert tally.accepted > 0
    assert (tally.lost, tally.effects_doubled) == (0, 0)
    assert retried or tally.executions_doubled <= max(10, tally.accepted // 20)
    assert load.longest_pause() <= FLOW_SECONDS
    assert {answer for answer in load.answers if isinstance(answer, int)} <= {200, 208, 503}
    return tally
