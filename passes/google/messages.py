"""A message on an object, which Google shows on the back of the card and on the lock screen.

https://developers.google.com/wallet/reference/rest/v1/Message
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from passes.google.answers import QUOTA, Refused
from passes.google.client import GoogleClient
from passes.models import GoogleObject
from portal import ledger
from portal.http import ApiError
from portal.ledger import Result, Work
from portal.ledger.failure import Decision
from portal.models import Event
from portal.sentences import say

MESSAGES_LIMIT, MESSAGES_KEPT = 10, 5
DONE = say("Google has the message.")


def send_message(work: Work) -> Result:
    """Handles `google.message`: adds a message that notifies, once.

    Google adds it as often as it is asked, so what may have arrived before is read back first.
    """
    held = GoogleObject.objects.for_tenant(work.event.tenant_id).select_related("issuer").filter(
        pk=work.event.payload["object"]
    ).first()  # fmt: skip
    if held is None or held.sent is None:
        return ledger.ignored(say("The pass is not in Google Wallet."))
    client, kind = GoogleClient(held.issuer, work.trail), f"{held.type}Object"
    message = message_of(work.event)
    if work.event.attempts > 1 and _is_there(client, kind, held.object_id, message["id"]):
        return ledger.done(DONE)
    try:
        echo = client.add_message(kind, held.object_id, message)
    except Refused as refusal:
        if refusal.reason == QUOTA:
            return ledger.ignored(say("Google notifies no more of this pass today. The card is up to date."))
        raise
    except ApiError as problem:
        if problem.decision is Decision.UNCERTAIN and _is_there_now(client, kind, held.object_id, message["id"]):
            return ledger.done(DONE)
        raise
    _make_room(client, kind, held.object_id, echo)
    return ledger.done(DONE)


def message_of(event: Event) -> dict[str, Any]:
    """The message, with an id by which it is found again."""
    payload = event.payload
    language, texts = payload["language"], payload["texts"]
    others = [{"language": code, "value": text} for code, text in texts.items() if code != language]
    localized = {
        "localizedBody": {
            "defaultValue": {"language": language, "value": texts[language]},
            "translatedValues": others,
        }
    }
    return {
        "id": f"m{event.pk}",
        "header": payload["header"],
        "body": texts[language],
        "messageType": "TEXT_AND_NOTIFY",
        **(localized if others else {}),
    }


def _is_there(client: GoogleClient, kind: str, object_id: str, message_id: str) -> bool:
    return message_id in {each.get("id") for each in _messages(client.get(kind, object_id) or {})}


def _is_there_now(client: GoogleClient, kind: str, object_id: str, message_id: str) -> bool:
    """Where Google does not answer this either, nothing is known."""
    with suppress(ApiError):
        return _is_there(client, kind, object_id, message_id)
    return False


def _messages(resource: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = resource.get("messages")
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _make_room(client: GoogleClient, kind: str, object_id: str, echo: Mapping[str, Any]) -> None:
    """Google keeps ten messages on an object and takes no eleventh, so the oldest go. It can wait if it fails."""
    resource = echo.get("resource")
    kept = _messages(resource if isinstance(resource, Mapping) else {})
    if len(kept) >= MESSAGES_LIMIT:
        with suppress(ApiError):
            client.patch(kind, object_id, {"messages": [_as_read(each) for each in kept[-MESSAGES_KEPT:]]})


def _as_read(message: Mapping[str, Any]) -> dict[str, Any]:
    """A message that was sent, to be kept without notifying again. Google's echo has keys that it does not take."""
    names = ("id", "header", "body", "localizedHeader", "localizedBody", "displayInterval")
    return {"messageType": "TEXT", **{name: _bare(message[name]) for name in names if name in message}}


def _bare(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: _bare(value) for name, value in part.items() if name != "kind"}
    return [_bare(each) for each in part] if isinstance(part, list) else part
