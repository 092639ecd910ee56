"""Which subscriptions of Actito's rules may ask for: those that a mapping reads as yes or no."""

from __future__ import annotations

from collections.abc import Collection

from django.urls import reverse
from django.utils.translation import gettext as _t

from integrations.actito.models import ActitoConnection, AttributeMapping
from integrations.mapping import ValueType
from integrations.rules.registry import Consent


class Subscriptions:
    def offered(self, tenants: Collection[int]) -> list[Consent]:
        lines = AttributeMapping.objects.for_tenants(tenants).filter(
            part=AttributeMapping.Part.SUBSCRIPTION, value_type=ValueType.YES_NO
        )
        rows = lines.values_list("value_name", "attribute", "connection__name")
        return [Consent(name, _t("%(subscription)s in “%(connection)s”") % {
            "subscription": subscription, "connection": connection
        }) for name, subscription, connection in rows]  # fmt: skip

    def remedy(self, tenants: Collection[int]) -> tuple[str, str]:
        known = ActitoConnection.objects.for_tenants(tenants).order_by("pk").values_list("pk", flat=True).first()
        if known is None:
            return _t("Connect Actito, and map a subscription first"), reverse("admin:actito_actitoconnection_connect")
        page = reverse("admin:actito_actitoconnection_change", args=[known])
        return _t("Map a subscription of Actito's first"), f"{page}#mappings-group"
