"""Since when due work waits, lane by lane: one look into the index of what waits for each."""

from __future__ import annotations

from datetime import datetime

from django.db.models import OuterRef, Subquery

from portal.models import Event, Lane


def first_due() -> Subquery:
    """For lanes: when the first Event that waits of each is due, which may lie ahead; None when nothing waits."""
    waiting = Event.objects.filter(lane=OuterRef("pk"), status=Event.Status.WAITING)
    return Subquery(waiting.order_by("due_at").values("due_at")[:1])


def oldest_due(now: datetime) -> dict[int, datetime]:
    """When the oldest due Event of each lane was due. Lanes that are stopped on purpose are left out."""
    lanes = Lane.objects.filter(paused_at=None, not_before__lte=now, tenant__suspended_at=None)
    found = lanes.annotate(first=first_due()).values_list("pk", "first")
    return {lane: due_at for lane, due_at in found if due_at and due_at <= now}
