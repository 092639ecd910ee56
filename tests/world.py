"""Rows and requests that the tests of the portal's edge and of Actito's part begin with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.test import Client

from integrations.actito.models import ActitoConnection, AttributeMapping
from integrations.mapping import ValueType
from portal import ledger
from portal.access import make_key
from portal.models import ApiKey, Event, Scope, Tenant

PAYLOADS = Path(__file__).parent / "payloads" / "actito"
ACTITO_KEY = "sandbox-api-key"
ENTITY, TABLE = "demo", "Profiles"


def payload(case: str) -> Any:
    """A payload of Actito's, from the file named after its case."""
    return json.loads((PAYLOADS / f"{case}.json").read_text(encoding="utf-8"))


def make_tenant(slug: str = "verdi") -> Tenant:
    return Tenant.objects.create(slug=slug, name=slug.capitalize())


def make_connection(tenant: Tenant, host: str = "http://127.0.0.1:9", **more: Any) -> ActitoConnection:
    values = {"name": "Actito", "licence": "verdi", "entity": ENTITY, "table": TABLE, "api_key": ACTITO_KEY, **more}
    return ActitoConnection.objects.create(tenant=tenant, host=host, **values)


def map_value(
    connection: ActitoConnection, attribute: str, name: str, kind: str = ValueType.TEXT, **more: Any
) -> AttributeMapping:
    return AttributeMapping.objects.create(
        connection=connection, attribute=attribute, value_name=name, value_type=kind, **more
    )


@dataclass
class Speaker:
    """A tenant whose Actito connection holds a key."""

    tenant: Tenant
    connection: ActitoConnection
    key: ApiKey
    secret: str

    def post(self, body: Any, event_type: str = "Update", **more: Any) -> Any:
        return post(body, tenant=self.tenant.slug, secret=self.secret, event_type=event_type, **more)


def make_speaker(slug: str = "verdi", scopes: list[str] | None = None, *, bound: bool = True) -> Speaker:
    tenant = make_tenant(slug)
    connection = make_connection(tenant)
    granted = [Scope.ACTITO_LISTENER] if scopes is None else scopes
    key, secret = make_key(tenant, "Actito", granted, bound_to=connection.source if bound else "")
    return Speaker(tenant, connection, key, secret)


def post(
    body: Any,
    *,
    tenant: str,
    secret: str | None,
    event_type: str = "Update",
    content_type: str = "application/json",
    **more: Any,
) -> Any:
    """Posts to the profile webhook; `body` as it is when it is bytes, else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"X-API-KEY": secret} if secret is not None else {}
    return Client(raise_request_exception=False).post(
        f"/api/{tenant}/webhooks/listeners/actito/profile/{event_type}",
        data,
        content_type=content_type,
        headers=headers,
        **{"CONTENT_TYPE": content_type, **more},
    )


def arrive(connection: ActitoConnection, profile: str | int, event_type: str = "UPDATE") -> Event:
    """What the webhook records when a profile came or changed."""
    receipt = ledger.record(
        tenant_id=connection.tenant_id,
        lane_id=connection.lane_id,
        kind="actito.profile",
        subject=f"{connection.source}:profile:{profile}",
        payload={"connection": connection.pk, "profile": str(profile), "event_type": event_type},
        source=connection.source,
    )
    return Event.objects.get(pk=receipt.event_id)


def run_due(kind: str = "actito.profile") -> list[Event]:
    """Claims what is due, runs the Events of the kind, and returns them as they ended."""
    ran = []
    for event in ledger.claim(32, "tests"):
        if event.kind == kind:
            ledger.run(event)
            ran.append(Event.objects.get(pk=event.pk))
    return ran


def run_one(connection: ActitoConnection, profile: str | int, event_type: str = "UPDATE") -> Event:
    """One arrival, claimed and run once."""
    arrived = arrive(connection, profile, event_type)
    return next(event for event in run_due() if event.pk == arrived.pk)


def make_due(event: Event) -> None:
    """The time of its next retry has come."""
    Event.objects.filter(pk=event.pk).update(due_at=event.created_at)
