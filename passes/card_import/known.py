"""What is here of some cards: looked up for many at once, decided for each."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from django.db.models import Q, Value
from django.db.models.functions import Lower

from passes.card_import.cards import APPLE, GOOGLE, Card
from passes.card_import.objects import Objects
from passes.card_import.verdicts import Verdict, together
from passes.models import PassTemplate, Registration, WalletPass
from portal.models import Customer


@dataclass
class Known:
    """Customers by key, passes by serial number and by customer, objects at Google."""

    customers: dict[str, int]
    by_serial: dict[str, WalletPass]
    by_customer: dict[int, WalletPass]
    on_phones: set[int]  # keys of passes
    objects: Objects

    @classmethod
    def of(cls, template: PassTemplate, cards: Sequence[Card], *, lock: bool = False) -> Self:
        """`lock`: of the passes that may be changed, in the order of their keys, until the transaction ends."""
        customers = _customers(template.tenant_id, {card.customer for card in cards})
        serials = [card.serial for card in cards if card.serial]
        own = [number for serial in serials if (number := _uuid(serial))]
        imported = Q(imported_under=template.apple_id, imported_serial__in=serials)
        issued = Q(template__apple=template.apple_id, serial_number__in=own)
        held = Q(template=template, customer__in=customers.values())
        passes: dict[int, WalletPass] = {}
        for which in (imported, issued, held):  # one by one: a database reads everything for all three at once
            passes |= {one.pk: one for one in _passes(template, which, lock=lock)}
        return cls(
            customers,
            {serial: one for one in passes.values() if (serial := _serial_under(template.apple_id, one))},
            {one.customer_id: one for one in passes.values() if one.template_id == template.pk},
            set(Registration.objects.filter(wallet_pass__in=passes).values_list("wallet_pass", flat=True)),
            Objects.of(template, [card.google for card in cards if card.google], passes, lock=lock),
        )

    def verdict(self, card: Card) -> Verdict:
        return together(self.parts(card).values())

    def parts(self, card: Card) -> dict[str, Verdict]:
        """What becomes of the card in each wallet that the line names."""
        found = {APPLE: self._in_apple, GOOGLE: self._in_google}
        return {wallet: found[wallet](card) for wallet in card.names}

    def pass_of(self, card: Card) -> WalletPass | None:
        """The one that the card is, or would become."""
        customer = self.customers.get(card.customer)
        return self.by_serial.get(card.serial) or (self.by_customer.get(customer) if customer else None)

    def _in_google(self, card: Card) -> Verdict:
        return self.objects.verdict(card.google, self.customers.get(card.customer), self.pass_of(card))

    def _in_apple(self, card: Card) -> Verdict:
        here, customer = self.by_serial.get(card.serial), self.customers.get(card.customer)
        if here:
            same = hmac.compare_digest(here.authentication_token.encode(), card.token.encode())
            return Verdict.HERE if same and here.customer_id == customer else Verdict.OTHER
        if customer is None:
            return Verdict.UNKNOWN
        held = self.by_customer.get(customer)
        if held is None:
            return Verdict.NEW
        return Verdict.TAKES_OVER if self.is_free(held) else Verdict.SECOND

    def is_free(self, held: WalletPass) -> bool:
        """Whether nobody would miss the identity that we gave it."""
        return held.imported_serial is None and held.fetched_at is None and held.pk not in self.on_phones

    def add(self, wallet_pass: WalletPass) -> None:
        self.by_serial[wallet_pass.card_serial] = self.by_customer[wallet_pass.customer_id] = wallet_pass


def _serial_under(apple_id: int | None, one: WalletPass) -> str:
    """The pass's serial number in a pass type; empty where it has none. An imported one stays taken, whichever
    certificate its template has since."""
    if one.imported_under_id == apple_id and one.imported_serial is not None:
        return one.imported_serial
    return one.card_serial if one.template.apple_id == apple_id else ""


def _passes(template: PassTemplate, which: Q, *, lock: bool) -> list[WalletPass]:
    passes = WalletPass.objects.for_tenant(template.tenant_id).filter(which).order_by("pk")
    if lock:
        list(passes.select_for_update(no_key=True).values_list("pk", flat=True))
    return list(passes.select_related("template__apple", "customer"))


def _customers(tenant_id: int, keys: Iterable[str]) -> dict[str, int]:
    """Spelled as here, or else in upper or lower case where only one customer is meant."""
    found: dict[str, dict[str, int]] = {}
    # As the database lowers, which differs between databases for what is not ASCII.
    lowered = [key.lower() if key.isascii() else Lower(Value(key)) for key in keys]
    rows = Customer.objects.for_tenant(tenant_id).filter(lowered_key__in=lowered)
    for pk, key in rows.order_by("-pk").values_list("pk", "key"):
        found.setdefault(key.lower(), {})[key] = pk
    chosen = {key: _chosen(found.get(key.lower(), {}), key) for key in keys}
    return {key: pk for key, pk in chosen.items() if pk is not None}


def _chosen(alike: dict[str, int], key: str) -> int | None:
    return alike.get(key) or (next(iter(alike.values())) if len(alike) == 1 else None)


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
