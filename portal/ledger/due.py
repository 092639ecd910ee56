"""Since when due work waits, lane by lane: one look into the index of what waits for each."""

from __future__ import annotations

from datetime import datetime

from django.db.models import OuterRef, Subquery

from portal.models import Event, Lane


def oldest_due(now: datetime) -> dict[int, datetime]:
    """When the oldest due Event of each lane was due. Lanes that are stopped on purpose are left out."""
    first = Event.objects.filter(lane=OuterRef("pk"), status=Event.Status.WAITING).order_by("due_at")
    lanes = Lane.objects.filter(paused_at=None, not_before__lte=now, tenant__suspended_at=None)
    found = lanes.annotate(first=Subquery(first.values("due_at")[:1])).values_list("pk", "first")
    return {lane: due_at for lane, due_at in found if due_at and due_at <= now}
