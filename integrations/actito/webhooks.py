"""IN: Actito's webhooks. Authenticate, check shape and size, record, answer; the work is done by workers.

The contract is The Wallet Crew's: https://docs.thewalletcrew.io/develop/api-reference/extensions/actito
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.urls import path
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from integrations.actito.commands import SERIAL, Unclear, command_of, namespace_of
from integrations.actito.pushes import TEST_EVENT, Push, Unreadable, profile_id, pushes_of
from integrations.actito.speakers import Speaker, speaker_of
from portal import ledger
from portal.access import caller_of
from portal.ledger import Receipt
from portal.models import Scope
from portal.problems import BadBody
from portal.redaction import excerpt
from portal.sentences import joined, say, stored
from portal.text import fingerprint
from portal.webhook import Webhook, read_json, taken

ACTITO_PROFILE, ACTITO_ACTION = "actito.profile", "actito.action"
EVENT_TYPES = {"create": "CREATE", "update": "UPDATE"}
KEPT_BODY = 16_000  # characters of what was sent, for the trace
SEND_PROFILE = say("Send an integer from 1 to 9223372036854775807.")

# (push, speaker) -> subject and payload of its Event. Raises Unreadable.
Reading = Callable[[Push, Speaker], tuple[str, dict[str, Any]]]


class ActitoWebhook(Webhook):
    """Records each pushed element as an Event of its own. 200 once all are stored, 208 when all came before."""

    required_scope = Scope.ACTITO_LISTENER

    def take(self, request: Request, kind: str, read: Reading) -> HttpResponse:
        speaker = speaker_of(caller_of(request))
        body = read_json(request)
        try:
            arrivals = [_arrival(push, speaker, read) for push in pushes_of(body)]
        except Unreadable as error:
            raise BadBody({error.path: [str(error)]}) from error
        # A bulk is stored whole or not at all; a single INSERT needs no transaction around it.
        if len(arrivals) == 1:
            receipts = [_record(speaker, kind, *arrivals[0])]
        else:
            with transaction.atomic():
                receipts = [_record(speaker, kind, *arrival) for arrival in arrivals]
        told = speaker.answers_208 and all(receipt.already_reported for receipt in receipts)
        return taken(208 if told else 200)


class ProfileWebhook(ActitoWebhook):
    """`POST profile/{eventType}`: a profile came or changed; the whole profile is read from Actito by a worker."""

    def post(self, request: Request, tenant: str, event_type: str) -> HttpResponse:
        if event_type.lower() not in EVENT_TYPES:
            raise NotFound("The event type is Create or Update.")
        return self.take(request, ACTITO_PROFILE, partial(_profile, EVENT_TYPES[event_type.lower()]))


class UpdatePassWebhook(ActitoWebhook):
    """`POST custom-actions/updatePass`: a scenario puts values or a message on a customer's passes."""

    def post(self, request: Request, tenant: str) -> HttpResponse:
        return self.take(request, ACTITO_ACTION, _action)


def _profile(path_type: str, push: Push, speaker: Speaker) -> tuple[str, dict[str, Any]]:
    if push.event_type == TEST_EVENT:
        # A subject of its own: it must not cover what waits for a profile.
        return f"{speaker.source}:test", {"profile": "", "event_type": TEST_EVENT}
    profile = profile_id(push.data)
    if profile is None:
        raise Unreadable(f"{push.path}.profileId", push.problem or SEND_PROFILE)
    # All subscriptions made on Actito's side post to Create or Update: the body says more than the path.
    return f"{speaker.source}:profile:{profile}", {"profile": profile, "event_type": push.event_type or path_type}


def _action(push: Push, speaker: Speaker) -> tuple[str, dict[str, Any]]:
    try:
        command = command_of(push, speaker.identifiers)
    except Unclear as error:
        raise Unreadable(push.path, error.sentence) from error
    kind, name = command.who[0]
    namespace = namespace_of(speaker.source, kind, speaker.identifiers)
    # As profiles have it (portal.admin.about): the customer's page and lists of events find the customer by it.
    return f"{namespace}:{name}" if kind == SERIAL else f"{namespace}:profile:{name}", {"_data": dict(push.data)}


def _arrival(push: Push, speaker: Speaker, read: Reading) -> tuple[Push, str, dict[str, Any]]:
    """One bad element of a bulk must not lose the others: it is kept, and its Event ends as a dead letter."""
    try:
        return (push, *read(push, speaker))
    except Unreadable as error:
        if not push.bulk:
            raise
        subject = f"{speaker.source}:unreadable:{fingerprint(push.data)[:16]}"
        return push, subject, {"unreadable": stored(joined([f"{error.path}:", error.sentence]))}


def _record(speaker: Speaker, kind: str, push: Push, subject: str, payload: dict[str, Any]) -> Receipt:
    sent, mark = excerpt(json.dumps(push.data, ensure_ascii=False), KEPT_BODY), fingerprint(push.data)
    record = partial(
        ledger.record,
        tenant_id=speaker.tenant_id,
        lane_id=speaker.lane_id,
        kind=kind,
        subject=subject,
        source=speaker.source,
        body_hash=mark,
    )
    payload = {"connection": speaker.connection_id, **payload, "body": sent}
    # An id is one listener's: what comes with it to the other one is other news.
    source_id = f"{kind}:{push.source_id}" if push.source_id else None
    receipt = record(payload=payload, source_id=source_id)
    if receipt.same_body or not receipt.repeats:
        return receipt
    # An id that comes again with other content is no repeat: without this row the news would be lost. It has an id of
    # its own, by which repeats of it are known.
    return record(payload={**payload, "repeated_id": push.source_id}, source_id=f"{source_id}~{mark[:32]}")


urlpatterns = [
    path("profile/<str:event_type>", ProfileWebhook.as_view(), name="actito-profile"),
    path("custom-actions/updatePass", UpdatePassWebhook.as_view(), name="actito-update-pass"),
]
