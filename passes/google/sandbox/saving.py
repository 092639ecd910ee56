"""The save page, and what follows when somebody saves or removes a pass: holders, and news to the issuer."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from passes.google.sandbox import links, page, wire
from passes.google.sandbox.core import API, JSON, json_object
from passes.google.sandbox.layout import Card, card_of
from passes.google.sandbox.links import Link, LinkRefused, Named
from passes.google.sandbox.refusals import Refusal, denied, invalid
from passes.google.sandbox.rest import ResourceRoutes
from passes.google.sandbox.wire import is_class, issuer_of
from portal.sandbox import Request, Response, route

SAVE = r"/gp/v/save/(?P<token>[^/]+)"
ANYBODY = "Somebody"  # who opens the save page without a virtual phone
ONE_USER = {"ONE_USER_ALL_DEVICES", "ONE_USER_ONE_DEVICE"}


class SaveRoutes(ResourceRoutes):
    def open_link(self, token: str) -> Link:
        """What a save link offers, after every check that needs no holder. Raises LinkRefused."""
        with self.lock:
            link = links.read(self.store.links.get(token, token), self.store)
            for named in link.named:
                self._check(link.account, named)
        return link

    def save(self, token: str, holder: str) -> list[str]:
        """The ids of the objects that the holder now has. Fat ones, and classes, come into being; what exists stays
        as it is. Raises LinkRefused.
        """
        with self.lock:
            link = self.open_link(token)
            for named in link.named:
                self._create(link.account, named)
            objects = [named for named in link.named if not is_class(named.kind)]
            for named in objects:
                self._check_holder(named, holder)
            for named in objects:
                self._hold(named.body["id"], holder)
            self.store.save()
        return [named.body["id"] for named in objects]

    def remove(self, held: str, holder: str) -> bool:
        """The holder takes the pass out of the wallet; False when it was not in there."""
        with self.lock:
            if self.store.holders.get(held, {}).pop(holder, None) is None:
                return False
            self._tell(held, "del")
            self.store.save()
        return True

    def send_callback(self, held: str, event: str) -> bool:
        """Posts a callback about an object without anything having happened; False when its class has no address."""
        with self.lock:
            return self._tell(held, event)

    @route("GET", SAVE)
    def save_page(self, request: Request, token: str) -> Response:
        return self._save_page(token, request.query.get("phone", ""))

    @route("POST", SAVE)
    def press_button(self, request: Request, token: str) -> Response:
        """The page's own forms: `do` is save or remove, `phone` the holder."""
        _check_origin(request)
        form = {name: values[-1] for name, values in parse_qs(request.body.decode(errors="replace")).items()}
        holder = form.get("phone") or ANYBODY
        try:
            if form.get("do") == "remove":
                for named in self.open_link(token).named:
                    self.remove(named.body["id"], holder)
            else:
                self.save(token, holder)
        except LinkRefused as refusal:
            return _html(page.refused(refusal.reasons), 400)
        return Response(303, None, {"Location": f"/gp/v/save/{quote(token)}?phone={quote(holder)}"})

    @route("GET", "/gp/m/issuer/keys")
    def root_keys(self, request: Request) -> Response:
        with self.lock:
            return Response(200, self.callbacks.keys(), {**JSON, "Cache-Control": "public, max-age=3600"})

    @route("POST", rf"{API}/jwt")
    def insert_jwt(self, request: Request) -> Response:
        """Makes what the token names, and gives a short link to it: `{"saveUri", "resources"}`."""
        token = json_object(request).get("jwt")
        link = self._link_of(request, token)
        with self.lock:
            for named in link.named:
                self._create(link.account, named)
            short = secrets.token_urlsafe(24)
            self.store.links[short] = str(token)
            self.store.save()
        answer = {
            "saveUri": f"{self.url}/gp/v/save/{short}",
            "resources": {
                key: listed
                for key, kind in wire.RESOURCES.items()
                if (listed := [each.body for each in link.named if each.kind == kind])
            },
        }
        return Response(200, answer)

    @route("POST", rf"{API}/jwt/validate")
    def validate_jwt(self, request: Request) -> Response:
        """`{}` for what a save link may carry."""
        body = json_object(request)
        if ("jsonResource" in body) == ("jwtResource" in body):
            raise invalid("Either jsonResource or jwtResource must be set.")
        if "jwtResource" in body:
            self._link_of(request, _within(body["jwtResource"], "jwt"))
            return Response(200, {})
        try:
            named = links.payload_of(json.loads(_within(body["jsonResource"], "json")))
            with self.lock:
                for each in named:
                    self._check(self.account_of(request), each)
        except ValueError:
            raise invalid("json is not JSON.") from None
        except LinkRefused as refusal:
            raise invalid(str(refusal)) from None
        return Response(200, {})

    def _link_of(self, request: Request, token: Any) -> Link:
        """Raises Refusal for a token that is not taken, or that another account signed."""
        try:
            link = self.open_link(str(token))
        except LinkRefused as refusal:
            raise invalid(str(refusal)) from None
        if link.account != self.account_of(request):
            raise denied()
        return link

    def _check(self, account: str, named: Named) -> None:
        """Raises LinkRefused for an issuer that is not the account's, and for what is neither there nor whole."""
        try:
            resource = self.resources.admit(account, named.body.get("id"), write=True)
            exists = self.store.find(resource, classes=is_class(named.kind))
            if exists and exists[0] != named.kind:
                raise invalid(f"{resource} is a {exists[0]}.")
            if not exists and named.skinny:
                raise LinkRefused(f"There is no object {resource}: insert it first, or put it whole into the link.")
            if not exists:
                self.resources.well_formed(named.kind, named.body)
        except Refusal as refusal:
            raise LinkRefused(str(refusal)) from None

    def _create(self, account: str, named: Named) -> None:
        if self.store.find(named.body["id"], classes=is_class(named.kind)):
            return
        try:
            self.resources.insert(account, named.kind, named.body)
        except Refusal as refusal:
            raise LinkRefused(str(refusal)) from None

    def _check_holder(self, named: Named, holder: str) -> None:
        stored = self.store.resources[named.kind][named.body["id"]]
        allowed = self.store.class_of(named.kind, stored).get("multipleDevicesAndHoldersAllowedStatus")
        if allowed in ONE_USER and set(self.store.holders.get(stored["id"], {})) - {holder}:
            raise LinkRefused(f"{stored['id']} is held by somebody else, and its class allows one user.")

    def _hold(self, held: str, holder: str) -> None:
        """Saving again what one holds is no news."""
        holders = self.store.holders.setdefault(held, {})
        if holder not in holders:
            holders[holder] = time.time()
            self._tell(held, "save")
            if self.switches.activate:
                self._tell(held, "activate")

    def _tell(self, held: str, event: str) -> bool:
        found = self.store.find(held, classes=False)
        if found is None:
            return False
        kind, body = found
        url = self.store.class_of(kind, body).get("callbackOptions", {}).get("url")
        if url:
            self.callbacks.tell(issuer_of(held), url, body, event, max(1, len(self.store.holders.get(held, {}))))
        return bool(url)

    def _save_page(self, token: str, phone: str) -> Response:
        try:
            link = self.open_link(token)
        except LinkRefused as refusal:
            return _html(page.refused(refusal.reasons), 400)
        with self.lock:
            holder = phone or ANYBODY
            language = self.store.phones.get(holder, "en")
            offered = [self._offered(named, link, language) for named in link.named if not is_class(named.kind)]
            held = all(holder in self.store.holders.get(each.resource, {}) for each in offered)
        return _html(page.save(token, offered, link.warnings, holder, held))

    def _offered(self, named: Named, link: Link, language: str) -> Card:
        """The card as it would be saved; its class may stand in the link itself."""
        stored = self.store.resources[named.kind].get(named.body["id"], named.body)
        within = {each.body["id"]: each.body for each in link.named if is_class(each.kind)}
        parent = self.store.class_of(named.kind, stored) or within.get(str(stored.get("classId")), {})
        return card_of(named.kind, parent, stored, language)


def _within(part: Any, key: str) -> str:
    if not isinstance(part, dict) or not isinstance(part.get(key), str):
        raise invalid(f"{key} is required.")
    return str(part[key])


def _check_origin(request: Request) -> None:
    """Other sites' pages may not press the button: browsers say where a form comes from."""
    origin = request.headers.get("origin", "")
    if origin and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise Refusal(403, "forbidden", "This form was sent by another site.")


def _html(text: str, status: int = 200) -> Response:
    return Response(status, text, {"Content-Security-Policy": page.SECURITY, "Cache-Control": "no-store"})
