"""What remote accounts do, as claims see it: their states, and what is left of their calls a minute."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from django.utils import timezone
from prometheus_client import Metric

from portal.ledger.states import State, budget_left, state_of
from portal.metrics import gauge
from portal.models import Lane


def lanes() -> Iterator[Metric]:
    now = timezone.now()
    rows = list(Lane.objects.select_related("tenant").order_by())
    states = {lane.pk: State.SUSPENDED if lane.tenant.suspended_at else state_of(lane, now) for lane in rows}
    numbers = Counter((lane.tenant.slug, account(lane.key), states[lane.pk]) for lane in rows)
    yield gauge(
        "portal_lanes", "Remote accounts.", ("tenant", "account", "state"),
        [(tenant, kind, state, numbers[tenant, kind, state])
         for tenant, kind in sorted({key[:2] for key in numbers}) for state in State],
    )  # fmt: skip
    for name, documentation, wanted, column in (
        ("portal_lane_paused_seconds", "How long a remote account is paused.", State.PAUSED, "paused_at"),
        ("portal_lane_silent_seconds", "How long a remote account does not answer.", State.SILENT, "failing_since"),
    ):
        since = [(lane, getattr(lane, column)) for lane in rows if states[lane.pk] is wanted]
        yield gauge(
            name, documentation, ("tenant", "lane"),
            [(lane.tenant.slug, lane.key, (now - at).total_seconds() if at else 0) for lane, at in since],
        )  # fmt: skip
    limited = [lane for lane in rows if lane.calls_per_minute]
    yield gauge(
        "portal_lane_calls_per_minute", "Calls a minute that a remote account takes.", ("tenant", "lane"),
        [(lane.tenant.slug, lane.key, lane.calls_per_minute) for lane in limited],
    )  # fmt: skip
    yield gauge(
        "portal_lane_budget_left", "How much of them is left for now, from 0 to 1.", ("tenant", "lane"),
        [(lane.tenant.slug, lane.key, budget_left(lane.calls_per_minute, lane.budget_until, now)) for lane in limited],
    )  # fmt: skip


def account(key: str) -> str:
    """The kind of account: "actito" of "actito:https://api3.actito.com:licence"."""
    return key.partition(":")[0]
