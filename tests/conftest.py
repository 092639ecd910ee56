from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from portal.caching import BriefCache
from tests.databases import drop_postgresql_database, new_postgresql_database
from tests.portal.admin_world import World, client_of, make_world


def pytest_configure() -> None:
    # Each test client builds the middleware anew, and WhiteNoise would read every static file's facts each time.
    # Tests of what browsers load start a real server.
    settings.WHITENOISE_USE_FINDERS = False


@pytest.fixture(autouse=True)
def _fresh_caches() -> None:
    """What a process keeps for seconds must not pass from one test to the next."""
    for cache in BriefCache.instances:
        cache.clear()


@pytest.fixture
def own_database(tmp_path: Path) -> Iterator[str]:
    """The URL of a database for real processes: a file, or a new database on the server that the suite uses."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        yield f"sqlite:///{tmp_path / 'portal.sqlite3'}"
        return
    url = new_postgresql_database("test")
    yield url
    drop_postgresql_database(url)


@pytest.fixture
def world() -> World:
    """A tenant with everything in it."""
    return make_world("Verdi")


@pytest.fixture
def owner(world: World) -> Client:
    """The browser of its owner."""
    return client_of(world.owner)
