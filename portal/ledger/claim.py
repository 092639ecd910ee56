"""CLAIM: leasing due Events, one per subject, fairly across lanes.

PostgreSQL: FOR UPDATE SKIP LOCKED on the lanes, so that each lane's limit holds over all workers.
SQLite: BEGIN IMMEDIATE (settings) makes a claim the only writer. Figures: docs/ledger.md.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, connection
from django.db.models import F
from django.utils import timezone

from portal.durability import unhurried
from portal.ledger.choice import choose, look, open_lanes
from portal.ledger.same import covering, of_subject
from portal.models import Event
from portal.sentences import say


def claim(places: int, leased_by: str, *, expecting: bool = False) -> list[Event]:
    """Leases up to `places` due Events and merges the other waiting ones of their subjects into them.

    Unless it is `expecting` some, because the last claim found some, it first reads whether there are any: where
    nothing is due, or all due subjects are running, that costs no lock and no write transaction.
    The attempt is counted here, so that an Event which kills its worker cannot be tried for ever.
    """
    if places < 1 or not (expecting or _finds(places)):
        return []
    try:
        # Lost with the power, a claim is made again.
        with unhurried():
            return _claim(places, leased_by)
    except IntegrityError:  # another worker leased the same subject through another lane: it is being done
        return []


def _finds(places: int) -> bool:
    now = timezone.now()
    return look() and bool(choose(open_lanes(now), places, now))


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
    for event in covering(claimed, Event.Status.WAITING):
        of_subject(event, Event.Status.WAITING).update(
            status=Event.Status.MERGED,
            merged_into=event,
            finished_at=now,
            outcome=say("Covered by event %(number)s, which reads the same state.", number=event.pk),
        )
