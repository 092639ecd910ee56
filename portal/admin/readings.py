"""What is read of a vendor on demand and every day: what became of the newest reading, in a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _t

from portal.models import Event


@dataclass(frozen=True)
class Reading:
    """What became of the newest reading of a connection, which has a lane."""

    connection: Any
    tone: str
    words: str
    event: Event | None


def reading_of(connection: Any, event: Event | None) -> Reading:
    if event is not None and event.status == Event.Status.MERGED and event.merged_into:
        event = event.merged_into  # which read the same state, and says what came of it
    if event is None:
        return Reading(connection, "quiet", _t("Not read yet"), None)
    if event.status in Event.PENDING:
        return _under_way(connection, event)
    if event.status in {Event.Status.DONE, Event.Status.MERGED}:
        return Reading(connection, "good", _t("Read"), event)
    return Reading(connection, "bad", _t("Could not be read"), event)


def _under_way(connection: Any, event: Event) -> Reading:
    if connection.lane.paused_at:
        return Reading(connection, "bad", _t("Waits: the connection is paused"), event)
    if event.first_failed_at:
        return Reading(connection, "warn", _t("Tried again soon"), event)
    return Reading(connection, "busy", _t("Being read"), event)
