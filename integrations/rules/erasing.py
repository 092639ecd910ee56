"""What rules forget of an erased customer: that one fired, and for which of their days. Part of the erasure."""

from __future__ import annotations

from integrations.rules.models import RuleFiring
from portal.models import Customer, Event
from portal.sentences import Sentence


def erase(customer: Customer, event: Event) -> Sentence:
    """A step of portal.erasure."""
    RuleFiring.objects.filter(customer=customer).delete()
    return Sentence()
