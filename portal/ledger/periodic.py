"""What happens every day, or every so often: registered by name, due by a row, run once over all workers.

A task records Events and returns; workers then do the work, with the ledger's retries and traces. It must not do the
work itself: the supervisor, who runs it, has a cluster to watch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string

from portal.locking import unheld
from portal.models import PeriodicTask, Tenant
from portal.redaction import place_of

log = logging.getLogger(__name__)

DAY = timedelta(days=1)
# Takes the keys of the tenants that are not suspended.
Function = Callable[[Sequence[int]], None]


@dataclass(frozen=True)
class Task:
    name: str
    function: str
    every: timedelta


_tasks: dict[str, Task] = {}


def regularly(name: str, function: str, *, every: timedelta = DAY) -> None:
    """Registers a task by the dotted name of its function, in `AppConfig.ready()`. It first runs as soon as it can.

    The function gets the keys of the tenants that are not suspended, in a transaction that ends with its run: when it
    raises, nothing of it stays, and it is due again at the next look.
    """
    _tasks[name] = Task(name, function, every)


def run_due(now: datetime | None = None) -> list[str]:
    """Runs what is due and that no other process runs; returns the names of what was run.

    Raises OperationalError or InterfaceError when the database is out of reach; an error of a task itself is logged.
    """
    now = now or timezone.now()
    PeriodicTask.objects.bulk_create(
        [PeriodicTask(name=name, due_at=now) for name in _missing()], ignore_conflicts=True
    )
    return [task.name for task in _due(now) if _run(task, now)]


def _missing() -> list[str]:
    known = set(PeriodicTask.objects.filter(name__in=_tasks).values_list("name", flat=True))
    return [name for name in _tasks if name not in known]


def _due(now: datetime) -> list[Task]:
    return [task for task in _tasks.values() if _row_if_due(task, now).exists()]


def _row_if_due(task: Task, now: datetime) -> QuerySet[PeriodicTask]:
    """Due is also what lies two periods ahead: the period became shorter, or a clock was wrong.

    Two, since hosts whose clocks differ by seconds see one that has just run a little more than one ahead.
    """
    return PeriodicTask.objects.filter(Q(due_at__lte=now) | Q(due_at__gt=now + 2 * task.every), name=task.name)


def _run(task: Task, now: datetime) -> bool:
    """Whether it was run by this process and ended well."""
    try:
        with transaction.atomic():
            row = unheld(_row_if_due(task, now)).first()
            if row is None:  # another process runs it, or has run it
                return False
            PeriodicTask.objects.filter(pk=row.pk).update(due_at=next_due(row.due_at, task.every, now))
            function: Function = import_string(task.function)
            function(list(Tenant.objects.filter(suspended_at=None).order_by("pk").values_list("pk", flat=True)))
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.error("periodic=%s error=%s\n%s", task.name, type(error).__name__, place_of(error))
        return False
    log.info("periodic=%s done", task.name)
    return True


def next_due(due_at: datetime, every: timedelta, now: datetime) -> datetime:
    """The next time in step with `due_at` that lies ahead: what was missed meanwhile is made up for by one run."""
    if due_at > now:
        return now + every
    return due_at + every * ((now - due_at) // every + 1)
