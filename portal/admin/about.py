"""Whom an Event is about, and which pages show it: found for a whole list with a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from portal.admin.extend import Link, extensions
from portal.models import Event, Identity

_PROFILE = ":profile:"  # subjects such as actito:3:profile:147471


@dataclass(frozen=True)
class Named:
    title: Any  # "Customer"
    text: str
    url: str


def related(events: Iterable[Event]) -> list[Named]:
    """The rows that the Events' payloads and subjects name, each once, with their pages. All of one tenant."""
    events = list(events)
    if not events:
        return []
    tenant_id = events[0].tenant_id
    named = [Named(link.title, str(row), _url(link, row.pk))
             for link, found in _rows(events).items() for row in found.values()
             if link.url_name and row.tenant_id == tenant_id]  # fmt: skip
    customers = {row.pk: row for row in _customers_by_profile(events).values()}
    link = extensions.links["customer"]
    named += [Named(link.title, str(row), _url(link, row.pk)) for row in customers.values()]
    return list({each.url: each for each in named}.values())


def people(events: Iterable[Event]) -> dict[int, str]:
    """Event id -> whom it is about, in a few words."""
    events = list(events)
    by_profile, by_link = _customers_by_profile(events), _rows(events)
    said: dict[int, str] = {}
    for event in events:
        if customer := by_profile.get((event.tenant_id, *_profile(event))):
            said[event.pk] = str(customer)
            continue
        for link, found in by_link.items():
            row = found.get(_key(event, link))
            if row is not None and row.tenant_id == event.tenant_id:
                said[event.pk] = link.person(row) if link.person else str(row)
                break
    return said


def _key(event: Event, link: Link) -> Any:
    told = isinstance(event.payload, dict) and event.kind.startswith(link.kinds)
    value = event.payload.get(link.key) if told else None
    return value if isinstance(value, int) else None


def _rows(events: list[Event]) -> dict[Link, dict[Any, Any]]:
    found = {}
    for link in extensions.links.values():
        keys = {key for event in events if (key := _key(event, link)) is not None}
        if keys:
            rows = link.model._default_manager.filter(pk__in=keys)
            found[link] = {row.pk: row for row in rows.select_related(*link.joined)}
    return found


def _url(link: Link, key: Any) -> str:
    return reverse(link.url_name, args=[key])


def _profile(event: Event) -> tuple[str, str]:
    namespace, _, value = event.subject.partition(_PROFILE)
    return namespace, value


def _customers_by_profile(events: list[Event]) -> dict[tuple[int, str, str], Any]:
    pairs = {(event.tenant_id, *_profile(event)) for event in events if _PROFILE in event.subject}
    if not pairs:
        return {}
    tenants, namespaces, values = zip(*pairs, strict=True)
    identities = Identity.objects.filter(tenant_id__in=tenants, namespace__in=namespaces, value__in=values)
    rows = identities.select_related("customer")
    return {(one.tenant_id, one.namespace, one.value): one.customer for one in rows}
