"""What the connections to Actito forget of an erased customer. Part of the erasure; Actito itself is told nothing."""

from __future__ import annotations

from integrations.actito.models import ScenarioEntry, WrittenProfile
from portal.models import Customer, Event
from portal.sentences import Sentence


def erase(customer: Customer, event: Event) -> Sentence:
    """A step of portal.erasure. That somebody entered a scenario stays, so that its count does."""
    WrittenProfile.objects.filter(customer=customer).delete()
    ScenarioEntry.objects.filter(customer=customer).update(interaction="")
    return Sentence()
