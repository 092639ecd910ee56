"""What has become of a job's rows, counted from their Events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Count

from portal.models import Event, Job

# Most rows end well, and are never counted: what is begun and nothing else is done. Where a job has many rows, the
# others may be many, too, and are counted every few seconds only.
_NOT_DONE = [status for status in Event.Status.values if status != Event.Status.DONE]
MANY, KEPT_SECONDS = 20_000, 20


@dataclass(frozen=True)
class Tally:
    waiting: int
    running: int
    failed: int
    uncertain: int
    nothing: int  # ignored, or covered by another Event
    done: int
    ended: int
    total: int

    @property
    def open(self) -> int:
        return self.waiting + self.running

    @property
    def left(self) -> int:
        return max(self.total - self.ended, self.open)

    @property
    def percent(self) -> int:
        """Whole ones, and 100 only when nothing is left."""
        return 100 if not self.left else min(99, 100 * self.ended // max(self.total, 1))


def tally(job: Job) -> Tally:
    return tallies([job])[job.pk]


def tallies(jobs: Iterable[Job]) -> dict[int, Tally]:
    """By the job's key, with one query for all that are not too large to be counted each time."""
    jobs = list(jobs)
    found = {job.pk: _open_and_failed(job) for job in jobs if job.fed > MANY}
    others = [job.pk for job in jobs if job.fed <= MANY]
    for job_id, status, number in _counted(others, _NOT_DONE):
        found.setdefault(job_id, {})[status] = number
    return {job.pk: _tally(job, found.get(job.pk, {})) for job in jobs}


def open_rows(job: Job) -> int:
    return Event.objects.filter(job=job, status__in=Event.PENDING).count()


def _open_and_failed(job: Job) -> dict[str, int]:
    key = f"portal.job:{job.pk}"
    kept = cache.get(key)
    if kept is None:
        kept = {status: number for _, status, number in _counted([job.pk], _NOT_DONE)}
        cache.set(key, kept, KEPT_SECONDS)
    now = {status: number for _, status, number in _counted([job.pk], Event.PENDING)}
    return {**kept, **dict.fromkeys(Event.PENDING, 0), **now}


def _counted(jobs: list[int], statuses: Iterable[str]) -> list[tuple[int, str, int]]:
    if not jobs:
        return []
    rows = Event.objects.filter(job_id__in=jobs, status__in=list(statuses)).order_by()
    return list(rows.values_list("job_id", "status").annotate(number=Count("pk")))


def _tally(job: Job, counts: dict[str, int]) -> Tally:
    waiting, running = counts.get(Event.Status.WAITING, 0), counts.get(Event.Status.LEASED, 0)
    nothing = counts.get(Event.Status.IGNORED, 0) + counts.get(Event.Status.MERGED, 0)
    failed, uncertain = counts.get(Event.Status.FAILED, 0), counts.get(Event.Status.UNCERTAIN, 0)
    ended = max(0, job.fed - waiting - running)
    return Tally(
        waiting, running, failed, uncertain, nothing,
        done=max(0, ended - nothing - failed - uncertain),
        ended=ended + job.skipped,
        total=max(job.total, job.fed + job.skipped) if job.state != Job.State.DONE else job.fed + job.skipped,
    )  # fmt: skip
