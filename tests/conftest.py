from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from portal.caching import BriefCache
from tests.databases import ON_SQLITE, copied_database, drop_postgresql_database, new_postgresql_database
from tests.portal.admin_world import World, client_of, make_world


def pytest_configure() -> None:
    # Each test client builds the middleware anew, and WhiteNoise would read every static file's facts each time.
    # Tests of what browsers load start a real server.
    settings.WHITENOISE_USE_FINDERS = False
    # In the background of a shell it is ignored, and would be in all processes that tests stop with it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database-only",
        action="store_true",
        help="leave out the tests that ask no database: on another they are the same",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("database_only"):
        config.hook.pytest_deselected(items=[item for item in items if not _asks_database(item)])
        items[:] = [item for item in items if _asks_database(item)]
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


_DATABASES = {"db", "transactional_db", "empty_database", "migrated_database", "django_db_setup"}


def _asks_database(item: pytest.Item) -> bool:
    """What is slow starts processes, which have a database of their own."""
    asked = _DATABASES & set(getattr(item, "fixturenames", ()))
    return bool(asked) or any(item.get_closest_marker(name) for name in ("django_db", "slow"))


@pytest.fixture(autouse=True)
def _fresh_process() -> None:
    """What a process keeps for seconds, or a thread for its next request, must not pass from one test to the next."""
    for cache in BriefCache.instances:
        cache.clear()
    translation.deactivate()


@pytest.fixture
def empty_database(tmp_path: Path) -> Iterator[str]:
    """The URL of a database for real processes, without tables: a file, or one on the server that the suite uses."""
    if ON_SQLITE:
        yield f"sqlite:///{tmp_path / 'portal.sqlite3'}"
        return
    url = new_postgresql_database("test")
    yield url
    drop_postgresql_database(url)


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The one that all others are copied from: migrations take seconds."""
    folder = tmp_path_factory.mktemp("migrated")
    url = f"sqlite:///{folder / 'portal.sqlite3'}" if ON_SQLITE else new_postgresql_database("migrated")
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v", "0"],
        env={**os.environ, "VAR_DIR": str(folder), "DATABASE_URL": url},
        cwd=settings.BASE_DIR,
        check=True,
    )
    yield url
    if not ON_SQLITE:
        drop_postgresql_database(url)


@pytest.fixture
def own_database(tmp_path: Path, migrated_database: str) -> Iterator[str]:
    """Like `empty_database`, with its tables."""
    with copied_database(migrated_database, tmp_path) as url:
        yield url


@pytest.fixture
def world() -> World:
    """A tenant with everything in it."""
    return make_world("Verdi")


@pytest.fixture
def owner(world: World) -> Client:
    """The browser of its owner."""
    return client_of(world.owner)
