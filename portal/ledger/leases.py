"""Leases of workers that live are renewed; those of workers that went silent are given back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from portal.ledger.run import give_back
from portal.models import Event


def renew_leases(events: Iterable[Event]) -> None:
    """Prolongs the leases that these Events still hold."""
    held = {event.pk: event.lease_token for event in events}
    until = timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)
    Event.objects.filter(pk__in=held, status=Event.Status.LEASED, lease_token__in=set(held.values()) - {None}).update(
        lease_until=until
    )


def expire_leases() -> int:
    """Gives back Events whose worker went silent. It counts as a failed attempt, so none is tried for ever."""
    return give_back(Event.objects.filter(lease_until__lt=timezone.now(), status=Event.Status.LEASED))


def release_leases(leased_by: str) -> int:
    """Gives back what a worker that is known to be gone still holds."""
    return give_back(Event.objects.filter(leased_by=leased_by, status=Event.Status.LEASED))
