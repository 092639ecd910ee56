"""When a vendor sent something last: what connections' pages say of their webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from portal.models import ApiKey, Event

NEWEST_LOOKED_AT = 500


@dataclass(frozen=True)
class Arrival:
    """The newest thing that was sent. `event_url` leads to it where it is an event."""

    at: datetime
    event_url: str = ""


def last_arrival(tenant_id: int, source: str) -> Arrival | None:
    """Among the tenant's newest events, or else when a key of the connection `source` was used last."""
    events = Event.objects.filter(tenant_id=tenant_id).order_by("-pk")
    for pk, sender, at in events.values_list("pk", "source", "created_at")[:NEWEST_LOOKED_AT]:
        if sender == source:
            return Arrival(at, reverse("admin:portal_event_change", args=[pk]))
    keys = ApiKey.objects.for_tenant(tenant_id).filter(bound_to=source)
    used = keys.exclude(last_used_at=None).order_by("-last_used_at").values_list("last_used_at", flat=True).first()
    return Arrival(used) if used else None
