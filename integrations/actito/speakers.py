"""Which connection a caller speaks for: profile ids are per table, so the key says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from integrations.actito.models import ActitoConnection
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
    identifiers: Mapping[str, str]  # a customer's name in actions -> the customer value


def _speaker(tenant_id: int, connection: ActitoConnection) -> Speaker:
    return Speaker(
        tenant_id=tenant_id,
        connection_id=connection.pk,
        lane_id=connection.lane_id,
        source=connection.source,
        answers_208=connection.answer_already_reported,
        identifiers=connection.identifiers(),
    )


_speakers = Speakers("Actito", "actito", ActitoConnection, ("pk", "lane_id", "answer_already_reported"), _speaker)


def speaker_of(caller: Caller) -> Speaker:
    """Raises 403 when it is open which connection is speaking."""
    return _speakers.of(caller)
