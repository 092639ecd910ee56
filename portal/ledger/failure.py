"""What a failure means for an Event, and when it is tried again."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from enum import Enum

from portal.sentences import Explained, Sentence

# Seconds after the first failure: five retries within five minutes, then 10 min, 30 min, 2, 6, 12, 24, 48 and 72 h.
RETRY_SECONDS = (5, 15, 45, 110, 240, 600, 1_800, 7_200, 21_600, 43_200, 86_400, 172_800, 259_200)
JITTER = 0.1
DEFER_LIMIT = timedelta(hours=1)
DEFER_LIMIT_IN_ALL = timedelta(hours=24)


class Decision(Enum):
    RETRY = "retry"  # try again at the next time of the schedule
    DEFER = "defer"  # the whole lane waits; costs no attempt
    PAUSE = "pause"  # the whole lane stops until a person resumes it; costs no attempt
    DEAD = "dead"  # trying again cannot help
    UNCERTAIN = "uncertain"  # it may have happened; a person decides


class Failure(Explained):
    """Why an Event did not succeed, in a sentence for staff, with the decision that follows from it."""

    def __init__(self, sentence: Sentence, decision: Decision = Decision.RETRY, wait: timedelta | None = None) -> None:
        super().__init__(sentence)
        self.decision = decision
        self.wait = wait


def retry(sentence: Sentence) -> Failure:
    return Failure(sentence, Decision.RETRY)


def defer(sentence: Sentence, wait: timedelta) -> Failure:
    return Failure(sentence, Decision.DEFER, min(wait, DEFER_LIMIT))


def pause(sentence: Sentence) -> Failure:
    return Failure(sentence, Decision.PAUSE)


def dead(sentence: Sentence) -> Failure:
    return Failure(sentence, Decision.DEAD)


def uncertain(sentence: Sentence) -> Failure:
    return Failure(sentence, Decision.UNCERTAIN)


def next_retry_at(first_failed_at: datetime, retries: int, now: datetime, tried_at: datetime) -> datetime | None:
    """When the retry after `retries` others is due; None when the schedule has ended. `tried_at`: this try's start.

    Times count from the first failure, so that slow calls do not stretch the schedule; a time that passed during the
    call means now. Where it had passed before the call began, because the lane or all workers stood still, the usual
    distance is kept instead: an outage must not use up the schedule in one burst. A first failure that lies ahead was
    noted by a clock that has been set back since.
    """
    if retries >= len(RETRY_SECONDS):
        return None
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing
    if not retries:
        return now + timedelta(seconds=RETRY_SECONDS[0] * jitter)
    due_at = min(first_failed_at, now) + timedelta(seconds=RETRY_SECONDS[retries] * jitter)
    if due_at < tried_at:
        due_at = tried_at + timedelta(seconds=(RETRY_SECONDS[retries] - RETRY_SECONDS[retries - 1]) * jitter)
    return max(now, due_at)
