"""What Actito adds to the first hour: connected, mapped, and seen to work."""

from __future__ import annotations

from collections.abc import Collection

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from integrations.actito.mapping_models import AttributeMapping
from integrations.actito.models import ActitoConnection
from integrations.actito.webhooks import ACTITO_PROFILE
from portal.admin.extend import FirstStep
from portal.models import Event
from portal.tenancy import Action


def _connected(tenants: Collection[int]) -> bool:
    return bool(ActitoConnection.objects.for_tenants(tenants).exists())


def _mapped(tenants: Collection[int]) -> bool:
    return bool(AttributeMapping.objects.filter(connection__tenant_id__in=tenants).exists())


def _arrived(tenants: Collection[int]) -> bool:
    return Event.objects.filter(tenant_id__in=tenants, kind=ACTITO_PROFILE).exists()


def _connection_page(tenants: Collection[int]) -> str | None:
    """Of the newest; the steps that connect one while there is none."""
    key = ActitoConnection.objects.for_tenants(tenants).order_by("-pk").values_list("pk", flat=True).first()
    return reverse("admin:actito_actitoconnection_change", args=[key]) if key else None


CONNECT = "admin:actito_actitoconnection_connect"
STEPS = [
    FirstStep(
        10, _("Connect Actito"), _("Enter the API address and key, and choose the table of your customers."),
        _("Connect"), CONNECT, Action.CONNECT, _connected,
    ),
    FirstStep(
        20, _("Map the attributes"), _("Say which attributes of Actito become values of your customers."),
        _("Choose attributes"), CONNECT, Action.CONFIGURE, _mapped, where=_connection_page,
    ),
    FirstStep(
        60, _("Send a test"), _("“Send a test event” on the connection's page shows that a change arrives here."),
        _("Open the connection"), CONNECT, Action.CONNECT, _arrived, where=_connection_page,
    ),
]  # fmt: skip
