"""A cursor for the few statements that run all day, which PostgreSQL plans once per connection."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper


def prepared_cursor() -> CursorWrapper:
    """Planning these statements takes longer than doing them. Django's own cursor puts values into the text of a
    statement, so that each would be a new one; this one sends them beside it. On SQLite it is the usual cursor, whose
    statements are kept anyway.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    from django.db.backends.postgresql.base import ServerBindingCursor  # noqa: PLC0415 - psycopg may be missing

    connection.close_if_health_check_failed()
    connection.ensure_connection()
    cursor: Any = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)
