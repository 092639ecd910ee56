"""What a change leads to: the person's status is computed again, and news of both leaves. The caller holds the lock."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping
from typing import Any

from integrations.didomi.sandbox import checks, consents
from integrations.didomi.sandbox.catalogue import Json
from integrations.didomi.sandbox.core import DidomiCore
from integrations.didomi.sandbox.store import GDPR, Event, Refusal, User, now


class Changes(DidomiCore):
    def _create_event(self, body: Any, organization: str, muted: bool) -> Event:
        """A new event of a body of the API, applied when it is confirmed. Raises Refusal, and changes nothing then."""
        found = checks.draft(body, self._store.catalogue, self.switches)
        self._own(body.get("organization_id") or organization)
        event_id = str(body.get("id") or uuid.uuid4())
        if event_id in self._store.events:
            raise Refusal(self.switches.duplicate_status, f"An event with the id '{event_id}' already exists")
        found["proofs_id"] += [
            self._keep_proof(file)["id"] for file in map(checks.check_proof, body.get("proofs") or [])
        ]
        user, before = self._user_for(body.get("user") or {})
        event = Event(
            {"id": event_id, "organization_id": self.organization, **found, "user": _user_of_event(user, body)}, now()
        )
        self._store.put(event)
        self._tell_event("event.created", event, muted)
        self._settle(user, before, event, muted)
        return event

    def _user_for(self, given: Mapping[str, Any]) -> tuple[User, Json | None]:
        """The user that an event is of, with what it says of the person; and the user as it was, None for a new one."""
        person, user_id = given.get("organization_user_id"), given.get("id")
        shared = self._store.users_of(person) if person and not user_id else []
        known = (
            self._store.users.get(user_id) if user_id else max(shared, key=lambda each: each.updated_at, default=None)
        )
        before = self._user_json(known) if known else None
        user = known or self._store.new_user(user_id or "", person)
        user.organization_user_id = user.organization_user_id or person
        user.organization_user_id_type = user.organization_user_id_type or given.get("organization_user_id_type")
        user.metadata = {**user.metadata, **(given.get("metadata") or {})}
        user.country = given.get("country") or user.country
        user.last_seen_country = given.get("last_seen_country") or given.get("country") or user.last_seen_country
        return user, before

    def _settle(self, user: User, before: Json | None, cause: Event, muted: bool) -> None:
        """Computes the status under the event's regulation from its confirmed events, saves, and tells of the user."""
        regulation = cause.body["regulation"]
        user.consents[regulation] = self._status(user, regulation)
        user.updated_at = now()
        user.version += before is not None
        self._store.save()
        if before is None:
            self._tell_user("user.created", user, cause, None, muted)
        elif _told(before) != _told(self._user_json(user, regulation)) or regulation == GDPR:
            self._tell_user("user.updated", user, cause, before, muted)

    def _status(self, user: User, regulation: str) -> Json:
        applied = [
            event for event in self._store.events_of(user.id)
            if event.body["status"] == checks.CONFIRMED and event.body["regulation"] == regulation
        ]  # fmt: skip
        applied.sort(key=lambda event: event.updated_at if self.switches.order_by_update else event.body["created_at"])
        return consents.status((event.body["consents"] for event in applied), self.switches.null_clears)

    def _keep_proof(self, file: str) -> Json:
        proof: Json = {"id": str(uuid.uuid4()), "size": len(file), "file": file}
        self._store.proofs[proof["id"]] = proof
        return proof

    def _user_json(self, user: User, regulation: str = GDPR) -> Json:
        return {
            "id": user.id,
            "organization_id": self.organization,
            "organization_user_id": user.organization_user_id,
            "organization_user_id_type": user.organization_user_id_type,
            "version": user.version,
            "created_at": user.created_at,
            "updated_at": user.updated_at,
            "metadata": dict(user.metadata),
            "country": user.country,
            "last_seen_country": user.last_seen_country,
            "consents": copy.deepcopy(user.consents.get(regulation) or consents.nothing()),
        }

    def _tell_event(self, kind: str, event: Event, muted: bool) -> None:
        pass

    def _tell_user(self, kind: str, user: User, cause: Event | None, before: Json | None, muted: bool) -> None:
        pass


def _user_of_event(user: User, body: Mapping[str, Any]) -> Json:
    given = body.get("user") or {}
    known: Json = {"id": user.id, "organization_user_id": user.organization_user_id}
    return known | {
        name: given[name]
        for name in ("organization_user_id_type", "metadata", "country", "last_seen_country")
        if name in given
    }


def _told(user: Mapping[str, Any]) -> Json:
    return {name: value for name, value in user.items() if name not in {"updated_at", "version"}}
