"""Webhook subscriptions: their resource, which events concern them, what is pushed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from integrations.actito.sandbox import profiles
from integrations.actito.sandbox.store import Entity, Json, Profile, Refusal, Table, Webhook
from integrations.actito.sandbox.switches import Switches

EVENT_TYPES = ("CREATE", "UPDATE", "DELETE", "UPDATED_SUBSCRIPTION")
TRIGGER = "TRIGGER"  # a profile reached the block of a custom action
PUSH_TYPES = ("ONE_BY_ONE", "BULK")


@dataclass(frozen=True)
class Event:
    """Something that happened to a profile. `fields` are the names an `onFields` filter is compared with; `element` is
    the id of what a subscription is on: the table's, or the custom action's."""

    event_type: str
    operation: str
    entity: str
    table: Table
    profile_id: int
    data: Json
    fields: frozenset[str]
    element: str


def parse(entity: Entity, body: Any) -> Json:
    """Checks `{"on", "onElementId", "eventType", "onFields", "targetUrl", "headers", "webhookPushType", "isActive"}`.

    Only what this stand-in fires is accepted (profile tables, custom actions): a silent webhook would deceive.
    """
    if not isinstance(body, dict):
        raise Refusal(400, "INVALID_BODY", "A webhook subscription is a JSON object")
    resource = {
        "on": body.get("on"),
        "onElementId": str(body.get("onElementId")),
        "eventType": body.get("eventType"),
        "onFields": body.get("onFields") or [],
        "targetUrl": body.get("targetUrl"),
        "headers": body.get("headers") or {},
        "webhookPushType": body.get("webhookPushType", "ONE_BY_ONE"),
        "isActive": body.get("isActive", True),
        "maxBlockSize": body.get("maxBlockSize", 100),
    }
    checks = {
        "on": resource["on"] in {"PROFILE_TABLE", "CUSTOM_ACTION"},
        "onElementId": _is_element(entity, resource),
        "eventType": resource["eventType"] in (EVENT_TYPES if resource["on"] == "PROFILE_TABLE" else (TRIGGER,)),
        "onFields": isinstance(resource["onFields"], list),
        "targetUrl": _is_url(resource["targetUrl"]),
        "headers": _are_headers(resource["headers"]),
        "webhookPushType": resource["webhookPushType"] in PUSH_TYPES,
        "isActive": isinstance(resource["isActive"], bool),
        "maxBlockSize": isinstance(resource["maxBlockSize"], int) and resource["maxBlockSize"] > 0,
    }
    for name, passed in checks.items():
        if not passed:
            raise Refusal(400, "INVALID_WEBHOOK", f"{name} is not acceptable", field=name)
    return resource


def select(webhooks: list[Webhook], query: dict[str, str]) -> list[Webhook]:
    """The page of a list that the documented filters ask for (`isActif` is the vendor's spelling)."""
    filters = {"tableType": "on", "tableId": "onElementId", "eventType": "eventType"}
    for parameter, name in filters.items():
        if parameter in query:
            webhooks = [webhook for webhook in webhooks if webhook.body[name] == query[parameter]]
    if "isActif" in query:
        webhooks = [webhook for webhook in webhooks if webhook.body["isActive"] is (query["isActif"] == "true")]
    if "sort" in query:
        descending = query.get("sortDirection", "").upper() == "DESC"
        webhooks = sorted(webhooks, key=lambda webhook: str(webhook.as_json().get(query["sort"])), reverse=descending)
    page, size = query.get("page", "0"), query.get("pageSize", "100")
    if not (page.isdecimal() and size.isdecimal()):
        raise Refusal(400, "INVALID_PARAMETER", "page and pageSize are numbers")
    return webhooks[int(page) * int(size) :][: int(size)]


def events(entity: str, table: Table, change: profiles.Change) -> list[Event]:
    """The events of one write: none unless something differs."""
    keys = profiles.identifiers(table, change.profile)
    profile_id = change.profile.id()

    def event(event_type: str, operation: str, values: Json) -> Event:
        return Event(event_type, operation, entity, table, profile_id, {**keys, **values}, frozenset(values), table.id)

    found = []
    if change.attributes or change.operation != "UPDATE":
        found.append(event(change.operation, change.operation, change.attributes))
    if change.subscriptions:
        found.append(event("UPDATED_SUBSCRIPTION", "UPDATE", dict(change.subscriptions)))
    return found


def trigger(entity: str, table: Table, profile: Profile, action: str, parameters: Json) -> Event:
    """What a custom action's block pushes: flat, dotted keys, with values as strings."""
    data = {f"actionParameters.{name}": str(value) for name, value in parameters.items()}
    keys = profiles.identifiers(table, profile)
    data |= {f"profileAttributes.{name}": str(value) for name, value in keys.items()}
    return Event(TRIGGER, TRIGGER, entity, table, profile.id(), data, frozenset(), action)


def concerns(webhook: Webhook, event: Event) -> bool:
    """Whether a webhook pushes this event; a deletion has no fields, so a filter on fields does not apply."""
    body = webhook.body
    wanted = body["onFields"] if event.event_type not in {"DELETE", TRIGGER} else []
    return (
        body["isActive"]
        and webhook.entity == event.entity
        and body["onElementId"] == event.element
        and body["eventType"] == event.event_type
        and (not wanted or not event.fields.isdisjoint(wanted))
    )


def payload(webhook: Webhook, batch: list[Event], switches: Switches) -> Any:
    """The body of one push: an object for ONE_BY_ONE, with a list in it or around it for BULK."""
    bulk = webhook.body["webhookPushType"] == "BULK"
    if switches.payload_version == 2 or batch[0].event_type == TRIGGER:
        data = [{**profiles.spelled(event.data, switches), "_links": _profile_link(event)} for event in batch]
        return {"id": str(uuid.uuid4()), "data": data if bulk else data[0], "_links": _webhook_link(webhook)}
    envelopes = [_envelope(event, profiles.spelled(event.data, switches)) for event in batch]
    if bulk and switches.bulk_envelope:
        return {**envelopes[0], "data": [envelope["data"] for envelope in envelopes]}
    return envelopes if bulk else envelopes[0]


def _envelope(event: Event, data: Json) -> Json:
    return {"eventType": event.event_type, "operation": event.operation, "tableId": event.table.id, "data": data}


def _webhook_link(webhook: Webhook) -> Json:
    return {"webhook": {"href": f"/webhooks/v4/entity/{webhook.entity}/webhookSubscription/{webhook.id}"}}


def _profile_link(event: Event) -> Json:
    href = f"/profiles/v4/entity/{event.entity}/table/{event.table.name}/profile/{event.profile_id}"
    return {"profile": {"href": href}}


def _is_element(entity: Entity, resource: Json) -> bool:
    """Custom actions have no resource here: any id will do."""
    if resource["on"] == "CUSTOM_ACTION":
        return bool(resource["onElementId"])
    return resource["onElementId"] in {table.id for table in entity.tables}


def _is_url(value: Any) -> bool:
    # The vendor forces https; a rehearsal on one machine has no certificate.
    return isinstance(value, str) and urlsplit(value).scheme in {"http", "https"} and bool(urlsplit(value).hostname)


def _are_headers(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
