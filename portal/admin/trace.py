"""The trace: everything that one arrival led to, as steps that a marketer can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from portal.admin.about import people
from portal.admin.extend import extensions
from portal.ledger import kind_title
from portal.models import Attempt, Event, Lane
from portal.retention import removal_of
from portal.sentences import read, told

STEPS_SHOWN = 200
CALLS_SHOWN = 50
SOON = timedelta(seconds=10)
ICONS = {
    Event.Status.DONE: "check", Event.Status.FAILED: "close", Event.Status.UNCERTAIN: "question_mark",
    Event.Status.WAITING: "schedule", Event.Status.LEASED: "autorenew", Event.Status.IGNORED: "remove",
    Event.Status.MERGED: "call_merge",
}  # fmt: skip
TONES = {
    Event.Status.DONE: "good", Event.Status.FAILED: "bad", Event.Status.UNCERTAIN: "warn",
    Event.Status.WAITING: "busy", Event.Status.LEASED: "busy",
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One outside call of a step."""

    attempt: Attempt
    since: int
    tone: str
    answer: str


@dataclass
class Step:
    event: Event
    title: str
    since: int  # milliseconds since the arrival
    took: int | None  # milliseconds from its arrival to its end, or from when its last replay was begun
    sentence: str
    status: str
    tone: str
    icon: str
    calls: list[Call]
    facts: list[tuple[str, str]]
    covered: list[Event] = field(default_factory=list)
    whom: str = ""  # named when a chain is about several people

    @property
    def opened(self) -> bool:
        return self.tone in {"bad", "warn"}


@dataclass(frozen=True)
class Trace:
    steps: list[Step]
    started_at: datetime
    milliseconds: int | None  # from the arrival to the last end; None while something is still to be done
    more: int

    @property
    def unfinished(self) -> bool:
        return self.milliseconds is None

    @property
    def live(self) -> bool:
        """Whether something happens right now, so that the page looks again by itself."""
        soon = timezone.now() + SOON
        events = [step.event for step in self.steps]
        return any(event.finished_at is None and event.due_at < soon and not event.lane.paused_at for event in events)


def trace_of(event: Event) -> Trace:
    chain = Event.objects.filter(tenant_id=event.tenant_id, correlation_id=event.correlation_id)
    calls = Prefetch("calls", Attempt.objects.order_by("pk"))
    events = list(chain.order_by("pk").select_related("lane").prefetch_related(calls)[: STEPS_SHOWN + 1])
    more = chain.count() - STEPS_SHOWN if len(events) > STEPS_SHOWN else 0
    events = events[:STEPS_SHOWN]
    if event.pk not in {each.pk for each in events}:
        events.append(event)
    started_at = events[0].created_at
    lanes, replays = _lane_names(events), _replays(chain)
    steps = [_step(each, started_at, lanes, replays.get(each.pk)) for each in events]
    _attach_covered(steps)
    _name_people(steps)
    return Trace(steps, started_at, _length(events, started_at), more)


def _lane_names(events: list[Event]) -> dict[int, str]:
    """How pages name the lanes that hold an Event up; asked only when there are any."""
    held_up = {event.lane_id: str(event.lane) for event in events if _holds_up(event)}
    if not held_up:
        return {}
    accounts = extensions.accounts_of({event.tenant_id for event in events})
    return held_up | {account.lane_id: account.title for account in accounts}


def _holds_up(event: Event) -> bool:
    """Whether the lane, and not the Event's own time, says when it goes on."""
    lane: Lane = event.lane
    if event.status != Event.Status.WAITING:
        return False
    return bool(lane.paused_at) or lane.not_before > max(timezone.now(), event.due_at)


def _replays(chain: QuerySet[Event]) -> dict[int, datetime]:
    """Event id -> when it was replayed last."""
    notes = chain.filter(kind="portal.replayed", parent__isnull=False).order_by("pk")
    return dict(notes.values_list("parent_id", "created_at"))


def _took(event: Event, replayed_at: datetime | None) -> int | None:
    if event.finished_at is None:
        return None
    begun = max(replayed_at, event.claimed_at or replayed_at) if replayed_at else event.created_at
    return _ms(event.finished_at - begun)


def _length(events: list[Event], started_at: datetime) -> int | None:
    ends = [event.finished_at for event in events]
    return None if None in ends else max(_ms(end - started_at) for end in ends if end)


def _attach_covered(steps: list[Step]) -> None:
    by_id = {step.event.pk: step for step in steps}
    covered = Event.objects.filter(merged_into_id__in=by_id).exclude(pk__in=by_id).order_by("pk")
    for event in covered[:STEPS_SHOWN]:
        by_id[event.merged_into_id or 0].covered.append(event)


def _name_people(steps: list[Step]) -> None:
    said = people(step.event for step in steps)
    if len(set(said.values())) > 1:
        for step in steps:
            step.whom = said.get(step.event.pk, "")


def _ms(span: Any) -> int:
    return round(span.total_seconds() * 1000)


def _step(event: Event, started_at: datetime, lanes: Mapping[int, str], replayed_at: datetime | None) -> Step:
    status = Event.Status(event.status)
    calls = list(event.calls.all())[-CALLS_SHOWN:]
    return Step(
        event=event,
        title=kind_title(event.kind),
        since=_ms(event.created_at - started_at),
        took=_took(event, replayed_at),
        sentence=_sentence(event, lanes),
        status=str(status.label),
        tone=TONES.get(status, "quiet"),
        icon=ICONS[status],
        calls=[_call(call, started_at) for call in calls],
        facts=_facts(event, started_at),
    )


def _sentence(event: Event, lanes: Mapping[int, str]) -> str:
    if event.status != Event.Status.WAITING:
        return told(event.outcome) or (_("Running now.") if event.status == Event.Status.LEASED else "")
    if _holds_up(event):
        lane = lanes[event.lane_id]
        if event.lane.paused_at:
            when = _("%(lane)s is paused.") % {"lane": lane}
        else:
            at = _clock(event.lane.not_before)
            when = _("Waits until %(time)s because %(lane)s asked us to wait.") % {"time": at, "lane": lane}
    elif event.due_at > timezone.now():
        when = _("Next try at %(time)s.") % {"time": _clock(event.due_at)}
    else:
        return told(event.outcome) or _("Waiting for its turn.")
    return f"{told(event.outcome)} {when}".strip()


def _clock(moment: datetime) -> str:
    """The time, with its day when that is not today."""
    at = timezone.localtime(moment)
    return date_format(at, "H:i:s" if at.date() == timezone.localdate() else "j F, H:i:s")


def _call(call: Attempt, started_at: datetime) -> Call:
    since = _ms(call.started_at - started_at)
    if call.finished_at is None:
        return Call(call, since, "warn", _("No end was seen."))
    if call.status is None:
        return Call(call, since, "bad", _("No answer"))
    return Call(call, since, "good" if call.status < 400 else "bad", str(call.status))


def _facts(event: Event, started_at: datetime) -> list[tuple[str, str]]:
    """What the details of a step list, besides its calls."""
    moments = [(_("Received"), event.created_at), (_("Begun"), event.claimed_at), (_("Ended"), event.finished_at)]
    facts = [(name, f"{timezone.localtime(at):%H:%M:%S.%f}"[:-3] + f" (+{_ms(at - started_at)} ms)")
             for name, at in moments if at]  # fmt: skip
    facts.append((_("Event number"), str(event.pk)))
    if event.attempts > 1:
        facts.append((_("Attempts"), str(event.attempts)))
    if event.repeats:
        facts.append((_("Sent again"), _("%(count)d times") % {"count": event.repeats}))
    facts += [(_("From"), event.source), (_("Kind"), event.kind), (_("Subject"), event.subject)]
    if removal := removal_of(event.payload):
        facts.append((_("Contents"), _("The contents were removed after %(days)d days.") % {"days": removal.days}))
    return facts + list(_payload(event.payload))


def _payload(payload: Any) -> Iterable[tuple[str, str]]:
    if not isinstance(payload, dict):
        return
    for name, value in payload.items():
        if name.startswith("_"):  # for the handler alone, as it came; what may be read stands beside it
            continue
        shown = ", ".join(map(str, value)) if isinstance(value, list) else told(read(str(value)))
        yield str(name).replace("_", " ").capitalize(), shown
