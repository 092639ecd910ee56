"""What a change leads to: the person's status is computed again, and news of both leaves. Callers hold the lock."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Mapping
from typing import Any

from integrations.didomi.sandbox import checks, consents
from integrations.didomi.sandbox.catalogue import Json
from integrations.didomi.sandbox.core import DidomiCore
from integrations.didomi.sandbox.store import GDPR, Event, Refusal, User, now
from integrations.didomi.sandbox.webhooks import News

_OF_USER = ("organization_user_id_type", "metadata", "country", "last_seen_country")


class Changes(DidomiCore):
    def _create_event(self, body: Any, organization: str, muted: bool) -> Event:
        """A new event of a body of the API, applied when it is confirmed. Raises Refusal, and changes nothing then."""
        found = checks.draft(body, self._store.catalogue, self.switches)
        self._own(body.get("organization_id") or organization)
        event_id = str(body.get("id") or uuid.uuid4())
        if event_id in self._store.events:
            raise Refusal(self.switches.duplicate_status, f"An event with the id '{event_id}' already exists")
        found["proofs_id"] += [self._keep_proof(file)["id"] for file in body.get("proofs") or []]
        given = body.get("user") or {}
        user, before = self._user_for(given, found["regulation"])
        said = {name: given[name] for name in _OF_USER if name in given}
        whose = {"id": user.id, "organization_user_id": user.organization_user_id, **said}
        event = Event({"id": event_id, "organization_id": self.organization, **found, "user": whose}, now())
        self._store.put(event)
        self._settle(user, before, event, "event.created", None, muted)
        return event

    def _change_event(self, event: Event, changes: Json, muted: bool) -> None:
        """Takes over what a PATCH says. A status that was confirmed once can be taken back too."""
        user, old = self._store.user(event.user_id), self._event_json(event)
        before = self._user_json(user, event.body["regulation"])
        event.body = {**event.body, **changes}
        event.updated_at, event.changed = now(), True
        self._settle(user, before, event, "event.updated", old, muted)

    def _delete_event(self, event: Event, muted: bool) -> None:
        """As if it had never happened."""
        user = self._store.user(event.user_id)
        before = self._user_json(user, event.body["regulation"])
        self._store.forget(event)
        self._settle(user, before, event, "event.deleted", None, muted)

    def _user_for(self, given: Mapping[str, Any], regulation: str) -> tuple[User, Json | None]:
        """The user that an event is of, with what it says of the person; and the user as it was, None for a new one."""
        person, user_id = given.get("organization_user_id"), given.get("id")
        shared = self._store.users_of(person) if person and not user_id else []
        known = max(shared, key=_seen, default=None) if not user_id else self._store.users.get(user_id)
        before = self._user_json(known, regulation) if known else None
        user = known or self._store.new_user(user_id or "", person)
        user.organization_user_id = user.organization_user_id or person
        user.organization_user_id_type = user.organization_user_id_type or given.get("organization_user_id_type")
        user.metadata = {**user.metadata, **(given.get("metadata") or {})}
        user.country = given.get("country") or user.country
        user.last_seen_country = given.get("last_seen_country") or given.get("country") or user.last_seen_country
        return user, before

    def _settle(self, user: User, before: Json | None, event: Event, kind: str, old: Json | None, muted: bool) -> None:
        """Computes the status under the event's regulation from its confirmed events, saves, and tells of both."""
        regulation = event.body["regulation"]
        if kind != "event.created" or not self._lays_over(user, event):
            user.consents[regulation] = self._status(user, regulation)
        user.updated_at = now()
        user.version += before is not None
        self._store.save()
        shown = self._event_json(event)
        news = [News(kind, regulation, user.organization_user_id or user.id, shown, old)]
        news.append(self._news_of(user, "user.updated" if before else "user.created", before, regulation, shown))
        self._tell(news[::-1] if self.switches.user_first else news, muted)

    def _news_of(
        self, user: User, kind: str, before: Json | None, regulation: str = GDPR, cause: Json | None = None
    ) -> News:
        person = user.organization_user_id or user.id
        return News(kind, regulation, person, self._user_json(user, regulation), before, cause)

    def _tell(self, news: list[News], muted: bool) -> None:
        if muted and self.switches.disable_mutes:
            return
        for each in news:
            self._deliveries.take(each)

    def _status(self, user: User, regulation: str) -> Json:
        applied = [
            event for event in self._store.events_of(user.id)
            if event.body["status"] == checks.CONFIRMED and event.body["regulation"] == regulation
        ]  # fmt: skip
        applied.sort(key=self._applied_at)
        return consents.status((event.body["consents"] for event in applied), self.switches.null_clears)

    def _lays_over(self, user: User, event: Event) -> bool:
        """Lays a new event over the status, when it is confirmed and no other counts after it. Returns whether it did:
        this spares a person of thousands of events that all of them are counted at each."""
        regulation, counts = event.body["regulation"], self._applied_at(event)
        if event.body["status"] != checks.CONFIRMED:
            return False
        if any(self._applied_at(other) > counts for other in self._store.events_of(user.id)):
            return False
        known = user.consents.setdefault(regulation, consents.nothing())
        consents.merge(known, event.body["consents"], self.switches.null_clears)
        return True

    def _applied_at(self, event: Event) -> str:
        changed = event.changed and self.switches.approval_counts
        return event.updated_at if changed else str(event.body["created_at"])

    def _keep_proof(self, file: str) -> Json:
        proof: Json = {"id": str(uuid.uuid4()), "size": len(file), "file": file}
        self._store.proofs[proof["id"]] = proof
        return proof

    def _event_json(self, event: Event) -> Json:
        dated = {"updated_at": event.updated_at} if self.switches.event_updated_at else {}
        return {**copy.deepcopy(event.body), **dated}

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


def _seen(user: User) -> str:
    return user.updated_at
