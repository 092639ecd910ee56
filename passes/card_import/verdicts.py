"""What would become of cards, by what is here: looked up for many at once, decided for each."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from django.db.models import Q, Value
from django.db.models.functions import Lower

from passes.card_import.cards import Card
from passes.models import PassTemplate, Registration, WalletPass
from portal.models import Customer
from portal.sentences import say


class Verdict(StrEnum):
    NEW = "new"  # a pass is made for it
    TAKES_OVER = "takes_over"  # the customer's pass, which is on no phone, becomes the card
    HERE = "here"  # it was imported before
    UNKNOWN = "unknown"  # no customer has the key
    OTHER = "other"  # the serial number is here with another token, or of another customer
    SECOND = "second"  # the customer has another card of the template
    BAD = "bad"  # the line makes no card
    REPEATED = "repeated"  # the file has the same card in an earlier line


IMPORTED = frozenset({Verdict.NEW, Verdict.TAKES_OVER})
PROBLEMS = {
    Verdict.UNKNOWN: say("No customer has this key."),
    Verdict.OTHER: say("This serial number is here already, with another token or of another customer."),
    Verdict.SECOND: say("The customer has another pass of this template that is in use, or another card in the file."),
    Verdict.REPEATED: say("An earlier line has this serial number, with another token or customer."),
}


@dataclass
class Known:
    """What is here of some cards: customers by key, passes by serial number and by customer."""

    customers: dict[str, int]
    by_serial: dict[str, WalletPass]
    by_customer: dict[int, WalletPass]
    on_phones: set[int]  # keys of passes

    @classmethod
    def of(cls, template: PassTemplate, cards: Sequence[Card], *, lock: bool = False) -> Self:
        """`lock`: of the passes that may be changed, in the order of their keys, until the transaction ends."""
        customers = _customers(template.tenant_id, {card.customer for card in cards})
        serials = [card.serial for card in cards]
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
        )

    def verdict(self, card: Card) -> Verdict:
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
