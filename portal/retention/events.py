"""Events that ended: they go with their chain, and whatever points to them lets go first."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction
from django.db.models import SET_NULL, ForeignObjectRel, Model, QuerySet

from portal.locking import unheld
from portal.models import Attempt, Event
from portal.retention.registry import Step, Window
from portal.retention.walk import walk


def batch(window: Window) -> Step | None:
    """A chain goes as a whole once its last Event is past its time, the oldest Events first.

    So a parent is never kept without what followed from it, and additions to a pass that are remembered by an Event
    (passes.update) are never forgotten before the arrival that could repeat them.
    """
    return walk(window, _remove)


def _remove(events: list[Event]) -> set[int]:
    """In one transaction; returns the keys that went."""
    keys = [event.pk for event in events]
    with transaction.atomic():
        # Rows that point here first: whoever changes such a row locks it before it locks an Event.
        held = _let_go(keys)
        free = _locked(Event.objects.filter(pk__in=set(keys) - held, status__in=Event.FINISHED))
        Event.objects.filter(parent__in=free).update(parent=None)
        Event.objects.filter(merged_into__in=free).update(merged_into=None)
        calls = Attempt.objects.filter(event__in=free)
        calls._raw_delete(calls.db)
        going = Event.objects.filter(pk__in=free)
        going._raw_delete(going.db)
    return free


def _let_go(keys: list[int]) -> set[int]:
    """Empties the columns of other tables that point to the Events; returns the Events whose rows are locked."""
    held: set[int] = set()
    for relation in _others_pointing_here():
        name, model = relation.field.name, relation.related_model
        pointing: QuerySet[Model] = model._base_manager.filter(**{f"{name}__in": keys})
        free = _locked(pointing)
        pointing.filter(pk__in=free).update(**{name: None})
        held |= set(pointing.values_list(f"{name}_id", flat=True))
    return held


def _others_pointing_here() -> Iterator[ForeignObjectRel]:
    """Foreign keys of other tables, also those that Django hides because nobody reads them backwards."""
    for each in Event._meta.get_fields(include_hidden=True):
        if isinstance(each, ForeignObjectRel) and each.on_delete is SET_NULL and each.related_model is not Event:
            yield each


def _locked(rows: QuerySet[Model]) -> set[int]:
    """Keys of the rows that nobody else holds."""
    return set(unheld(rows).order_by("pk").values_list("pk", flat=True))
