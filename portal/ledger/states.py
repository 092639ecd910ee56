"""What a remote account does, as a claim sees it (choice.py): for pages, messages and figures."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from portal.ledger.limits import BURST_SECONDS, DEBT_SECONDS, FAILURES_IN_A_ROW
from portal.models import Lane


class State(StrEnum):
    MOVING = "moving"
    PAUSED = "paused"  # until a person resumes it
    SILENT = "silent"  # it does not answer; one call at a time tries whether it is back
    DEFERRED = "deferred"  # it asked to be left alone until `not_before`
    OVER_BUDGET = "over_budget"  # the calls of this minute are used up
    SUSPENDED = "suspended"  # its tenant is


def state_of(lane: Lane, now: datetime) -> State:
    """Of the account alone: whether its tenant is suspended stands elsewhere."""
    if lane.paused_at is not None:
        return State.PAUSED
    if lane.failures >= FAILURES_IN_A_ROW:
        return State.SILENT
    if lane.not_before > now:
        return State.DEFERRED
    return State.MOVING if budget_left(lane.calls_per_minute, lane.budget_until, now) else State.OVER_BUDGET


def budget_left(calls_per_minute: int, budget_until: float, now: datetime) -> float:
    """How much of what may be called at once is left, from 0 to 1; 1 where there is no limit."""
    ahead = budget_until - now.timestamp()
    if not calls_per_minute or ahead > DEBT_SECONDS + 1:
        return 1.0
    return min(1.0, max(0.0, 1 - ahead / BURST_SECONDS))
