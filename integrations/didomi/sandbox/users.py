"""Users, who hold the status: https://developers.didomi.io/api/consents/users

Consents in the body of a POST or PATCH are left aside: Didomi calls that deprecated, events say them.
"""

from __future__ import annotations

from typing import Any

from integrations.didomi.sandbox import checks
from integrations.didomi.sandbox.changes import Changes
from integrations.didomi.sandbox.core import BASE, is_on, json_of, wanted
from integrations.didomi.sandbox.store import GDPR, Refusal, User, now
from portal.sandbox import Request, Response, route

USERS = BASE + "/consents/users"
USER = USERS + r"/(?P<user>[^/]+)"
_TEXTS = ("organization_user_id", "organization_user_id_type", "country", "last_seen_country")


class UserRoutes(Changes):
    @route("GET", USERS)
    def list_users(self, request: Request) -> Response:
        """All users of a person, or of the organisation; the status under one regulation, by default GDPR."""
        people = wanted(request, "organization_user_id")
        with self.lock:
            found = [
                self._user_json(user, _regulation(request)) for user in self._store.users.values()
                if not people or user.organization_user_id in people
            ]  # fmt: skip
        return self._listed(request, found)

    @route("POST", USERS)
    def create_user(self, request: Request) -> Response:
        body = json_of(request)
        checks.check_user(body, self.switches)
        with self.lock:
            self._own(body.get("organization_id") or self.organization)
            if body.get("id") in self._store.users:
                raise Refusal(self.switches.duplicate_status, f"A user with the id '{body['id']}' already exists")
            user = self._store.new_user(body.get("id") or "", None)
            _take_over(user, body)
            self._store.save()
            self._tell([self._news_of(user, "user.created", None)], muted=False)
            return Response(self.switches.created_status, self._user_json(user))

    @route("GET", USER)
    def get_user(self, request: Request, user: str) -> Response:
        with self.lock:
            return Response(200, self._user_json(self._find(request, user), _regulation(request)))

    @route("PATCH", USER)
    def change_user(self, request: Request, user: str) -> Response:
        body = json_of(request)
        checks.check_user(body, self.switches)
        with self.lock:
            known = self._find(request, user)
            if self.switches.check_version and body.get("version", known.version) != known.version:
                raise Refusal(409, f"The current version is {known.version}")
            before = self._user_json(known)
            _take_over(known, body)
            known.version, known.updated_at = known.version + 1, now()
            self._store.save()
            self._tell([self._news_of(known, "user.updated", before)], muted=False)
            return Response(200, self._user_json(known))

    @route("DELETE", USER)
    def delete_user(self, request: Request, user: str) -> Response:
        """The user as it was, gone with all events. Nothing tells of each event."""
        with self.lock:
            known = self._find(request, user)
            shown = self._user_json(known)
            self._store.drop(known)
            self._store.save()
            self._tell([self._news_of(known, "user.deleted", None)], muted=False)
            return Response(200, shown)

    def _find(self, request: Request, key: str) -> User:
        """By Didomi's id, or by the organisation's where the call says so; of several the one seen last."""
        if not is_on(request, "$by_organization_user_id"):
            return self._store.user(key)
        found = self._store.users_of(key)
        if not found:
            raise Refusal(404, f"No user found for organization_user_id '{key}'")
        return max(found, key=lambda user: user.updated_at)


def _take_over(user: User, body: dict[str, Any]) -> None:
    for name in _TEXTS:
        if name in body:
            setattr(user, name, body[name])
    user.metadata = {**user.metadata, **(body.get("metadata") or {})}


def _regulation(request: Request) -> str:
    return request.query.get("regulation") or GDPR
