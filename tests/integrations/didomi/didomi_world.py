"""What tests of calls to Didomi begin with, beside the world of arrivals."""

from __future__ import annotations

from typing import Any

from integrations.didomi.models import DidomiConnection
from portal import ledger
from portal.ledger.trail import AttemptTrail
from portal.models import Event
from tests.integrations.didomi.arrivals_world import make_organisation, payload
from tests.world import make_tenant

KEY, SECRET = "didomi-key", 'didomi-"secret"\\1'


def make_didomi(host: str, tenant: Any = None, **more: Any) -> DidomiConnection:
    """A connection that calls the host, with a pair of its own."""
    values = {"host": host, "api_key": KEY, "api_secret": SECRET, **more}
    return make_organisation(tenant or make_tenant(), **values)


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
