"""Row locks that wait for nobody."""

from __future__ import annotations

from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


def unheld(rows: QuerySet[M]) -> QuerySet[M]:
    """Those of the rows that nobody holds, locked until the transaction ends. On SQLite, which has one writer, all."""
    if not connection.features.has_select_for_update_skip_locked:
        return rows
    return rows.select_for_update(skip_locked=True)
