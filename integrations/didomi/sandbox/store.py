"""What the stand-in remembers of one organisation: API keys, catalogue, users, events, the webhook, what is parked."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from integrations.didomi.sandbox import catalogue
from integrations.didomi.sandbox.catalogue import Catalogue, Json, Preference, Purpose

GDPR = "gdpr"
NAMES = {
    400: "BadRequest", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 409: "Conflict",
    429: "TooManyRequests", 500: "GeneralError", 502: "BadGateway", 503: "Unavailable",
}  # fmt: skip


class Refusal(Exception):
    """An error answer: `{"code", "name", "message", "errors"}`. The name of a 401 is a switch."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, headers or {}


@dataclass
class User:
    """A Didomi user: a device, or a person that the organisation knows. `consents`: regulation -> status."""

    id: str
    organization_user_id: str | None
    created_at: str
    updated_at: str
    organization_user_id_type: str | None = None
    version: int = 1
    metadata: Json = field(default_factory=dict)
    country: str | None = None
    last_seen_country: str | None = None
    consents: dict[str, Json] = field(default_factory=dict)


@dataclass
class Event:
    """`body` is the event as Didomi answers it, but for `updated_at`; `changed` when it was not left as it came."""

    body: Json
    updated_at: str
    changed: bool = False

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def user_id(self) -> str:
        return str(self.body["user"]["id"])


@dataclass
class Webhook:
    """Where news goes: with a bearer token of `token_url`, or with `api_key` in X-API-KEY. No types are all types."""

    url: str
    token_url: str = ""
    client_id: str = ""
    client_secret: str = ""
    scope: str = ""
    api_key: str = ""
    types: list[str] = field(default_factory=list)


class Store:
    """All state, in memory and, given a path, in one JSON file that is replaced as a whole on each save."""

    def __init__(self, path: Path | None, organization: str, api_key: str, secret: str) -> None:
        self.path = path
        self.organization = organization
        self.keys: dict[str, str] = {api_key: secret}  # private API key -> secret
        self.catalogue: Catalogue = catalogue.of_a_brand()
        self.users: dict[str, User] = {}
        self.events: dict[str, Event] = {}
        self.proofs: dict[str, Json] = {}
        self.webhook: Webhook | None = None
        self.parked: list[Json] = []
        self._of_user: dict[str, list[Event]] = {}
        if path and path.exists():
            self._load(json.loads(path.read_text()))

    def user(self, user_id: str) -> User:
        if user_id not in self.users:
            raise Refusal(404, f"No user found for id '{user_id}'")
        return self.users[user_id]

    def event(self, event_id: str) -> Event:
        if event_id not in self.events:
            raise Refusal(404, f"No event found for id '{event_id}'")
        return self.events[event_id]

    def drop(self, user: User) -> None:
        """Forgets a user with all events."""
        for event in self._of_user.pop(user.id, []):
            del self.events[event.id]
        del self.users[user.id]

    def users_of(self, organization_user_id: str) -> list[User]:
        return [user for user in self.users.values() if user.organization_user_id == organization_user_id]

    def events_of(self, user_id: str) -> list[Event]:
        return self._of_user.get(user_id, [])

    def put(self, event: Event) -> None:
        self.events[event.id] = event
        self._of_user.setdefault(event.user_id, []).append(event)

    def forget(self, event: Event) -> None:
        del self.events[event.id]
        self._of_user[event.user_id].remove(event)

    def new_user(self, user_id: str, organization_user_id: str | None) -> User:
        moment = now()
        user = User(user_id or str(uuid.uuid4()), organization_user_id, moment, moment)
        self.users[user.id] = user
        return user

    def save(self) -> None:
        if not self.path:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(self.path.name + ".tmp")
        draft.write_text(json.dumps(self._dump()))
        os.replace(draft, self.path)

    def _dump(self) -> Json:
        return {
            "organization": self.organization,
            "keys": self.keys,
            "catalogue": {**asdict(self.catalogue), "gone": sorted(self.catalogue.gone)},
            "users": [asdict(user) for user in self.users.values()],
            "events": [asdict(event) for event in self.events.values()],
            "proofs": self.proofs,
            "webhook": asdict(self.webhook) if self.webhook else None,
            "parked": self.parked,
        }

    def _load(self, saved: Json) -> None:
        self.organization, self.keys, self.proofs = saved["organization"], saved["keys"], saved["proofs"]
        kept = saved["catalogue"]
        self.catalogue = Catalogue(
            {each: Purpose(**one) for each, one in kept["purposes"].items()},
            {each: Preference(**one) for each, one in kept["preferences"].items()},
            kept["channels"],
            set(kept["gone"]),
        )
        self.users = {each["id"]: User(**each) for each in saved["users"]}
        for each in saved["events"]:
            self.put(Event(**each))
        self.webhook = Webhook(**saved["webhook"]) if saved["webhook"] else None
        self.parked = saved["parked"]

    def people(self) -> Iterator[str]:
        """Ids of the organisation's people, those seen last first, each once."""
        found = sorted(self.users.values(), key=lambda user: user.updated_at, reverse=True)
        yield from dict.fromkeys(user.organization_user_id for user in found if user.organization_user_id)


def now() -> str:
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """A moment as Didomi writes it, which sorts as text too: `2026-03-01T08:30:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_moment(text: Any) -> datetime | None:
    """The moment of an ISO 8601 date; without a zone it is UTC. None for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
