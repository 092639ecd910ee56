"""May this process get requests, and does the work behind it move? What each check means: docs/monitoring.md."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from portal.aside import Aside
from portal.ledger.due import oldest_due
from portal.watch.hearts import is_alive, newest_beat

LIMIT_SECONDS = 2.0


class State(Enum):
    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Verdict(Enum):
    READY = "ready"
    DEGRADED = "degraded"  # what arrives is stored; something behind it stands still
    UNREADY = "unready"  # nothing can be stored


@dataclass(frozen=True)
class Check:
    """`reason` tells a stranger nothing of hosts, tenants or errors. `age`: seconds, where the check measures some."""

    name: str
    state: State
    reason: str = ""
    age: float | None = None


DATABASE, MIGRATIONS, WORKER, OLDEST_DUE = "database", "migrations", "worker", "oldest_due"
NAMES = (DATABASE, MIGRATIONS, WORKER, OLDEST_DUE)
# Without these a request cannot be served. The others would take the webhooks down together with a dead worker.
NEEDED = {DATABASE, MIGRATIONS}

NO_DATABASE = f"The database gave no answer within {LIMIT_SECONDS:.0f} seconds."
NOT_MIGRATED = "Migrations wait to be applied: manage.py migrate."
NO_WORKER = "No worker has ever been seen, or none for an hour: manage.py worker."
NOT_KNOWN = "Not known, because it could not be read."

# They are never taken back while a process runs, so that one look that found them all is enough.
_migrated = threading.Event()


def verdict(checks: Iterable[Check]) -> Verdict:
    wrong = {check.name for check in checks if check.state is not State.OK}
    if wrong & NEEDED:
        return Verdict.UNREADY
    return Verdict.DEGRADED if wrong else Verdict.READY


def checks_now() -> list[Check]:
    """All checks, within LIMIT_SECONDS also while the database hangs."""
    found = {check.name: check for check in _aside.ask()}
    if DATABASE not in found:
        found[DATABASE] = Check(DATABASE, State.FAILED, NO_DATABASE)
    return [found.get(name) or Check(name, State.UNKNOWN, NOT_KNOWN) for name in NAMES]


def look() -> Iterator[Check]:
    """Reads, one after the other; ends early when the database is out of reach."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        yield Check(DATABASE, State.OK)
        yield migrations()
        yield worker(newest_beat(), timezone.now())
        now = timezone.now()
        yield waiting(min(oldest_due(now).values(), default=now), now)
    except DatabaseError:
        return


def migrations() -> Check:
    if not _migrated.is_set():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return Check(MIGRATIONS, State.FAILED, NOT_MIGRATED)
        _migrated.set()
    return Check(MIGRATIONS, State.OK)


def worker(newest: datetime | None, now: datetime) -> Check:
    if newest is None:
        return Check(WORKER, State.FAILED, NO_WORKER)
    age = _age(newest, now)
    if not is_alive(newest, now):
        said = f"No worker has given a sign of life for {settings.HEART_LIMIT_SECONDS:g} seconds."
        return Check(WORKER, State.FAILED, said, age)
    return Check(WORKER, State.OK, age=age)


def waiting(oldest: datetime, now: datetime) -> Check:
    age, limit = _age(oldest, now), settings.READY_OLDEST_SECONDS
    if age > limit:
        return Check(OLDEST_DUE, State.FAILED, f"Due work has waited for more than {limit:g} seconds.", age)
    return Check(OLDEST_DUE, State.OK, age=age)


def _age(moment: datetime, now: datetime) -> float:
    """Seconds; clocks of other hosts may be ahead of ours."""
    return round(max(0.0, (now - moment).total_seconds()), 1)


_aside = Aside(look, seconds=LIMIT_SECONDS)
