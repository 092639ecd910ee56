"""CUSTOMER, many at once: what `customers.apply_profile` does for one, with a handful of statements for all.

Profiles of a batch are of different people: whoever reads a table tells apart the lines that name somebody twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from portal import ledger
from portal.customers import (
    CUSTOMER_CHANGED,
    KEY_ONLY,
    Applied,
    Profile,
    change_of,
    key_name,
    merge_values,
    rename,
    stamp,
)
from portal.models import Customer, Event, Identity

Name = tuple[str, str]  # namespace, value
_WRITTEN = ["key", "language", "values", "origins", "changed_at", "synced_at"]


def compare_profiles(profiles: Sequence[Profile], *, tenant_id: int, number: int) -> list[Applied]:
    """What `apply_profiles` would do, in the order of the profiles. Nothing is stored."""
    return _Batch(profiles, tenant_id, number, lock=False).applied


def apply_profiles(profiles: Sequence[Profile], *, cause: Event, number: int) -> list[Applied]:
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


@dataclass
class _Names:
    """What becomes of names: made, given to somebody else, met again, taken away."""

    made: list[Identity] = field(default_factory=list)
    moved: list[Identity] = field(default_factory=list)
    met: list[int] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)


class _Batch:
    def __init__(self, profiles: Sequence[Profile], tenant_id: int, number: int, *, lock: bool) -> None:
        self._tenant_id, self._number = tenant_id, number
        self._names = _Names()
        self._load({name for profile in profiles for name in _names(profile)}, lock=lock)
        self.applied = [self._apply(profile) for profile in profiles]

    def _load(self, names: set[Name], *, lock: bool) -> None:
        """The holders of the names, and all names of theirs."""
        wanted: dict[str, list[str]] = {}
        for namespace, value in names:
            wanted.setdefault(namespace, []).append(value)
        keys: set[int] = set()
        for namespace, values in wanted.items():  # one by one: each is a look into the index by name
            found = Identity.objects.filter(tenant_id=self._tenant_id, namespace=namespace, value__in=values)
            keys.update(found.values_list("customer_id", flat=True))
        rows = Customer.objects.for_tenant(self._tenant_id).order_by("pk")
        # In the order of their keys, so that two batches with the same people wait for each other in turn.
        self._customers = (rows.select_for_update() if lock else rows).in_bulk(keys)
        self._holders: dict[Name, Identity] = {}
        self._of: dict[int, list[Identity]] = {key: [] for key in self._customers}
        for identity in Identity.objects.filter(customer__in=self._customers):
            self._holders[identity.namespace, identity.value] = identity
            self._of[identity.customer_id].append(identity)

    def _apply(self, profile: Profile) -> Applied:
        own = next(iter(profile.identities.items()))
        customer = self._found(profile, own)
        created = customer is None
        customer = customer or Customer(tenant_id=self._tenant_id, key=profile.key or own[1])
        holder = self._holders.get(own)
        known = frozenset(customer.values)
        changed = merge_values(customer, profile, self._number)
        back = any(each.namespace == own[0] and self._gone(each) for each in self._of.get(customer.pk, ()))
        renamed = False
        if holder is None or holder.number <= self._number:
            renamed = rename(customer, profile)
            renamed = self._name(customer, profile) or renamed
            stamp(customer, changed)
        return Applied(customer, created, changed, renamed, known, back)

    def _found(self, profile: Profile, own: Name) -> Customer | None:
        """By the system's own id; by another name of somebody who has no such id, or one that is gone; by the key."""
        if holder := self._holders.get(own):
            return self._customers[holder.customer_id]
        for name in profile.identities.items():
            holder = self._holders.get(name)
            known = self._of[holder.customer_id] if holder else []
            if holder and not any(each.namespace == own[0] and not self._gone(each) for each in known):
                return self._customers[holder.customer_id]
        for name in _by_key(profile):
            if holder := self._holders.get(name):
                self._names.gone.add(holder.pk)
                return self._customers[holder.customer_id]
        return None

    def _gone(self, identity: Identity) -> bool:
        """Whether it was marked as gone, and not after what the profiles tell."""
        return identity.gone_at is not None and identity.number <= self._number

    def _name(self, customer: Customer, profile: Profile) -> bool:
        """Gives the customer the profile's names, save those that a later reading gave. Returns whether any is new."""
        new = False
        for name in profile.identities.items():
            for other in self._of.get(customer.pk, ()):
                if other.namespace == name[0] and other.value != name[1] and other.number <= self._number:
                    self._names.gone.add(other.pk)
                    new = True
            new = (bool(name[1]) and self._give(customer, name)) or new
        return new

    def _give(self, customer: Customer, name: Name) -> bool:
        holder = self._holders.get(name)
        if holder is None:
            made = Identity(tenant_id=self._tenant_id, customer=customer, namespace=name[0], value=name[1],
                            number=self._number)  # fmt: skip
            self._holders[name] = made
            self._names.made.append(made)
            return True
        if holder.number > self._number or holder.pk is None:
            return False
        if holder.customer_id == customer.pk:
            self._names.met.append(holder.pk)
            return False
        holder.customer, holder.number = customer, self._number
        self._names.moved.append(holder)
        return True

    def store(self) -> None:
        Customer.objects.bulk_create(each.customer for each in self.applied if each.created)
        known = {each.customer.pk: each.customer for each in self.applied if not each.created}
        # Several times as fast as bulk_update, whose statement has a condition for each row and column.
        Customer.objects.bulk_create(
            known.values(), update_conflicts=True, unique_fields=["id"], update_fields=_WRITTEN
        )  # fmt: skip
        names = self._names
        moved = {each.pk for each in names.moved}
        Identity.objects.filter(pk__in=names.gone - moved).delete()
        Identity.objects.filter(Q(number__lt=self._number), pk__in=names.met).update(number=self._number)
        for identity in names.moved:
            identity.customer_id = identity.customer.pk  # of a customer that has just been made
        Identity.objects.bulk_update(names.moved, ["customer", "number"])
        Identity.objects.bulk_create(names.made)


def _names(profile: Profile) -> list[Name]:
    """All by which the customer may be known here."""
    return [name for name in [*profile.identities.items(), *_by_key(profile)] if name[1]]


def _by_key(profile: Profile) -> list[Name]:
    return [(KEY_ONLY, key_name(profile.key))] if profile.key else []
