"""The lines of a pairing that are about consents, as the hub and both sides use them."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.pairing.models import ConsentMapping, Pairing, value_name_of
from integrations.pairing.standing import Policy
from portal.models import Customer, Event


@dataclass(frozen=True)
class Line:
    """`name`: the customer value; `target`: the subscription; `path`: where the consent platform says it."""

    name: str
    target: str
    path: str
    policy: str


def lines_of(pairing: Pairing) -> list[Line]:
    return [
        Line(value_name_of(each), each.target, each.path, each.policy)
        for each in pairing.mappings.all() if each.part == ConsentMapping.Part.SUBSCRIPTION
    ]  # fmt: skip


def concerned(event: Event) -> tuple[Pairing | None, Customer | None]:
    """The pairing and the customer that the payload names; None for what is gone, or is not on."""
    pairings = Pairing.objects.for_tenant(event.tenant_id).filter(phase=Pairing.Phase.ON).prefetch_related("mappings")
    customers = Customer.objects.for_tenant(event.tenant_id)
    return (
        pairings.filter(pk=event.payload["pairing"]).first(),
        customers.filter(pk=event.payload["customer"]).first(),
    )


def decided_names(tenant_id: int) -> set[str]:
    """The customer values that the tenant's pairings decide while they are on (portal.consents.decides)."""
    pairings = Pairing.objects.for_tenant(tenant_id).filter(phase=Pairing.Phase.ON).prefetch_related("mappings")
    return {line.name for pairing in pairings for line in lines_of(pairing)}


def master_of(pairing: Pairing, policy: str) -> str:
    """The side that wins where the policy names one."""
    return {Policy.CONSENTS.value: pairing.consents, Policy.PROFILES.value: pairing.profiles}.get(policy, "")
