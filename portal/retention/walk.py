"""Walking the ledger by its primary key: no index leads to old rows, but keys grow with time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from portal.models import Event

FINISHED = (Event.Status.DONE, Event.Status.IGNORED, Event.Status.MERGED)
OPEN = (Event.Status.WAITING, Event.Status.LEASED, Event.Status.FAILED, Event.Status.UNCERTAIN)


def first_since(before: datetime) -> int:
    """The smallest key of an Event that came at `before` or later; one beyond the last when there is none."""
    keys = Event.objects.values_list("pk", flat=True)
    # One after the other: SQLite reads the whole table for both at once.
    low, high = keys.order_by("pk").first() or 1, (keys.order_by("-pk").first() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        # Keys have gaps: the next row there is speaks for the middle.
        found = Event.objects.filter(pk__gte=middle).order_by("pk").values_list("pk", "created_at").first()
        if found is None or found[1] >= before:
            high = middle
        else:
            low = int(found[0]) + 1
    return low


def ended_before(events: Iterable[Event], before: datetime) -> list[Event]:
    """Those that ended, and long enough ago: what was replayed lately begins its time anew."""
    return [event for event in events if event.status in FINISHED and event.finished_at and event.finished_at < before]


def unfinished_chains(chains: Collection[UUID], before: datetime) -> set[UUID]:
    """Those of the chains in which something waits, runs, has to be decided or ended too lately."""
    if not chains:
        return set()
    unfinished = Q(status__in=OPEN) | Q(finished_at=None) | Q(finished_at__gte=before)
    found = Event.objects.filter(unfinished, correlation_id__in=chains).order_by()
    return set(found.values_list("correlation_id", flat=True))
