"""An event that somebody pastes, to see what a mapping makes of it: a webhook's body, or the event by itself."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from integrations.didomi.consents import CREATED, UPDATED, arrival_told, skipped_of
from integrations.didomi.models import DidomiConnection
from integrations.didomi.payloads import envelope_of, type_of
from integrations.pairing.registry import Told
from portal import text
from portal.sentences import Sentence, say


def sample_of(given: str, connection: DidomiConnection) -> Told | Sentence:
    """What it tells, or why it tells nothing."""
    try:
        body = text.loads(given)
    except ValueError:
        return say("This is not valid JSON.")
    if not isinstance(body, dict):
        return say("Paste one event: a JSON object.")
    envelope = envelope_of(body if type_of(body) else _wrapped(body))
    if skipped := skipped_of(envelope, connection):
        return skipped
    if envelope.type not in {CREATED, UPDATED}:
        return say("It tells no consents.")
    return arrival_told(envelope, timezone.now(), connection)


def _wrapped(entity: dict[str, Any]) -> dict[str, Any]:
    """An event as Didomi's console and API show it."""
    return {"type": CREATED, "parameters": {"entity": entity}}
