"""CLAIM: leasing due Events, one per subject, fairly across lanes.

PostgreSQL: FOR UPDATE SKIP LOCKED on the lanes, so that each lane's limit holds over all workers.
SQLite: BEGIN IMMEDIATE (settings) makes a claim the only writer. Figures: docs/ledger.md.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from portal.ledger.failure import retry
from portal.ledger.run import fail
from portal.models import Event, Lane

LANES_PER_CLAIM = 64
# Candidates per free place: Events of one subject stand together, and only one of them can be leased.
CANDIDATES_PER_PLACE = 8

_EVENT, _LANE = Event._meta.db_table, Lane._meta.db_table
_DUE = f"""
    SELECT lane.id, lane.max_running FROM {_LANE} lane
    WHERE lane.paused_at IS NULL AND lane.not_before <= %s AND EXISTS (
        SELECT 1 FROM {_EVENT} e WHERE e.lane_id = lane.id AND e.status = 'waiting' AND e.due_at <= %s)"""  # noqa: S608
_CANDIDATES = f"""
    SELECT * FROM (
        SELECT e.id, e.lane_id, e.tenant_id, e.subject FROM {_EVENT} e
        WHERE e.lane_id = %s AND e.status = 'waiting' AND e.due_at <= %s AND NOT EXISTS (
            SELECT 1 FROM {_EVENT} running
            WHERE running.tenant_id = e.tenant_id AND running.subject = e.subject AND running.status = 'leased')
        ORDER BY e.due_at, e.id LIMIT %s {{lock}}) lane_{{index}}"""  # noqa: S608


def _moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def look() -> bool:
    """Whether anything is due. One read, no transaction: what an idle worker does forty times a second."""
    now = _moment(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(f"{_DUE} LIMIT 1", [now, now])
        return cursor.fetchone() is not None


def claim(places: int, leased_by: str) -> list[Event]:
    """Leases up to `places` due Events and merges the other waiting ones of their subjects into them.

    The attempt is counted here, so that an Event which kills its worker cannot be tried for ever.
    """
    if places < 1 or not look():
        return []
    try:
        with transaction.atomic():
            return _claim(places, leased_by)
    except IntegrityError:  # another worker leased the same subject through another lane: it is being done
        return []


def _claim(places: int, leased_by: str) -> list[Event]:
    now = timezone.now()
    chosen = _choose(_open_lanes(now), places, now)
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
    claimed = list(Event.objects.filter(lease_token=token, status=Event.Status.LEASED).order_by("due_at", "id"))
    for event in claimed:
        if event.coalesces:
            _merge_others_into(event, now)
    return claimed


def _open_lanes(now: datetime) -> dict[int, int]:
    """Lanes with due work and the places that their limits leave, locked against other workers' claims."""
    lock = "FOR UPDATE OF lane SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    with connection.cursor() as cursor:
        # In random order: when there are more lanes than places, each has its turn.
        cursor.execute(f"{_DUE} ORDER BY RANDOM() LIMIT {LANES_PER_CLAIM} {lock}", [_moment(now), _moment(now)])
        limits = dict(cursor.fetchall())
    running = Event.objects.filter(status=Event.Status.LEASED, lane_id__in=limits).values_list("lane_id")
    busy = dict(running.annotate(count=Count("pk")).order_by())
    return {lane: limit - busy.get(lane, 0) for lane, limit in limits.items() if limit > busy.get(lane, 0)}


def _choose(lanes: dict[int, int], places: int, now: datetime) -> list[int]:
    """Ids of the oldest due Events, one per subject: a fair share for each lane first, then what is left over."""
    candidates = _candidates(lanes, places, now)
    chosen: list[int] = []
    subjects: set[tuple[int, str]] = set()
    free = dict(lanes)
    share = max(1, places // max(1, len(lanes)))
    for limit in (share, places):
        taken = dict.fromkeys(lanes, 0)
        for lane_id, event_id, subject in candidates:
            if len(chosen) == places:
                return chosen
            if subject in subjects or not free[lane_id] or taken[lane_id] == limit:
                continue
            chosen.append(event_id)
            subjects.add(subject)
            free[lane_id] -= 1
            taken[lane_id] += 1
    return chosen


def _candidates(lanes: dict[int, int], places: int, now: datetime) -> list[tuple[int, int, tuple[int, str]]]:
    """(lane, id, (tenant, subject)) of due Events whose subject is not leased, oldest first within each lane."""
    if not lanes:
        return []
    lock = "FOR UPDATE OF e SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    union = " UNION ALL ".join(_CANDIDATES.format(lock=lock, index=index) for index in range(len(lanes)))
    values = [
        value
        for lane, free in lanes.items()
        for value in (lane, _moment(now), min(free, places) * CANDIDATES_PER_PLACE)
    ]
    with connection.cursor() as cursor:
        cursor.execute(union, values)
        return [(lane, event_id, (tenant, subject)) for event_id, lane, tenant, subject in cursor.fetchall()]


def _merge_others_into(event: Event, now: datetime) -> None:
    """What waits for the same state, retries included, is covered by the read that follows this claim."""
    Event.objects.filter(
        tenant_id=event.tenant_id,
        kind=event.kind,
        subject=event.subject,
        coalesces=True,
        status=Event.Status.WAITING,
    ).update(
        status=Event.Status.MERGED,
        merged_into=event,
        finished_at=now,
        outcome=f"Covered by event {event.pk}, which reads the same state.",
    )


def renew_leases(tokens: set[uuid.UUID]) -> None:
    until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
    Event.objects.filter(status=Event.Status.LEASED, lease_token__in=tokens).update(lease_until=until)


def expire_leases() -> int:
    """Gives back Events whose worker went silent. It counts as a failed attempt, so none is tried for ever."""
    return _give_back(Q(lease_until__lt=timezone.now()))


def release_leases(leased_by: str) -> int:
    """Gives back what a worker that is known to be gone still holds."""
    return _give_back(Q(leased_by=leased_by))


def _give_back(which: Q) -> int:
    count = 0
    for event in Event.objects.filter(which, status=Event.Status.LEASED):
        count += fail(event, retry("The worker stopped in the middle of it."))
    return count
