"""Contents of records that nothing rests on any more: a class of portal.retention, kept for good unless it is set."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from portal.consents.erasing import empty
from portal.models import ConsentRecord
from portal.retention.registry import Step, Window


def below(before: datetime) -> int:
    """The first record that is young enough; one beyond the last where none is."""
    keys = ConsentRecord.objects.values_list("pk", flat=True)
    young: int | None = keys.filter(recorded_at__gte=before).order_by("pk").first()
    return young if young is not None else (keys.order_by("-pk").first() or 0) + 1


def batch(window: Window) -> Step | None:
    """Only what a later decision on the same consent took the place of, longer ago than the period.

    What stands stays provable, however old it is.
    """
    records = ConsentRecord.objects.filter(pk__gt=window.after, pk__lt=window.below).order_by("pk")
    seen = list(records.values_list("pk", flat=True)[: window.size])
    if not seen:
        return None
    later = ConsentRecord.objects.filter(
        customer=OuterRef("customer"), name=OuterRef("name"), kind__in=ConsentRecord.DECIDING, pk__gt=OuterRef("pk"),
        recorded_at__lt=window.before,
    )  # fmt: skip
    replaced = ConsentRecord.objects.filter(Exists(later), pk__in=seen).exclude(contents_text="")
    going = list(replaced.order_by("pk").values_list("pk", "tenant_id", "recorded_at"))
    if window.removing and going:
        with transaction.atomic():
            empty(key for key, _tenant, _at in going)
    return Step(
        upto=seen[-1],
        removed=Counter(tenant for _key, tenant, _at in going),
        oldest=min((at for _key, _tenant, at in going), default=None),
    )
