"""A PostgreSQL server of a test's own, which it may stop, and whose disk it may fill."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.live import free_port

_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
_OWNER = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def own(folder: Path) -> None:
    """Gives a folder to the user that the server runs as: it refuses to run as root."""
    if _OWNER:
        shutil.chown(folder, "postgres")


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        own(folder)
        self._run("initdb", "--auth=trust", "--username=portal", "--no-sync", "-D", str(folder / "data"))
        self.start()
        self.execute("CREATE DATABASE portal")
        self.url = f"postgres://portal@127.0.0.1:{self.port}/portal"

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        self._run(
            "pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", str(self.folder / "log"), "-o", options, "start"
        )

    def stop(self) -> None:
        """As after a crash: nothing is flushed, no connection is closed properly."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")

    def execute(self, statement: str, database: str = "postgres") -> None:
        url = f"postgres://portal@127.0.0.1:{self.port}/{database}"
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(statement.encode())

    def _run(self, name: str, *arguments: str) -> None:
        command = [*_OWNER, str(_BINARIES[-1] / name), *arguments]
        quiet = subprocess.DEVNULL  # the server inherits what it is given, and would keep a pipe open
        ended = subprocess.run(command, cwd="/", stdin=quiet, stdout=quiet, stderr=quiet, check=False)
        assert ended.returncode == 0, command


@contextlib.contextmanager
def own_cluster() -> Iterator[Cluster]:
    if not _BINARIES:
        pytest.skip("PostgreSQL's server programs are not installed here")
    folder = Path(tempfile.mkdtemp(prefix="portal-cluster-"))
    cluster = Cluster(folder)
    try:
        yield cluster
    finally:
        with contextlib.suppress(AssertionError):
            cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
