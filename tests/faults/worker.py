"""A running `manage.py worker`, its processes, and the database it works on."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import environ
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.db.models import QuerySet

from portal.models import Event, Lane, Tenant
from tests.faults.kinds import NOTE

OWN = "own"
START_SECONDS = 20
SHORT = {
    "HEART_SECONDS": "0.2",
    "HEART_LIMIT_SECONDS": "2",
    "LEASE_SECONDS": "3",
    "DRAIN_SECONDS": "2",
    "WORKER_PROCESSES": "2",
    "WORKER_THREADS": "4",
}


def wait_until(true: Callable[[], Any], seconds: float, what: str) -> float:
    """How long it took. Fails when it takes longer."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began


def processes(group: int) -> dict[int, int]:
    """Process id -> parent's, of the processes of a group that are not zombies."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent, its_group, *_ = stat.read_text().rsplit(")", 1)[1].split()
            if int(its_group) == group and state != "Z":
                found[int(stat.parent.name)] = int(parent)
    return found


class Database:
    """The worker's database, as the test sees it: under an alias of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        connections.settings[OWN] = {**settings.DATABASES["default"], **environ.Env.db_url_config(url)}
        connections.configure_settings(connections.settings)

    def migrate(self) -> None:
        call_command("migrate", database=OWN, verbosity=0)

    def use(self, slug: str) -> None:
        """Puts Events of a tenant that is there already."""
        self.tenant = Tenant.objects.using(OWN).get(slug=slug)
        self.lane = Lane.objects.using(OWN).create(tenant=self.tenant, key="vendor", max_running=16)

    def prepare(self) -> None:
        self.tenant = Tenant.objects.using(OWN).create(slug="verdi", name="Verdi")
        self.lane = Lane.objects.using(OWN).create(tenant=self.tenant, key="vendor", max_running=16)

    def put(self, kind: str = NOTE, subject: str = "", **payload: Any) -> Event:
        subject = subject or f"s:{time.monotonic_ns()}"
        rows = Event.objects.using(OWN)
        return rows.create(tenant=self.tenant, lane=self.lane, kind=kind, subject=subject, source="t", payload=payload)

    def events(self) -> QuerySet[Event]:
        return Event.objects.using(OWN)

    def status(self, event: Event) -> str:
        return self.events().get(pk=event.pk).status

    def serve_one(self, within: float) -> float:
        """Puts an Event and waits until it is done."""
        event = self.put()
        return wait_until(lambda: self.status(event) == "done", within, "an event is served")


class WorkerProcess:
    def __init__(
        self,
        database: Database,
        folder: Path,
        environment: dict[str, str] | None = None,
        name: str = "worker",
        settings_module: str = "tests.faults.settings",
    ) -> None:
        self.log_file = folder / f"{name}.log"
        own = {
            **{name: text for name, text in os.environ.items() if not name.startswith("PORTAL_")},
            **SHORT,
            "DATABASE_URL": database.url,
            "VAR_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": settings_module,
            "TMPDIR": str(folder),
        }
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "worker"],
                cwd=settings.BASE_DIR,
                env=environment or own,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self) -> str:
        return self.log_file.read_text()

    def groups(self) -> list[int]:
        """The process groups of the clusters started so far."""
        return [int(pid) for pid in re.findall(r"cluster=started pid=(\d+)", self.log())]

    def members(self) -> tuple[int, list[int]]:
        """The present cluster's leader, and the children of its sentinel in their order: workers, monitor, pusher."""
        leader = self.groups()[-1]
        tree = processes(leader)
        (sentinel,) = [pid for pid, parent in tree.items() if parent == leader]
        return leader, sorted(pid for pid, parent in tree.items() if parent == sentinel)

    def stop(self, within: float = 20) -> float:
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(within) == 0
        return time.monotonic() - began

    def send(self, number: signal.Signals) -> None:
        """To the supervisor and all of its processes."""
        for pid in (self.process.pid, *processes(self.groups()[-1])):
            os.kill(pid, number)

    def clean_up(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        for group in self.groups():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)


@contextlib.contextmanager
def prepared(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        connections[OWN].close()
        del connections[OWN]
        del connections.settings[OWN]


@pytest.fixture
def database(own_database: str, django_db_blocker: Any) -> Iterator[Database]:
    """A worker's database with its tables, a tenant and a lane."""
    with django_db_blocker.unblock(), prepared(own_database) as found:
        found.prepare()
        yield found


@pytest.fixture
def worker(database: Database, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker on that database that serves."""
    started = WorkerProcess(database, tmp_path)
    try:
        database.serve_one(START_SECONDS)
        yield started
    finally:
        started.clean_up()
