"""Rows and documents that tests of Didomi's part begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from integrations.didomi.models import DidomiConnection
from portal import ledger
from portal.ledger.trail import AttemptTrail
from portal.models import Event
from tests.world import make_tenant

PAYLOADS = Path(__file__).parents[2] / "payloads" / "didomi"
ORGANISATION = "verdi-org"
KEY, SECRET = "didomi-key", 'didomi-"secret"\\1'
ANNA = "anna.peeters@example.com"


def payload(case: str) -> Any:
    """A payload of Didomi's, from the file named after its case."""
    return json.loads((PAYLOADS / f"{case}.json").read_text(encoding="utf-8"))


def make_didomi(host: str, tenant: Any = None, **more: Any) -> DidomiConnection:
    values = {"name": "Didomi", "organization_id": ORGANISATION, "api_key": KEY, "api_secret": SECRET, **more}
    return DidomiConnection.objects.create(tenant=tenant or make_tenant(), host=host, **values)


def trail_for(connection: DidomiConnection) -> AttemptTrail:
    """A trail that notes calls at an Event of the connection's."""
    receipt = ledger.record(
        tenant_id=connection.tenant_id, lane_id=connection.lane_id, kind="didomi.catalogue", source="portal",
        subject=f"{connection.source}:catalogue", payload={"connection": connection.pk},
    )  # fmt: skip
    return AttemptTrail(Event.objects.get(pk=receipt.event_id))


def consent_event(**more: Any) -> dict[str, Any]:
    """What the portal posts: Anna takes the newsletter."""
    return {**payload("event_to_post"), **more}
