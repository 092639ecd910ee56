"""Consent events: https://developers.didomi.io/api-and-platform/consents/events"""

from __future__ import annotations

from integrations.didomi.sandbox.changes import Changes
from integrations.didomi.sandbox.checks import CONFIRMED
from integrations.didomi.sandbox.core import BASE, is_on, json_of, wanted
from integrations.didomi.sandbox.store import GDPR, Event, Refusal
from portal.sandbox import Request, Response, route

EVENTS = BASE + "/consents/events"
EVENT = EVENTS + r"/(?P<event>[^/]+)"


class EventRoutes(Changes):
    @route("POST", EVENTS)
    def create_event(self, request: Request) -> Response:
        body = json_of(request)
        with self.lock:
            event = self._create_event(body, request.query["organization_id"], is_on(request, "$disable_integrations"))
        return Response(self.switches.created_status, event.body)

    @route("GET", EVENTS)
    def list_events(self, request: Request) -> Response:
        """Of one person or user, the oldest first; confirmed ones under GDPR unless others are asked for."""
        statuses = wanted(request, "status") or [CONFIRMED]
        regulations = wanted(request, "regulation") or [GDPR]
        with self.lock:
            found = [
                event.body for event in self._events_of(request)
                if event.body["status"] in statuses and event.body["regulation"] in regulations
            ]  # fmt: skip
        return self._listed(request, sorted(found, key=lambda body: str(body["created_at"])))

    def _events_of(self, request: Request) -> list[Event]:
        users, people = wanted(request, "user_id"), wanted(request, "organization_user_id")
        if not users and not people:
            raise Refusal(400, "'user_id' or 'organization_user_id' is required")
        ids = users + [user.id for person in people for user in self._store.users_of(person)]
        return [event for user_id in dict.fromkeys(ids) for event in self._store.events_of(user_id)]

    @route("GET", EVENT)
    def get_event(self, request: Request, event: str) -> Response:
        with self.lock:
            return Response(200, self._store.event(event).body)
