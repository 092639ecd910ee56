"""For the few statements that run all day and are written out: PostgreSQL plans them once per connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model


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


def stored_values(model: type[Model], row: Mapping[str, Any]) -> list[Any]:
    """The values of a model's columns, as the database takes them."""
    fields: Any = model._meta
    return [fields.get_field(name).get_db_prep_save(value, connection) for name, value in row.items()]
