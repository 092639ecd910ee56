"""Commits that need not wait for the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


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


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
