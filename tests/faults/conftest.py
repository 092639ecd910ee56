from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.databases import ON_SQLITE, copied_database
from tests.faults.harness import FULL, Site
from tests.faults.worker import database, prepared, worker  # noqa: F401 - fixtures

# CI runs these on PostgreSQL alone; `make faults` on both.
SAME_ON_SQLITE = pytest.mark.skipif(ON_SQLITE and not FULL, reason="the same as on PostgreSQL")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a module that share an installation run one after the other."""
    for item in items:
        if "site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


@contextmanager
def site_on(url: str, folder: Path) -> Iterator[Site]:
    with prepared(url):
        one = Site(folder, url)
        try:
            one.start()
            yield one
        finally:
            one.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any, migrated_database: str) -> Iterator[Site]:
    """One installation for all faults of a module: each leaves it as it was."""
    folder = tmp_path_factory.mktemp("site")
    with (
        copied_database(migrated_database, folder) as url,
        django_db_blocker.unblock(),
        site_on(url, folder) as one,
    ):
        yield one
