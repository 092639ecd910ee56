"""REPLAY: a person makes an Event due again."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.ledger.record import news
from portal.ledger.registry import done, registry
from portal.models import Attempt, Event
from portal.retention.removed import removal_of
from portal.sentences import joined, say


class NotReplayable(Exception):
    """The Event cannot be replayed now; the message says why."""


def replay(event_id: int, *, by: str) -> None:
    """Makes an Event due again: a new attempt on the same row. A pending retry is thereby cancelled.

    `by` is the person's name, kept in the trace. Raises NotReplayable for an Event that runs, or that another covers.
    """
    with transaction.atomic():
        event = Event.objects.select_for_update().get(pk=event_id)
        if event.status == Event.Status.LEASED:
            raise NotReplayable(_("This event is running right now. Wait until it has ended."))
        if event.status == Event.Status.MERGED and event.merged_into_id is None:
            raise NotReplayable(_("Another event covered this one, and was removed since. Replay a later one."))
        if event.status == Event.Status.MERGED:
            raise NotReplayable(
                _("Event %(number)s covers this one. Replay that one.") % {"number": event.merged_into_id}
            )
        if event.kind not in registry.kinds:
            raise NotReplayable(_("This event only notes what happened; there is nothing to run again."))
        removal = removal_of(event.payload)
        if removal and removal.needed:
            raise NotReplayable(
                _("The contents of this event were removed after %(days)d days, so it cannot run again.")
                % {"days": removal.days}
            )
        told = [say("%(who)s replayed event %(number)s.", who=by, number=event.pk)]
        if event.outcome:  # the new attempt overwrites it
            told.append(say("Before: %(outcome)s", outcome=event.outcome))
        event.status, event.due_at, event.retries = Event.Status.WAITING, timezone.now(), 0
        event.first_failed_at = event.finished_at = None
        event.save()
        # A person has decided what became of a call that was cut short.
        Attempt.objects.filter(event=event, finished_at=None).update(
            finished_at=timezone.now(), error=say("Nobody saw how this call ended. %(who)s replayed the event.", who=by)
        )
        news(
            "portal.replayed",
            tenant_id=event.tenant_id,
            subject=event.subject,
            result=done(joined(told)),
            cause=event,
        )
