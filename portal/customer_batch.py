"""CUSTOMER, many at once: what `customers.apply_profile` does for one, with a handful of statements for all.

Profiles of a batch are of different people: whoever reads a table tells apart the lines that name somebody twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.utils import timezone

from portal import bulk, ledger
from portal.consents import decided_names
from portal.customers import (
    CUSTOMER_CHANGED,
    KEY_ONLY,
    Applied,
    Person,
    Profile,
    change_of,
    key_name,
    rename,
    stamp,
)
from portal.merging import merge_values, origin_of
from portal.models import Customer, Event, Identity

Name = tuple[str, str]  # namespace, value
_WRITTEN = ["key", "language", "values", "origins", "changed_at", "synced_at", "id"]
_MADE = [*_WRITTEN, "tenant_id", "created_at"]
_MOVED = ["customer_id", "number", "id"]
_NAMED = ["tenant_id", "customer_id", "namespace", "value", "number"]
# Name by name, as each is a look into the index. `IN (…)` is read as a range of all names that there are, where the
# statistics say nothing yet, or in another order than it is written.
_HELD = {
    "postgresql": f"""
        SELECT wanted.value, held.customer_id
        FROM jsonb_array_elements_text(%s::jsonb) AS wanted (value), LATERAL (
            SELECT customer_id FROM {Identity._meta.db_table} name
            WHERE name.tenant_id = %s AND name.namespace = %s AND name.value = wanted.value OFFSET 0
        ) held""",  # noqa: S608 - names only, no values
    "sqlite": f"""
        SELECT wanted.value, name.customer_id FROM json_each(%s) wanted CROSS JOIN {Identity._meta.db_table} name
        ON name.tenant_id = %s AND name.namespace = %s AND name.value = wanted.value""",  # noqa: S608
}
_NAMES_OF = f"""
    SELECT customer_id, namespace, value, id, number, gone_at IS NOT NULL FROM {Identity._meta.db_table}
    WHERE customer_id {{among}}"""  # noqa: S608


def compare_profiles(profiles: Sequence[Profile], *, tenant_id: int, number: int) -> list[Applied[Person]]:
    """What `apply_profiles` would do, in the order of the profiles. Nothing is stored."""
    return _Batch(profiles, tenant_id, number, lock=False).applied


def apply_profiles(profiles: Sequence[Profile], *, cause: Event, number: int) -> list[Applied[Person]]:
    """Writes what is known of several people and publishes `customer.changed` for each who changed.

    `number`: as in `apply_profile`; it may lie in the past, so names, key and language of a customer whom a later
    reading has met stay, too. Whoever is `back` under the same id keeps the mark of being gone until the profile is
    read. Raises IntegrityError when one of them was made elsewhere at the same moment.
    """
    batch = _Batch(profiles, cause.tenant_id, number, lock=True)
    batch.store()
    news = [change_of(each) for each in batch.applied if each.differs]
    ledger.publish_all(CUSTOMER_CHANGED, news, cause=cause)
    return batch.applied


@dataclass(slots=True, eq=False)
class _Held:
    """A name and whose it is."""

    key: int  # 0: made by this batch
    customer: Person
    namespace: str
    value: str
    number: int
    gone: bool = False


@dataclass
class _Names:
    """What becomes of names: made, given to somebody else, met again, taken away."""

    made: list[_Held] = field(default_factory=list)
    moved: list[_Held] = field(default_factory=list)
    met: list[int] = field(default_factory=list)
    lost: set[int] = field(default_factory=set)


class _Batch:
    def __init__(self, profiles: Sequence[Profile], tenant_id: int, number: int, *, lock: bool) -> None:
        self._tenant_id, self._number, self._now = tenant_id, number, timezone.now()
        self._origins = {source: origin_of(source, number) for source in {each.source for each in profiles}}
        self._decided = decided_names(tenant_id)
        # Where the values of somebody new come from, as JSON: the same for all who have the same.
        self._origins_told: dict[tuple[str, ...], str] = {}
        self._names = _Names()
        self._load(profiles, lock=lock)
        self.applied = [self._apply(profile) for profile in profiles]

    def _load(self, profiles: Sequence[Profile], *, lock: bool) -> None:
        """The holders of the names, and all names of theirs."""
        held = self._holding(name for profile in profiles for name in profile.identities.items() if name[1])
        # Nobody who is known by the system's own id is looked for by the key.
        unknown = (profile for profile in profiles if _own(profile) not in held)
        held |= self._holding(name for profile in unknown for name in _by_key(profile))
        people = self._people(set(held.values()), lock=lock)
        self._holders: dict[Name, _Held] = {}
        self._of: dict[int, list[_Held]] = {key: [] for key in people}
        if not people:
            return
        among, keys = bulk.among(list(people))
        with connection.cursor() as cursor:
            cursor.execute(_NAMES_OF.format(among=among), [keys])
            for customer, namespace, value, key, number, gone in cursor.fetchall():
                holder = _Held(key, people[customer], namespace, value, number, bool(gone))
                self._holders[namespace, value] = holder
                self._of[customer].append(holder)

    def _people(self, keys: set[int], *, lock: bool) -> dict[int, Person]:
        # In the order of their keys, so that two batches with the same people wait for each other in turn.
        rows = Customer.objects.for_tenant(self._tenant_id).filter(pk__in=keys).order_by("pk")
        columns = "pk", "key", "language", "values", "origins"
        found = (rows.select_for_update() if lock else rows).values_list(*columns)
        return {each[0]: Person(*each) for each in found}

    def _holding(self, names: Iterable[Name]) -> dict[Name, int]:
        """The customers' keys by the names, of those that somebody has."""
        wanted: dict[str, list[str]] = {}
        for namespace, value in names:
            wanted.setdefault(namespace, []).append(value)
        held: dict[Name, int] = {}
        with connection.cursor() as cursor:
            for namespace, values in wanted.items():
                cursor.execute(_HELD[connection.vendor], [json.dumps(values), self._tenant_id, namespace])
                held.update({(namespace, value): key for value, key in cursor.fetchall()})
        return held

    def _apply(self, profile: Profile) -> Applied[Person]:
        own = _own(profile)
        found = self._found(profile, own)
        customer = found or Person(0, profile.key or own[1])
        holder = self._holders.get(own)
        known = frozenset(customer.values)
        changed = merge_values(customer, profile, self._number, self._origins[profile.source], self._decided)
        back = found is not None and any(each.namespace == own[0] and self._gone(each) for each in self._of[found.pk])
        renamed = False
        if holder is None or holder.number <= self._number:
            renamed = rename(customer, profile)
            renamed = self._name(customer, profile) or renamed
            stamp(customer, changed, self._now)
        return Applied(customer, found is None, changed, renamed, known, back)

    def _found(self, profile: Profile, own: Name) -> Person | None:
        """By the system's own id; by another name of somebody who has no such id, or one that is gone; by the key."""
        if holder := self._holders.get(own):
            return holder.customer
        for name in profile.identities.items():
            holder = self._holders.get(name)
            if holder is None or not holder.customer.pk:  # somebody whom this batch makes has an id
                continue
            if not any(each.namespace == own[0] and not self._gone(each) for each in self._of[holder.customer.pk]):
                return holder.customer
        for name in _by_key(profile):
            if holder := self._holders.get(name):
                self._names.lost.add(holder.key)
                return holder.customer
        return None

    def _gone(self, held: _Held) -> bool:
        """Whether it was marked as gone, and not after what the profiles tell."""
        return held.gone and held.number <= self._number

    def _name(self, customer: Person, profile: Profile) -> bool:
        """Gives the customer the profile's names, save those that a later reading gave. Returns whether any is new."""
        new = False
        own = self._of.get(customer.pk, ())
        for name in profile.identities.items():
            for other in own:
                if other.namespace == name[0] and other.value != name[1] and other.number <= self._number:
                    self._names.lost.add(other.key)
                    new = True
            new = (bool(name[1]) and self._give(customer, name)) or new
        return new

    def _give(self, customer: Person, name: Name) -> bool:
        holder = self._holders.get(name)
        if holder is None:
            made = _Held(0, customer, *name, self._number)
            self._holders[name] = made
            self._names.made.append(made)
            return True
        if holder.number > self._number or not holder.key:
            return False
        if holder.customer is customer:
            self._names.met.append(holder.key)
            return False
        holder.customer, holder.number = customer, self._number
        self._names.moved.append(holder)
        return True

    def store(self) -> None:
        made = [each.customer for each in self.applied if each.created]
        for customer, key in zip(made, bulk.reserve(Customer, len(made)), strict=True):
            customer.pk = key
        bulk.insert(Customer, _MADE, map(self._made_row, made))
        found = {each.customer.pk: each.customer for each in self.applied if not each.created}
        bulk.update(Customer, _WRITTEN, [_row(each, json.dumps(each.origins)) for each in found.values()])
        self._store_names(self._names)

    def _store_names(self, names: _Names) -> None:
        moved = {each.key: each for each in names.moved}
        Identity.objects.filter(pk__in=names.lost - moved.keys()).delete()
        Identity.objects.filter(number__lt=self._number, pk__in=names.met).update(number=self._number)
        bulk.update(Identity, _MOVED, [(each.customer.pk, each.number, key) for key, each in moved.items()])
        rows = ((self._tenant_id, each.customer.pk, each.namespace, each.value, each.number) for each in names.made)
        bulk.insert(Identity, _NAMED, rows)

    def _made_row(self, customer: Person) -> tuple[Any, ...]:
        names = tuple(customer.origins)
        if names not in self._origins_told:
            self._origins_told[names] = json.dumps(customer.origins)
        return (*_row(customer, self._origins_told[names]), self._tenant_id, bulk.moment(self._now))


def _row(customer: Person, origins: str) -> tuple[Any, ...]:
    changed_at, synced_at = bulk.moment(customer.changed_at), bulk.moment(customer.synced_at)
    values = json.dumps(customer.values)
    return customer.key, customer.language, values, origins, changed_at, synced_at, customer.pk


def _own(profile: Profile) -> Name:
    """By which the system itself knows the person."""
    return next(iter(profile.identities.items()))


def _by_key(profile: Profile) -> list[Name]:
    return [(KEY_ONLY, key_name(profile.key))] if profile.key else []
