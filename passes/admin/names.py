"""Values that a template names but nobody has: mostly a slip of the pen, seen before it is published."""

from __future__ import annotations

from passes.design import MESSAGE
from passes.expressions import names_in
from passes.models import PassTemplate, WalletPass
from portal.models import Customer

LOOKED_AT = 200


def known_names(template: PassTemplate) -> set[str]:
    """The values of the tenant's newest customers and of the template's newest passes."""
    customers = Customer.objects.for_tenant(template.tenant_id).order_by("-pk").values_list("values", flat=True)
    passes = WalletPass.objects.filter(template=template, tenant_id=template.tenant_id).order_by("-pk")
    found = [*customers[:LOOKED_AT], *passes.values_list("values", flat=True)[:LOOKED_AT]]
    return {name for values in found for name in values}


def unknown_names(template: PassTemplate, known: set[str]) -> set[str]:
    """Empty while there is no customer to compare with."""
    expressions = [*template.fields.values_list("expression", flat=True), template.barcode_message]
    named = {name for expression in expressions if expression for name in names_in(expression)}
    return named - known - {MESSAGE} if known else set()
