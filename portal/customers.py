"""CUSTOMER: the only writer of customers. Runs inside the finish transaction of the Event that brought the values.

Many profiles at once, with few statements: portal.customer_batch.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from django.utils import timezone

from portal import consents, ledger
from portal.consents import Entry
from portal.merging import decide, merge_values, same
from portal.models import ConsentRecord, Customer, Event, Identity

CUSTOMER_CHANGED = "customer.changed"
KEY_LIMIT = 255
# A text beyond it stands cut in the news: nothing that people enter to compare with is as long.
NEWS_LIMIT = 250
# The namespace of customers of whom only the key is known yet: the first reading of a profile with it is theirs.
KEY_ONLY = "key"


class Profile(NamedTuple):
    """What an outside system knows of one person, already mapped to the tenant's values."""

    source: str  # "actito:3"
    # namespace -> name of the person there, empty for none; the first one is the system's own id
    identities: Mapping[str, str]
    key: str | None  # None for these two: the system said nothing of it
    language: str | None
    values: Mapping[str, Any]


@dataclass(slots=True, eq=False)
class Person:
    """What is read and written of a Customer, without what a model costs: thousands of them live for a moment."""

    pk: int  # 0 until somebody new is stored
    key: str
    language: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, Any] = field(default_factory=dict)
    # None: as it stands.
    changed_at: datetime | None = None
    synced_at: datetime | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Person | Customer) and self.pk == other.pk

    def __hash__(self) -> int:
        return hash(self.pk)


Known = Customer | Person
K_co = TypeVar("K_co", bound=Known, covariant=True)


class Applied(NamedTuple, Generic[K_co]):
    customer: K_co
    created: bool
    changed: dict[str, tuple[Any, Any]]  # name -> (before, after)
    renamed: bool = False  # key, language or another name
    known: frozenset[str] = frozenset()  # names of the values of which something was known before
    back: bool = False  # was marked as gone from the system, and is no longer

    @property
    def differs(self) -> bool:
        return self.created or bool(self.changed) or self.renamed


def find(tenant_id: int, namespace: str, name: str) -> Customer | None:
    identities = Identity.objects.select_related("customer")
    identity = identities.filter(tenant_id=tenant_id, namespace=namespace, value=name).first()
    return identity.customer if identity else None


def known_by_key(key: str, *, cause: Event, language: str = "") -> Customer:
    """The customer of whom nothing but the key is known, made when there is none. Part of the caller's transaction."""
    made = Customer.objects.create(tenant_id=cause.tenant_id, key=key, language=language)
    identity, new = Identity.objects.get_or_create(
        tenant_id=cause.tenant_id, namespace=KEY_ONLY, value=key_name(key),
        defaults={"customer": made, "number": cause.pk},
    )  # fmt: skip
    if not new:
        made.delete()
        return identity.customer
    _publish_change(Applied(made, True, {}), cause)
    return made


def apply_profile(profile: Profile, *, cause: Event, number: int) -> Applied[Customer]:
    """Writes what was read and publishes `customer.changed` with the values that changed.

    `number` is the ledger's number of the arrival, or of the read, that the values stand for: a value that a later
    number wrote stays as it is.
    """
    customer, created, back = _locked_customer(profile, cause.tenant_id, number)
    known = frozenset(customer.values)
    now = timezone.now()
    changed = merge_values(customer, profile, number, decided=consents.decided_names(cause.tenant_id))
    renamed = rename(customer, profile)
    stamp(customer, changed, now)
    customer.save()
    applied = Applied(customer, created, changed, renamed, known, back)
    if applied.differs:
        _publish_change(applied, cause)
    return applied


def apply_consents(customer: Customer, entries: Sequence[Entry], *, cause: Event) -> Applied[Customer]:
    """Writes what consents came to, publishes `customer.changed` with what changed, and adds all to the proof.

    Which consent stands is the caller's decision: given and withdrawn ones win over every reading. Nothing is written
    for somebody who was erased meanwhile. The chain of the proof is locked last, until the transaction ends.
    """
    held = Customer.objects.for_tenant(cause.tenant_id).select_for_update().filter(pk=customer.pk).first()
    if held is None:
        return Applied(customer, False, {})
    known, before = frozenset(held.values), dict(held.values)
    touched: set[str] = set()
    for each in entries:
        if each.kind in ConsentRecord.DECIDING:
            touched |= decide(held, each, cause.pk).keys()
    changed = {
        name: (before.get(name), held.values[name])
        for name in touched
        if name not in before or not same(before[name], held.values[name])
    }
    if changed:
        held.changed_at = timezone.now()
    held.save(update_fields=["values", "origins", "changed_at"])
    applied = Applied(held, False, changed, known=known)
    if applied.differs:
        _publish_change(applied, cause)
    consents.append(held, entries, cause=cause)
    return applied


def note_name(customer: Customer, namespace: str, name: str, *, cause: Event) -> None:
    """The customer bears this name in one more system, by which staff find what came of them from there."""
    if name and len(name) <= KEY_LIMIT:
        _name(customer, namespace, name, cause.pk)


def mark_gone(identity: Identity, *, at: datetime) -> Customer:
    """The system has no such person any more. Nothing else of the customer changes, who stays locked until commit."""
    customer = Customer.objects.select_for_update().get(pk=identity.customer_id)
    Identity.objects.filter(pk=identity.pk, gone_at=None).update(gone_at=at)
    return customer


def unmark_gone(identity: Identity) -> Customer:
    """Undoes `mark_gone`."""
    customer = Customer.objects.select_for_update().get(pk=identity.customer_id)
    Identity.objects.filter(pk=identity.pk).update(gone_at=None)
    return customer


def rename(customer: Known, profile: Profile) -> bool:
    """Takes key and language over, where the system says them. Returns whether one is another."""
    before = customer.key, customer.language
    customer.key = customer.key if profile.key is None else profile.key
    customer.language = customer.language if profile.language is None else profile.language
    return (customer.key, customer.language) != before


def stamp(customer: Known, changed: Mapping[str, Any], now: datetime) -> None:
    customer.synced_at = now
    if changed:
        customer.changed_at = now


def _publish_change(applied: Applied[Known], cause: Event) -> None:
    subject, payload = change_of(applied)
    ledger.publish(CUSTOMER_CHANGED, cause=cause, subject=subject, payload=payload)


def change_of(applied: Applied[Known]) -> tuple[str, dict[str, Any]]:
    """Subject and payload of the news: {"customer": 7, "names": ["points"], "changes": {"points": [420, 450]}}.

    A value that is heard of for the first time has a name, and no before and after: it has not changed, as far as
    anybody knows.
    """
    customer = applied.customer
    changes = {name: [_cut(each) for each in applied.changed[name]] for name in _seen_changing(applied)}
    payload = {"customer": customer.pk, "names": sorted(applied.changed)}
    return f"customer:{customer.pk}", {**payload, "changes": changes} if changes else payload


def _seen_changing(applied: Applied[Known]) -> Collection[str]:
    return sorted(applied.known & applied.changed.keys())


def _cut(value: Any) -> Any:
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    return value[:NEWS_LIMIT] if isinstance(value, str) else value


def _locked_customer(profile: Profile, tenant_id: int, number: int) -> tuple[Customer, bool, bool]:
    """The customer whom the first identity names, locked; made when there is none. The other identities follow.

    Also whether the customer was made, and whether they were marked as gone.
    """
    namespace, name = next(iter(profile.identities.items()))
    known = (
        find(tenant_id, namespace, name)
        or _found_without_id(tenant_id, profile)
        or _found_by_key(tenant_id, profile.key or "")
    )
    # Somebody who was erased meanwhile is nobody's any more.
    held = Customer.objects.select_for_update().filter(pk=known.pk).first() if known else None
    customer = held or Customer.objects.create(tenant_id=tenant_id, key=profile.key or name)
    created = held is None
    gone = Identity.objects.filter(customer=customer, namespace=namespace, gone_at__isnull=False)
    back = not created and gone.exists()
    for each, value in profile.identities.items():
        if value:
            _name(customer, each, value, number)
        Identity.objects.filter(customer=customer, namespace=each).exclude(value=value).delete()
    if back:
        gone.update(gone_at=None)
    return customer, created, back


def _found_without_id(tenant_id: int, profile: Profile) -> Customer | None:
    """Whoever bears another of the names, and came without the system's own id, or with one that is gone there."""
    (own, _), *others = profile.identities.items()
    for namespace, name in others:
        known = find(tenant_id, namespace, name) if name else None
        if known and not Identity.objects.filter(customer=known, namespace=own, gone_at=None).exists():
            return known
    return None


def _found_by_key(tenant_id: int, key: str) -> Customer | None:
    """Whoever was known by this key alone, and is known better from now on."""
    customer = find(tenant_id, KEY_ONLY, key_name(key))
    if customer:
        Identity.objects.filter(customer=customer, namespace=KEY_ONLY).delete()
    return customer


def key_name(key: str) -> str:
    """Systems spell one mailbox in upper or lower case; any other key is taken as it is."""
    return key.lower() if "@" in key else key


def _name(customer: Customer, namespace: str, value: str, number: int) -> None:
    """Gives the customer a name, unless a newer reading gave it to somebody else: an address may change hands."""
    identity, new = Identity.objects.select_for_update().get_or_create(
        tenant_id=customer.tenant_id,
        namespace=namespace,
        value=value,
        defaults={"customer": customer, "number": number},
    )
    if not new and identity.number <= number:
        identity.customer, identity.number = customer, number
        identity.save()
