"""RUN: a handler reads outside any transaction and returns its effects, which commit with the finish."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import transaction

from portal.ledger.failure import Failure, retry, uncertain
from portal.ledger.finish import LeaseLost, fail, finish, finish_all, held
from portal.ledger.registry import Result, Work, registry
from portal.ledger.trail import AttemptTrail
from portal.models import Attempt, Event
from portal.redaction import place_of
from portal.sentences import Sentence, say

log = logging.getLogger(__name__)

LOST = "lost"


def run(event: Event) -> str:
    """Runs a leased Event to its end and returns its new status, or "lost" when the lease has moved on.

    Whatever goes wrong becomes the Event's state; only a database out of reach raises.
    """
    ended = run_handler(event)
    if isinstance(ended, Result):
        return str(ended.status) if finish_all([(event, ended)]) else LOST
    return ended


def run_handler(event: Event) -> Result | str:
    """Like `run`; but where the handler had no effects, its result is returned, to be finished with others."""
    try:
        if cut_short := _call_cut_short(event):
            raise _perhaps_made(cut_short)
        handler = registry.handler(event.kind)
        ended = handler(Work(event, AttemptTrail(event)))
        return ended if isinstance(ended, Result) else finish(event, ended)
    except LeaseLost:
        return LOST
    except Failure as failure:
        return fail(event, failure) or LOST
    except Exception as error:
        log.error("event=%s kind=%s error=%s\n%s", event.pk, event.kind, type(error).__name__, place_of(error))
        sentence = say(
            "Something unexpected went wrong here (%(error)s). The log has the details.", error=type(error).__name__
        )
        return fail(event, interrupted(event, sentence)) or LOST


def _call_cut_short(event: Event) -> Attempt | None:
    """A call that must not be repeated and whose end nobody saw."""
    if event.attempts < 2:
        return None
    return Attempt.objects.filter(event_id=event.pk, repeatable=False, finished_at=None).first()


def interrupted(event: Event, sentence: Sentence) -> Failure:
    """What follows when a run broke off: another try, unless it has made a call that must not be repeated."""
    calls = Attempt.objects.filter(event_id=event.pk, repeatable=False, number=event.attempts)
    made = calls.exclude(status__gte=300).first()
    return _perhaps_made(made) if made else retry(sentence)


def _perhaps_made(call: Attempt) -> Failure:
    return uncertain(
        say(
            "The worker stopped around a call to %(target)s, so it may have happened. "
            "Check there, then replay or leave it.",
            target=call.target,
        )
    )


def give_back(events: Iterable[Event]) -> int:
    """Ends the runs of Events whose worker is gone. Returns how many were still leased as they are given."""
    count = 0
    for event in events:
        with transaction.atomic():
            # Locked first: a call that must not be repeated is only begun under the same lock.
            if held(event).select_for_update().values_list("pk").first():
                count += bool(fail(event, interrupted(event, say("The worker stopped in the middle of it."))))
    return count
