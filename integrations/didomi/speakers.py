"""Which connection a caller speaks for: an organisation's events say it, too, but the key proves it."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.didomi.models import DidomiConnection
from portal.access import Caller
from portal.speaking import Speakers


@dataclass(frozen=True)
class Speaker:
    """The connection that a key speaks for, as far as its arrivals need it."""

    tenant_id: int
    connection_id: int
    lane_id: int
    source: str
    answers_208: bool


def _speaker(tenant_id: int, connection: DidomiConnection) -> Speaker:
    return Speaker(
        tenant_id=tenant_id,
        connection_id=connection.pk,
        lane_id=connection.lane_id,
        source=connection.source,
        answers_208=connection.answer_already_reported,
    )


_speakers = Speakers("Didomi", "didomi", DidomiConnection, ("pk", "lane_id", "answer_already_reported"), _speaker)


def speaker_of(caller: Caller) -> Speaker:
    """Raises 403 when it is open which connection is speaking."""
    return _speakers.of(caller)
