"""The demo's Didomi: a connection to the sandbox, whose webhook leads to the portal."""

from __future__ import annotations

import requests

from integrations.demo.processes import DemoError
from integrations.didomi import catalogue
from integrations.didomi.models import DidomiConnection
from integrations.didomi.sandbox import API_KEY, ORGANIZATION, SECRET
from portal.access import check_key, make_key
from portal.models import Scope, Tenant

NAME = "Didomi (sandbox)"


def connect(tenant: Tenant, didomi_url: str, base_url: str, kept: str) -> str:
    """Points the connection at the sandbox and its webhook at the portal. `kept`: the key of an earlier start.

    Returns the key that the webhook speaks with. Raises DemoError.
    """
    connection = DidomiConnection.objects.for_tenant(tenant).first() or DidomiConnection(tenant=tenant, name=NAME)
    connection.host, connection.organization_id = didomi_url, ORGANIZATION
    connection.api_key, connection.api_secret = API_KEY, SECRET
    connection.save()
    catalogue.ask(connection)  # what was read at another address is not this organisation's
    key = kept
    if not check_key(kept, tenant.slug):
        key = make_key(tenant, NAME, [Scope.DIDOMI_LISTENER], bound_to=connection.source)[1]
    webhook = {"url": f"{base_url}/api/{tenant.slug}/webhooks/listeners/didomi/events", "api_key": key}
    answer = requests.put(f"{didomi_url}/_sandbox/webhook", json=webhook, timeout=20)
    if not answer.ok:
        raise DemoError(f"Didomi's sandbox took no webhook: {answer.status_code} {answer.text[:200]}")
    return key
