"""The stand-in as a whole, and what tests do with it as a person or an administrator would."""

from __future__ import annotations

from typing import Any

from integrations.didomi.sandbox.catalogue import Json
from integrations.didomi.sandbox.checks import CONFIRMED
from integrations.didomi.sandbox.desk import DeskRoutes
from integrations.didomi.sandbox.saying import event_body
from integrations.didomi.sandbox.store import GDPR


class DidomiSandbox(DeskRoutes):
    """Didomi's consent API with state of its own, for one organisation; real changes are told to its webhook."""

    @property
    def events(self) -> list[Json]:
        """All events as the API shows them, whatever their status and regulation, in the order of their arrival."""
        with self.lock:
            return [self._event_json(event) for event in self._store.events.values()]

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
            return self._event_json(self._create_event(body, self.organization, muted))

    def approve(self, event_id: str) -> None:
        """Somebody confirms an event that was pending."""
        with self.lock:
            self._change_event(self._store.event(event_id), {"status": CONFIRMED}, muted=False)

    def take_back(self, event_id: str) -> None:
        """An event is deleted, as if it had never happened."""
        with self.lock:
            self._delete_event(self._store.event(event_id), muted=False)
