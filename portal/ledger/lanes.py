"""Lanes that are resumed, and those of accounts that are reached elsewhere from now on: what waits goes along."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from portal.models import Event, Lane, LaneProof


def move(before: int | None, after: int, mine: Q | None = None) -> None:
    """Takes the Events of an account over to its new lane: those that match `mine`, all where nobody else is left.

    Call it once the account's row names the new lane.
    """
    if before is None or before == after:
        return
    with transaction.atomic():
        left = not _is_used(before)
        own = Event.objects.filter(Q() if left or mine is None else mine, lane_id=before)
        # In the order in which workers lock: whoever fails holds its Event and asks for the lane, a claim the reverse.
        own.filter(status=Event.Status.LEASED).update(lane_id=after)
        Lane.objects.select_for_update().filter(pk=before).first()
        own.filter(status=Event.Status.WAITING).update(lane_id=after)
        if left:  # what was on its way here just now is not held up by a pause that no page shows any more
            resume(before)


def resume(lane_id: int) -> None:
    """What has waited for a paused account is claimed again."""
    Lane.objects.filter(pk=lane_id).update(paused_at=None, pause_reason="")


def _is_used(lane_id: int) -> bool:
    """Whether an account still has this lane: any row that points to it, but Events and proofs."""
    pointing = [each for each in Lane._meta.get_fields(include_hidden=True) if each.one_to_many]
    return any(
        each.related_model._base_manager.filter(**{each.field.name: lane_id}).exists()  # type: ignore[union-attr]
        for each in pointing
        if each.related_model not in {Event, LaneProof}
    )
