"""Somebody whose consents are recorded, for the tests of their proof."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from portal import customers
from portal.consents import Entry
from portal.customers import Applied, Profile
from portal.models import Customer, Event

DIDOMI, ACTITO = "didomi:1", "actito:1"
SAID_AT = datetime(2026, 2, 3, 10, 12, tzinfo=UTC)


def entry(kind: str = "given", name: str = "newsletter", after: bool | None = True, **changed: Any) -> Entry:
    given: dict[str, Any] = {"title": "Newsletter", "before": None if after is None else not after, "at": SAID_AT,
                             "source": DIDOMI, "details": {"who": "Anna"}, **changed}  # fmt: skip
    return Entry(kind, name, after=after, **given)


def withdrawn(**changed: Any) -> Entry:
    return entry("withdrawn", after=False, **changed)


def read(cause: Event, values: dict[str, Any], number: int, name: str = "1") -> Applied[Customer]:
    """A reading of the profile of that name, in Actito."""
    told = Profile(ACTITO, {ACTITO: name}, f"anna-{name}@example.com", "nl", values)
    with transaction.atomic():
        return customers.apply_profile(told, cause=cause, number=number)


def decide(customer: Customer, entries: Sequence[Entry], cause: Event) -> Applied[Customer]:
    with transaction.atomic():
        return customers.apply_consents(customer, entries, cause=cause)
