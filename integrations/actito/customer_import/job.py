"""Importing the customers that were looked at: a job whose rows are parts of the file, each done in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from integrations.actito import rereading
from integrations.actito.customer_import.lines import Verdict
from integrations.actito.customer_import.look import profiles_of, verdict_of
from integrations.actito.models import CustomerImport, CustomerImportChunk, CustomerImportPart
from portal import bulk, jobs, ledger
from portal.customer_batch import apply_profiles
from portal.jobs import Row
from portal.ledger import Result, Work, lane_id_for
from portal.models import Event, Job
from portal.sentences import joined, say, say_many

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

IMPORTING, CUSTOMERS = "actito.importing", "actito.customers"
KEPT = timedelta(days=7)


def begin(seen: CustomerImport, *, by: AbstractBaseUser) -> Job | None:
    """Starts the job. None when somebody else has, or the import is gone."""
    with transaction.atomic():
        mine = CustomerImport.objects.filter(pk=seen.pk, job=None).exclude(looked_at=None)
        locked = mine.select_for_update().first()
        if locked is None:
            return None
        title = say("Import customers from “%(file)s”", file=locked)
        payload = {"customer_import": locked.pk}
        job = jobs.prepared(IMPORTING, tenant_id=locked.tenant_id, payload=payload, title=title)
        locked.job = jobs.start(job, by=by)
        locked.save(update_fields=["job"])
        return locked.job


class Importing:
    """The rows: an `actito.customers` for each part of the file. `payload`: {"customer_import": 7}."""

    def count(self, job: Job) -> int:
        return _parts(job).count()

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Row]:
        lane_id = lane_id_for(job.tenant_id)
        parts = _parts(job).filter(pk__gt=after or 0).order_by("pk")[:limit]
        found = parts.values_list("pk", "customer_import__connection")
        return [
            Row(key, CUSTOMERS, f"actito:{connection}:import:{key}", {"part": key}, lane_id)
            for key, connection in found
        ]

    def lane_id(self, job: Job) -> int | None:
        return lane_id_for(job.tenant_id)


def _parts(job: Job) -> QuerySet[CustomerImportPart]:
    parts: QuerySet[CustomerImportPart] = CustomerImportPart.objects.for_tenant(job.tenant_id)
    return parts.filter(customer_import=job.payload["customer_import"])


def import_part(work: Work) -> partial[Result]:
    """Handles `actito.customers`."""
    event = work.event
    parts = CustomerImportPart.objects.for_tenant(event.tenant_id).select_related("customer_import__connection")
    part = parts.filter(pk=event.payload["part"]).first()
    return partial(_import, event, part)


@bulk.at_once()
def _import(event: Event, part: CustomerImportPart | None) -> Result:
    # Its deletion is a lock, too: whoever else has imported it, it is done once.
    if part is None or not CustomerImportPart.objects.filter(pk=part.pk).delete()[0]:
        return ledger.ignored(say("These customers were imported before, or their import was removed."))
    seen = part.customer_import
    profiles = profiles_of(part, seen.connection.source)
    try:
        applied = apply_profiles(profiles, cause=event, number=seen.number)
    except IntegrityError as error:
        raise ledger.retry(say("One of these customers was made elsewhere at the same moment.")) from error
    for profile in (told for told, each in zip(profiles, applied, strict=True) if each.back):
        rereading.publish(seen.connection, profile.identities[seen.connection.source], cause=event)
    counts = Counter(str(verdict_of(each)) for each in applied)
    _count(seen.pk, counts)
    said = [
        say_many("%(count)s customer is new.", "%(count)s customers are new.", count=counts[Verdict.NEW]),
        say_many("%(count)s changed.", "%(count)s changed.", count=counts[Verdict.CHANGED]),
        say_many("%(count)s stayed as it was.", "%(count)s stayed as they were.", count=counts[Verdict.SAME]),
    ]
    return ledger.done(joined(said))


def _count(key: int, counts: Counter[str]) -> None:
    locked = CustomerImport.objects.select_for_update().get(pk=key)
    locked.done = dict(Counter(locked.done) + counts)
    locked.save(update_fields=["done"])


def tidy(tenants: Sequence[int]) -> None:
    """Every day: what nobody went on with, or whose job was cancelled, is forgotten after a week."""
    old = timezone.now() - KEPT
    for waiting in (CustomerImportPart, CustomerImportChunk):
        waiting.objects.filter(customer_import__created_at__lt=old).delete()
    CustomerImport.objects.filter(created_at__lt=old).exclude(differences=[]).update(differences=[])
