"""The stand-in as a whole, and what tests do with it as a person or an administrator would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.didomi.sandbox.catalogue import Json
from integrations.didomi.sandbox.events import EventRoutes
from integrations.didomi.sandbox.library import LibraryRoutes
from integrations.didomi.sandbox.store import GDPR, Refusal
from integrations.didomi.sandbox.users import UserRoutes
from portal.sandbox import Request, Response, route


class DidomiSandbox(EventRoutes, UserRoutes, LibraryRoutes):
    """Didomi's consent API with state of its own, for one organisation; real changes are told to its webhook."""

    @property
    def events(self) -> list[Json]:
        """All events as the API shows them, whatever their status and regulation, in the order of their arrival."""
        with self.lock:
            return [dict(event.body) for event in self._store.events.values()]

    def users(self, person: str, regulation: str = GDPR) -> list[Json]:
        """All users of a person, as the API shows them."""
        with self.lock:
            return [self._user_json(user, regulation) for user in self._store.users_of(person)]

    def user(self, person: str, regulation: str = GDPR) -> Json:
        """The person's user, of several the one seen last. KeyError when there is none."""
        found = self.users(person, regulation)
        if not found:
            raise KeyError(person)
        return max(found, key=lambda user: str(user["updated_at"]))

    def say(self, person: str, *, muted: bool = False, **choices: Any) -> Json:
        """Somebody makes choices: one event, as the API answers it.

        `purposes` and `channels` are id -> True, False or None; `values` are (purpose, preference) -> "v1,v2";
        `metadata` is the person's. Anything else (`status`, `created_at`, `delegate`, …) stands in the event as it is.
        """
        body = event_body(person, **choices)
        with self.lock:
            return dict(self._create_event(body, self.organization, muted).body)

    def switch(self, **wanted: Any) -> None:
        """Sets switches by their names. ValueError for one that is unknown or of another type."""
        self.switches.change(wanted)

    @route("GET", "/_sandbox/switches")
    def get_switches(self, request: Request) -> Response:
        return Response(200, self.switches.as_json())

    @route("PUT", "/_sandbox/switches")
    def put_switches(self, request: Request) -> Response:
        try:
            self.switches.change(request.json())
        except ValueError as refusal:
            raise Refusal(400, str(refusal)) from refusal
        return Response(200, self.switches.as_json())


def event_body(
    person: str,
    *,
    purposes: Mapping[str, bool | None] | None = None,
    channels: Mapping[str, bool | None] | None = None,
    values: Mapping[tuple[str, str], str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    **more: Any,
) -> Json:
    """The smallest body of an event that says this."""
    chosen: dict[str, Json] = {key: {"id": key, "enabled": enabled} for key, enabled in (purposes or {}).items()}
    for (purpose, preference), value in (values or {}).items():
        row = chosen.setdefault(purpose, {"id": purpose, "enabled": None})
        row.setdefault("values", {})[preference] = {"value": value}
    said: Json = {"purposes": list(chosen.values())}
    if channels:
        said["channels"] = [{"id": key, "enabled": enabled} for key, enabled in channels.items()]
    user: Json = {"organization_user_id": person} | ({"metadata": dict(metadata)} if metadata else {})
    return {"user": user, "consents": said, **more}
