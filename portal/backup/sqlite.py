"""SQLite's online backup: one moment's picture, page by page, while others read and write."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from django.db import connection

FILE = "database.sqlite3"
_WAIT_SECONDS = 20


def dump(path: Path) -> None:
    with closing(_open(_own())) as source, closing(_open(path)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        copy.execute("DELETE FROM django_q_ormq")  # rows of processes that will be gone
        copy.execute("DELETE FROM portal_heart")
        copy.commit()


def load(path: Path) -> None:
    """Replaces the whole content in one transaction of the present file."""
    connection.close()
    with closing(_open(path)) as source, closing(_open(_own())) as present:
        source.backup(present)
        present.execute("PRAGMA journal_mode=WAL")


def _own() -> Path:
    return Path(connection.settings_dict["NAME"])


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_WAIT_SECONDS)
