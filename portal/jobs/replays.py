"""Replaying many Events: those that were chosen, or all dead letters of a connection since a moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from portal.jobs.registry import Again
from portal.ledger.registry import registry
from portal.models import Event, Job

REPLAY = "events.replay"
CHOSEN_MOST = 1_000


def dead_letters(tenant_id: int, source: str, since: datetime | None = None, kind: str = "") -> QuerySet[Event]:
    """What failed of a connection, from webhooks and from us: its Events come from it, or are about it."""
    failed = Event.objects.filter(tenant_id=tenant_id, status=Event.Status.FAILED, kind__in=registry.kinds)
    found = failed.filter(Q(source=source) | Q(subject__startswith=f"{source}:"))
    found = found.filter(finished_at__gte=since) if since else found
    return found.filter(kind=kind) if kind else found


def payload_since(source: str, since: datetime, kind: str, until: int) -> dict[str, Any]:
    """`until`: the newest Event then; what fails while the job runs is not part of it."""
    return {"source": source, "since": since.isoformat(), "kind": kind, "until": until}


class Replays:
    """The rows are Events. `payload`: {"events": [7, 9]} or {"source", "since", "kind", "until"}."""

    def count(self, job: Job) -> int:
        return self._of(job).count()

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Again]:
        found = self._of(job).filter(pk__gt=after or 0).order_by("pk")
        return [Again(key, key) for key in found.values_list("pk", flat=True)[:limit]]

    def lane_id(self, job: Job) -> int | None:
        lanes = self._of(job).order_by().values_list("lane_id", flat=True).distinct()[:2]
        return lanes[0] if len(lanes) == 1 else None

    def _of(self, job: Job) -> QuerySet[Event]:
        given = job.payload
        if "events" in given:
            return Event.objects.filter(tenant_id=job.tenant_id, pk__in=given["events"])
        since = datetime.fromisoformat(given["since"])
        found = dead_letters(job.tenant_id, given["source"], since, given["kind"])
        return found.filter(pk__lte=given["until"])
