"""Many rows of one table at once: COPY on PostgreSQL, one statement for all of them on SQLite.

An INSERT of the ORM asks each field of each row for its default and its form, and makes one text of them all; here rows
go as they are. So every column that has no default in the database is told, JSON as text and moments by `moment`.
Part of the caller's transaction; raises what the ORM would.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Model

Rows = Iterable[Sequence[Any]]


@contextmanager
def at_once() -> Iterator[None]:
    """For some tenths of a second that make many objects and let go of them.

    Python looks for rings among objects whenever there are many more of them; here that takes a third of the time.
    """
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()


@lru_cache(maxsize=256)  # many rows have the same
def moment(at: datetime | None) -> str | None:
    """A point in time as the database takes it in a text."""
    return None if at is None else str(connection.ops.adapt_datetimefield_value(at))


def insert(model: type[Model], columns: Sequence[str], rows: Rows) -> None:
    """Rows that are new."""
    table = model._meta.db_table
    if connection.vendor == "postgresql":
        _copy(table, columns, rows)
        return
    with connection.cursor() as cursor:
        values = ", ".join(["%s"] * len(columns))
        cursor.executemany(f"INSERT INTO {table} ({_listed(columns)}) VALUES ({values})", list(rows))  # noqa: S608


def update(model: type[Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Rows that are there, if any. Their key stands last, the column `id`; None leaves what stands there."""
    table, written = model._meta.db_table, columns[:-1]
    if not rows:
        return
    if connection.vendor == "postgresql":
        _merge(table, columns, rows)
        return
    with connection.cursor() as cursor:
        sets = ", ".join(f"{_quoted(name)} = COALESCE(%s, {_quoted(name)})" for name in written)
        cursor.executemany(f"UPDATE {table} SET {sets} WHERE id = %s", rows)  # noqa: S608 - names only


def among(keys: Sequence[int]) -> tuple[str, Any]:
    """The condition that a column is one of these, and its value: they are sent as one."""
    if connection.vendor == "postgresql":
        return "= ANY(%s)", list(keys)
    return "IN (SELECT value FROM json_each(%s))", json.dumps(keys)


def reserve(model: type[Model], count: int) -> Sequence[int]:
    """As many keys that no other row gets, growing. In a transaction that writes."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            keys = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
            cursor.execute(keys, [table, count])
            return [key for (key,) in cursor.fetchall()]
        # The transaction is the only writer, and the sequence follows the highest key that was inserted.
        cursor.execute("SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = %s", [table])
        (last,) = cursor.fetchone()
    return range(last + 1, last + 1 + count)


def _copy(table: str, columns: Sequence[str], rows: Rows) -> None:
    statement = f"COPY {table} ({_listed(columns)}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _merge(table: str, columns: Sequence[str], rows: Rows) -> None:
    fresh = f"{table}_fresh"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMP TABLE {fresh} ON COMMIT DROP AS SELECT {_listed(columns)} FROM {table} WITH NO DATA"  # noqa: S608
        )
        _copy(fresh, columns, rows)
        sets = ", ".join(f"{name} = COALESCE({fresh}.{name}, {table}.{name})" for name in map(_quoted, columns[:-1]))
        cursor.execute(f"UPDATE {table} SET {sets} FROM {fresh} WHERE {table}.id = {fresh}.id")  # noqa: S608
        cursor.execute(f"DROP TABLE {fresh}")


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(map(_quoted, columns))


def _quoted(name: str) -> str:
    return str(connection.ops.quote_name(name))
