"""Rows and requests that the tests of Didomi's webhooks begin with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from integrations.didomi.models import DidomiConnection
from portal import ledger
from portal.access import make_key
from portal.models import ApiKey, Event, Scope, Tenant
from tests.world import make_tenant

PAYLOADS = Path(__file__).parents[2] / "payloads" / "didomi"
ORGANISATION = "verdi-org"
ANNA = "anna.peeters@example.com"


def payload(case: str) -> Any:
    """A payload of Didomi's, from the file named after its case."""
    return json.loads((PAYLOADS / f"{case}.json").read_text(encoding="utf-8"))


def make_organisation(tenant: Tenant, name: str = "Didomi", **more: Any) -> DidomiConnection:
    values = {"host": "http://127.0.0.1:9", "organization_id": ORGANISATION, "api_key": "key", "api_secret": "secret"}
    return DidomiConnection.objects.create(tenant=tenant, name=name, **{**values, **more})


@dataclass
class Organisation:
    """A tenant whose Didomi connection holds a key."""

    tenant: Tenant
    connection: DidomiConnection
    key: ApiKey
    secret: str

    def post(self, body: Any, **more: Any) -> Any:
        return post(body, tenant=self.tenant.slug, secret=self.secret, **more)

    def token(self) -> str:
        return token_of(self.tenant.slug, f"awp_{self.key.prefix}", self.secret)


def token_of(tenant: str, client: str, secret: str) -> str:
    told = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    sent = Client().post(
        f"/api/{tenant}/oauth/token", urlencode(told), content_type="application/x-www-form-urlencoded"
    )
    return str(sent.json()["access_token"])


def make_organisation_that_speaks(
    slug: str = "verdi", scopes: list[str] | None = None, *, bound: bool = True, **more: Any
) -> Organisation:
    tenant = make_tenant(slug)
    connection = make_organisation(tenant, **more)
    granted = [Scope.DIDOMI_LISTENER.value] if scopes is None else scopes
    key, secret = make_key(tenant, "Didomi", granted, bound_to=connection.source if bound else "")
    return Organisation(tenant, connection, key, secret)


def post(body: Any, *, tenant: str = "verdi", secret: str | None = None, token: str = "", **more: Any) -> Any:
    """Posts to the webhook; `body` as it is when it is bytes, else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-API-KEY": secret} if secret is not None else {}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    return Client(raise_request_exception=False).post(
        f"/api/{tenant}/webhooks/listeners/didomi/events", data, content_type="application/json", headers=headers,
        **more,
    )  # fmt: skip


def run_due(*kinds: str) -> list[Event]:
    """Claims what is due, runs the Events of the kinds, and returns them as they ended."""
    ran = []
    for event in ledger.claim(32, "tests"):
        if event.kind in kinds:
            ledger.run(event)
            ran.append(Event.objects.get(pk=event.pk))
    return ran
