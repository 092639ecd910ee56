"""Commits that need not wait for the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from portal.prepared import prepared_cursor


@contextmanager
def unhurried() -> Iterator[None]:
    """A transaction whose commit does not wait for the disk: for what would only be done or noted again.

    A killed process loses nothing of it. A power cut may take the last half second; any later commit that does wait
    takes all earlier ones to the disk with it, on both databases, so nothing is lost from the middle.
    https://www.postgresql.org/docs/current/wal-async-commit.html https://www.sqlite.org/pragma.html#pragma_synchronous
    """
    eases = connection.vendor == "sqlite" and not connection.in_atomic_block  # it takes no such word in a transaction
    if eases:
        _execute("PRAGMA synchronous = NORMAL")
    try:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                _execute("SET LOCAL synchronous_commit = off")
            yield
    finally:
        if eases:
            _execute("PRAGMA synchronous = FULL")


def write_unhurried(statement: str, values: Sequence[Any]) -> Any:
    """Runs one INSERT or UPDATE that is RETURNING something like `unhurried` would; returns its row,
    None when there was none.

    PostgreSQL gets it in one message in place of four: what eases its commit stands among what it returns, and holds
    for the transaction, which this statement is.
    """
    if connection.vendor == "postgresql":
        with prepared_cursor() as cursor:
            cursor.execute(f"{statement}, set_config('synchronous_commit', 'off', true)", values)
            row = cursor.fetchone()
            return row and row[:-1]
    with unhurried(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
