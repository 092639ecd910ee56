"""Actito as a side of pairings: the system whose subscriptions follow consents."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.urls import reverse

from integrations.actito.models import ActitoConnection
from integrations.actito.structure import kept_of
from integrations.actito.tables import ATTRIBUTES, SUBSCRIPTIONS, TECHNICAL
from integrations.pairing.registry import Attribute, Choice, Filled, Table
from portal.customers import find
from portal.models import Customer, Identity


class Actito:
    def offered(self, tenants: Collection[int]) -> list[Choice]:
        return [Choice(each.source, each.name) for each in ActitoConnection.objects.for_tenants(tenants)]

    def title(self, source: str) -> str:
        connection = connection_of(source)
        return connection.name if connection else ""

    def page(self, source: str) -> str:
        return reverse("admin:actito_actitoconnection_change", args=[source.partition(":")[2]])

    def lane_id(self, tenant_id: int, source: str) -> int | None:
        connection = connection_of(source)
        return connection.lane_id if connection and connection.tenant_id == tenant_id else None

    def table(self, source: str) -> Table:
        connection = connection_of(source)
        kept = kept_of(connection) if connection else None
        if connection is None or kept is None:
            return Table(connection.unique_key if connection else "")
        parts = kept.structure().parts
        subscriptions, attributes = parts.get(SUBSCRIPTIONS), parts.get(ATTRIBUTES)
        return Table(
            connection.unique_key,
            None if subscriptions is None else list(subscriptions),
            None if attributes is None else [
                Attribute(each.name, each.mandatory) for each in attributes.values() if each.name not in TECHNICAL
            ],
        )  # fmt: skip

    def facts(self, source: str) -> list[tuple[str, str]]:
        connection = connection_of(source)
        names = ("entity", "table", "unique_key") if connection else ()
        return [(str(_column(name).verbose_name), getattr(connection, name)) for name in names]

    def filled(self, source: str) -> Mapping[str, Filled]:
        connection = connection_of(source)
        lines = connection.mappings.all() if connection else []
        return {each.value_name: Filled(each.part, each.attribute) for each in lines}

    def connector(self, source: str) -> Mapping[str, Any]:
        connection = connection_of(source)
        return connection.connector if connection else {}

    def find(self, source: str, key: str) -> Customer | None:
        connection = connection_of(source)
        return find(connection.tenant_id, f"{source}:key", key) if connection else None

    def key_of(self, source: str, customer: Customer) -> str:
        names = Identity.objects.filter(customer=customer, namespace=f"{source}:key", gone_at=None)
        return names.values_list("value", flat=True).first() or ""


def _column(name: str) -> Any:
    return ActitoConnection._meta.get_field(name)


def connection_of(source: str) -> ActitoConnection | None:
    number = source.removeprefix("actito:")
    found = ActitoConnection.objects.filter(pk=number) if number.isdecimal() and number != source else None
    return found.first() if found is not None else None
