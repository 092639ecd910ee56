"""The lines of a pairing that are about consents, as the hub and both sides use them."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.pairing.models import ConsentMapping, Pairing, value_name_of
from integrations.pairing.standing import Policy


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


def master_of(pairing: Pairing, policy: str) -> str:
    """The side that wins where the policy names one."""
    return {Policy.CONSENTS.value: pairing.consents, Policy.PROFILES.value: pairing.profiles}.get(policy, "")
