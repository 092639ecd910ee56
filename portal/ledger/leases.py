"""Leases of workers that live are renewed; those of workers that went silent are given back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.durability import unhurried
from portal.ledger.run import give_back
from portal.models import Event


def renew_leases(events: Iterable[Event]) -> None:
    """Prolongs the leases that these Events still hold."""
    held = {event.pk: event.lease_token for event in events}
    if not held:
        return
    until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
    rows = Event.objects.filter(pk__in=held, status=Event.Status.LEASED, lease_token__in=set(held.values()) - {None})
    with unhurried():
        rows.update(lease_until=until)


class Lease(NamedTuple):
    event_id: int
    token: UUID | None
    until: datetime | None


class LeaseWatch:
    """Notices leases that nobody renews, and gives their Events back. One per process, asked every few seconds.

    The wall clock alone cannot tell: hosts' clocks differ and are set, hosts sleep, and after an outage of the database
    nobody has renewed anything. So a lease must also have stood still while this process watched.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: dict[Lease, float] = {}
        self._looked_at = 0.0

    def expire(self) -> int:
        """Gives back what is over. It counts as a failed attempt, so that none is tried for ever."""
        at = self._monotonic()
        if at - self._looked_at > _silence_seconds():  # this process could not watch meanwhile
            self._seen = {}
        self._looked_at = at
        rows = Event.objects.filter(status=Event.Status.LEASED).values_list("pk", "lease_token", "lease_until")
        self._seen = {lease: self._seen.get(lease, at) for lease in (Lease(*row) for row in rows)}
        now = timezone.now()
        over = [lease for lease, since in self._seen.items() if is_over(lease, at - since, now)]
        return give_back(event for lease in over for event in _leased(lease)) if over else 0


def _silence_seconds() -> float:
    """A worker that lives renews several times in this time."""
    return min(settings.HEART_LIMIT_SECONDS, settings.LEASE_SECONDS)


def is_over(lease: Lease, still_seconds: float, now: datetime) -> bool:
    """Whether a lease that was not renewed for `still_seconds` is over."""
    if lease.until is not None and lease.until > now:  # perhaps by a clock that was ahead
        return still_seconds > settings.LEASE_SECONDS
    return still_seconds >= _silence_seconds()


def _leased(lease: Lease) -> QuerySet[Event]:
    return Event.objects.filter(
        pk=lease.event_id, status=Event.Status.LEASED, lease_token=lease.token, lease_until=lease.until
    )


def release_leases(leased_by: str) -> int:
    """Gives back what a worker that is known to be gone still holds: `cluster/pid`, or all of a cluster."""
    own = Q(leased_by=leased_by) | Q(leased_by__startswith=f"{leased_by}/")
    return give_back(Event.objects.filter(own, status=Event.Status.LEASED))
