"""RUN and FINISH: a handler reads outside any transaction; its effects commit with the finish, fenced by the lease."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.ledger.failure import DEFER_LIMIT_IN_ALL, Decision, Failure, next_retry_at, retry
from portal.ledger.record import news
from portal.ledger.registry import Effects, Result, Work, done, registry
from portal.models import Attempt, Event, Lane

log = logging.getLogger(__name__)

UNCERTAIN_SENTENCE = (
    "The worker stopped while {target} was being called, so it may have happened. Check there, then replay or leave it."
)


class LeaseLost(Exception):
    """Another worker holds the Event now: nothing of this run may take effect."""


class NotReplayable(Exception):
    """The Event cannot be replayed now; the message says why."""


@dataclass(frozen=True)
class _AttemptTrail:
    """Writes each outgoing call of one Event as an Attempt: before it is made, and again when it has ended."""

    event: Event

    def open(self, *, target: str, method: str, url: str, repeatable: bool, request_excerpt: str) -> int:
        attempt = Attempt.objects.create(
            event_id=self.event.pk,
            number=self.event.attempts,
            target=target[:200],
            method=method,
            url=url[:500],
            repeatable=repeatable,
            request_excerpt=request_excerpt,
        )
        return int(attempt.pk)

    def close(self, call: int, *, status: int | None, milliseconds: int, error: str, response_excerpt: str) -> None:
        Attempt.objects.filter(pk=call).update(
            status=status,
            milliseconds=milliseconds,
            error=error,
            response_excerpt=response_excerpt,
            finished_at=timezone.now(),
        )


def run(event: Event) -> None:
    """Runs a leased Event to its end. Never raises: whatever goes wrong becomes the Event's state."""
    try:
        if cut_short := _call_cut_short(event):
            raise Failure(UNCERTAIN_SENTENCE.format(target=cut_short.target), Decision.UNCERTAIN)
        handler = registry.handler(event.kind)
        finish(event, handler(Work(event, _AttemptTrail(event))))
    except LeaseLost:
        log.warning("event=%s lease=lost", event.pk)
    except Failure as failure:
        fail(event, failure)
    except Exception as error:
        log.exception("event=%s kind=%s error=unexpected", event.pk, event.kind)
        fail(event, retry(f"Something unexpected went wrong here ({type(error).__name__}). The log has the details."))


def _call_cut_short(event: Event) -> Attempt | None:
    """A call that must not be repeated and whose end nobody saw."""
    if event.attempts < 2:
        return None
    return Attempt.objects.filter(event_id=event.pk, repeatable=False, finished_at=None).first()


def finish(event: Event, result: Result | Effects) -> None:
    """Commits the end of an Event and all its effects in one transaction. Raises LeaseLost when another holds it."""
    if isinstance(result, Result):
        _settle(event, **_ended(result))
        return
    with transaction.atomic():
        _settle(event, status=Event.Status.DONE, finished_at=timezone.now())
        ended = result()
        Event.objects.filter(pk=event.pk).update(**_ended(ended))
        if ended.status == Event.Status.DONE and event.coalesces:
            _supersede_dead_letters(event)


def _ended(result: Result) -> dict[str, Any]:
    return {"status": result.status, "outcome": result.outcome, "finished_at": timezone.now()}


def _settle(event: Event, **changes: Any) -> None:
    """The fence: only the holder of the lease changes a leased Event."""
    held = Event.objects.filter(pk=event.pk, status=Event.Status.LEASED, lease_token=event.lease_token)
    if not held.update(lease_token=None, lease_until=None, **changes):
        raise LeaseLost


def _supersede_dead_letters(event: Event) -> None:
    older = Event.objects.filter(
        tenant_id=event.tenant_id, kind=event.kind, subject=event.subject, status=Event.Status.FAILED, pk__lt=event.pk
    )
    older.update(
        status=Event.Status.MERGED, merged_into=event, outcome=f"Superseded: event {event.pk} succeeded later."
    )


def fail(event: Event, failure: Failure) -> bool:
    """Puts a leased Event where its failure sends it. False when the lease has moved on meanwhile."""
    now = timezone.now()
    with transaction.atomic():
        try:
            _settle(event, outcome=failure.sentence, **_after(event, failure, now))
        except LeaseLost:
            return False
        if failure.decision is Decision.PAUSE:
            lane = Lane.objects.filter(pk=event.lane_id, paused_at=None)
            lane.update(paused_at=now, pause_reason=failure.sentence)
        elif failure.decision is Decision.DEFER and failure.wait:
            Lane.objects.filter(pk=event.lane_id, not_before__lt=now + failure.wait).update(
                not_before=now + failure.wait
            )
    return True


def _after(event: Event, failure: Failure, now: datetime) -> dict[str, Any]:
    """The Event's columns after a failure."""
    first = event.first_failed_at or now
    waiting: dict[str, Any] = {"status": Event.Status.WAITING, "first_failed_at": first}
    decision = failure.decision
    if decision is Decision.DEFER and now - first > DEFER_LIMIT_IN_ALL:
        decision = Decision.RETRY
    if decision in {Decision.PAUSE, Decision.DEFER}:
        return {**waiting, "attempts": event.attempts - 1, "due_at": now}
    if decision is Decision.RETRY:
        due_at = next_retry_at(first, event.retries, now)
        if due_at:
            return {**waiting, "retries": event.retries + 1, "due_at": due_at}
    status = Event.Status.UNCERTAIN if decision is Decision.UNCERTAIN else Event.Status.FAILED
    return {"status": status, "first_failed_at": first, "finished_at": now}


def replay(event_id: int, *, by: str) -> None:
    """Makes an Event due again: a new attempt on the same row. A pending retry is thereby cancelled.

    `by` is the person's name, kept in the trace. Raises NotReplayable for an Event that runs, or that another covers.
    """
    with transaction.atomic():
        event = Event.objects.select_for_update().get(pk=event_id)
        if event.status == Event.Status.LEASED:
            raise NotReplayable("This event is running right now. Wait until it has ended.")
        if event.status == Event.Status.MERGED:
            raise NotReplayable(f"Event {event.merged_into_id} covers this one. Replay that one.")
        if event.kind not in registry.kinds:
            raise NotReplayable("This event only notes what happened; there is nothing to run again.")
        event.status, event.due_at, event.retries = Event.Status.WAITING, timezone.now(), 0
        event.first_failed_at = event.finished_at = None
        event.save()
        # A person has decided what became of a call that was cut short.
        Attempt.objects.filter(event=event, finished_at=None).update(
            finished_at=timezone.now(), error=f"Nobody saw how this call ended. {by} replayed the event."
        )
        news(
            "portal.replayed",
            tenant_id=event.tenant_id,
            subject=event.subject,
            result=done(f"{by} replayed event {event.pk}."),
            cause=event,
        )
