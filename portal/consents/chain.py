"""Links of the chain: what is hashed, and how a record is added. What is hashed never changes: old records say so."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from portal.consents.entries import Entry
from portal.consents.heads import locked_head, move_on
from portal.ledger.text import storable_payload
from portal.models import ConsentRecord, Customer, Event
from portal.text import storable

SALT_BYTES = 16
# What a vendor's details call by a name of ours.
_VENDORS = {"event": "vendor_event"}
NAME_LIMIT, SOURCE_LIMIT = 100, 60


def append(customer: Customer, entries: Sequence[Entry], *, cause: Event) -> None:
    """Adds the entries to the tenant's chain, in their order. Part of the caller's transaction.

    The chain is locked until that ends: lock everything else before. Raises ValueError for a kind that there is not,
    and for a customer of another tenant.
    """
    if not entries:
        return
    if customer.tenant_id != cause.tenant_id:
        raise ValueError("The customer is another tenant's.")
    made = [_unlinked(customer, each, cause) for each in entries]
    head = locked_head(cause.tenant_id)
    now, previous = timezone.now(), head.hash
    for number, record in enumerate(made, head.number + 1):
        record.number, record.recorded_at, record.previous = number, now, previous
        record.hash = previous = link_hash(record)
    ConsentRecord.objects.bulk_create(made)
    move_on(head, made[-1])


def _unlinked(customer: Customer, entry: Entry, cause: Event) -> ConsentRecord:
    kind = ConsentRecord.Kind(entry.kind)
    text = _contents_text(entry, cause)
    return ConsentRecord(
        tenant_id=cause.tenant_id, customer=customer, kind=kind, name=storable(entry.name)[:NAME_LIMIT],
        source=storable(entry.source)[:SOURCE_LIMIT], contents_text=text, content_hash=sha256(text), event=cause,
    )  # fmt: skip


def _contents_text(entry: Entry, cause: Event) -> str:
    """The salt keeps anybody from finding out what stood there by trying, when the contents are gone."""
    details = {_VENDORS.get(name, name): value for name, value in entry.details.items()}
    contents = {
        **details, "title": entry.title, "before": entry.before, "after": entry.after, "at": _told(entry.at),
        "event": cause.pk, "chain": str(cause.correlation_id), "salt": secrets.token_hex(SALT_BYTES),
    }  # fmt: skip
    return canonical(storable_payload(contents))


def _told(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def link_hash(record: ConsentRecord) -> str:
    """Over everything of the record but its contents, which it has by their hash, and the link to the event."""
    return sha256(canonical({
        "tenant": record.tenant_id, "number": record.number, "customer": record.customer_id, "kind": str(record.kind),
        "name": record.name, "source": record.source, "recorded_at": _told(record.recorded_at),
        "content_hash": record.content_hash, "previous": record.previous,
    }))  # fmt: skip


def canonical(data: dict[str, Any]) -> str:
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
