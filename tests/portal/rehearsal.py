"""A portal under load for rehearsals of the worst day: web, worker and senders, as processes and threads."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.db import connections

from portal.models import Event, Lane, Tenant
from tests.databases import url_of
from tests.faults.kinds import NOTE, SLOW
from tests.faults.worker import OWN, Database, WorkerProcess, prepared
from tests.live import Server, free_port, web


class Installation:
    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        environment = {**os.environ, "VAR_DIR": str(folder), "DATABASE_URL": database.url}
        self.environment = {
            name: text for name, text in environment.items() if name not in {"SECRET_KEY", "ENCRYPTION_KEYS"}
        }
        self.server = Server(free_port(), self.environment)
        database.tenant = Tenant.objects.using(OWN).get(slug="verdi")
        database.lane = Lane.objects.using(OWN).create(tenant=database.tenant, key="vendor", max_running=16)

    def command(self, *arguments: str, settings_module: str = "portal.settings") -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, "DJANGO_SETTINGS_MODULE": settings_module}
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
        )

    @contextmanager
    def busy(self) -> Iterator[Load]:
        """Web and worker, and somebody who keeps both busy."""
        with web(self.server) as process:
            worker = WorkerProcess(self.database, self.folder)
            load = Load(self)
            try:
                yield load
            finally:
                load.stop()
                worker.clean_up()
                os.killpg(process.pid, signal.SIGKILL)  # the leader alone would leave others serving

    def destroy(self) -> None:
        """Database and keys are gone."""
        shutil.rmtree(self.folder / "keys")
        connections[OWN].close()
        if self.database.url.startswith("sqlite"):
            for path in self.folder.glob("portal.sqlite3*"):
                path.unlink()
            return
        import psycopg  # noqa: PLC0415 - only with PostgreSQL

        name = self.database.url.rsplit("/", 1)[1]
        with psycopg.connect(url_of("postgres"), autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            server.execute(f'CREATE DATABASE "{name}"')

    def undone(self) -> list[Event]:
        """Of the work that only needs this machine."""
        return list(Event.objects.using(OWN).filter(kind__in=[NOTE, SLOW]).exclude(status="done"))


class Load:
    """Webhooks and local work without a pause; knows what was accepted."""

    def __init__(self, installation: Installation) -> None:
        self._installation, self._stopping = installation, threading.Event()
        self.accepted: list[str] = []  # profiles, in the order of their 2xx
        self.refused: list[tuple[int, str]] = []
        self._sender = threading.Thread(target=self._send)
        self._sender.start()

    def keep_on(self, seconds: float) -> None:
        """Work for the worker, of which some takes its time, so that leases are held at any moment."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._installation.database.put(NOTE)
            self._installation.database.put(SLOW, seconds=0.3)
            time.sleep(0.05)

    def stop(self) -> None:
        self._stopping.set()
        self._sender.join(30)

    def _send(self) -> None:
        profile = 1
        while not self._stopping.is_set():
            profile += 1
            with suppress(OSError):
                status, _, body = self._installation.server.post(f'{{"profileId": {profile}}}')
                if status in {200, 208}:
                    self.accepted.append(str(profile))
                else:
                    self.refused.append((status, body.decode()[:200]))
            time.sleep(0.01)


@contextmanager
def installed(folder: Path, url: str) -> Iterator[Installation]:
    with prepared(url) as database:
        yield Installation(folder, database)


def stored_profiles() -> set[str]:
    payloads = Event.objects.using(OWN).filter(kind="actito.profile").values_list("payload", flat=True)
    return {payload["profile"] for payload in payloads}
