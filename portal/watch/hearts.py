"""Whether any worker lives, for Home, the messages, probes and figures alike."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max

from portal.models import Heart


def newest_beat() -> datetime | None:
    found: datetime | None = Heart.objects.aggregate(newest=Max("beat_at"))["newest"]
    return found


def alive_since(now: datetime) -> datetime:
    """A heart that has beaten since then lives."""
    return now - timedelta(seconds=float(settings.HEART_LIMIT_SECONDS))


def is_alive(newest: datetime | None, now: datetime) -> bool:
    return newest is not None and newest >= alive_since(now)
