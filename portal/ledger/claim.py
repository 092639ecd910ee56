"""CLAIM: leasing due Events, one per subject, fairly across lanes.

PostgreSQL: FOR UPDATE SKIP LOCKED on the lanes, so that each lane's limit holds over all workers.
SQLite: BEGIN IMMEDIATE (settings) makes a claim the only writer. Figures: docs/ledger.md.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from portal.ledger.choice import choose, look, open_lanes
from portal.models import Event

_EVENT = Event._meta.db_table
# By values, not by a join with the claimed rows: it must follow the index whatever the statistics say.
_OTHERS_WAIT = f"""
    SELECT %s WHERE EXISTS (SELECT 1 FROM {_EVENT} e WHERE e.tenant_id = %s AND e.kind = %s AND e.subject = %s
    AND e.coalesces AND e.status = 'waiting')"""  # noqa: S608


def claim(places: int, leased_by: str) -> list[Event]:
    """Leases up to `places` due Events and merges the other waiting ones of their subjects into them.

    The attempt is counted here, so that an Event which kills its worker cannot be tried for ever.
    """
    if places < 1 or not look():
        return []
    # Where all due subjects are running, only reads are spent on finding it out: no lock, no write transaction.
    now = timezone.now()
    if not choose(open_lanes(now), places, now):
        return []
    try:
        with transaction.atomic():
            return _claim(places, leased_by)
    except IntegrityError:  # another worker leased the same subject through another lane: it is being done
        return []


def _claim(places: int, leased_by: str) -> list[Event]:
    now = timezone.now()
    lanes = open_lanes(now, lock=connection.features.has_select_for_update_skip_locked)
    chosen = choose(lanes, places, now)
    if not chosen:
        return []
    token = uuid.uuid4()
    Event.objects.filter(pk__in=chosen, status=Event.Status.WAITING).update(
        status=Event.Status.LEASED,
        attempts=F("attempts") + 1,
        claimed_at=now,
        lease_until=now + timedelta(seconds=settings.LEASE_SECONDS),
        lease_token=token,
        leased_by=leased_by,
    )
    claimed = list(Event.objects.filter(pk__in=chosen, lease_token=token).order_by("due_at", "id"))
    _merge_others_into([event for event in claimed if event.coalesces], now)
    return claimed


def _merge_others_into(claimed: list[Event], now: datetime) -> None:
    """What waits for the same state, retries included, is covered by the read that follows this claim."""
    if not claimed:
        return
    values = [value for event in claimed for value in (event.pk, event.tenant_id, event.kind, event.subject)]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([_OTHERS_WAIT] * len(claimed)), values)
        covering = {event_id for (event_id,) in cursor.fetchall()}
    for event in claimed:
        if event.pk in covering:
            others = Event.objects.filter(tenant_id=event.tenant_id, kind=event.kind, subject=event.subject)
            others.filter(coalesces=True, status=Event.Status.WAITING).update(
                status=Event.Status.MERGED,
                merged_into=event,
                finished_at=now,
                outcome=f"Covered by event {event.pk}, which reads the same state.",
            )
