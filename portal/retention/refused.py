"""Refused calls that have not come again for long. There are few: a hundred of each connection at most."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from django.db.models import Max

from portal.models import RefusedCall
from portal.retention.registry import Step, Window


def below(before: datetime) -> int:
    return int(RefusedCall.objects.aggregate(last=Max("pk"))["last"] or 0) + 1


def batch(window: Window) -> Step | None:
    rows = RefusedCall.objects.filter(pk__gt=window.after, pk__lt=window.below).order_by("pk")
    seen = list(rows.values_list("pk", "tenant_id", "at", "last_at")[: window.size])
    if not seen:
        return None
    old = [(key, tenant, at) for key, tenant, at, last_at in seen if last_at < window.before]
    if window.removing:
        # Asked again: a call that came meanwhile is counted on its row.
        RefusedCall.objects.filter(pk__in=[key for key, _, _ in old], last_at__lt=window.before).delete()
    return Step(seen[-1][0], Counter(tenant for _, tenant, _ in old), min((at for _, _, at in old), default=None))
