"""Contents of Events that ended: bodies, values and excerpts of calls go; the row, its outcome and its links stay."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Func, JSONField, QuerySet

from portal.locking import unheld
from portal.models import Attempt, Event
from portal.retention.registry import Contents, Step, Window, contents
from portal.retention.removed import REMOVED, Removal
from portal.retention.walk import walk

_NOTHING = Contents((), needed=False)


def batch(window: Window) -> Step | None:
    """Contents of a chain stay until nothing of it is open: whoever decides on a dead letter needs to see what came."""
    return walk(window, partial(_remove, days=window.days), worth=_with_contents)


def _with_contents(events: list[Event]) -> list[Event]:
    full = _with_payload(events) | _with_calls(events)
    return [event for event in events if event.pk in full]


def _with_payload(events: list[Event]) -> set[int]:
    """Keys of the Events whose payload still has contents."""
    declared = contents()
    keys = [event.pk for event in events if event.kind in declared]
    full = Event.objects.filter(pk__in=keys).exclude(payload__has_key=REMOVED)
    return set(full.values_list("pk", flat=True))


def _with_calls(events: list[Event]) -> set[int]:
    if not events:
        return set()
    calls = _with_excerpts(Attempt.objects.filter(event__gte=events[0].pk, event__lte=events[-1].pk))
    return set(calls.order_by().values_list("event_id", flat=True)) & {event.pk for event in events}


def _with_excerpts(calls: QuerySet[Attempt]) -> QuerySet[Attempt]:
    return calls.exclude(request_excerpt="", response_excerpt="")


def _remove(events: Iterable[Event], *, days: int) -> set[int]:
    """In one transaction; returns the keys of the Events that had contents and have none now."""
    declared, by_kind = contents(), defaultdict(list)
    with transaction.atomic():
        rows = Event.objects.filter(pk__in=[event.pk for event in events], status__in=Event.FINISHED)
        for key, kind in unheld(rows).order_by("pk").values_list("pk", "kind"):
            by_kind[kind].append(key)
        free = {key for keys in by_kind.values() for key in keys}
        for kind, keys in by_kind.items():
            what = declared.get(kind, _NOTHING)
            note = Removal(days, what.needed)
            Event.objects.filter(pk__in=keys).update(payload=_Without("payload", names=what.names, note=note))
        _with_excerpts(Attempt.objects.filter(event__in=free)).update(request_excerpt="", response_excerpt="")
    return free


class _Without(Func):
    """A payload without some of its entries, and with the note that they are gone."""

    output_field = JSONField()

    def __init__(self, payload: str, *, names: tuple[str, ...], note: Removal) -> None:
        super().__init__(payload)
        self.names, self.note = names, {REMOVED: note.as_json()}

    def as_postgresql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:
        payload, values = compiler.compile(self.source_expressions[0])
        return f"(({payload} - %s::text[]) || %s::jsonb)", [*values, list(self.names), json.dumps(self.note)]

    def as_sqlite(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, tuple[Any, ...]]:
        payload, values = compiler.compile(self.source_expressions[0])
        left = f"JSON_REMOVE({payload}{', %s' * len(self.names)})" if self.names else payload
        paths = [f'$."{name}"' for name in self.names]
        return f"JSON_PATCH({left}, %s)", (*values, *paths, json.dumps(self.note))
