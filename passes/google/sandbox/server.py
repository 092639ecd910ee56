"""Google in one process: accounts, the Wallet API, save links, callbacks, and the phones of people who save."""

from __future__ import annotations

import re
from typing import Any

from passes.google.sandbox import page
from passes.google.sandbox.android import VirtualAndroid
from passes.google.sandbox.links import LinkRefused
from passes.google.sandbox.saving import SaveRoutes
from passes.google.sandbox.wire import KINDS, is_class, issuer_of
from portal.sandbox import Request, Response, route

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
LANGUAGES = {"en", "fr", "nl"}


class GoogleSandbox(SaveRoutes):
    """With a `state` file everything but access tokens survives a restart."""

    @property
    def api_url(self) -> str:
        """Where Google's is https://walletobjects.googleapis.com/walletobjects/v1."""
        return f"{self.url}/walletobjects/v1"

    @property
    def save_url(self) -> str:
        """Where Google's is https://pay.google.com/gp/v/save; the token follows after a slash."""
        return f"{self.url}/gp/v/save"

    @property
    def keys_url(self) -> str:
        """Where Google's is https://pay.google.com/gp/m/issuer/keys."""
        return f"{self.url}/gp/m/issuer/keys"

    def handle(self, request: Request) -> Response:
        try:
            return super().handle(request)
        except (ValueError, KeyError, TypeError) as error:
            if not request.path.startswith(("/phones", "/_sandbox/")):
                raise
            return Response(400, {"message": f"{type(error).__name__}: {error}"})

    def phone(self, name: str) -> VirtualAndroid:
        """The phone of that name; switched on when there is none yet. Raises ValueError."""
        if not NAME.fullmatch(name):
            raise ValueError("A phone's name has letters, digits, - and _, 40 at most.")
        with self.lock:
            if name not in self.store.phones:
                self.store.phones[name] = "en"
                self.store.save()
        return VirtualAndroid(self, name)

    def phones(self) -> list[VirtualAndroid]:
        with self.lock:
            return [VirtualAndroid(self, name) for name in self.store.phones]

    @route("GET", "/")
    def overview(self, request: Request) -> Response:
        phones = [page.Seen(each.name, each.language, each.screen, each.cards()) for each in self.phones()]
        with self.lock:
            issuers = [self._counted(number) for number in self.store.issuers]
            pushed = self.store.notices[::-1]
        text = page.overview(phones, issuers, list(self.callbacks.log)[::-1], pushed)
        return Response(200, text, {"Content-Security-Policy": page.OVERVIEW_SECURITY, "Cache-Control": "no-store"})

    @route("GET", "/phones")
    def list_phones(self, request: Request) -> Response:
        return Response(200, [phone.summary() for phone in self.phones()])

    @route("GET", "/phones/(?P<name>[^/]+)")
    def show_phone(self, request: Request, name: str) -> Response:
        if name not in self.store.phones:
            return _no_phone(name)
        return Response(200, self.phone(name).summary())

    @route("PUT", "/phones/(?P<name>[^/]+)")
    def set_phone(self, request: Request, name: str) -> Response:
        language = _body(request).get("language", "en")
        if language not in LANGUAGES:
            raise ValueError(f"language is one of {', '.join(sorted(LANGUAGES))}")
        phone = self.phone(name)
        phone.language = language
        return Response(200, phone.summary())

    @route("DELETE", "/phones/(?P<name>[^/]+)")
    def wipe_phone(self, request: Request, name: str) -> Response:
        """The person gives up the account: every pass is removed, and its issuer told."""
        if name not in self.store.phones:
            return _no_phone(name)
        phone = self.phone(name)
        for card in phone.cards():
            phone.remove(card.resource)
        with self.lock:
            self.store.phones.pop(name, None)
            self.store.save()
        return Response(204)

    @route("POST", "/phones/(?P<name>[^/]+)/passes")
    def add_pass(self, request: Request, name: str) -> Response:
        url = _body(request)["url"]
        if not isinstance(url, str):
            raise TypeError("url must be a text")
        try:
            return Response(201, {"ids": self.phone(name).add(url)})
        except LinkRefused as refusal:
            return Response(422, {"reasons": refusal.reasons})

    @route("DELETE", "/phones/(?P<name>[^/]+)/passes/(?P<resource>[^/]+)")
    def remove_pass(self, request: Request, name: str, resource: str) -> Response:
        if name in self.store.phones and self.phone(name).remove(resource):
            return Response(204)
        return Response(404, {"message": f"No pass {resource!r} on the phone {name!r}."})

    @route("POST", "/_sandbox/keys")
    def make_key(self, request: Request) -> Response:
        """`{"issuer_id", "name", "account", "role"}`, all optional: a key file. See `issue_key`."""
        wanted = {"issuer_id": "", "name": "Sandbox", "account": "wallet", "role": "OWNER", **_body(request)}
        file = self.issue_key(
            str(wanted["issuer_id"]), str(wanted["name"]), account=str(wanted["account"]), role=str(wanted["role"])
        )
        return Response(201, file)

    @route("DELETE", "/_sandbox/keys/(?P<key>[^/]+)")
    def delete_key(self, request: Request, key: str) -> Response:
        return Response(204) if self.revoke_key(key) else Response(404, {"message": f"No key {key!r}."})

    @route("GET", "/_sandbox/switches")
    def get_switches(self, request: Request) -> Response:
        return Response(200, self.switches.as_json())

    @route("PUT", "/_sandbox/switches")
    def put_switches(self, request: Request) -> Response:
        self.switches.change(request.json())
        return Response(200, self.switches.as_json())

    @route("GET", "/_sandbox/notices")
    def list_notices(self, request: Request) -> Response:
        """What was pushed, and what stayed silent and why, oldest first."""
        with self.lock:
            return Response(200, self.store.notices)

    @route("DELETE", "/_sandbox/pushed")
    def forget_pushed(self, request: Request) -> Response:
        """As if 24 hours had passed: each pass has its three of each sort again."""
        with self.lock:
            self.store.pushed.clear()
            self.store.save()
        return Response(204)

    @route("GET", "/_sandbox/callbacks")
    def list_callbacks(self, request: Request) -> Response:
        """`[{object, event, url, nonce, status, ms, sent_at, error}]`, oldest first; status is None for no answer."""
        return Response(200, list(self.callbacks.log))

    @route("POST", "/_sandbox/callbacks")
    def post_callback(self, request: Request) -> Response:
        """`{"object", "event"}`: a callback of any type, without anything having happened."""
        wanted = _body(request)
        if self.send_callback(str(wanted["object"]), str(wanted.get("event", "save"))):
            return Response(202, {})
        return Response(404, {"message": "No such object, or its class has no callbackOptions.url."})

    @route("POST", "/_sandbox/root-keys")
    def make_root_key(self, request: Request) -> Response:
        """Signs with a new root key; `{"keep": false}` lists it alone."""
        with self.lock:
            self.callbacks.new_root(keep=_body(request).get("keep", True) is not False)
            return Response(201, self.callbacks.keys())

    def _counted(self, issuer: str) -> list[object]:
        found = self.store.issuers[issuer]
        own = [(kind, each) for kind in KINDS for each in self.store.resources[kind] if issuer_of(each) == issuer]
        objects = [each for kind, each in own if not is_class(kind)]
        held = sum(bool(self.store.holders.get(each)) for each in objects)
        return [issuer, found.name, ", ".join(found.permissions), len(own) - len(objects), len(objects), held]


def _body(request: Request) -> dict[str, Any]:
    body = request.json() if request.body else {}
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return body


def _no_phone(name: str) -> Response:
    return Response(404, {"message": f"No phone {name!r}."})
