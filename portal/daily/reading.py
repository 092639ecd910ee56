"""What pages ask of the days: thirty numbers of each flow, and what there is much of. One query."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta

from portal.daily.due import shown_days
from portal.models import TenantDay

STALE = timedelta(days=7)


@dataclass
class Month:
    """The days that are shown, the newest last, of all tenants that are looked at together."""

    days: list[date]
    numbers: dict[date, Counter[str]] = field(default_factory=dict)
    stocks: Counter[str] = field(default_factory=Counter)

    def of(self, name: str) -> list[int | None]:
        """None for a day that was not counted."""
        return [self.numbers[day][name] if day in self.numbers else None for day in self.days]

    def today(self, name: str) -> int:
        return self.numbers.get(self.days[-1], Counter())[name]


def month(tenants: Collection[int], today: date) -> Month:
    found = Month(shown_days(today))
    numbers: dict[date, Counter[str]] = defaultdict(Counter)
    stocked: dict[int, Counter[str]] = {}
    rows = TenantDay.objects.for_tenants(tenants).filter(date__gte=found.days[0], date__lte=today).order_by("date")
    for tenant_id, day, of_day, stocks in rows.values_list("tenant_id", "date", "numbers", "stocks"):
        numbers[day].update(of_day)
        if stocks and day > today - STALE:
            stocked[tenant_id] = Counter(stocks)
    found.numbers = dict(numbers)
    for each in stocked.values():
        found.stocks.update(each)
    return found
