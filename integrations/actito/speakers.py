"""Which connection a caller speaks for: profile ids are per table, so the key says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rest_framework.exceptions import PermissionDenied

from integrations.actito.models import ActitoConnection
from portal.access import Caller
from portal.caching import BriefCache
from portal.models import RefusedCall

CONNECTION_SECONDS = 5.0


@dataclass(frozen=True)
class Speaker:
    """The connection that a key speaks for, as far as its arrivals need it."""

    tenant_id: int
    connection_id: int
    lane_id: int
    source: str
    answers_208: bool
    identifiers: Mapping[str, str]  # a customer's name in actions -> the customer value


def _load(key: tuple[int, str]) -> Speaker | None:
    tenant_id, bound_to = key
    connections = ActitoConnection.objects.for_tenant(tenant_id).only("pk", "lane_id", "answer_already_reported")
    if bound_to:
        number = bound_to.removeprefix("actito:")
        connections = connections.filter(pk=number) if number.isdecimal() else connections.none()
    found = list(connections[:2])
    return _speaker(tenant_id, found[0]) if len(found) == 1 else None


def _speaker(tenant_id: int, connection: ActitoConnection) -> Speaker:
    return Speaker(
        tenant_id=tenant_id,
        connection_id=connection.pk,
        lane_id=connection.lane_id,
        source=connection.source,
        answers_208=connection.answer_already_reported,
        identifiers=connection.identifiers(),
    )


_speakers = BriefCache(_load, CONNECTION_SECONDS)


def speaker_of(caller: Caller) -> Speaker:
    """Raises 403 when it is open which connection is speaking."""
    speaker = _speakers.get((caller.tenant_id, caller.bound_to))
    if speaker:
        return speaker
    said = "This key or client must be bound to one Actito connection: the tenant has none, or several."
    if caller.bound_to:
        said = "The Actito connection of this key or client no longer exists. Use another one's."
    raise PermissionDenied(said, code=RefusedCall.Reason.CONNECTION)
