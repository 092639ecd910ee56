"""A full disk while webhooks come in: 503, never a 2xx for what is not stored; with room again, work goes on."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.faults.cluster import own, own_cluster
from tests.faults.conftest import ON_SQLITE, site_on
from tests.faults.harness import OUTAGE_SECONDS, Site, prove
from tests.faults.worker import wait_until

pytestmark = pytest.mark.slow


class Disk:
    """A small disk that holds the tables; PostgreSQL's log is elsewhere, as it should be."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._filler = folder, folder / "filler"

    def fill(self) -> None:
        # Without a buffer: what is left in one when the disk is full would be written, and refused, on closing.
        with self._filler.open("wb", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(bytes(65536))

    def free(self) -> None:
        self._filler.unlink()


@pytest.fixture(scope="module")
def disk() -> Iterator[Disk]:
    folder = Path(tempfile.mkdtemp(prefix="portal-disk-"))  # where PostgreSQL's own user can go
    folder.chmod(0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200m,mode=0777", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip("a small disk cannot be mounted here")
    yield Disk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


@pytest.fixture(scope="module")
def site(disk: Disk, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any) -> Iterator[Site]:
    with django_db_blocker.unblock():
        if ON_SQLITE:
            with site_on(f"sqlite:///{disk.folder / 'portal.sqlite3'}", tmp_path_factory.mktemp("site")) as one:
                yield one
            return
        with own_cluster() as cluster:
            tables = disk.folder / "tables"
            tables.mkdir()
            own(tables)
            cluster.execute(f"CREATE TABLESPACE small LOCATION '{tables}'")
            cluster.execute("ALTER DATABASE portal SET TABLESPACE small")
            with site_on(cluster.url, tmp_path_factory.mktemp("site")) as one:
                yield one


def test_a_full_disk_refuses_and_loses_nothing(site: Site, disk: Disk) -> None:
    with site.load("full", per_second=60) as load:
        disk.fill()
        wait_until(lambda: load.answers[503], 60, "the disk is full")
        time.sleep(OUTAGE_SECONDS)
        disk.free()
        load.mark()
    prove(site, load, f"Disk full for {OUTAGE_SECONDS:g} s")
