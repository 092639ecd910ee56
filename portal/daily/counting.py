"""Writes the days' numbers. Counting again gives the same: a number is what there is in the day's stretch of keys.

The periodic task only begins it. A thread of the supervisor counts, which has a cluster to watch.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.daily.due import HOUR, is_due, midnight_of, shown_days
from portal.daily.registry import RowsOf, flows, numbers_of, stocks
from portal.daily.tallies import tally
from portal.models import Event, Tenant, TenantDay
from portal.retention.walk import first_since

log = logging.getLogger(__name__)

EVENTS = RowsOf(Event, "created_at")
_counter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="daily")
_at_work = threading.Lock()


def look(tenants: Sequence[int]) -> None:
    """The periodic task."""
    transaction.on_commit(partial(_begin, list(tenants)))


def _begin(tenants: list[int]) -> None:
    _counter.submit(_count_all, tenants)


def _count_all(tenants: list[int]) -> None:
    if not _at_work.acquire(blocking=False):  # the one before counts for the first time
        return
    try:
        for tenant in Tenant.objects.filter(pk__in=tenants).order_by("pk"):
            count(tenant, timezone.now())
    except Exception as error:
        log.error("daily=broken_off (%s)", type(error).__name__)
    finally:
        _at_work.release()
        connections.close_all()  # this thread's own


def count(tenant: Tenant, now: datetime) -> None:
    """The days of the tenant that are due, today first. Each is committed by itself."""
    zone = ZoneInfo(tenant.time_zone)
    began, today = tenant.created_at.astimezone(zone).date(), now.astimezone(zone).date()
    days = shown_days(today)
    known = {day.date: day for day in TenantDay.objects.for_tenant(tenant).filter(date__gte=days[0])}
    for day in reversed(days):
        if not threading.main_thread().is_alive():  # the process ends: what is left is due still
            return
        row = known.get(day)
        if day >= began and is_due(row.counted_at if row else None, midnight_of(day + timedelta(days=1), zone), now):
            known[day] = _count_day(tenant, day, row, known.get(day + timedelta(days=1)), now)


def _count_day(
    tenant: Tenant, day: date, row: TenantDay | None, next_day: TenantDay | None, now: datetime
) -> TenantDay:
    zone = ZoneInfo(tenant.time_zone)
    ended = midnight_of(day + timedelta(days=1), zone)
    firsts = _firsts(tenant.pk, midnight_of(day, zone), row.firsts if row else {})
    beyond = _firsts(tenant.pk, ended, next_day.firsts if next_day else {}) if ended <= now else {}
    found = _numbers(tenant.pk, firsts, beyond)
    before = row.numbers if row and ended <= now else {}
    written: dict[str, Any] = {
        "firsts": firsts, "counted_at": now,
        # What was removed since, by age, happened all the same.
        "numbers": {name: max(number, before.get(name, 0)) for name, number in found.items()},
    }  # fmt: skip
    if ended > now and (row is None or row.stocked_at is None or now - row.stocked_at >= HOUR):
        written |= {"stocks": {name: how_many(tenant.pk) for name, how_many in stocks().items()}, "stocked_at": now}
    counted, _made = TenantDay.objects.update_or_create(tenant=tenant, date=day, defaults=written)
    return counted


def _parts() -> list[RowsOf]:
    return [EVENTS, *(part for each in flows() for part in each.rows)]


def _firsts(tenant_id: int, moment: datetime, known: dict[str, int]) -> dict[str, int]:
    """The first keys of that moment or later; those that are known do not change."""
    return {
        part.label: known.get(part.label) or first_since(moment, _rows(part, tenant_id), part.at) for part in _parts()
    }


def _rows(part: RowsOf, tenant_id: int) -> QuerySet[Any]:
    return part.model._default_manager.filter(tenant_id=tenant_id)


def _numbers(tenant_id: int, firsts: dict[str, int], beyond: dict[str, int]) -> Counter[str]:
    """`beyond`: the first keys that are the next day's; nothing of a day that goes on."""
    found = numbers_of(tally(_stretch(EVENTS, tenant_id, firsts, beyond)))
    for each in flows():
        for part in each.rows:
            stretch = _stretch(part, tenant_id, firsts, beyond)
            found[each.name] += sum(stretch.filter(branch).order_by().count() for branch in part.branches)
    return found


def _stretch(part: RowsOf, tenant_id: int, firsts: dict[str, int], beyond: dict[str, int]) -> QuerySet[Any]:
    rows = _rows(part, tenant_id).filter(pk__gte=firsts[part.label])
    return rows.filter(pk__lt=beyond[part.label]) if part.label in beyond else rows
