"""Consent events: https://developers.didomi.io/api-and-platform/consents/events"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from integrations.didomi.sandbox import checks
from integrations.didomi.sandbox.changes import Changes
from integrations.didomi.sandbox.core import BASE, is_on, json_of, names, wanted
from integrations.didomi.sandbox.store import GDPR, Event, Refusal
from portal.sandbox import Request, Response, route

EVENTS = BASE + "/consents/events"
EVENT = EVENTS + r"/(?P<event>[^/]+)"
PROOFS = BASE + "/consents/proofs"
WHOSE = ("user_id", "organization_user_id")
MUTED = "$disable_integrations"


class EventRoutes(Changes):
    @route("POST", EVENTS)
    def create_event(self, request: Request) -> Response:
        body = json_of(request)
        with self.lock:
            event = self._create_event(body, request.query["organization_id"], is_on(request, MUTED))
            return Response(self.switches.created_status, self._event_json(event))

    @route("GET", EVENTS)
    def list_events(self, request: Request) -> Response:
        """Of one person or user, the oldest first; confirmed ones under GDPR unless others are asked for."""
        if not any(wanted(request, name) for name in WHOSE):
            raise Refusal(400, "'user_id' or 'organization_user_id' is required")
        statuses = wanted(request, "status") or [checks.CONFIRMED]
        regulations = wanted(request, "regulation") or [GDPR]
        with self.lock:
            found = [
                self._event_json(event) for event in self._events_of(request)
                if event.body["status"] in statuses and event.body["regulation"] in regulations
            ]  # fmt: skip
        return self._listed(request, sorted(found, key=lambda event: str(event["created_at"])))

    @route("DELETE", EVENTS)
    def delete_events(self, request: Request) -> Response:
        """Those that match all parameters, each a property of the event or a dotted path, `metadata.booking_id=7`."""
        whose = any(wanted(request, name) for name in WHOSE)
        filters = {
            name: wanted(request, name) for name in names(request)
            if name not in {"organization_id", *WHOSE} and not name.startswith("$")
        }  # fmt: skip
        if not whose and not filters:
            raise Refusal(400, "A filter is required")
        with self.lock:
            known = self._events_of(request) if whose else list(self._store.events.values())
            for event in known:
                if all(_text(_at(event.body, path)) in texts for path, texts in filters.items()):
                    self._delete_event(event, is_on(request, MUTED))
        return Response(204)

    @route("GET", EVENT)
    def get_event(self, request: Request, event: str) -> Response:
        with self.lock:
            return Response(200, self._event_json(self._find_event(request, event)))

    @route("PATCH", EVENT)
    def change_event(self, request: Request, event: str) -> Response:
        body = json_of(request)
        with self.lock:
            known = self._find_event(request, event)
            changes = checks.changes(body, self._store.catalogue, self.switches)
            if files := body.get("proofs"):
                kept = {"proofs_id": known.body["proofs_id"], **changes}["proofs_id"]
                changes["proofs_id"] = kept + [self._keep_proof(file)["id"] for file in files]
            self._change_event(known, changes, is_on(request, MUTED))
            return Response(200, self._event_json(known))

    @route("DELETE", EVENT)
    def delete_event(self, request: Request, event: str) -> Response:
        with self.lock:
            self._delete_event(self._find_event(request, event), is_on(request, MUTED))
        return Response(204)

    @route("POST", PROOFS)
    def create_proof(self, request: Request) -> Response:
        body = json_of(request)
        file = checks.check_proof(body.get("file") if isinstance(body, dict) else None)
        with self.lock:
            proof = self._keep_proof(file)
            self._store.save()
            return Response(self.switches.created_status, proof)

    @route("GET", PROOFS + r"/(?P<proof>[^/]+)")
    def get_proof(self, request: Request, proof: str) -> Response:
        with self.lock:
            if proof not in self._store.proofs:
                raise Refusal(404, f"No proof found for id '{proof}'")
            return Response(200, self._store.proofs[proof])

    def _events_of(self, request: Request) -> list[Event]:
        """The events of the users and people that the parameters name."""
        users, people = (wanted(request, name) for name in WHOSE)
        ids = users + [user.id for person in people for user in self._store.users_of(person)]
        return [event for user_id in dict.fromkeys(ids) for event in self._store.events_of(user_id)]

    def _find_event(self, request: Request, event_id: str) -> Event:
        """The event, when it is of whom the parameters name, if they do."""
        event = self._store.event(event_id)
        if any(wanted(request, name) for name in WHOSE) and event not in self._events_of(request):
            raise Refusal(404, f"No event found for id '{event_id}'")
        return event


def _at(body: Mapping[str, Any], path: str) -> Any:
    found: Any = body
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
