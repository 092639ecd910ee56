"""A kind of job whose rows are numbers, and a worker that is run by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from portal import jobs, ledger
from portal.jobs import registry as kinds
from portal.jobs.registry import Row
from portal.models import Event, Job, Lane
from portal.sentences import say
from portal.tenancy import Action
from tests import factories as make
from tests.portal.ledger_world import ACT, Desk, at, registered_kinds

NUMBERS = "test.numbers"


class Numbers:
    """`payload`: {"count": 10, "lane": 3}."""

    def count(self, job: Job) -> int:
        return int(job.payload["count"])

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Row]:
        first = 0 if after is None else after + 1
        last = min(first + limit, job.payload["count"])
        return [Row(n, ACT, f"number:{job.pk}:{n}", {"number": n}, job.payload["lane"]) for n in range(first, last)]

    def lane_id(self, job: Job) -> int | None:
        return int(job.payload["lane"])


@contextmanager
def registered_jobs() -> Iterator[None]:
    kept = dict(kinds._kinds)
    jobs.job_kind(NUMBERS, f"{__name__}.Numbers", title="Numbers", needs=Action.OPERATE)
    with registered_kinds():
        yield
    kinds._kinds.clear()
    kinds._kinds.update(kept)


def start(desk: Desk, count: int, *, by: User | None = None, rate: int = 0, lane: Lane | None = None) -> Job:
    payload = {"count": count, "lane": (lane or desk.lane).pk}
    job = jobs.prepared(NUMBERS, tenant_id=desk.tenant.pk, payload=payload, title=say("Numbers"), rate=rate)
    return jobs.start(job, by=by or make.UserFactory.make(username=f"anna{User.objects.count()}@example.com"))


class Worker:
    """Claims and runs what is due; its clock goes on by `step` seconds between two looks."""

    def __init__(self, step: float = 1.0) -> None:
        self.now, self.step = timezone.now(), step

    def turn(self) -> int:
        """One look: everything that is due by then is run. Returns how many Events."""
        self.now += timedelta(seconds=self.step)
        count = 0
        with at(self.now):
            while claimed := ledger.claim(64, "tester"):
                for event in claimed:
                    ledger.run(event)
                count += len(claimed)
        return count

    def until_ended(self, job: Job, turns: int = 500) -> Job:
        for _ in range(turns):
            self.turn()
            job.refresh_from_db()
            if job.finished_at:
                return job
        raise AssertionError(f"the job has not ended: {job.__dict__}")


def numbers(job: Job, *statuses: str) -> list[int]:
    """The numbers of its rows, in order, each as often as it was fed."""
    rows = Event.objects.filter(job=job)
    found = rows.filter(status__in=statuses) if statuses else rows
    return sorted(payload["number"] for payload in found.values_list("payload", flat=True))
