"""The routes of the Wallet API: seven types of classes and objects, permissions, issuers, and JWTs.

Source: developers.google.com/wallet/reference/rest/v1
"""

from __future__ import annotations

from typing import Any

import requests

from passes.google import schema
from passes.google.sandbox import resources, rules, wire
from passes.google.sandbox.core import API, GoogleCore, json_object
from passes.google.sandbox.refusals import Refusal, denied, invalid, invalid_id, unknown_name
from passes.google.sandbox.wire import KINDS, Json
from portal.sandbox import Request, Response, route

COLLECTION = rf"{API}/(?P<kind>{'|'.join(KINDS)})"
MEMBER = rf"{COLLECTION}/(?P<resource>[^/]+)"
PERMISSIONS = rf"{API}/permissions/(?P<issuer>\d+)"
IMAGE_SECONDS = 5


class ResourceRoutes(GoogleCore):
    @route("POST", COLLECTION)
    def insert(self, request: Request, kind: str) -> Response:
        body = self._body(request, kind)
        with self.lock:
            return self._shown(kind, self.resources.insert(self.account_of(request), kind, body))

    @route("GET", MEMBER)
    def get(self, request: Request, kind: str, resource: str) -> Response:
        with self.lock:
            found = self.resources.get(self.account_of(request), kind, resource)
            return Response(200, resources.shown(self.store, kind, found, self.switches, whole=True))

    @route("PUT", MEMBER)
    def replace(self, request: Request, kind: str, resource: str) -> Response:
        body = self._body(request, kind)
        with self.lock:
            return self._shown(kind, self.resources.replace(self.account_of(request), kind, resource, body))

    @route("PATCH", MEMBER)
    def patch(self, request: Request, kind: str, resource: str) -> Response:
        body = self._body(request, kind)
        with self.lock:
            return self._shown(kind, self.resources.patch(self.account_of(request), kind, resource, body))

    @route("POST", MEMBER)
    def overridden(self, request: Request, kind: str, resource: str) -> Response:
        """For who sits behind a firewall that knows no PATCH."""
        if request.headers.get("x-http-method-override", "").upper() != "PATCH":
            raise Refusal(404, "notFound", "Not found")
        return self.patch(request, kind, resource)

    @route("GET", COLLECTION)
    def list_resources(self, request: Request, kind: str) -> Response:
        """`{"resources": […], "pagination": {"resultsPerPage", "nextPageToken"}}`"""
        asked = request.query.get("issuerId" if wire.is_class(kind) else "classId", "")
        limit = request.query.get("maxResults")
        if limit is not None and not (limit.isdecimal() and int(limit) > 0):
            raise invalid("maxResults must be a number from 1.")
        with self.lock:
            found, token = self.resources.listed(
                self.account_of(request), kind, asked, int(limit) if limit else None, request.query.get("token", "")
            )
            told = [resources.shown(self.store, kind, each, self.switches) for each in found]
        pagination: Json = {"resultsPerPage": len(told), **({"nextPageToken": token} if token else {})}
        if self.switches.legacy_echo:
            pagination["kind"] = "walletobjects#pagination"
        return Response(200, {"resources": told, "pagination": pagination})

    @route("POST", rf"{MEMBER}/addMessage")
    def add_message(self, request: Request, kind: str, resource: str) -> Response:
        body = json_object(request)
        if unknown := next(wire.unknown_keys("AddMessageRequest", body), None):
            raise unknown_name(unknown)
        if not isinstance(body.get("message"), dict):
            raise invalid("message is required.")
        with self.lock:
            stored = self.resources.add_message(self.account_of(request), kind, resource, body["message"])
            return Response(200, {"resource": resources.shown(self.store, kind, stored, self.switches)})

    @route("GET", PERMISSIONS)
    def get_permissions(self, request: Request, issuer: str) -> Response:
        with self.lock:
            self._admit_issuer(request, issuer)
            return Response(200, self._permissions(issuer))

    @route("PUT", PERMISSIONS)
    def put_permissions(self, request: Request, issuer: str) -> Response:
        body = json_object(request)
        if wrong := schema.findings("Permissions", body):
            raise invalid(" ".join(problem.told for problem in wrong))
        if broken := list(rules.broken("Permissions", body)):
            raise invalid(" ".join(broken))
        with self.lock:
            self._admit_issuer(request, issuer)
            wanted = wire.kept("Permissions", body).get("permissions", [])
            self.store.issuers[issuer].permissions = {each["emailAddress"]: each["role"] for each in wanted}
            self.store.save()
            return Response(200, self._permissions(issuer))

    @route("GET", rf"{API}/issuer")
    def list_issuers(self, request: Request) -> Response:
        email = self.account_of(request)
        with self.lock:
            own = [number for number, each in self.store.issuers.items() if email in each.permissions]
            return Response(200, {"resources": [self._issuer(number) for number in own]})

    @route("GET", rf"{API}/issuer/(?P<issuer>\d+)")
    def get_issuer(self, request: Request, issuer: str) -> Response:
        with self.lock:
            self._admit_issuer(request, issuer)
            return Response(200, self._issuer(issuer))

    def _body(self, request: Request, kind: str) -> Json:
        """The body of a class or object; its images are fetched before the lock is taken. Raises Refusal."""
        body = json_object(request)
        if self.switches.fetch_images:
            missing = [address for address in self.resources.images(kind, body) if not _is_image(address)]
            if missing:
                raise resources.not_fetched(missing)
        return body

    def _shown(self, kind: str, body: Json) -> Response:
        return Response(200, resources.shown(self.store, kind, body, self.switches))

    def _admit_issuer(self, request: Request, issuer: str) -> None:
        if issuer not in self.store.issuers:
            raise invalid_id(issuer)
        if not self.store.may(self.account_of(request), f"{issuer}.x", write=request.method == "PUT"):
            raise denied()

    def _permissions(self, issuer: str) -> Json:
        """Roles come back in small letters from the real service, too."""
        held = self.store.issuers[issuer].permissions
        told: Json = {
            "issuerId": issuer,
            "permissions": [{"emailAddress": email, "role": role} for email, role in held.items()],
        }
        return wire.echoed("Permissions", told) if self.switches.legacy_echo else told

    def _issuer(self, issuer: str) -> dict[str, Any]:
        return {"issuerId": issuer, "name": self.store.issuers[issuer].name}


def _is_image(address: str) -> bool:
    try:
        answer = requests.get(address, timeout=IMAGE_SECONDS, allow_redirects=True)
    except (requests.RequestException, ValueError):
        return False
    return answer.status_code == 200 and answer.headers.get("Content-Type", "").startswith("image/")
