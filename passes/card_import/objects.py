"""Objects that another vendor made at Google: what is here of them, and how a pass goes on as one of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from django.db.models import Q

from passes.card_import.verdicts import Verdict
from passes.delivery import GOOGLE_PASS
from passes.google.names import type_of
from passes.models import GoogleIssuer, GoogleObject, PassTemplate, WalletPass
from portal import ledger
from portal.models import Event


@dataclass
class Objects:
    """Objects at Google by ID and by pass. `issuer`: that of the template."""

    issuer: GoogleIssuer | None
    by_id: dict[str, GoogleObject]
    by_pass: dict[int, GoogleObject]

    @classmethod
    def of(cls, template: PassTemplate, names: Collection[str], passes: Iterable[int], *, lock: bool = False) -> Self:
        """`lock`: until the transaction ends; passes are locked before."""
        if template.google is None or not names:
            return cls(template.google, {}, {})
        rows = GoogleObject.objects.for_tenant(template.tenant_id).order_by("pk")
        if lock:
            rows = rows.select_for_update(of=("self",))
        named = Q(issuer=template.google, object_id__in=names)
        found = list(rows.filter(named | Q(wallet_pass__in=list(passes))).select_related("wallet_pass"))
        by_id = {each.object_id: each for each in found if each.issuer_id == template.google_id}
        return cls(template.google, by_id, {each.wallet_pass_id: each for each in found})

    def verdict(self, name: str, customer: int | None, held: WalletPass | None) -> Verdict:
        """`held`: the customer's pass, if there is one."""
        here = self.by_id.get(name)
        if here and here.wallet_pass.customer_id != customer:
            return Verdict.OTHER_OBJECT
        if here and (here.wallet_pass == held or here.sent is not None):
            return Verdict.HERE
        if customer is None:
            return Verdict.UNKNOWN
        if held is None:
            return Verdict.NEW
        other = self.by_pass.get(held.pk)
        return Verdict.SECOND_OBJECT if other and other.sent is not None else Verdict.JOINS

    def take(self, held: WalletPass, name: str, *, cause: Event) -> None:
        """The pass goes on as this object, and Google is given its content. An object of ours that Google has not yet
        is not needed any more."""
        assert self.issuer  # noqa: S101 - without one no line names an object
        if wrong := self.by_id.get(name):  # imported with another template, and never taken by Google
            wrong.delete()
        row = self.by_pass.get(held.pk) or GoogleObject(tenant_id=held.tenant_id, wallet_pass=held)
        row.issuer, row.object_id, row.type = self.issuer, name, type_of(held.content)
        row.generation, row.imported, row.class_id = 1, True, ""
        row.save()
        self.by_id[name] = self.by_pass[held.pk] = row
        ledger.publish(GOOGLE_PASS, cause=cause, subject=row.subject, payload={"pass": held.pk},
                       lane_id=self.issuer.lane_id)  # fmt: skip
