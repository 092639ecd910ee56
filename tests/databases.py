"""Databases of their own for tests that start real processes."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from django.conf import settings

ON_SQLITE = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")


def url_of(name: str) -> str:
    """The DATABASE_URL of a database on the PostgreSQL server that the suite uses."""
    server = settings.DATABASES["default"]
    user, password = quote(server["USER"] or ""), quote(server["PASSWORD"] or "")
    return f"postgres://{user}{':' if password else ''}{password}@{server['HOST']}:{server['PORT'] or 5432}/{name}"


def new_postgresql_database(purpose: str, template: str = "") -> str:
    """Makes a database, empty or a copy of the one with the URL `template`, and returns its URL."""
    name = f"portal_{purpose}_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(url_of("postgres"), autocommit=True) as server:
        like = f' TEMPLATE "{template.rsplit("/", 1)[1]}"' if template else ""
        server.execute(f'CREATE DATABASE "{name}"{like}')
    return url_of(name)


@contextmanager
def copied_database(url: str, folder: Path) -> Iterator[str]:
    """A copy, by its URL; on SQLite in the folder."""
    if ON_SQLITE:
        copy = folder / "portal.sqlite3"
        shutil.copy(url.removeprefix("sqlite:///"), copy)
        yield f"sqlite:///{copy}"
        return
    made = new_postgresql_database("copy", template=url)
    yield made
    drop_postgresql_database(made)


def drop_postgresql_database(url: str) -> None:
    with psycopg.connect(url_of("postgres"), autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{url.rsplit("/", 1)[1]}" WITH (FORCE)')
