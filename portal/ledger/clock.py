"""Clocks that are set while work goes on: noticed against the monotonic clock, and what the old time stamped is moved.

Leases need none of this: whether one is still renewed is seen by waiting (leases.py).
"""

from __future__ import annotations

import time
from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from portal.models import Event, Lane

# Time servers slew clocks by less between two looks; what waits that long for it is not worth moving.
JUMP_SECONDS = 3.0


class ClockWatch:
    """Compares the wall clock with the monotonic one, from look to look."""

    def __init__(self) -> None:
        self._ahead = _ahead()

    def jump(self) -> timedelta:
        """By how much the wall clock was set since the last look; zero for less than JUMP_SECONDS."""
        before, self._ahead = self._ahead, _ahead()
        jumped = self._ahead - before
        return timedelta(seconds=jumped) if abs(jumped) >= JUMP_SECONDS else timedelta()


def _ahead() -> float:
    return timezone.now().timestamp() - time.monotonic()


def move_back(jump: timedelta) -> int:
    """After the clock was set back by `jump` (not positive): moves what the old time stamped, so that it does not wait.

    Only what lies ahead of the new time is moved, and no Event twice, so that each supervisor of a host may do it.
    Other hosts' stamps may be among it: their tries come early once. Returns how many Events were moved.
    """
    now = timezone.now()
    ahead = now + timedelta(seconds=JUMP_SECONDS)
    waiting = Event.objects.filter(status=Event.Status.WAITING, due_at__gt=ahead)
    # Retries keep their distance from the try before them; everything else may as well begin at once.
    retried = waiting.filter(retries__gt=0, claimed_at__gt=ahead).update(
        due_at=F("due_at") + jump, claimed_at=F("claimed_at") + jump
    )
    others = waiting.filter(retries=0).update(due_at=now)
    Lane.objects.filter(not_before__gt=ahead).update(not_before=F("not_before") + jump)
    return retried + others
