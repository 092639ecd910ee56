"""What an administrator does in Didomi's console, and what a test does to Didomi: routes under `/_sandbox/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from integrations.didomi.sandbox import webhooks
from integrations.didomi.sandbox.catalogue import Json, Preference, Purpose
from integrations.didomi.sandbox.core import json_of
from integrations.didomi.sandbox.events import EventRoutes
from integrations.didomi.sandbox.library import LibraryRoutes
from integrations.didomi.sandbox.store import Refusal
from integrations.didomi.sandbox.users import UserRoutes
from portal.sandbox import Request, Response, route

WEBHOOK = "/_sandbox/webhook"
_KINDS = ("single", "multi")


class ConsoleRoutes(EventRoutes, UserRoutes, LibraryRoutes):
    def switch(self, **wanted: Any) -> None:
        """Sets switches by their names. ValueError for one that is unknown or of another type."""
        self.switches.change(wanted)

    def webhook_to(self, url: str, **more: Any) -> None:
        """Sends news to an address: with `api_key`, or with `token_url`, `client_id` and `client_secret`; `types` may
        choose some. Refusal for what cannot be one."""
        webhook = webhooks.parse({"url": url, **more})
        with self.lock:
            self._store.webhook = webhook
            self._store.save()

    def webhook_off(self) -> None:
        with self.lock:
            self._store.webhook = None
            self._store.save()

    def deliveries(self) -> list[Json]:
        """`[{id, type, entity, person, url, try, status, ms, sent_at, error}]`, oldest first, a row for each try;
        status is None when there was no answer, or no token to send."""
        return list(self._deliveries.log)

    def parked(self) -> list[Json]:
        """`[{id, type, entity, person, body, tries, error}]`: news that was given up."""
        with self.lock:
            return list(self._store.parked)

    def send_parked(self, parcel: str = "") -> int:
        """Sends all that is parked again, or the one of this id. Returns how many."""
        return self._deliveries.send_parked(parcel)

    def drain(self, timeout: float = 10.0) -> None:
        """Waits until all news is taken or parked, held news and retries too; TimeoutError if that takes longer."""
        self._deliveries.drain(timeout)

    def add_purpose(self, purpose: str, name: str = "", preferences: Sequence[str] = ()) -> None:
        """A new purpose, or another name and other preferences for a known one."""
        with self.lock:
            self._store.catalogue.purposes[purpose] = Purpose(purpose, name or purpose, "", list(preferences))
            self._store.save()

    def add_preference(self, preference: str, values: Mapping[str, str], name: str = "", kind: str = "multi") -> None:
        """A new preference, or other values for a known one. `values`: id -> name; `kind`: single or multi."""
        with self.lock:
            known = Preference(preference, name or preference, dict(values), kind)
            self._store.catalogue.preferences[preference] = known
            self._store.save()

    def remove_from_catalogue(self, identifier: str) -> None:
        """Takes a purpose, preference or channel away; events may name it still. KeyError for what is none."""
        with self.lock:
            if not self._store.catalogue.remove(identifier):
                raise KeyError(identifier)
            self._store.save()

    def add_key(self, key: str, secret: str) -> None:
        with self.lock:
            self._store.keys[key] = secret
            self._store.save()

    def disable_key(self, key: str) -> None:
        """No new tokens for a key; those that are out live on, as Didomi documents. KeyError for an unknown one."""
        with self.lock:
            del self._store.keys[key]
            self._store.save()

    def end_sessions(self) -> None:
        """All tokens expire at once."""
        with self.lock:
            self._tokens.clear()

    @route("GET", "/_sandbox/switches")
    def get_switches(self, request: Request) -> Response:
        return Response(200, self.switches.as_json())

    @route("PUT", "/_sandbox/switches")
    def put_switches(self, request: Request) -> Response:
        try:
            self.switches.change(json_of(request))
        except ValueError as refusal:
            raise Refusal(400, str(refusal)) from refusal
        return Response(200, self.switches.as_json())

    @route("GET", WEBHOOK)
    def get_webhook(self, request: Request) -> Response:
        """Where news goes, without secrets; null while it goes nowhere."""
        with self.lock:
            known = self._store.webhook
            if known is None:
                return Response(200, {"webhook": None})
            shown = {name: text for name, text in asdict(known).items() if name not in {"client_secret", "api_key"}}
            return Response(200, {"webhook": shown})

    @route("PUT", WEBHOOK)
    def put_webhook(self, request: Request) -> Response:
        webhook = webhooks.parse(json_of(request))
        with self.lock:
            self._store.webhook = webhook
            self._store.save()
        return self.get_webhook(request)

    @route("DELETE", WEBHOOK)
    def delete_webhook(self, request: Request) -> Response:
        self.webhook_off()
        return Response(204)

    @route("GET", "/_sandbox/deliveries")
    def list_deliveries(self, request: Request) -> Response:
        return Response(200, self.deliveries())

    @route("GET", "/_sandbox/parked")
    def list_parked(self, request: Request) -> Response:
        return Response(200, self.parked())

    @route("POST", "/_sandbox/parked")
    def send_all_parked(self, request: Request) -> Response:
        return Response(202, {"sent": self.send_parked()})

    @route("POST", r"/_sandbox/parked/(?P<parcel>[^/]+)")
    def send_one_parked(self, request: Request, parcel: str) -> Response:
        if not self.send_parked(parcel):
            raise Refusal(404, f"Nothing is parked under '{parcel}'")
        return Response(202, {"sent": 1})

    @route("PUT", r"/_sandbox/purposes/(?P<purpose>[^/]+)")
    def put_purpose(self, request: Request, purpose: str) -> Response:
        """`{"name": "Newsletter", "preferences": ["topics"]}`"""
        body = _object(request)
        preferences = body.get("preferences") or []
        if not isinstance(preferences, list) or not set(map(str, preferences)) <= set(
            self._store.catalogue.preferences
        ):
            raise Refusal(400, "preferences must be a list of known ids")
        self.add_purpose(purpose, str(body.get("name") or ""), preferences)
        return Response(204)

    @route("PUT", r"/_sandbox/preferences/(?P<preference>[^/]+)")
    def put_preference(self, request: Request, preference: str) -> Response:
        """`{"name": "Topics", "type": "multi", "values": {"wine": "Wine"}}`"""
        body = _object(request)
        values, kind = body.get("values"), body.get("type") or "multi"
        if not isinstance(values, dict) or kind not in _KINDS:
            raise Refusal(400, "values must be {id: name}, type single or multi")
        named = {str(key): str(text) for key, text in values.items()}
        self.add_preference(preference, named, str(body.get("name") or ""), kind)
        return Response(204)

    @route("DELETE", r"/_sandbox/catalogue/(?P<identifier>[^/]+)")
    def delete_from_catalogue(self, request: Request, identifier: str) -> Response:
        try:
            self.remove_from_catalogue(identifier)
        except KeyError as unknown:
            raise Refusal(404, f"The catalogue has no '{identifier}'") from unknown
        return Response(204)

    @route("PUT", r"/_sandbox/keys/(?P<key>[^/]+)")
    def put_key(self, request: Request, key: str) -> Response:
        """`{"secret": "…"}` makes an API key, or gives it another secret."""
        secret = _object(request).get("secret")
        if not isinstance(secret, str) or not secret:
            raise Refusal(400, "A key needs a secret")
        self.add_key(key, secret)
        return Response(204)

    @route("DELETE", r"/_sandbox/keys/(?P<key>[^/]+)")
    def delete_key(self, request: Request, key: str) -> Response:
        try:
            self.disable_key(key)
        except KeyError as unknown:
            raise Refusal(404, f"There is no key '{key}'") from unknown
        return Response(204)

    @route("DELETE", "/_sandbox/sessions")
    def delete_sessions(self, request: Request) -> Response:
        self.end_sessions()
        return Response(204)


def _object(request: Request) -> Json:
    body = json_of(request)
    if not isinstance(body, dict):
        raise Refusal(400, "The body must be a JSON object")
    return body
