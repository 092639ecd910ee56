"""Walking the ledger by its primary key: no index leads to old rows, but keys grow with time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from portal.models import Event
from portal.retention.registry import Step, Window

_SEEN = ("pk", "tenant_id", "kind", "status", "correlation_id", "created_at", "finished_at")

Events = list[Event]


def first_since(before: datetime, rows: QuerySet[Any] | None = None, at: str = "created_at") -> int:
    """The smallest key of a row that came at `before` or later; one beyond the last when there is none.

    `rows`: Events, unless others are given whose keys grow with the moment that stands in `at`.
    """
    rows = Event.objects.all() if rows is None else rows
    keys = rows.values_list("pk", flat=True)
    # One after the other: SQLite reads the whole table for both at once.
    low, high = keys.order_by("pk").first() or 1, (keys.order_by("-pk").first() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        # Keys have gaps: the next row there is speaks for the middle.
        found = rows.filter(pk__gte=middle).order_by("pk").values_list("pk", at).first()
        if found is None or found[1] >= before:
            high = middle
        else:
            low = int(found[0]) + 1
    return low


def walk(window: Window, remove: Callable[[Events], set[int]], worth: Callable[[Events], Events] = list) -> Step | None:
    """One batch: removes of the window's first rows what is old and belongs to no unfinished chain, or only counts it.

    `worth`: those of old Events that there is something to remove of, where it is not all of them. `remove` returns the
    keys of those of which it was removed: what somebody else holds right now stays for the next run.
    """
    rows = Event.objects.filter(pk__gt=window.after, pk__lt=window.below).order_by("pk")
    seen = list(rows.only(*_SEEN)[: window.size])
    if not seen:
        return None
    old = worth(_ended_before(seen, window.before))
    kept = _unfinished_chains({event.correlation_id for event in old}, window.before)
    going = [event for event in old if event.correlation_id not in kept]
    if window.removing and going:
        gone = remove(going)
        going = [event for event in going if event.pk in gone]
    return Step(
        upto=seen[-1].pk,
        removed=Counter(event.tenant_id for event in going),
        oldest=min((event.created_at for event in going), default=None),
    )


def _ended_before(events: Iterable[Event], before: datetime) -> Events:
    """Those that ended, and long enough ago: what was replayed lately begins its time anew."""
    finished = (event for event in events if event.status in Event.FINISHED)
    return [event for event in finished if event.finished_at and event.finished_at < before]


def _unfinished_chains(chains: Collection[UUID], before: datetime) -> set[UUID]:
    """Those of the chains in which something waits, runs, has to be decided or ended too lately."""
    if not chains:
        return set()
    unfinished = Q(status__in=(*Event.PENDING, *Event.UNRESOLVED)) | Q(finished_at=None) | Q(finished_at__gte=before)
    found = Event.objects.filter(unfinished, correlation_id__in=chains).order_by()
    return set(found.values_list("correlation_id", flat=True))
