"""Which consents of pairings the rules of a tenant may ask for: each line of a subscription fills one."""

from __future__ import annotations

from collections.abc import Collection

from django.urls import reverse
from django.utils.translation import gettext as _t

from integrations.pairing.models import ConsentMapping, Pairing, value_name_of
from integrations.rules.registry import Consent


class Consents:
    def offered(self, tenants: Collection[int]) -> list[Consent]:
        lines = ConsentMapping.objects.for_tenants(tenants).filter(part=ConsentMapping.Part.SUBSCRIPTION)
        return [Consent(value_name_of(each), _t("%(subscription)s in “%(connection)s”") % {
            "subscription": each.target, "connection": each.pairing.name
        }) for each in lines.select_related("pairing")]  # fmt: skip

    def remedy(self, tenants: Collection[int]) -> tuple[str, str]:
        known = Pairing.objects.for_tenants(tenants).order_by("pk").values_list("pk", flat=True).first()
        if known is None:
            return _t("Pair consents with subscriptions first"), reverse("admin:integrations_pairing_changelist")
        page = reverse("admin:integrations_pairing_change", args=[known])
        return _t("Add a line to the pairing first"), f"{page}#mappings-group"
