"""Starting a job, and what people do with it: pause, resume, cancel, try what failed again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction

from portal import ledger
from portal.jobs.feed import JOB_FEED, end_waiting
from portal.jobs.registry import source_of
from portal.models import Event, Job
from portal.sentences import Explained, Sentence, say, say_many

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

STARTED, PAUSED, RESUMED = "job.started", "job.paused", "job.resumed"
CANCELLED, RETRIED = "job.cancelled", "job.retried"
PORTAL = "portal"
UNDER_WAY = (Job.State.RUNNING, Job.State.PAUSED)


class CannotSteer(Explained):
    """The job is in no state for it; the sentence says why."""


def prepared(kind: str, *, tenant_id: int, payload: Mapping[str, Any], title: Sentence, rate: int = 0) -> Job:
    """A job that is not stored, with its rows counted: what a person is shown before it is started."""
    job = Job(tenant_id=tenant_id, kind=kind, payload=dict(payload), title=title, rate=rate, total=0)
    job.total = source_of(job).count(job)
    return job


def start(job: Job, *, by: AbstractBaseUser | None = None) -> Job:
    """Stores a prepared job and has a worker begin. `by`: None for what the portal does of itself."""
    job.made_by_id, job.who = (by.pk, by.get_username()) if by else (None, PORTAL)
    with transaction.atomic():
        job.save(force_insert=True)
        said = say_many(
            "%(who)s started this for %(count)s row.", "%(who)s started this for %(count)s rows.",
            count=job.total, who=job.who,
        )  # fmt: skip
        noted = _note(job, STARTED, said)
        job.correlation_id = noted.correlation_id
        job.save(update_fields=["correlation_id"])
        _wake(job, noted)
    return job


def pause(job: Job, *, by: str) -> None:
    """Nothing more is fed; what was fed ends. Raises CannotSteer unless it runs."""
    with transaction.atomic():
        _moved(job, (Job.State.RUNNING,), say("Only a job that runs can be paused."), state=Job.State.PAUSED)
        _note(job, PAUSED, say("%(who)s paused it.", who=by))


def resume(job: Job, *, by: str) -> None:
    """Raises CannotSteer unless it was paused, or its feeding failed."""
    with transaction.atomic():
        changes: dict[str, Any] = {"state": Job.State.RUNNING, "samples": [], "paced_at": None}
        allowed = UNDER_WAY if feeding_failed(feeder_of(job)) else (Job.State.PAUSED,)
        _moved(job, allowed, say("Only a paused job can be resumed."), **changes)
        _wake(job, _note(job, RESUMED, say("%(who)s resumed it.", who=by)))


def cancel(job: Job, *, by: str) -> int:
    """Nothing more is fed, and what waits of it is ended; returns how many. Raises CannotSteer when it has ended."""
    with transaction.atomic():
        _moved(job, UNDER_WAY, say("This job has ended already."), state=Job.State.CANCELLED)
        noted = _note(job, CANCELLED, say("%(who)s cancelled it.", who=by))
        ended = end_waiting(job)
        _wake(job, noted)  # what fails from now on is ended, too
    return ended


def retry_failed(job: Job, *, by: str) -> int:
    """Has its failed rows run again; returns how many. Raises CannotSteer while it is paused, or when none failed."""
    with transaction.atomic():
        failed = Event.objects.filter(job=job, status=Event.Status.FAILED)
        newest = failed.order_by("-pk").values_list("pk", flat=True).first()
        if newest is None:
            raise CannotSteer(say("None of its rows has failed."))
        count = failed.count()
        changes: dict[str, Any] = {"state": Job.State.RUNNING, "finished_at": None, "samples": []}
        allowed = (Job.State.RUNNING, Job.State.DONE)
        refusal = say("Resume the job first.") if job.state == Job.State.PAUSED else say("This job was cancelled.")
        _moved(job, allowed, refusal, retrying={"after": 0, "until": newest}, **changes)
        said = say_many(
            "%(who)s had %(count)s failed row tried again.", "%(who)s had %(count)s failed rows tried again.",
            count=count, who=by,
        )  # fmt: skip
        _wake(job, _note(job, RETRIED, said))
    return count


def feeder_of(job: Job) -> Event | None:
    """The Event that feeds it, or did last."""
    feeders = Event.objects.filter(tenant_id=job.tenant_id, subject=f"job:{job.pk}", kind=JOB_FEED)
    return feeders.order_by("-pk").first()


def feeding_failed(feeder: Event | None) -> bool:
    """Whether a job has stopped because what fed it did."""
    return feeder is not None and feeder.status in Event.UNRESOLVED


def _moved(job: Job, allowed: tuple[str, ...], refusal: Sentence, **changes: Any) -> None:
    """Under the row's lock, which feeding takes, too."""
    locked = Job.objects.select_for_update().get(pk=job.pk)
    if locked.state not in allowed:
        raise CannotSteer(refusal)
    Job.objects.filter(pk=job.pk).update(**changes)
    job.refresh_from_db()


def _note(job: Job, kind: str, said: Sentence) -> Event:
    """An entry of the job's own chain."""
    chain = Event.objects.filter(tenant_id=job.tenant_id, correlation_id=job.correlation_id)
    return ledger.news(
        kind, tenant_id=job.tenant_id, subject=f"job:{job.pk}:{kind}", result=ledger.done(said),
        cause=chain.order_by("pk").first(), payload={"job": job.pk},
    )  # fmt: skip


def _wake(job: Job, cause: Event) -> None:
    ledger.publish(JOB_FEED, cause=cause, subject=f"job:{job.pk}", payload={"job": job.pk})
