"""What pairings forget of an erased customer: what stands between two systems, and what was asked about them."""

from __future__ import annotations

from integrations.pairing.models import ConsentReview, PairedPerson
from portal.models import Customer, Event
from portal.sentences import Sentence


def erase(customer: Customer, event: Event) -> Sentence:
    """A step of portal.erasure."""
    PairedPerson.objects.filter(customer=customer).delete()
    ConsentReview.objects.filter(customer=customer).delete()
    return Sentence()
