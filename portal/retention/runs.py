"""One run of a class: held by one process, batch by batch, to be stopped at any moment and gone on with by the next."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from portal import limits
from portal.models import Pruning
from portal.retention.registry import Rule, Step, rules

log = logging.getLogger(__name__)

BATCH = 250
# A process that was killed holds its class for so long; longer than any batch takes.
HOLD = timedelta(seconds=60)
# After each batch, others have the database for as long as it took.
PAUSE_SHARE = 1.0
LONGEST_PAUSE_SECONDS = 2.0


class Busy(Exception):
    """Another process removes this class right now."""


def ask(tenants: Sequence[int]) -> None:
    """The daily task: every class is to be gone through once. Suspended tenants' data grows old, too."""
    limits.tidy()
    names = [rule.name for rule in rules()]
    Pruning.objects.bulk_create([Pruning(name=name) for name in names], ignore_conflicts=True)
    Pruning.objects.filter(name__in=names).update(asked_at=timezone.now())


def look_at(rule: Rule, *, size: int = BATCH) -> Generator[Step, None, None]:
    """What would go; nothing is changed. Nothing at all where the class is kept for good."""
    return _steps(rule, size=size, removing=False)


def prune(rule: Rule, *, size: int = BATCH, pause_share: float = PAUSE_SHARE) -> Generator[Step, None, None]:
    """Removes what is past its time, a transaction each step. Stop whenever you like.

    Raises Busy when another process is at it.
    """
    holder = uuid.uuid4()
    _hold(rule.name, holder)
    removed, ended = 0, False
    try:
        began = time.monotonic()
        for step in _steps(rule, size=size, removing=True):
            removed += step.removed.total()
            yield step
            time.sleep(min(LONGEST_PAUSE_SECONDS, (time.monotonic() - began) * pause_share))
            _keep_holding(rule.name, holder)
            began = time.monotonic()
        ended = True
    finally:
        _release(rule.name, holder, removed, ended=ended)


def prune_asked(stop: Callable[[], bool]) -> None:
    """Does the runs that are owed, until `stop` says so. What was not finished stays owed."""
    owed = set(Pruning.objects.exclude(asked_at=None).values_list("name", flat=True))
    for rule in rules():
        if rule.name in owed and not stop():
            _prune_asked(rule, stop)


def is_asked() -> bool:
    """Whether a run is owed that nobody is at."""
    free = Q(held_until=None) | Q(held_until__lt=timezone.now())
    return Pruning.objects.filter(free).exclude(asked_at=None).exists()


def _prune_asked(rule: Rule, stop: Callable[[], bool]) -> None:
    removed = 0
    try:
        with closing(prune(rule)) as steps:
            for step in steps:
                removed += step.removed.total()
                if stop():
                    return
    except Busy:
        return
    log.info("retention=%s removed=%s", rule.name, removed)


def _steps(rule: Rule, *, size: int, removing: bool) -> Generator[Step, None, None]:
    if not rule.days:
        return
    window = rule.whole(timezone.now(), size=size, removing=removing)
    while step := rule.step(window):
        window = replace(window, after=step.upto)
        yield step


def _hold(name: str, holder: uuid.UUID) -> None:
    now = timezone.now()
    Pruning.objects.get_or_create(name=name)
    free = Pruning.objects.filter(Q(held_until=None) | Q(held_until__lt=now), name=name)
    if not free.update(holder=holder, held_until=now + HOLD):
        raise Busy


def _keep_holding(name: str, holder: uuid.UUID) -> None:
    """Raises Busy when this process was away for so long that another one began."""
    if not Pruning.objects.filter(name=name, holder=holder).update(held_until=timezone.now() + HOLD):
        raise Busy


def _release(name: str, holder: uuid.UUID, removed: int, *, ended: bool) -> None:
    done: dict[str, Any] = {"asked_at": None, "ended_at": timezone.now(), "removed": removed} if ended else {}
    Pruning.objects.filter(name=name, holder=holder).update(holder=None, held_until=None, **done)
