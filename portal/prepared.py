"""For the few statements that run all day and are written out: PostgreSQL plans them once per connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import InterfaceError, OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model

M = TypeVar("M", bound=Model)


def prepared_cursor(*, checked: bool = True) -> CursorWrapper:
    """Planning these statements takes longer than doing them. Django's own cursor puts values into the text of a
    statement, so that each would be a new one; this one sends them beside it. On SQLite it is the usual cursor, whose
    statements are kept anyway. Unless `checked`, the connection is not asked first whether it still stands.
    """
    if connection.vendor != "postgresql":
        return connection.cursor()
    from django.db.backends.postgresql.base import ServerBindingCursor  # noqa: PLC0415 - psycopg may be missing

    if checked:
        connection.close_if_health_check_failed()
    connection.ensure_connection()
    cursor: Any = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]
    return connection.make_debug_cursor(cursor) if connection.queries_logged else connection.make_cursor(cursor)


def stored_values(model: type[Model], row: Mapping[str, Any]) -> list[Any]:
    """The values of a model's columns, as the database takes them."""
    fields: Any = model._meta
    return [fields.get_field(name).get_db_prep_save(value, connection) for name, value in row.items()]


class Lookup(Generic[M]):
    """Reads the row that has a value in one column, and no other columns than those that are named."""

    def __init__(self, model: type[M], by: str, names: Sequence[str]) -> None:
        fields: Any = model._meta
        self._model, self._by = model, fields.get_field(by)
        # In the model's order, as from_db() wants them.
        self._fields = [field for field in fields.concrete_fields if field.name in names]
        self._names = [field.attname for field in self._fields]

    def find(self, value: Any) -> M | None:
        row = self._row(value)
        if row is None:
            return None
        values = list(row)
        for place, column, convert in self._conversions:
            values[place] = convert(values[place], column, connection)
        return self._model.from_db(connection.alias, self._names, values)

    def _row(self, value: Any) -> tuple[Any, ...] | None:
        """Reading twice harms nobody, so a connection that broke meanwhile shows by itself: no question before it."""
        try:
            row = self._asked(value)
        except (InterfaceError, OperationalError):
            if connection.in_atomic_block:
                raise
            connection.close()
            row = self._asked(value)
        connection.health_check_done = True  # type: ignore[attr-defined]  # of the wrapper that is behind it
        return row

    def _asked(self, value: Any) -> tuple[Any, ...] | None:
        with prepared_cursor(checked=False) as cursor:
            cursor.execute(self._statement, [self._by.get_db_prep_value(value, connection)])
            found: tuple[Any, ...] | None = cursor.fetchone()
        return found

    @cached_property
    def _statement(self) -> str:
        quoted = connection.ops.quote_name
        columns = ", ".join(quoted(field.column) for field in self._fields)
        return f"SELECT {columns} FROM {quoted(self._model._meta.db_table)} WHERE {quoted(self._by.column)} = %s"  # noqa: S608

    @cached_property
    def _conversions(self) -> list[tuple[int, Any, Any]]:
        """What makes Python's values of the database's: the place in the row, the column, and the function."""
        columns = [field.cached_col for field in self._fields]
        return [
            (place, column, convert)
            for place, column in enumerate(columns)
            for convert in (*connection.ops.get_db_converters(column), *column.get_db_converters(connection))
        ]
