"""How fast what waits is done, and when it will be: for accounts whose work is late."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.models import Event, Lane

WINDOW = timedelta(minutes=5)
# What ended lately is looked for among so many rows of each status, just before what comes next.
ROWS_LOOKED_AT = 2_000
NEXT_LOOKED_AT = 100
COUNTED = 1_000_000


@dataclass(frozen=True)
class Pace:
    """What waits of one account, counted up to COUNTED, and how many of it end in a minute: 0 when nothing does."""

    kind: str
    waiting: int
    per_minute: float

    @property
    def seconds_left(self) -> float | None:
        return self.waiting / self.per_minute * 60 if self.per_minute else None


def rate(own: Sequence[datetime], oldest: datetime | None, now: datetime) -> float:
    """Events a minute. `own`: when those of the account ended; `oldest`: how far back the rows at hand reach."""
    recent = [at for at in own if at > now - WINDOW]
    covered = min(WINDOW, now - oldest) if oldest else WINDOW
    return len(recent) / max(1.0, covered.total_seconds()) * 60


def expected(calls_per_minute: int, measured: float) -> float:
    """What is allowed, where work moves at all under a limit; else what was measured."""
    return float(calls_per_minute) if calls_per_minute and measured else measured


def pace_of(lane: Lane, now: datetime) -> Pace | None:
    """None when nothing waits any more."""
    waiting = Event.objects.filter(lane_id=lane.pk, status=Event.Status.WAITING)
    coming = list(waiting.order_by("due_at").values_list("pk", "kind")[:NEXT_LOOKED_AT])
    if not coming:
        return None
    number = waiting.order_by().values("pk")[: COUNTED + 1].count()
    middle = sorted(pk for pk, _ in coming)[len(coming) // 2]
    per_minute = max(_measured(lane, status, middle, now) for status in Event.FINISHED)
    kind, _times = Counter(kind for _, kind in coming).most_common(1)[0]
    return Pace(kind, number, expected(lane.calls_per_minute, per_minute))


def _measured(lane: Lane, status: str, event_id: int, now: datetime) -> float:
    """Work is done in the order in which it came, so what ended last stands just before what comes next."""
    before = Event.objects.filter(tenant_id=lane.tenant_id, status=status, pk__lt=event_id).order_by("-pk")
    rows = list(before.values_list("lane_id", "finished_at")[:ROWS_LOOKED_AT])
    ends = [at for _, at in rows if at]
    reached = min(ends, default=None) if len(rows) == ROWS_LOOKED_AT else None
    return rate([at for lane_id, at in rows if at and lane_id == lane.pk], reached, now)
