"""Users, who hold the status: https://developers.didomi.io/api/consents/users"""

from __future__ import annotations

from integrations.didomi.sandbox.changes import Changes
from integrations.didomi.sandbox.core import BASE, is_on, wanted
from integrations.didomi.sandbox.store import GDPR, Refusal, User
from portal.sandbox import Request, Response, route

USERS = BASE + "/consents/users"
USER = USERS + r"/(?P<user>[^/]+)"


class UserRoutes(Changes):
    @route("GET", USERS)
    def list_users(self, request: Request) -> Response:
        """All users of a person, or of the organisation; the status under one regulation, by default GDPR."""
        people = wanted(request, "organization_user_id")
        regulation = request.query.get("regulation") or GDPR
        with self.lock:
            found = [
                self._user_json(user, regulation) for user in self._store.users.values()
                if not people or user.organization_user_id in people
            ]  # fmt: skip
        return self._listed(request, found)

    @route("GET", USER)
    def get_user(self, request: Request, user: str) -> Response:
        with self.lock:
            return Response(200, self._user_json(self._find(request, user), request.query.get("regulation") or GDPR))

    def _find(self, request: Request, key: str) -> User:
        """By Didomi's id, or by the organisation's where the call says so; of several the one seen last."""
        if not is_on(request, "$by_organization_user_id"):
            return self._store.user(key)
        found = self._store.users_of(key)
        if not found:
            raise Refusal(404, f"No user found for organization_user_id '{key}'")
        return max(found, key=lambda user: user.updated_at)
