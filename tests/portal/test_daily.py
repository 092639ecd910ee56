"""What is counted every day: each thing on its day, once, and the same when it is counted again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.daily import counting, due, reading, registry
from portal.daily.tallies import tally
from portal.models import Customer, Event, Tenant, TenantDay
from tests import factories as make

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TODAY, YESTERDAY = date(2026, 3, 10), date(2026, 3, 9)


@pytest.fixture
def brand(db: None) -> Tenant:
    tenant: Tenant = make.TenantFactory.make(time_zone="Europe/Brussels")
    Tenant.objects.filter(pk=tenant.pk).update(created_at=NOW - timedelta(days=90))
    tenant.refresh_from_db()
    return tenant


@pytest.fixture
def stocked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The tenants whose stock of stones was counted; there are as many as it was asked."""
    asked: list[int] = []
    monkeypatch.setitem(registry._stocks, "stones", lambda tenant: asked.append(tenant) or len(asked))
    return asked


def arrival(tenant: Tenant, at: datetime, **more: Any) -> Event:
    more = {"kind": "actito.profile", "source": "actito:1", **more}
    return make.EventFactory.make(tenant=tenant, created_at=at, **more)


def customer(tenant: Tenant, at: datetime) -> Customer:
    one: Customer = make.CustomerFactory.make(tenant=tenant)
    Customer.objects.filter(pk=one.pk).update(created_at=at)
    return one


def day(tenant: Tenant, which: date = TODAY) -> TenantDay:
    found: TenantDay = TenantDay.objects.get(tenant=tenant, date=which)
    return found


def test_what_came_counts_on_its_day(brand: Tenant) -> None:
    for hours in (60, 30, 29, 1):
        arrival(brand, NOW - timedelta(hours=hours))
    customer(brand, NOW - timedelta(hours=30))
    counting.count(brand, NOW)
    assert day(brand).numbers["arrivals"] == 1
    assert day(brand, YESTERDAY).numbers["arrivals"] == 2
    assert [day(brand, each).numbers["customers"] for each in (YESTERDAY, TODAY)] == [1, 0]


def test_a_day_begins_and_ends_by_the_tenants_clocks(brand: Tenant) -> None:
    midnight = datetime(2026, 3, 10, tzinfo=ZoneInfo("Europe/Brussels"))
    arrival(brand, midnight - timedelta(seconds=1))
    arrival(brand, midnight)
    counting.count(brand, NOW)
    assert [day(brand, each).numbers["arrivals"] for each in (YESTERDAY, TODAY)] == [1, 1]


def test_counting_again_gives_the_same_and_adds_what_came_since(brand: Tenant) -> None:
    arrival(brand, NOW - timedelta(hours=1))
    for _ in range(2):
        counting.count(brand, NOW)
    assert day(brand).numbers["arrivals"] == 1
    assert TenantDay.objects.filter(tenant=brand).count() == due.DAYS
    arrival(brand, NOW)
    counting.count(brand, NOW + timedelta(minutes=5))
    assert day(brand).numbers["arrivals"] == 2


def test_an_arrival_is_what_others_sent_and_nothing_that_follows_from_it(brand: Tenant) -> None:
    first = arrival(brand, NOW, kind="didomi.event", source="didomi:1")
    arrival(brand, NOW, status="merged")
    arrival(brand, NOW, parent=first)
    arrival(brand, NOW, source="portal")
    counting.count(brand, NOW)
    assert day(brand).numbers["arrivals"] == 2


def test_a_push_counts_once_it_was_taken(brand: Tenant) -> None:
    for status in ("done", "failed", "waiting"):
        make.EventFactory.make(tenant=brand, kind="apple.push", status=status, created_at=NOW)
    counting.count(brand, NOW)
    assert day(brand).numbers["sent"] == 1


def test_what_is_tried_again_counts_for_the_day_on_which_it_came(brand: Tenant) -> None:
    push = make.EventFactory.make(tenant=brand, kind="apple.push", status="waiting", created_at=NOW - timedelta(days=1))
    counting.count(brand, NOW)
    assert day(brand, YESTERDAY).numbers["sent"] == 0
    Event.objects.filter(pk=push.pk).update(status="done")
    counting.count(brand, NOW + timedelta(hours=2))
    assert day(brand, YESTERDAY).numbers["sent"] == 1


def test_what_was_removed_by_age_happened_all_the_same(brand: Tenant) -> None:
    arrival(brand, NOW - timedelta(days=1))
    counting.count(brand, NOW)
    Event.objects.filter(tenant=brand).delete()
    counting.count(brand, NOW + timedelta(hours=2))
    assert day(brand, YESTERDAY).numbers["arrivals"] == 1


def test_of_another_tenant_nothing_counts(brand: Tenant) -> None:
    other = make.TenantFactory.make()
    arrival(other, NOW)
    customer(other, NOW)
    make.ConsentRecordFactory.make(customer=customer(other, NOW), recorded_at=NOW)
    counting.count(brand, NOW)
    assert not any(day(brand).numbers.values())


def test_of_consents_those_count_that_were_given_or_withdrawn(brand: Tenant) -> None:
    one = customer(brand, NOW)
    for kind in ("given", "withdrawn", "confirmed", "held"):
        make.ConsentRecordFactory.make(customer=one, kind=kind, recorded_at=NOW)
    counting.count(brand, NOW)
    assert day(brand).numbers["consents"] == 2


def test_a_new_tenant_has_no_days_before_it(brand: Tenant) -> None:
    Tenant.objects.filter(pk=brand.pk).update(created_at=NOW - timedelta(days=1))
    brand.refresh_from_db()
    counting.count(brand, NOW)
    assert set(TenantDay.objects.values_list("date", flat=True)) == {YESTERDAY, TODAY}


def test_what_there_is_is_counted_once_an_hour(brand: Tenant, stocked: list[int]) -> None:
    for minutes in (0, 5, 55, 60):
        counting.count(brand, NOW + timedelta(minutes=minutes))
    assert stocked == [brand.pk, brand.pk]
    assert day(brand).stocks["stones"] == 2


def test_counting_asks_as_often_for_one_row_as_for_fifty(brand: Tenant) -> None:
    asked = []
    counting.count(brand, NOW)
    for _ in range(2):
        for _ in range(25):
            arrival(brand, NOW)
            customer(brand, NOW)
        with CaptureQueriesContext(
            connection,
        ) as found:
            counting.count(brand, NOW)
        asked.append(len(found))
    assert asked[0] == asked[1] < 20


def test_the_task_counts_every_tenant_on_a_thread_of_its_own(
    brand: Tenant, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    begun: list[list[int]] = []
    monkeypatch.setattr(counting._counter, "submit", lambda function, tenants: begun.append(tenants))
    with django_capture_on_commit_callbacks(execute=True):
        counting.look([brand.pk])
    assert begun == [[brand.pk]]
    monkeypatch.setattr(counting.connections, "close_all", lambda: None)  # the thread's own; here it is the test's
    counting._count_all(begun[0])
    assert TenantDay.objects.filter(tenant=brand).exists()


# When


@pytest.mark.parametrize(
    ("counted", "ended", "again"),
    [(None, -timedelta(days=9), True), (timedelta(0), timedelta(hours=3), True),
     (-timedelta(minutes=59), -timedelta(hours=5), False), (-timedelta(hours=1), -timedelta(hours=5), True),
     (-timedelta(days=4), -timedelta(days=5), True), (-timedelta(days=4), -timedelta(days=8), False)],
)  # fmt: skip
def test_a_day_is_counted_until_it_is_settled(counted: timedelta | None, ended: timedelta, again: bool) -> None:
    assert due.is_due(None if counted is None else NOW + counted, NOW + ended, NOW) is again


# What pages ask


def test_a_month_adds_up_what_is_looked_at_and_knows_what_was_not_counted(brand: Tenant) -> None:
    other = make.TenantFactory.make()
    make.TenantDayFactory.make(tenant=brand, date=YESTERDAY, numbers={"arrivals": 2}, stocks={"passes": 5})
    make.TenantDayFactory.make(tenant=brand, date=TODAY, numbers={"arrivals": 3}, stocks={"passes": 7})
    make.TenantDayFactory.make(tenant=other, date=TODAY, numbers={"arrivals": 40}, stocks={"passes": 100})
    own = reading.month([brand.pk], TODAY)
    assert own.of("arrivals") == [None] * 28 + [2, 3]
    assert (own.stocks["passes"], own.today("arrivals")) == (7, 3)
    both = reading.month([brand.pk, other.pk], TODAY)
    assert (both.stocks["passes"], both.today("arrivals")) == (107, 43)


def test_every_flow_that_is_counted_is_shown() -> None:
    known = {flow.name for flow in registry.flows()}
    assert set(registry._events) | set(registry._rows) == known


def test_events_are_told_apart_by_what_they_are(brand: Tenant) -> None:
    first = arrival(brand, timezone.now())
    arrival(brand, timezone.now(), parent=first)
    found = tally(Event.objects.filter(tenant=brand))
    assert found == {("actito.profile", "done", True): 1, ("actito.profile", "done", False): 1}
