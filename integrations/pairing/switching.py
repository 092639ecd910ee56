"""SWITCHING: from a draft through the comparison to a pairing that is on, and back, as people ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from integrations.pairing import aligning, comparing
from integrations.pairing.lines import lines_of
from integrations.pairing.models import Pairing
from integrations.pairing.registry import profile_side_of
from portal import jobs
from portal.jobs import CannotSteer
from portal.jobs.steer import UNDER_WAY
from portal.models import Job
from portal.sentences import Explained, Sentence, say

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Phase, Choice = Pairing.Phase, Pairing.Differences
BEFORE_ON = (Phase.DRAFT, Phase.COMPARING, Phase.PAUSED)


class CannotSwitch(Explained):
    """The pairing is in no state for it; the sentence says why."""


def obstacle(pairing: Pairing) -> Sentence:
    """Why it can be neither compared nor switched on; empty where nothing is in the way."""
    if comparing.lanes_of(pairing) is None:
        return say("One of its connections was deleted. Choose another one first.")
    if not lines_of(pairing):
        return say("No subscription is mapped yet. Add a line first.")
    return Sentence()


def compare(pairing: Pairing, *, by: AbstractBaseUser, rate: int = 0) -> Job:
    """Begins to compare, anew where that was done before. Raises CannotSwitch."""
    with transaction.atomic():
        _locked(pairing, BEFORE_ON, say("It is on already."))
        _check(pairing)
        if under_way(comparing.newest(pairing)):
            raise CannotSwitch(say("Both systems are being compared already."))
        pairing.phase, pairing.compared_since, pairing.differences = Phase.COMPARING, timezone.now(), ""
        pairing.save()
        return jobs.start(comparing.prepared(pairing, rate), by=by)


def stop_comparing(pairing: Pairing, *, by: AbstractBaseUser) -> None:
    """Back to a draft. What was read is of no use then. Raises CannotSwitch."""
    with transaction.atomic():
        _locked(pairing, (Phase.COMPARING,), say("It is not being compared."))
        _cancel(comparing.newest(pairing), by)
        pairing.phase, pairing.compared_since = Phase.DRAFT, None
        pairing.save()


def switch_on(pairing: Pairing, choice: str, *, by: AbstractBaseUser) -> Job | None:
    """After the comparison. Returns the job that brings what was found to stand, if there is anybody.

    Raises CannotSwitch.
    """
    with transaction.atomic():
        _locked(pairing, (Phase.COMPARING,), say("Compare both systems first."))
        _check(pairing)
        if said := unfinished(pairing):
            raise CannotSwitch(said)
        if choice not in choices(pairing):
            raise CannotSwitch(say("The portal writes to Didomi only where the flow is bidirectional."))
        pairing.differences = choice
        _on(pairing)
        job = aligning.prepared(pairing)
        return jobs.start(job, by=by) if job.total else None


def switch_on_blind(pairing: Pairing) -> None:
    """Without a comparison: what either system tells from now on is all that is known. Raises CannotSwitch."""
    with transaction.atomic():
        _locked(pairing, (Phase.DRAFT,), say("Only a pairing that is being set up is switched on like this."))
        _check(pairing)
        pairing.compared_since, pairing.differences = None, ""
        _on(pairing)


def align_rest(pairing: Pairing, *, by: AbstractBaseUser) -> Job | None:
    """Brings to stand what a cancelled or interrupted alignment left. Raises CannotSwitch."""
    with transaction.atomic():
        _locked(pairing, (Phase.ON,), say("It is not on."))
        _check(pairing)
        if under_way(newest_alignment(pairing)):
            raise CannotSwitch(say("This is under way already."))
        job = aligning.prepared(pairing)
        return jobs.start(job, by=by) if job.total else None


def choices(pairing: Pairing) -> list[str]:
    """What may become of the differences."""
    return [each for each in Choice.values if pairing.enable_webhooks or each != Choice.PROFILES]


def unfinished(pairing: Pairing) -> Sentence:
    """Why the comparison says nothing yet, or no more; empty where it can be gone by."""
    job = comparing.newest(pairing)
    if job is None or pairing.compared_since is None:
        return say("Compare both systems first.")
    if under_way(job):
        return say("The comparison is still under way.")
    if job.state != Job.State.DONE:
        return say("The comparison was cancelled before its end. Compare again.")
    if job.payload["compares"] != comparing.compares(pairing):
        return say("The mapping has changed since the comparison. Compare again.")
    return Sentence()


def is_anybody_left(pairing: Pairing) -> bool:
    """Whether an alignment ended before it came to everybody."""
    left = aligning.compared(pairing).filter(aligned_at=None, paused_at=None)
    return pairing.is_on and left.exists() and not under_way(newest_alignment(pairing))


def newest_alignment(pairing: Pairing) -> Job | None:
    mine = Job.objects.for_tenant(pairing.tenant_id).filter(kind=aligning.ALIGNMENT, payload__pairing=pairing.pk)
    return mine.order_by("-pk").first()


def under_way(job: Job | None) -> bool:
    return job is not None and job.state in UNDER_WAY


def _locked(pairing: Pairing, allowed: tuple[str, ...], refusal: Sentence) -> None:
    """The row, as it is now, until the transaction ends."""
    pairing.refresh_from_db(from_queryset=Pairing.objects.select_for_update())
    if pairing.phase not in allowed:
        raise CannotSwitch(refusal)


def _check(pairing: Pairing) -> None:
    if said := obstacle(pairing):
        raise CannotSwitch(said)


def _on(pairing: Pairing) -> None:
    table = profile_side_of(pairing.profiles).table(pairing.profiles)
    pairing.known_subscriptions = list(table.subscriptions or [])
    pairing.phase, pairing.on_since = Phase.ON, timezone.now()
    pairing.save()


def _cancel(job: Job | None, by: AbstractBaseUser) -> None:
    try:
        if job is not None and under_way(job):
            jobs.cancel(job, by=by.get_username())
    except CannotSteer:
        pass  # it ended at this moment
