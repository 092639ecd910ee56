"""What arrives, what waits, what went wrong: figures of the ledger.

The tables may hold millions of rows, so nothing here counts a table. What is recent is looked for among the newest rows
by their number, which is their order in time; what waits, runs or failed has an index of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Case, Count, Max, Min, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from prometheus_client import Metric

from portal.ledger.choice import moment
from portal.ledger.due import oldest_due
from portal.ledger.groups import grouped, newest_of
from portal.ledger.registry import registry
from portal.metrics import counter, gauge
from portal.models import Attempt, Event, Tenant

RATE_SECONDS, CALLS_SECONDS = 60, 300
RECENT_ROWS = 10_000
# As in the admin's lists: beyond it, how many there are exactly matters no more.
DUE_COUNTED, LANES_COUNTED = 10_000, 64
TROUBLES_COUNTED = 1_000  # of each tenant
WITHOUT_RESULT = "open"
RESULTS = ("success", "gone", "throttled", "refused", "error", "no_answer", WITHOUT_RESULT)


def arrivals() -> Iterator[Metric]:
    newest = _newest_number(Event.objects.all())
    yield counter("portal_event_numbers_total", "Numbers given to events so far.", (), [(newest,)])
    yield gauge(
        "portal_events_per_second", "Events written a second, over the last minute.", ("kind",),
        _by_kind(_rates(newest, timezone.now())).items(),
    )  # fmt: skip


def _rates(newest: int, now: datetime) -> dict[str, float]:
    since = now - timedelta(seconds=RATE_SECONDS)
    first = newest - RECENT_ROWS
    rows = Event.objects.order_by().filter(pk__gt=first).values_list("kind")
    found = list(rows.annotate(number=Count("pk", filter=Q(created_at__gte=since)), oldest=Min("created_at")))
    span = rate_span(min((oldest for *_, oldest in found), default=now), now, cut=first > 0)
    return {kind: number / span for kind, number, _ in found}


def rate_span(oldest: datetime, now: datetime, *, cut: bool) -> float:
    """Seconds that the rows at hand cover: a minute, or less in a rush, where they are `cut` at RECENT_ROWS."""
    covered = (now - oldest).total_seconds()
    return max(1.0, min(RATE_SECONDS, covered)) if cut else float(RATE_SECONDS)


def _newest_number(rows: QuerySet[Event] | QuerySet[Attempt]) -> int:
    return rows.order_by("-pk").values_list("pk", flat=True).first() or 0


def _by_kind(found: dict[str, float]) -> dict[str, float]:
    """All kinds that are handled have a figure, so that one that comes up for the first time is seen to rise."""
    return {**dict.fromkeys(registry.kinds, 0.0), **found}


def waiting() -> Iterator[Metric]:
    now = timezone.now()
    numbers, oldest = _due(now)
    yield gauge("portal_events_due", "Events that are due and wait.", ("kind",), _by_kind(numbers).items())
    ages = {kind: (now - due_at).total_seconds() for kind, due_at in oldest.items()}
    yield gauge(
        "portal_oldest_due_age_seconds", "How long the oldest due event waits.", ("kind",), _by_kind(ages).items()
    )


def _due(now: datetime) -> tuple[dict[str, float], dict[str, datetime]]:
    """By kind: how many, and the oldest. The lanes that wait longest come first, each with a fair share."""
    lanes = sorted((due_at, lane) for lane, due_at in oldest_due(now).items())[:LANES_COUNTED]
    condition = "e.lane_id = %s AND e.status = 'waiting' AND e.due_at <= %s"
    ranges = [(lane, moment(now)) for _, lane in lanes]
    numbers: dict[str, float] = {}
    oldest: dict[str, datetime] = {}
    for group in grouped(condition, "e.due_at", ranges, DUE_COUNTED // max(1, len(lanes))):
        numbers[group.kind] = numbers.get(group.kind, 0) + group.number
        oldest[group.kind] = min(oldest.get(group.kind, group.oldest_due), group.oldest_due)
    return numbers, oldest


def running() -> Iterator[Metric]:
    leased = Event.objects.order_by().filter(status=Event.Status.LEASED)
    numbers = dict(leased.values_list("kind").annotate(Count("pk")))
    yield gauge("portal_events_leased", "Events that a worker holds.", ("kind",), _by_kind(numbers).items())
    expired = leased.filter(lease_until__lt=timezone.now()).count()
    yield gauge("portal_leases_expired", "Held events whose time is over.", (), [(expired,)])


def troubles() -> Iterator[Metric]:
    """Dead letters, which need somebody of that tenant, and what may have happened or not."""
    statuses = Event.Status.FAILED, Event.Status.UNCERTAIN
    dead, uncertain = (newest_of(status, Tenant.objects.all(), TROUBLES_COUNTED) for status in statuses)
    slugs = dict(Tenant.objects.values_list("pk", "slug"))
    yield gauge(
        "portal_dead_letters", "Events that failed for good.", ("tenant", "kind"),
        [(slugs[each.tenant_id], each.kind, each.number) for each in dead if each.tenant_id in slugs],
    )  # fmt: skip
    numbers: dict[str, float] = {}
    for each in uncertain:
        numbers[each.kind] = numbers.get(each.kind, 0) + each.number
    yield gauge("portal_events_uncertain", "Events that may have happened.", ("kind",), _by_kind(numbers).items())


def calls() -> Iterator[Metric]:
    """Outside calls of the last minutes, by how they were answered."""
    recent = Attempt.objects.order_by().filter(
        pk__gt=_newest_number(Attempt.objects.all()) - RECENT_ROWS,
        started_at__gte=timezone.now() - timedelta(seconds=CALLS_SECONDS),
    )
    measured = recent.annotate(result=_result()).values_list("target", "result")
    rows = list(
        measured.annotate(
            number=Count("pk"), spent=Coalesce(Sum("milliseconds"), 0), most=Coalesce(Max("milliseconds"), 0)
        )
    )
    targets = sorted({target for target, *_ in rows})
    numbers = {(target, result): number for target, result, number, *_ in rows}
    yield gauge(
        "portal_calls", "Outside calls of the last five minutes.", ("target", "result"),
        [(target, result, numbers.get((target, result), 0)) for target in targets for result in RESULTS],
    )  # fmt: skip
    times = {target: _times([row for row in rows if row[0] == target]) for target in targets}
    yield gauge("portal_call_seconds_mean", "Mean time of these calls.", ("target",),
                [(target, mean) for target, (mean, _) in times.items()])  # fmt: skip
    yield gauge("portal_call_seconds_max", "Longest time of these calls.", ("target",),
                [(target, most) for target, (_, most) in times.items()])  # fmt: skip


def _times(rows: list[tuple[str, str, int, int, int]]) -> tuple[float, float]:
    """Mean and longest of the calls that have ended, in seconds."""
    ended = [(number, spent, most) for _, result, number, spent, most in rows if result != WITHOUT_RESULT]
    number, spent = sum(each[0] for each in ended), sum(each[1] for each in ended)
    return spent / max(1, number) / 1000, max((most for *_, most in ended), default=0) / 1000


def _result() -> Case:
    """404 and 410 are answers: the other side does not have it, or no longer."""
    return Case(
        When(finished_at__isnull=True, then=Value(WITHOUT_RESULT)),
        When(status__isnull=True, then=Value("no_answer")),
        When(status__lt=300, then=Value("success")),
        When(status__in=(404, 410), then=Value("gone")),
        When(status=429, then=Value("throttled")),
        When(status__lt=500, then=Value("refused")),
        default=Value("error"),
    )
