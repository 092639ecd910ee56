"""Events by what they are, in one query: what a day's numbers and today's are made of."""

from __future__ import annotations

from collections import Counter

from django.db.models import BooleanField, Case, Count, Q, QuerySet, Value, When

from portal.daily.registry import Tally
from portal.models import Event

OURS = "portal"  # the source of what nobody sent


def tally(events: QuerySet[Event]) -> Tally:
    began_outside = Case(
        When(Q(parent=None) & ~Q(source=OURS), then=Value(True)), default=Value(False), output_field=BooleanField()
    )
    rows = events.order_by().annotate(outside=began_outside).values_list("kind", "status", "outside")
    return Counter({(kind, status, outside): number for kind, status, outside, number in rows.annotate(n=Count("pk"))})
