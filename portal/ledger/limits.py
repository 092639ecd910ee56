"""What a remote account takes, over all workers: calls a minute, and a breaker that opens when calls keep failing.

Each call is charged to its lane's budget when it begins. Claims look whether the budget has room (choice.py), so a call
is never held up; the few that begin meanwhile are paid for by those that come after. The breaker opens when
`FAILURES_IN_A_ROW` calls failed one after the other; then one call at a time tries whether the account is back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, FloatField, Value
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils import timezone

from portal.caching import BriefCache
from portal.models import Lane, SharedBudget

# How far the budget may run ahead of the clock: 8 calls at once, where 100 a minute are allowed.
BURST_SECONDS = 5.0
# What is owed at most; a budget that lies further ahead was written by a clock that has been set back since.
DEBT_SECONDS = 60.0
FAILURES_IN_A_ROW = 5
# Between two trials: one call hurts no account, and work flows again soon after it is back.
TRIAL_SECONDS = 15
STATE_KEPT_SECONDS = 1.0


class _State(NamedTuple):
    calls_per_minute: int
    failures: int
    shared: int | None


def _load(lane_id: int) -> _State | None:
    found = Lane.objects.filter(pk=lane_id).values_list("calls_per_minute", "failures", "shared").first()
    return found and _State(*found)


_states = BriefCache(_load, STATE_KEPT_SECONDS)


def charge_call(lane_id: int) -> None:
    """Takes one call from the lane's budget, if it has one, and from that of all who share its account.

    The lane's own tells its tenant what it has used itself.
    """
    state = _states.get(lane_id)
    if not state or not state.calls_per_minute:
        return
    now = timezone.now().timestamp()
    begun = Least(Greatest(F("budget_until"), Value(now)), Value(now + DEBT_SECONDS))
    cost = Value(60.0, output_field=FloatField()) / F("calls_per_minute")
    Lane.objects.filter(pk=lane_id, calls_per_minute__gt=0).update(budget_until=begun + cost)
    if state.shared:
        shared_cost = Value(60.0 / state.calls_per_minute, output_field=FloatField())
        SharedBudget.objects.filter(pk=state.shared).update(budget_until=begun + shared_cost)


def note_answer(lane_id: int, status: int | None) -> None:
    """Tells the breaker how a call ended: its HTTP status, None when no answer came.

    A success is written only where failures are known: of those that this process met at once, of others' in a second.
    """
    if status is None or status >= 500 or status in {408, 425}:
        _note_failure(lane_id)
    elif status != 429 and (state := _states.get(lane_id)) and state.failures:  # 429 says itself when to come back
        Lane.objects.filter(pk=lane_id, failures__gt=0).update(failures=0, failing_since=None)
        _states.forget(lane_id)


def _note_failure(lane_id: int) -> None:
    now = timezone.now()
    with transaction.atomic():
        lane = Lane.objects.select_for_update(no_key=True).only("failures", "not_before").get(pk=lane_id)
        failures, not_before = after_failure(lane.failures, lane.not_before, now)
        Lane.objects.filter(pk=lane_id).update(
            failures=failures, not_before=not_before, failing_since=Coalesce("failing_since", Value(now))
        )
    _states.forget(lane_id)


def after_failure(failures: int, not_before: datetime, now: datetime) -> tuple[int, datetime]:
    """Failed calls in a row and the time of the next call, once one more has failed."""
    if failures + 1 < FAILURES_IN_A_ROW:
        return failures + 1, not_before
    if failures >= FAILURES_IN_A_ROW and not_before > now:  # it began before the breaker opened
        return failures, not_before
    return failures + 1, max(not_before, now + timedelta(seconds=TRIAL_SECONDS))
