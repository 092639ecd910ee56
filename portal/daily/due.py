"""When a day is counted again. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = 30  # that are shown
HOUR = timedelta(hours=1)
# What failed is tried again for three days, and counts for the day on which it came.
SETTLED = timedelta(days=3)


def midnight_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def shown_days(today: date) -> list[date]:
    """The newest last."""
    return [today - timedelta(days=back) for back in reversed(range(DAYS))]


def is_due(counted: datetime | None, ended: datetime, now: datetime) -> bool:
    """`counted`: None for never. Today always is; a day that ended every hour until all of it is settled."""
    if counted is None or ended > now:
        return True
    return counted < ended + SETTLED and now - counted >= HOUR
