"""A tenant with a lane, kinds whose handlers a test sets, and a clock that it moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.conf import settings
from django.utils import timezone

from portal import ledger
from portal.ledger.registry import Result, Work, registry
from portal.models import Event, Lane, Tenant

READ, ACT, NEWS = "test.read", "test.act", "test.news"
_behaviour: dict[str, Callable[[Work], Any]] = {}


def handle(work: Work) -> Any:
    behave = _behaviour.get(work.event.kind)
    return behave(work) if behave else ledger.done("Done.")


@contextmanager
def registered_kinds() -> Iterator[None]:
    """READ coalesces, ACT does not, NEWS has two subscribers of which the second coalesces."""
    here = f"{__name__}.handle"
    kept = dict(registry.kinds), {name: list(kinds) for name, kinds in registry.subscribers.items()}
    ledger.handles(READ, here, title="Read", coalesces=True)
    ledger.handles(ACT, here, title="Act")
    ledger.subscribe(NEWS, "first", here, title="First")
    ledger.subscribe(NEWS, "second", here, title="Second", coalesces=True)
    try:
        yield
    finally:
        _behaviour.clear()
        registry.kinds, registry.subscribers = kept


def on(kind: str, behave: Callable[[Work], Any]) -> None:
    _behaviour[kind] = behave


def raising(failure: Exception) -> Callable[[Work], Any]:
    def behave(work: Work) -> Result:
        raise failure

    return behave


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=moment):
        yield


@dataclass
class Desk:
    slug: str = "verdi"
    tenant: Tenant = field(init=False)
    lane: Lane = field(init=False)

    def __post_init__(self) -> None:
        self.tenant = Tenant.objects.create(slug=self.slug, name=self.slug)
        self.lane = self.new_lane("licence", max_running=16)

    def new_lane(self, key: str, **more: Any) -> Lane:
        return Lane.objects.create(tenant=self.tenant, key=key, **more)

    def arrive(self, subject: str = "customer:1", kind: str = READ, **more: Any) -> ledger.Receipt:
        values = {"lane_id": self.lane.pk, "payload": {}, "source": "vendor:1", **more}
        return ledger.record(tenant_id=self.tenant.pk, kind=kind, subject=subject, **values)

    def event(self, subject: str = "customer:1", kind: str = READ, **columns: Any) -> Event:
        """An arrival, with columns set as a test wants them."""
        lane = columns.pop("lane", self.lane)
        row = Event.objects.get(pk=self.arrive(subject, kind, lane_id=lane.pk).event_id)
        for name, value in columns.items():
            setattr(row, name, value)
        row.save()
        return row

    def leased(self, **columns: Any) -> Event:
        """An arrival, claimed. Nothing else may be due."""
        made = self.event(**columns)
        (claimed,) = ledger.claim(1, "tester")
        assert claimed.pk == made.pk
        return claimed


def again(event: Event) -> Event:
    return Event.objects.get(pk=event.pk)


def claim_at(moment: datetime, places: int = 1) -> list[Event]:
    with at(moment):
        return ledger.claim(places, "tester")


def expire_leases() -> int:
    """Does what a worker does that has watched the leases for long enough."""
    times = iter([0.0, settings.HEART_LIMIT_SECONDS])
    watch = ledger.LeaseWatch(lambda: next(times))
    watch.expire()
    return watch.expire()


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)
