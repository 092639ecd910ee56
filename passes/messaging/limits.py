"""When messages rest, and how many a customer gets. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Limits:
    """`quiet_from`, `quiet_until`: times of day in the tenant's zone; None: no quiet hours. `weekly_cap`, 0: none."""

    quiet_from: time | None
    quiet_until: time | None
    weekly_cap: int
    zone: ZoneInfo

    def quiet_end(self, now: datetime) -> datetime | None:
        """The moment at which the quiet hours end that `now` lies in; None where it lies in none."""
        begin, end = self.quiet_from, self.quiet_until
        if begin is None or end is None or begin == end:
            return None
        local = now.astimezone(self.zone)
        over_midnight = begin > end
        late, early = local.time() >= begin, local.time() < end
        if not ((late or early) if over_midnight else (late and early)):
            return None
        day = local.date() + timedelta(days=1) if over_midnight and late else local.date()
        # Where clocks go back, an hour comes twice: the wait is never for a moment that has passed.
        return max(datetime.combine(day, end, self.zone).astimezone(now.tzinfo), now + MINUTE)

    def is_over(self, received: int) -> bool:
        """Whether a customer who had so many within a week gets no other one."""
        return bool(self.weekly_cap) and received >= self.weekly_cap
