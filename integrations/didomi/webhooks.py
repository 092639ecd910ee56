"""IN: Didomi's webhooks. Authenticate, check shape and size, record, answer; the work is done by workers.

Didomi posts one event at a time, and takes a 4xx for a reason to come again: so whatever is a JSON object with a type
is stored, and what it comes to is said there.
https://developers.didomi.io/integrations/generic-integrations/webhooks
"""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import Any

from django.http import HttpResponse
from django.urls import path
from rest_framework.request import Request

from integrations.didomi.payloads import Envelope, envelope_of, name_of, type_of
from integrations.didomi.speakers import Speaker, speaker_of
from portal import ledger
from portal.access import caller_of
from portal.ledger import Receipt
from portal.models import Scope
from portal.problems import BadBody
from portal.text import fingerprint
from portal.webhook import Webhook, read_json, taken

DIDOMI_EVENT = "didomi.event"
SOURCE_ID_MOST = 160  # so that there is room for what tells two bodies apart


class EventWebhook(Webhook):
    """`POST events`: a consent event or a user was created, updated or deleted."""

    required_scope = Scope.DIDOMI_LISTENER

    def post(self, request: Request, tenant: str) -> HttpResponse:
        speaker = speaker_of(caller_of(request))
        body = read_json(request)
        if not isinstance(body, dict):
            raise BadBody({"$": ["Send one JSON object."]})
        if not type_of(body):
            raise BadBody({"$.type": ["Send the type of the event, such as event.created."]})
        receipt = _record(speaker, body)
        return taken(208 if speaker.answers_208 and receipt.already_reported else 200)


def _record(speaker: Speaker, body: dict[str, Any]) -> Receipt:
    envelope, mark = envelope_of(body), fingerprint(body)
    record = partial(
        ledger.record,
        tenant_id=speaker.tenant_id,
        lane_id=speaker.lane_id,
        kind=DIDOMI_EVENT,
        subject=_subject(speaker, envelope, mark),
        source=speaker.source,
        body_hash=mark,
    )
    payload = {"connection": speaker.connection_id, "type": envelope.type, "body": body}
    source_id = _source_id(envelope, mark)
    receipt = record(payload=payload, source_id=source_id)
    if receipt.same_body or not receipt.repeats:
        return receipt
    # The same version of an event with other content is no repeat: without this row the news would be lost.
    return record(payload=payload, source_id=f"{source_id}~{mark[:32]}")


def _subject(speaker: Speaker, envelope: Envelope, mark: str) -> str:
    """Of one person, one after the other; as profiles have it, so that the customer's page finds them."""
    if envelope.person:
        return f"{speaker.source}:profile:{envelope.person}"
    return f"{speaker.source}:event:{envelope.entity_id or mark[:32]}"


def _source_id(envelope: Envelope, mark: str) -> str:
    """Didomi sends no id of a delivery: what is the same version of the same thing is the same."""
    version = name_of(envelope.entity.get("updated_at")) or mark[:32]
    told = f"{envelope.type}:{envelope.entity_id}:{version}"
    return told if len(told) <= SOURCE_ID_MOST else f"{envelope.type[:40]}#{sha256(told.encode()).hexdigest()}"


urlpatterns = [path("events", EventWebhook.as_view(), name="didomi-events")]
