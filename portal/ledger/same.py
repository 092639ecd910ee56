"""Other Events of the same kind and subject in one status."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from portal.models import Event

_EVENT = Event._meta.db_table
# By subject alone: the LIMIT, which is beyond any subject's Events, keeps databases from asking for the status first.
# After a quiet time PostgreSQL's statistics say that nothing ever waits, and it would read all that does.
_SAME = """
    SELECT same.id FROM (
        SELECT id, kind, status FROM {table}
        WHERE tenant_id = {tenant} AND subject = {subject} ORDER BY id DESC LIMIT 1000000000
    ) same WHERE same.kind = {kind} AND same.status = %s"""
_OF_ONE = _SAME.format(table=_EVENT, tenant="%s", subject="%s", kind="%s")
_OF_MANY = _SAME.format(table=_EVENT, tenant="asked.tenant", subject="asked.subject", kind="asked.kind")


def of_subject(event: Event, status: str) -> QuerySet[Event]:
    """The Events of this one's kind and subject that have the status."""
    values = (event.tenant_id, event.subject, event.kind, status)
    found = Event.objects.filter(pk__in=RawSQL(_OF_ONE, values))  # noqa: S611 - values are bound
    # Asked of the row again, which may have changed since; `contains`, because no index answers that.
    return found.filter(status__contains=status)


def covering(events: Iterable[Event], status: str) -> list[Event]:
    """Those of the Events of whose kind and subject there are others in the status: one statement for all."""
    asked = {event.pk: event for event in events}
    if not asked:
        return []
    rows = ", ".join(["(%s, %s, %s, %s)"] * len(asked))
    values = [value for event in asked.values() for value in (event.pk, event.tenant_id, event.subject, event.kind)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH asked (id, tenant, subject, kind) AS (VALUES {rows}) "  # noqa: S608 - names only, no values
            f"SELECT asked.id FROM asked WHERE EXISTS ({_OF_MANY})",
            [*values, status],
        )
        return [asked[event_id] for (event_id,) in cursor.fetchall()]
