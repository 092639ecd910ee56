"""Where a benchmark runs: a folder and databases of its own, gone when it ends."""

from __future__ import annotations

import os
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django
import psycopg


@dataclass(frozen=True)
class Place:
    folder: Path
    urls: list[str]  # of the databases; none on SQLite


@contextmanager
def place(databases: int = 1, **environment: str) -> Iterator[Place]:
    """Sets Django up in it, with the first of new databases on DATABASE_URL's server, or with SQLite in the folder."""
    with tempfile.TemporaryDirectory(prefix="bench_") as folder, _new_databases(databases) as urls:
        os.environ.update({"DJANGO_SETTINGS_MODULE": "portal.settings", "VAR_DIR": folder, **environment})
        if urls:
            os.environ["DATABASE_URL"] = urls[0]
        django.setup()
        yield Place(Path(folder), urls)


def need_postgresql(bench: str) -> None:
    """Ends the process, without an error, where DATABASE_URL names no PostgreSQL."""
    if not _server():
        print(f"{bench} needs PostgreSQL: DATABASE_URL=postgres://user@host/database python -m {bench}")
        sys.exit(0)


def _server() -> str:
    """The address of the PostgreSQL server, without a database."""
    url = os.environ.get("DATABASE_URL", "")
    return url.rsplit("/", 1)[0] if url.startswith("postgres") else ""


@contextmanager
def _new_databases(count: int) -> Iterator[list[str]]:
    server = _server()
    names = [f"bench_{uuid.uuid4().hex[:8]}" for _ in range(count)] if server else []
    try:
        for name in names:
            _run(server, f"CREATE DATABASE {name}")
        yield [f"{server}/{name}" for name in names]
    finally:
        for name in names:
            _run(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _run(server: str, statement: str) -> None:
    with psycopg.connect(f"{server}/postgres", autocommit=True) as link:
        link.execute(statement)
