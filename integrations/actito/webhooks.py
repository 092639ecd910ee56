"""IN: Actito's webhooks. Authenticate, check shape and size, record, answer; the work is done by workers.

The contract is The Wallet Crew's: https://docs.thewalletcrew.io/develop/api-reference/extensions/actito
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.urls import path
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integrations.actito.models import ActitoConnection
from portal import ledger
from portal.access import Caller, caller_of
from portal.caching import BriefCache
from portal.ledger import Receipt
from portal.models import RefusedCall, Scope
from portal.problems import BadBody
from portal.redaction import excerpt
from portal.webhook import read_object

ACTITO_PROFILE = "actito.profile"
EVENT_TYPES = {"create": "CREATE", "update": "UPDATE"}
PROFILE_ID_LIMIT = 2**63 - 1
CONNECTION_SECONDS = 5.0


@dataclass(frozen=True)
class _Speaker:
    """The connection that a key speaks for."""

    connection_id: int
    lane_id: int
    source: str


def _load_speaker(key: tuple[int, str]) -> _Speaker | None:
    tenant_id, bound_to = key
    connections = ActitoConnection.objects.for_tenant(tenant_id).only("pk", "lane_id")
    if bound_to:
        number = bound_to.removeprefix("actito:")
        connections = connections.filter(pk=number) if number.isdecimal() else connections.none()
    found = list(connections[:2])
    return _Speaker(found[0].pk, found[0].lane_id, found[0].source) if len(found) == 1 else None


_speakers = BriefCache(_load_speaker, CONNECTION_SECONDS)


def speaker_of(caller: Caller) -> _Speaker:
    """Profile ids are per table, so the key says which connection is speaking. Raises 403 when that is open."""
    speaker = _speakers.get((caller.tenant_id, caller.bound_to))
    if speaker:
        return speaker
    said = "This API key must be bound to one Actito connection: the tenant has none, or several."
    if caller.bound_to:
        said = "The Actito connection of this API key no longer exists. Use the key of another one."
    raise PermissionDenied(said, code=RefusedCall.Reason.CONNECTION)


class ProfileWebhook(APIView):
    """`POST profile/{eventType}`: a profile came or changed. 200 once stored, 208 when an earlier one covers it."""

    required_scope = Scope.ACTITO_LISTENER

    def post(self, request: Request, tenant: str, event_type: str) -> Response:
        if event_type.lower() not in EVENT_TYPES:
            raise NotFound("The event type is Create or Update.")
        caller = caller_of(request)
        speaker = speaker_of(caller)
        body = read_object(request)
        receipt = _record(caller, speaker, EVENT_TYPES[event_type.lower()], body)
        return Response(status=208 if receipt.already_reported else 200)


def _record(caller: Caller, speaker: _Speaker, event_type: str, body: dict[str, Any]) -> Receipt:
    profile = profile_id(body)
    record = partial(
        ledger.record,
        tenant_id=caller.tenant_id,
        lane_id=speaker.lane_id,
        kind=ACTITO_PROFILE,
        subject=f"{speaker.source}:profile:{profile}",
        payload={
            "connection": speaker.connection_id,
            "profile": profile,
            "event_type": event_type,
            "body": excerpt(json.dumps(body, ensure_ascii=False)),
        },
        source=speaker.source,
        body_hash=hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest(),
    )
    receipt = record(source_id=event_id(body))
    # An id that comes again with other news is no repeat: without this row the news would be lost.
    return receipt if receipt.same_body or not receipt.repeats else record(source_id=None)


def profile_id(body: dict[str, Any]) -> str:
    """`data.profileId`: an integer, or a string of digits, from 1 to 2⁶³−1. Raises 400."""
    data = body.get("data")
    if not isinstance(data, dict):
        raise BadBody({"$.data": ["Send an object with profileId, one profile a request (ONE_BY_ONE)."]})
    found = data.get("profileId")
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= 19:
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= PROFILE_ID_LIMIT:
        raise BadBody({"$.data.profileId": ["Send an integer from 1 to 9223372036854775807."]})
    return str(found)


def event_id(body: dict[str, Any]) -> str | None:
    """Actito's own id of the push, where its payload version has one."""
    found = body.get("id")
    return found if isinstance(found, str) and 0 < len(found) <= 200 else None


urlpatterns = [path("profile/<str:event_type>", ProfileWebhook.as_view(), name="actito-profile")]
