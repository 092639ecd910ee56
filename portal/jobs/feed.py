"""The feeder: an Event that goes on until the job has ended. Each run makes some more rows Events.

It is leased and fenced like any Event, and what it feeds commits with where it stands: whatever is killed when, no row
is fed twice and none is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db.models import F, Q
from django.utils import timezone

from portal import ledger
from portal.jobs import pace
from portal.jobs.registry import Again, Row, kind_of, source_of
from portal.jobs.tally import open_rows
from portal.ledger import NotReplayable, Result, Work
from portal.ledger.record import new_chain
from portal.ledger.registry import registry
from portal.ledger.text import fitting_subject, storable_payload
from portal.locking import unheld
from portal.models import Event, Job, Lane
from portal.sentences import Sentence, joined, say, say_many

JOB_FEED = "portal.job"
SOON = timedelta(seconds=1)
LATER = timedelta(seconds=2)
# When nothing has ended for a minute, because the lane is paused or all that is left is tried again later.
IDLE = timedelta(seconds=10)
# Rows that are tried again later than this do not hold up the next ones, up to a limit: an account that refuses all
# must not be asked for a million of them.
TRIED_AGAIN_LATER = timedelta(seconds=pace.HOLD_SECONDS)
TRIED_AGAIN_MOST = 2_000
LEAST_AT_ONCE = 32


@dataclass(frozen=True)
class Batch:
    """What a run feeds next. `at_end`: there is nothing behind it."""

    rows: Sequence[Row | Again]
    at_end: bool
    begin: float = 0.0  # from when on the rate is used up


def feed(work: Work) -> Result | partial[Result]:
    """Handles `portal.job`."""
    event = work.event
    job = Job.objects.for_tenant(event.tenant_id).filter(pk=event.payload["job"]).first()
    if job is None:
        return ledger.ignored(say("The job is no longer there."))
    if kind_of(job) is None:
        raise ledger.dead(say("This kind of job is not known here: %(kind)s.", kind=job.kind))
    batch = _batch(job, timezone.now()) if job.state == Job.State.RUNNING else Batch((), False)
    return partial(_commit, event, job, batch)


def _batch(job: Job, now: datetime) -> Batch:
    room = _room(job, now)
    begin = 0.0
    if job.rate:
        most, begin = pace.allowed(job.rate, _seconds(job.paced_at), now.timestamp())
        room = min(room, most)
    if room < 1:
        return Batch((), False, begin)
    rows = _next_rows(job, room)
    return Batch(rows, len(rows) < room, begin)


def _next_rows(job: Job, limit: int) -> Sequence[Row | Again]:
    if job.retrying:
        return _failed_rows(job, limit)
    return [] if job.all_fed else source_of(job).rows(job, job.cursor, limit)


def _room(job: Job, now: datetime) -> int:
    open_rows = Event.objects.filter(job=job, status__in=Event.PENDING)
    later = open_rows.filter(status=Event.Status.WAITING, due_at__gt=now + TRIED_AGAIN_LATER).count()
    soon = open_rows.count() - later
    ended = max(0, job.fed + job.skipped - soon - later)
    lane = lane_of(job)
    least = min(lane.max_running, LEAST_AT_ONCE) if lane else pace.WINDOW_LEAST
    window = pace.window(job.samples, now.timestamp(), ended, least)
    return min(window - soon, TRIED_AGAIN_MOST + window - soon - later)


def lane_of(job: Job) -> Lane | None:
    """The lane that all its rows go through, if it is one."""
    lane_id = source_of(job).lane_id(job)
    return Lane.objects.filter(pk=lane_id).first() if lane_id else None


def _failed_rows(job: Job, limit: int) -> list[Again]:
    span: dict[str, int] = job.retrying or {}
    after, until = span["after"], span["until"]
    failed = Event.objects.filter(job=job, status=Event.Status.FAILED, pk__gt=after, pk__lte=until)
    return [Again(key, key) for key in failed.order_by("pk").values_list("pk", flat=True)[:limit]]


def _commit(event: Event, seen: Job, batch: Batch) -> Result:
    """Under the job's lock: a pause or a cancellation either comes before it, or sees all that it has fed."""
    job = Job.objects.select_for_update().get(pk=seen.pk)
    now = timezone.now()
    if job.state == Job.State.CANCELLED:
        return _wind_up(job, now)
    if job.state != Job.State.RUNNING:
        return ledger.done(say("Paused at %(count)s rows.", count=job.fed))
    if job.retrying != seen.retrying or seen.state != Job.State.RUNNING:  # somebody steered it meanwhile
        return ledger.later(Sentence(), now)
    _put(job, batch.rows, event)
    _move_on(job, batch)
    left = open_rows(job)
    ended = job.fed + job.skipped - left
    if job.all_fed and not job.retrying and not left:
        job.state, job.finished_at = Job.State.DONE, now
    job.started_at = job.started_at or now
    job.samples = pace.sampled(job.samples, now.timestamp(), ended)
    job.save()
    said = _sentence(job, ended)
    if job.state == Job.State.DONE:
        return ledger.done(said)
    return ledger.later(said, now + _pause(job, batch, now.timestamp()))


def _pause(job: Job, batch: Batch, now: float) -> timedelta:
    if batch.rows:
        return SOON
    since, ended = job.samples[0]
    return IDLE if now - since > pace.MINUTE - pace.SPEED_SECONDS and ended == job.samples[-1][1] else LATER


def _put(job: Job, rows: Sequence[Row | Again], feeder: Event) -> None:
    new = [row for row in rows if isinstance(row, Row)]
    Event.objects.bulk_create([_event(job, row, feeder) for row in new], batch_size=500)
    job.fed += len(new)
    for row in rows:
        if isinstance(row, Again):
            _run_again(job, row.event_id)


def _event(job: Job, row: Row, feeder: Event) -> Event:
    """A chain of its own: the trace of one row does not show the thousand others."""
    return Event(
        tenant_id=job.tenant_id,
        lane_id=row.lane_id,
        kind=row.kind,
        subject=fitting_subject(row.subject),
        coalesces=registry.kinds[row.kind].coalesces,
        payload=storable_payload(row.payload),
        source="portal",
        correlation_id=new_chain(),
        parent=feeder,
        job=job,
    )


def _run_again(job: Job, event_id: int) -> None:
    mine = Q(pk=event_id, tenant_id=job.tenant_id)
    event = Event.objects.filter(mine).only("job_id").first()
    try:
        if event is None:
            raise NotReplayable
        ledger.replay(event_id, by=job.who)
    except NotReplayable:
        if event is None or event.job_id != job.pk:
            job.skipped += 1
        return
    if event.job_id == job.pk:
        return
    if event.job_id:  # the row was another job's, which counts it no more
        Job.objects.filter(pk=event.job_id, fed__gt=0, total__gt=0).update(fed=F("fed") - 1, total=F("total") - 1)
    Event.objects.filter(mine).update(job=job)
    job.fed += 1


def _move_on(job: Job, batch: Batch) -> None:
    if batch.rows and job.rate:
        begin = pace.paid(job.rate, batch.begin, len(batch.rows))
        job.paced_at = datetime.fromtimestamp(begin, UTC)
    if job.retrying:
        last = batch.rows[-1].key if batch.rows else 0
        job.retrying = None if batch.at_end else {**job.retrying, "after": last or job.retrying["after"]}
        return
    if batch.rows:
        job.cursor = batch.rows[-1].key
    job.all_fed = job.all_fed or batch.at_end


def _wind_up(job: Job, now: datetime) -> Result:
    """What runs may end; what waits again after it failed is ended here."""
    end_waiting(job)
    if open_rows(job):
        return ledger.later(say("Cancelled. What was running ends."), now + LATER)
    Job.objects.filter(pk=job.pk, finished_at=None).update(finished_at=now)
    return ledger.done(say("Cancelled after %(count)s rows.", count=job.fed))


def end_waiting(job: Job) -> int:
    """Ends what waits of a cancelled job; returns how many. What a worker takes at this moment runs and ends."""
    waiting = Event.objects.filter(job=job, status=Event.Status.WAITING).order_by("pk")
    keys = list(unheld(waiting).values_list("pk", flat=True))
    said = say("The job was cancelled before this was done.")
    return Event.objects.filter(pk__in=keys, status=Event.Status.WAITING).update(
        status=Event.Status.IGNORED, finished_at=timezone.now(), outcome=said
    )


def _sentence(job: Job, ended: int) -> Sentence:
    total = max(job.total, job.fed + job.skipped)
    parts = [say("%(ended)s of %(total)s rows have ended.", ended=ended, total=total)]
    if failed := Event.objects.filter(job=job, status=Event.Status.FAILED).count():
        parts.append(say_many("%(count)s row failed.", "%(count)s rows failed.", count=failed))
    return joined(parts)


def _seconds(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
