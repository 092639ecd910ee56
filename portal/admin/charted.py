"""What Home shows of the last thirty days: a chart of each flow, and all of them as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.admin.charts import bars
from portal.admin.chips import midnight
from portal.admin.paging import by_tenant, keys_in_order
from portal.daily.reading import Month
from portal.daily.registry import Flow, RowsOf, Tally, flows, numbers_of
from portal.watch.words import spaced

ROWS_COUNTED = 1_000


def charts(tenants: Iterable[int], found: Month, came: Tally, *, complete: bool) -> dict[str, Any]:
    """`came`: the Events of today, unless there were too many for a page; `complete` says whether these are all."""
    fresh = numbers_of(came)
    shown, columns = [], []
    for flow in flows():
        rows, all_rows = _rows_today(flow, tenants)
        known, live = found.today(flow.name), fresh[flow.name] + rows
        whole = (complete or not flow.events) and all_rows
        today = live if whole else max(known, live)
        numbers = [*found.of(flow.name)[:-1], today]
        # Of what is too much for a page, the last count holds; until there is one, it is said that there is more.
        said = spaced(today) if whole or known >= live else f"{spaced(today)}+"
        shown.append(_chart(flow, numbers, said))
        columns.append(numbers)
    return {
        "charts": shown,
        "days": [
            (day, ["–" if number is None else spaced(number) for number in line])
            for day, line in reversed(list(zip(found.days, zip(*columns, strict=True), strict=True)))
        ],
    }


def _chart(flow: Flow, numbers: list[int | None], today: str) -> dict[str, Any]:
    total = sum(number or 0 for number in numbers)
    summed = _("%(total)s in 30 days") % {"total": spaced(total)}
    said = _("%(today)s today, %(summed)s.") % {"today": today, "summed": summed}
    url = reverse(f"admin:{flow.list_name}_changelist")
    return {
        "title": flow.title, "today": today, "summed": summed, "url": f"{url}?{flow.query}" if flow.query else url,
        "picture": bars(numbers, name=f"chart-{flow.name}", title=str(flow.title), told=said),
    }  # fmt: skip


def _rows_today(flow: Flow, tenants: Iterable[int]) -> tuple[int, bool]:
    """Rows since midnight among the newest, and whether these are all."""
    found, whole = 0, True
    for part in flow.rows:
        number = _newest_today(part, tenants)
        found, whole = found + number, whole and number < ROWS_COUNTED
    return found, whole


def _newest_today(part: RowsOf, tenants: Iterable[int]) -> int:
    rows = part.model._default_manager.order_by("-pk")
    keys = keys_in_order(rows, by_tenant(tenants, part.branches))[:ROWS_COUNTED]
    since = Q(**{f"{part.at}__gte": midnight()})
    return part.model._default_manager.filter(since, pk__in=keys).order_by().count()
