"""FINISH: an Event's end and its effects commit together, fenced by the lease's token."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.durability import unhurried
from portal.ledger.failure import DEFER_LIMIT_IN_ALL, Decision, Failure, next_retry_at
from portal.ledger.registry import Effects, Result
from portal.ledger.same import covering, of_subject
from portal.models import Event, Lane
from portal.prepared import stored_values
from portal.sentences import say


class LeaseLost(Exception):
    """Another worker holds the Event now: nothing of this run may take effect."""


def finish(event: Event, effects: Effects) -> str:
    """Commits the end of an Event and all its effects in one transaction; returns its status.

    Raises LeaseLost when another holds it.
    """
    with transaction.atomic():
        settle(event, status=Event.Status.DONE, finished_at=timezone.now())
        ended = effects()
        Event.objects.filter(pk=event.pk).update(**_columns(ended))
        _supersede_dead_letters(_read([event], ended))
    return str(ended.status)


def finish_all(ended: Iterable[tuple[Event, Result]]) -> set[int]:
    """Like `finish`, for Events whose handlers had no effects, with one commit.

    Returns the keys of those that were still held.
    """
    groups: dict[tuple[UUID | None, Result], list[Event]] = {}
    for event, result in ended:
        groups.setdefault((event.lease_token, result), []).append(event)
    read = [event for (_, result), events in groups.items() for event in _read(events, result)]
    with unhurried():  # lost with the power, they are run again, which has no effects either
        found = {key for (token, result), events in groups.items() for key in _end(events, token, result)}
        _supersede_dead_letters(event for event in read if event.pk in found)
    return found


_END = f"""
    UPDATE {Event._meta.db_table}
    SET {{columns}}, lease_token = NULL, lease_until = NULL
    WHERE id IN ({{keys}}) AND lease_token = %s AND status = 'leased' RETURNING id"""  # noqa: S608 - names only


def _end(events: list[Event], token: UUID | None, result: Result) -> list[int]:
    """The fence and the end of several in one statement, which says whom it found; the ORM's update only counts."""
    columns = _columns(result)
    statement = _END.format(columns=", ".join(f"{name} = %s" for name in columns), keys=", ".join(["%s"] * len(events)))
    with connection.cursor() as cursor:
        (held_by,) = stored_values(Event, {"lease_token": token})
        cursor.execute(statement, [*stored_values(Event, columns), *(event.pk for event in events), held_by])
        return [key for (key,) in cursor.fetchall()]


def _read(events: Iterable[Event], result: Result) -> list[Event]:
    """Those whose success covers what failed before."""
    return [event for event in events if event.coalesces] if result.status == Event.Status.DONE else []


def _columns(result: Result) -> dict[str, Any]:
    """The Event's columns after a handler's result: it has ended, or goes on at `due_at` with all its tries."""
    said = {"status": result.status, "outcome": result.outcome}
    if result.due_at is None:
        return {**said, "finished_at": timezone.now()}
    afresh = {"attempts": 0, "retries": 0, "first_failed_at": None, "finished_at": None}
    return {**said, "due_at": result.due_at, **afresh}


def held(event: Event) -> QuerySet[Event]:
    """The Event's row, if it is still leased as it is given."""
    return Event.objects.filter(pk=event.pk, status=Event.Status.LEASED, lease_token=event.lease_token)


def settle(event: Event, **changes: Any) -> None:
    """The fence: only the holder of the lease changes a leased Event."""
    if not held(event).update(lease_token=None, lease_until=None, **changes):
        raise LeaseLost


def _supersede_dead_letters(read: Iterable[Event]) -> None:
    """One Event per subject runs at a time, so every dead letter of the subject is older than this reading."""
    for event in covering(read, Event.Status.FAILED):
        of_subject(event, Event.Status.FAILED).update(
            status=Event.Status.MERGED,
            merged_into=event,
            outcome=say("Superseded: event %(number)s succeeded later.", number=event.pk),
        )


def fail(event: Event, failure: Failure) -> str | None:
    """Puts a leased Event where its failure sends it; returns its status, None when the lease has moved on."""
    now = timezone.now()
    changes = _after(event, failure, now)
    with transaction.atomic():
        try:
            settle(event, outcome=failure.sentence, **changes)
        except LeaseLost:
            return None
        if failure.decision is Decision.PAUSE:
            lane = Lane.objects.filter(pk=event.lane_id, paused_at=None)
            lane.update(paused_at=now, pause_reason=failure.sentence)
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
