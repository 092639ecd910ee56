"""RUN and FINISH: a handler reads outside any transaction; its effects commit with the finish, fenced by the lease."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.ledger.failure import DEFER_LIMIT_IN_ALL, Decision, Failure, next_retry_at, retry, uncertain
from portal.ledger.record import news
from portal.ledger.registry import Effects, Result, Work, done, registry
from portal.models import Attempt, Event, Lane
from portal.text import storable

log = logging.getLogger(__name__)

LOST = "lost"

UNCERTAIN_SENTENCE = (
    "The worker stopped around a call to {target}, so it may have happened. Check there, then replay or leave it."
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
        with transaction.atomic():
            if not repeatable and not _held(self.event).select_for_update().values_list("pk").first():
                raise LeaseLost  # whoever holds it now makes the call, or has made it
            attempt = Attempt.objects.create(
                event_id=self.event.pk,
                number=self.event.attempts,
                target=storable(target)[:200],
                method=method,
                url=storable(url)[:500],
                repeatable=repeatable,
                request_excerpt=storable(request_excerpt),
            )
        return int(attempt.pk)

    def close(self, call: int, *, status: int | None, milliseconds: int, error: str, response_excerpt: str) -> None:
        Attempt.objects.filter(pk=call).update(
            status=status,
            milliseconds=milliseconds,
            error=storable(error),
            response_excerpt=storable(response_excerpt),
            finished_at=timezone.now(),
        )


def run(event: Event) -> str:
    """Runs a leased Event to its end and returns its new status, or "lost" when the lease has moved on.

    Whatever goes wrong becomes the Event's state; only a database out of reach raises.
    """
    try:
        if cut_short := _call_cut_short(event):
            raise uncertain(UNCERTAIN_SENTENCE.format(target=cut_short.target))
        handler = registry.handler(event.kind)
        return finish(event, handler(Work(event, _AttemptTrail(event))))
    except LeaseLost:
        return LOST
    except Failure as failure:
        return fail(event, failure) or LOST
    except Exception as error:
        # Where, not what: the words of an error often hold a person's data.
        place = "".join(traceback.format_tb(error.__traceback__))
        log.error("event=%s kind=%s error=%s\n%s", event.pk, event.kind, type(error).__name__, place)
        sentence = f"Something unexpected went wrong here ({type(error).__name__}). The log has the details."
        return fail(event, interrupted(event, sentence)) or LOST


def _call_cut_short(event: Event) -> Attempt | None:
    """A call that must not be repeated and whose end nobody saw."""
    if event.attempts < 2:
        return None
    return Attempt.objects.filter(event_id=event.pk, repeatable=False, finished_at=None).first()


def interrupted(event: Event, sentence: str) -> Failure:
    """What follows when a run broke off: another try, unless it has made a call that must not be repeated."""
    calls = Attempt.objects.filter(event_id=event.pk, repeatable=False, number=event.attempts)
    made = calls.exclude(status__gte=300).first()
    return uncertain(UNCERTAIN_SENTENCE.format(target=made.target)) if made else retry(sentence)


def give_back(events: Iterable[Event]) -> int:
    """Ends the runs of Events whose worker is gone. Returns how many were still leased as they are given."""
    count = 0
    for event in events:
        with transaction.atomic():
            # Locked first: a call that must not be repeated is only begun under the same lock.
            if _held(event).select_for_update().values_list("pk").first():
                count += bool(fail(event, interrupted(event, "The worker stopped in the middle of it.")))
    return count


def finish(event: Event, result: Result | Effects) -> str:
    """Commits the end of an Event and all its effects in one transaction; returns its status.

    Raises LeaseLost when another holds it.
    """
    with transaction.atomic():
        _settle(event, status=Event.Status.DONE, finished_at=timezone.now())
        ended = result if isinstance(result, Result) else result()
        Event.objects.filter(pk=event.pk).update(**_ended(ended))
        if ended.status == Event.Status.DONE and event.coalesces:
            _supersede_dead_letters(event)
    return str(ended.status)


def _ended(result: Result) -> dict[str, Any]:
    return {"status": result.status, "outcome": storable(result.outcome), "finished_at": timezone.now()}


def _held(event: Event) -> QuerySet[Event]:
    """The Event's row, if it is still leased as it is given."""
    return Event.objects.filter(pk=event.pk, status=Event.Status.LEASED, lease_token=event.lease_token)


def _settle(event: Event, **changes: Any) -> None:
    """The fence: only the holder of the lease changes a leased Event."""
    if not _held(event).update(lease_token=None, lease_until=None, **changes):
        raise LeaseLost


def _supersede_dead_letters(event: Event) -> None:
    """One Event per subject runs at a time, so every dead letter of the subject is older than this reading."""
    dead = Event.objects.filter(
        tenant_id=event.tenant_id, kind=event.kind, subject=event.subject, status=Event.Status.FAILED
    )
    dead.update(status=Event.Status.MERGED, merged_into=event, outcome=f"Superseded: event {event.pk} succeeded later.")


def fail(event: Event, failure: Failure) -> str | None:
    """Puts a leased Event where its failure sends it; returns its status, None when the lease has moved on."""
    now = timezone.now()
    changes = _after(event, failure, now)
    with transaction.atomic():
        try:
            _settle(event, outcome=storable(failure.sentence), **changes)
        except LeaseLost:
            return None
        if failure.decision is Decision.PAUSE:
            lane = Lane.objects.filter(pk=event.lane_id, paused_at=None)
            lane.update(paused_at=now, pause_reason=storable(failure.sentence))
        elif failure.decision is Decision.DEFER and failure.wait:
            Lane.objects.filter(pk=event.lane_id, not_before__lt=now + failure.wait).update(
                not_before=now + failure.wait
            )
    return str(changes["status"])


def _after(event: Event, failure: Failure, now: datetime) -> dict[str, Any]:
    """The Event's columns after a failure."""
    decision = failure.decision
    if decision is Decision.PAUSE:
        return {"status": Event.Status.WAITING, "attempts": event.attempts - 1, "due_at": now}
    first = event.first_failed_at or now
    waiting: dict[str, Any] = {"status": Event.Status.WAITING, "first_failed_at": first}
    if decision is Decision.DEFER and now - first <= DEFER_LIMIT_IN_ALL:
        return {**waiting, "attempts": event.attempts - 1, "due_at": now}
    if decision in {Decision.RETRY, Decision.DEFER}:
        due_at = next_retry_at(first, event.retries, now, event.claimed_at or now)
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
            raise NotReplayable(_("This event is running right now. Wait until it has ended."))
        if event.status == Event.Status.MERGED:
            raise NotReplayable(
                _("Event %(number)s covers this one. Replay that one.") % {"number": event.merged_into_id}
            )
        if event.kind not in registry.kinds:
            raise NotReplayable(_("This event only notes what happened; there is nothing to run again."))
        before = f" Before: {event.outcome}" if event.outcome else ""  # the new attempt overwrites it
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
            result=done(f"{by} replayed event {event.pk}.{before}"),
            cause=event,
        )
