"""A rule tried on what happened lately: how often it would have fired, and for whom. Nothing is done.

What happened, and each value's before and after, is what the ledger tells. All else is as it is today.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

from integrations.rules.days import due_customers
from integrations.rules.firing import resting
from integrations.rules.holding import Held, hold
from integrations.rules.models import Rule
from integrations.rules.registry import Happening, TriggerKind, trigger_of
from passes.models import WalletPass, phones_count
from portal.admin.paging import newest
from portal.customers import CUSTOMER_CHANGED
from portal.models import Customer, Event
from portal.retention import REMOVED

DAYS = 30
# A page waits no longer; what was not looked at by then is said.
SECONDS = 4.0
EVENTS_AT_ONCE, CUSTOMERS_AT_ONCE = 2_000, 20_000
SHOWN = 10
# Where the news themselves are not kept, those of the subscriber that every tenant has.
_KEPT_AS = {CUSTOMER_CHANGED: f"{CUSTOMER_CHANGED}/passes"}


@dataclass(frozen=True)
class Hit:
    customer: int
    at: datetime
    values: dict[str, Any] = field(default_factory=dict)  # as they were then, where it is known


@dataclass(frozen=True)
class Trial:
    """`complete`: whether everything was looked at; else all `since` then, or, of dates, so many `people`."""

    times: int
    customers: int
    first: list[tuple[Customer, datetime]]
    since: datetime
    complete: bool
    people: int = 0


def trial(rule: Rule, *, seconds: float = SECONDS) -> Trial:
    now, deadline = timezone.now(), time.monotonic() + seconds
    since = now - timedelta(days=DAYS)
    kind = trigger_of(rule)
    looked = _Looked(rule, since)
    if kind is None:
        return looked.trial()
    people = 0
    for hits, more in _days(rule, now) if kind.fits is None else _happenings(rule, kind, since):
        looked.take(hits)
        people += more if isinstance(more, int) else 0
        if time.monotonic() > deadline:
            stopped = since if isinstance(more, int) else more
            return replace(looked.trial(), since=stopped, people=people, complete=False)
    return looked.trial()


def _happenings(rule: Rule, kind: TriggerKind, since: datetime) -> Iterator[tuple[list[Hit], datetime]]:
    """Newest first: what the rule waits for, and the time back to which was looked."""
    name = _KEPT_AS.get(kind.news, kind.news)
    branches = [Q(tenant_id=rule.tenant_id, kind=name, status=status) for status in Event.Status.values]
    last: int | None = None
    while True:
        rows = Event.objects.filter(Q(pk__lt=last) if last else Q()).only("kind", "payload", "created_at", "tenant_id")
        events = newest(rows.order_by("-id"), branches, EVENTS_AT_ONCE)
        if not events:
            return
        within = [event for event in events if event.created_at >= since and REMOVED not in event.payload]
        yield _hits(rule, kind, within), events[-1].created_at
        if events[-1].created_at < since:
            return
        last = events[-1].pk


def _hits(rule: Rule, kind: TriggerKind, events: Sequence[Event]) -> list[Hit]:
    assert kind.fits is not None  # noqa: S101 - the caller asks only of those
    passes = _passes(rule, events)
    found = []
    for event in events:
        happened = _happening(kind.news, event, passes)
        if happened and kind.fits(rule, happened):
            values = {name: after for name, (_before, after) in happened.changes.items()}
            found.append(Hit(happened.customer, event.created_at, values))
    return found


def _passes(rule: Rule, events: Sequence[Event]) -> dict[int, tuple[int, int]]:
    """Customer and template by the key of the pass."""
    keys = {event.payload["pass"] for event in events if "pass" in event.payload}
    if not keys:
        return {}
    rows = WalletPass.objects.for_tenant(rule.tenant_id).filter(pk__in=keys)
    return {key: (customer, template) for key, customer, template in rows.values_list("pk", "customer", "template")}


def _happening(news: str, event: Event, passes: dict[int, tuple[int, int]]) -> Happening | None:
    payload = event.payload
    if "pass" in payload:
        about = passes.get(payload["pass"])
        return Happening(news, about[0], template=about[1]) if about else None
    changes = {name: (before, after) for name, (before, after) in payload.get("changes", {}).items()}
    return Happening(news, payload["customer"], changes) if changes else None


def _days(rule: Rule, now: datetime) -> Iterator[tuple[list[Hit], int]]:
    """Part by part of the customers: those whose date came, and how many were looked at."""
    zone = ZoneInfo(rule.tenant.time_zone)
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=n) for n in range(DAYS - 1, -1, -1)]
    customers, after = Customer.objects.for_tenant(rule.tenant_id), 0
    while True:
        keys = list(customers.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:CUSTOMERS_AT_ONCE])
        if not keys:
            return
        part = customers.filter(pk__gt=after, pk__lte=keys[-1])
        due = due_customers(rule, part, days, CUSTOMERS_AT_ONCE)
        hits = [Hit(key, datetime(day.year, day.month, day.day, rule.hour, tzinfo=zone)) for key, day in due]
        yield hits, len(keys)
        after = keys[-1]


class _Looked:
    """Takes what the rule waits for, and counts what the conditions and the cooldown leave of it."""

    def __init__(self, rule: Rule, since: datetime) -> None:
        self._rule, self._since = rule, since
        self._conditions = list(rule.conditions.all())
        self._hits: list[Hit] = []

    def take(self, hits: Sequence[Hit]) -> None:
        if not self._conditions:
            self._hits += hits
            return
        keys = {hit.customer for hit in hits}
        values = dict(Customer.objects.filter(pk__in=keys).values_list("pk", "values"))
        held = _held(keys)
        self._hits += [hit for hit in hits if self._holds({**values.get(hit.customer, {}), **hit.values},
                                                          held.get(hit.customer, []))]  # fmt: skip

    def _holds(self, values: dict[str, Any], held: list[Held]) -> bool:
        return hold(self._conditions, values, held, any_is_enough=self._rule.any_condition)

    def trial(self) -> Trial:
        last: dict[int, datetime] = {}
        fired: list[Hit] = []
        for hit in sorted(self._hits, key=lambda hit: hit.at):
            if not resting(self._rule.cooldown, last.get(hit.customer), hit.at):
                last[hit.customer] = hit.at
                fired.append(hit)
        first = fired[-1 : -SHOWN - 1 : -1]
        people = Customer.objects.in_bulk([hit.customer for hit in first])
        shown = [(people[hit.customer], hit.at) for hit in first if hit.customer in people]
        return Trial(len(fired), len(last), shown, self._since, complete=True)


def _held(customers: Iterable[int]) -> dict[int, list[Held]]:
    rows: Any = WalletPass.objects.filter(customer__in=list(customers)).annotate(phones=phones_count())
    found: dict[int, list[Held]] = {}
    for customer, template, voided, phones in rows.values_list("customer", "template", "voided", "phones"):
        found.setdefault(customer, []).append(Held(template, not voided, phones))
    return found
