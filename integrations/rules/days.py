"""Rules that wait for a date: once a day, in the tenant's zone, customers are gone through in parts.

The walk is one Event that goes on, part by part; each customer whose date has come is an Event of their own. A day that
was missed is made up for: the walk covers all days since the last one, up to a week.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Substr
from django.utils import timezone

from integrations.rules.firing import RULE_DUE
from integrations.rules.models import Rule
from integrations.rules.triggers import DATE, Calendar, date_looked_for
from portal import ledger
from portal.ledger import Result, Work
from portal.ledger.record import new_chain
from portal.models import Customer, Event
from portal.sentences import Sentence, say, say_many

RULE_DAY = "rule.day"
# Whoever was away for longer is not greeted for what lies weeks back.
DAYS_MADE_UP_FOR = 7
# Customers that one run goes through, and of whom it makes Events.
LOOKED_AT, DUE_AT_ONCE = 20_000, 1_000


def begin(tenant_ids: Iterable[int], now: datetime | None = None) -> None:
    """Records a walk for each rule whose hour has come today."""
    rules = Rule.objects.for_tenants(tenant_ids).filter(active=True, trigger=DATE)
    for rule in rules.select_related("tenant").select_for_update(of=("self",)):
        days = days_to_look_for(rule, (now or timezone.now()).astimezone(ZoneInfo(rule.tenant.time_zone)))
        if days:
            _record(rule, *days)


def days_to_look_for(rule: Rule, now: datetime) -> tuple[date, date] | None:
    """The first and last day that the rule has not looked for; None before its hour, and when it has."""
    today = now.date()
    last = today if now.hour >= rule.hour else today - timedelta(days=1)
    oldest = today - timedelta(days=DAYS_MADE_UP_FOR)
    first = max(rule.looked_until + timedelta(days=1), oldest) if rule.looked_until else today
    return (first, last) if first <= last else None


def _record(rule: Rule, first: date, last: date) -> None:
    since = rule.on_since.isoformat() if rule.on_since else ""  # switched on anew, it walks anew
    ledger.record(
        tenant_id=rule.tenant_id, lane_id=ledger.lane_id_for(rule.tenant_id), kind=RULE_DAY, subject=f"rule:{rule.pk}",
        payload={"rule": rule.pk, "first": first.isoformat(), "last": last.isoformat(), "after": 0, "found": 0},
        source="portal", source_id=f"rule:{rule.pk}:{first}:{last}:{since}",
    )  # fmt: skip
    Rule.objects.filter(pk=rule.pk).update(looked_until=last)


def walk(work: Work) -> Result | partial[Result]:
    """Handles `rule.day`: one part of the customers."""
    event = work.event
    rule = Rule.objects.for_tenant(event.tenant_id).select_related("tenant").filter(pk=event.payload["rule"]).first()
    if rule is None or not rule.active:
        return ledger.ignored(say("The rule is off, or no longer there."))
    after, found = int(event.payload["after"]), int(event.payload["found"])
    customers = Customer.objects.for_tenant(event.tenant_id)
    last = _end_of_part(customers, after)
    if last is None:
        return ledger.done(_found(found))
    first, until = (date.fromisoformat(event.payload[name]) for name in ("first", "last"))
    days = [first + timedelta(days=n) for n in range((until - first).days + 1)]
    part = customers.filter(pk__gt=after, pk__lte=last)
    due = due_customers(rule, part, days, DUE_AT_ONCE)
    if len(due) == DUE_AT_ONCE:
        last = due[-1][0]
    return partial(_commit, event, rule, due, last)


def _end_of_part(customers: QuerySet[Customer], after: int) -> int | None:
    """The last key of the next part; None when nobody is left."""
    keys = customers.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)
    inner = keys[LOOKED_AT - 1 : LOOKED_AT].first()
    return inner or customers.filter(pk__gt=after).order_by("-pk").values_list("pk", flat=True).first()


def due_customers(
    rule: Rule, customers: QuerySet[Customer], days: Sequence[date], limit: int
) -> list[tuple[int, date]]:
    """(customer, day) in the order of the customers, the first `limit` customers."""
    calendar = Calendar(rule, days, ZoneInfo(rule.tenant.time_zone))
    found: list[tuple[int, date]] = []
    likely = _likely(rule, customers, days).order_by("pk").values_list("pk", "stated")
    for key, value in likely.iterator(chunk_size=2000):
        if due := calendar.due(value):
            found.append((key, due[1]))
        if len(found) == limit:
            break
    return found


def _likely(rule: Rule, customers: QuerySet[Customer], days: Sequence[date]) -> QuerySet[Any]:
    """Those whose value states one of the dates, or a day beside it: what the database can tell by itself.

    A moment near midnight lies on another day in the tenant's zone; 29 February is kept on the 28th.
    """
    dates = [about for day in days if (about := date_looked_for(rule, day))]
    beside = {each + timedelta(days=n) for each in dates for n in (-1, 0, 1)}
    stated = customers.annotate(stated=KeyTextTransform(rule.value_name, "values"))
    if rule.yearly:
        wanted = {f"{each:-%m-%d}" for each in beside} | {"-02-29"}
        return stated.annotate(part=Substr("stated", 5, 6)).filter(part__in=wanted)
    return stated.annotate(part=Substr("stated", 1, 10)).filter(part__in={each.isoformat() for each in beside})


def _commit(event: Event, rule: Rule, due: Sequence[tuple[int, date]], last: int) -> Result:
    """Each in a chain of its own, and known by rule, customer and day: a part looked at twice makes none twice."""
    lane_id = ledger.lane_id_for(event.tenant_id)
    Event.objects.bulk_create(
        [_due(event, rule, customer, day, lane_id) for customer, day in due], batch_size=500, ignore_conflicts=True
    )
    found = int(event.payload["found"]) + len(due)
    gone_on: dict[str, Any] = {**event.payload, "after": last, "found": found}
    Event.objects.filter(pk=event.pk).update(payload=gone_on)
    return ledger.later(_found(found), timezone.now())


def _found(count: int) -> Sentence:
    return say_many("%(count)s customer whose date has come.", "%(count)s customers whose date has come.", count=count)


def _due(walked: Event, rule: Rule, customer: int, day: date, lane_id: int) -> Event:
    return Event(
        tenant_id=walked.tenant_id, lane_id=lane_id, kind=RULE_DUE, subject=f"{RULE_DUE}:customer:{customer}",
        payload={"rule": rule.pk, "customer": customer, "day": day.isoformat()}, source="portal",
        source_id=f"rule:{rule.pk}:{customer}:{day}", correlation_id=new_chain(), parent=walked,
    )  # fmt: skip
