"""Rows that count how often the same thing came, and go when it has not come again for long. There are few of them."""

from __future__ import annotations

from collections import Counter

from django.db.models import Max, Model

from portal.retention.registry import Step, Window


def end_of(model: type[Model]) -> int:
    """Above every row: how old one is says its last time, not its place."""
    return int(model._base_manager.aggregate(last=Max("pk"))["last"] or 0) + 1


def step(model: type[Model], window: Window, *, tenant: str, first: str) -> Step | None:
    """`tenant` and `first` name the tenant's key and the first time; the last time is `last_at`."""
    rows = model._base_manager.filter(pk__gt=window.after, pk__lt=window.below).order_by("pk")
    seen = list(rows.values_list("pk", tenant, first, "last_at")[: window.size])
    if not seen:
        return None
    old = [(key, of, at) for key, of, at, last_at in seen if last_at < window.before]
    if window.removing:
        # Asked again: one that came meanwhile is counted on its row.
        model._base_manager.filter(pk__in=[key for key, _, _ in old], last_at__lt=window.before).delete()
    return Step(seen[-1][0], Counter(of for _, of, _ in old), min((at for _, _, at in old), default=None))
