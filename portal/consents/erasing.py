"""What the proof forgets of an erased customer: contents and salts. Fingerprints stay, so the chain stays whole."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet
from django.utils import timezone

from portal.models import ConsentRecord, Customer, Event
from portal.sentences import Sentence, say_many


def erase(customer: Customer, event: Event) -> Sentence:
    """A step of portal.erasure."""
    number = empty(_of(customer).values_list("pk", flat=True))
    if not number:
        return Sentence()
    return say_many(
        "%(count)s consent record without contents.", "%(count)s consent records without contents.", count=number
    )


def preview(customer: Customer) -> Sentence:
    number = _of(customer).count()
    if not number:
        return Sentence()
    return say_many(
        "The contents of %(count)s consent record: after that, nothing proves this consent.",
        "The contents of %(count)s consent records: after that, nothing proves these consents.",
        count=number,
    )


def _of(customer: Customer) -> QuerySet[ConsentRecord]:
    found: QuerySet[ConsentRecord] = ConsentRecord.objects.filter(customer=customer).exclude(contents_text="")
    return found


def empty(keys: Iterable[int]) -> int:
    """Takes the contents of these records; returns how many had any. The one change that a record ever sees."""
    rows = ConsentRecord._base_manager.filter(pk__in=list(keys)).exclude(contents_text="")
    return rows.update(contents_text="", emptied_at=timezone.now())
