"""What is to be recorded, and whose consents are decided elsewhere than by the readings of profiles."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.module_loading import import_string

# Takes the tenant's key; returns the customer values that consents decide.
Provider = Callable[[int], Collection[str]]

_providers: list[str] = []


@dataclass(frozen=True)
class Entry:
    """One thing that happened to one consent of a person.

    `before` is what stood, `after` what stands then; of what is overruled or held, what was said instead.

    details, JSON, each where it is known: {"who": "Anna", "delegate": {…}, "shown": …, "proofs": […], "regulation":
    "gdpr", "event": the vendor's number of it}. All of it goes when the person is erased.
    """

    kind: str  # one of ConsentRecord.Kind
    name: str  # the customer value
    title: str  # what people call the consent
    before: bool | None
    after: bool | None
    at: datetime | None  # when the person decided, or the system confirmed; None where nobody knows
    source: str  # "didomi:1"; "portal" for somebody of the team
    details: Mapping[str, Any] = field(default_factory=dict)


def decides(provider: str) -> None:
    """Registers who knows which customer values are consents that somebody decides: the dotted name of a Provider.

    Readings of profiles leave those alone, once a consent was applied to the customer.
    """
    if provider not in _providers:
        _providers.append(provider)


def decided_names(tenant_id: int) -> frozenset[str]:
    found: list[Provider] = [import_string(each) for each in _providers]
    return frozenset(name for provider in found for name in provider(tenant_id))
