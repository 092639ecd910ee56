"""Whose passes get a message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from passes.conditions import matches
from passes.models import PassMessage, WalletPass, on_a_phone

AT_ONCE = 1_000
LOOKED_AT = 20_000
NAMED = 5


@dataclass(frozen=True)
class Audience:
    """`exact`: every pass was looked at; else the number is reckoned from the newest ones. `first`: customers' keys."""

    count: int
    exact: bool
    first: Sequence[str]


def conditions_of(message: PassMessage) -> dict[str, Any]:
    """As passes.conditions reads them; without rows, everybody is meant."""
    rows = [{"name": each.name, "operator": each.operator, "value": each.value} for each in message.conditions.all()]
    return {"any": message.any_condition, "rows": rows}


def passes_of(message: PassMessage) -> QuerySet[WalletPass]:
    """Those that may be meant, whatever the customer's values are."""
    found = WalletPass.objects.for_tenant(message.tenant_id).filter(voided=False)
    if message.template_id:
        found = found.filter(template=message.template_id)
    if message.on_phones:
        found = found.filter(on_a_phone())
    return found


def is_meant(conditions: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    return not conditions["rows"] or matches(conditions, values)


def meant_after(message: PassMessage, after: int) -> Iterator[WalletPass]:
    """The passes that it is for, in the order of their keys, behind this one. Only keys are read of them."""
    conditions = conditions_of(message)
    found = passes_of(message).order_by("pk").select_related("customer").only("customer__values", "customer__key")
    while batch := list(found.filter(pk__gt=after)[:AT_ONCE]):
        yield from (each for each in batch if is_meant(conditions, each.customer.values))
        after = batch[-1].pk


def audience_of(message: PassMessage) -> Audience:
    """Counted exactly up to LOOKED_AT passes; of more, by the share among the newest where there are conditions."""
    possible, conditions = passes_of(message).count(), conditions_of(message)
    newest = passes_of(message).order_by("-pk").values_list("customer__values", "customer__key")
    if not conditions["rows"]:
        return Audience(possible, True, [key for _, key in newest[:NAMED]])
    looked_at = newest[:LOOKED_AT].iterator(chunk_size=AT_ONCE)
    meant = [key for values, key in looked_at if is_meant(conditions, values)]
    exact = possible <= LOOKED_AT
    return Audience(len(meant) if exact else round(len(meant) / LOOKED_AT * possible), exact, meant[:NAMED])
