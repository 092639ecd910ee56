"""How many notifications were asked of Google for a pass in the last 24 hours: it shows three of each sort."""

from __future__ import annotations

from django.db.models import Count
from django.utils import timezone

from passes.google.announcing import WITHIN
from passes.models import GoogleObject


def used(held: GoogleObject) -> dict[str, int]:
    """By sort: {"update": 1, "message": 3}."""
    lately = held.notifications.filter(at__gt=timezone.now() - WITHIN)
    return dict(lately.values_list("sort").annotate(Count("pk")).order_by())


def told_lately(held: GoogleObject) -> int:
    return sum(used(held).values())
