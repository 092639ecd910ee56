"""Google's Wallet API, as far as the portal uses it. Errors are ApiError with what follows from them.

https://developers.google.com/wallet/reference/rest
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from passes.google.account import Account, account_of
from passes.google.answers import TARGET, OfAnotherKind, Refused, refused
from passes.google.tokens import tokens
from passes.models import GoogleIssuer
from portal.http import READ_SECONDS, Answer, call
from portal.ledger.registry import Trail

Body = Mapping[str, Any]


class GoogleClient:
    """Calls for one issuer. `trail` is where the calls are noted; without one they are not.

    A `kind` of resource is Google's path: loyaltyClass, genericObject.
    """

    read_seconds: float = READ_SECONDS

    def __init__(self, issuer: GoogleIssuer, trail: Trail | None = None) -> None:
        self.issuer, self.trail = issuer, trail
        self._account: Account | None = None

    @property
    def account(self) -> Account:
        """Raises ApiError where the stored key cannot be used."""
        self._account = self._account or account_of(self.issuer)
        return self._account

    def put_up(self, kind: str, body: Body, patch: Body) -> dict[str, Any]:
        """Inserts a class or object, or patches the one that is there already. Returns Google's echo."""
        answer = self._call("POST", kind, body)
        if answer.status == 409:
            return self._take_over(kind, str(body["id"]), patch)
        return self._judged(answer)

    def _take_over(self, kind: str, resource_id: str, patch: Body) -> dict[str, Any]:
        """IDs are unique across types, so what is there may be of another. Google's words for that are not known."""
        try:
            return self.patch(kind, resource_id, patch)
        except Refused as refusal:
            if refusal.status in {400, 404} and self.get(kind, resource_id) is None:
                raise OfAnotherKind(kind, resource_id) from refusal
            raise

    def patch(self, kind: str, resource_id: str, body: Body) -> dict[str, Any]:
        """Changes what the body names; null takes away, and lists are replaced whole."""
        return self._judged(self._call("PATCH", f"{kind}/{quote(resource_id, safe='')}", body))

    def get(self, kind: str, resource_id: str) -> dict[str, Any] | None:
        """None when there is none (404)."""
        answer = self._call("GET", f"{kind}/{quote(resource_id, safe='')}")
        return None if answer.status == 404 else self._judged(answer)

    def add_message(self, kind: str, resource_id: str, message: Body) -> dict[str, Any]:
        """Adds a message to an object. Not repeatable: Google adds it, and notifies, as often as it is asked."""
        path = f"{kind}/{quote(resource_id, safe='')}/addMessage"
        return self._judged(self._call("POST", path, {"message": message}, repeatable=False))

    def listed(self, kind: str, **query: str) -> dict[str, Any]:
        """A page of classes of the issuer, or of objects of a class: {"resources", "pagination"}."""
        return self._judged(self._call("GET", f"{kind}?{urlencode(query)}"))

    def issuer_account(self) -> dict[str, Any]:
        return self._judged(self._call("GET", f"issuer/{self.issuer.issuer_id}"))

    def permissions(self) -> dict[str, Any]:
        """{"issuerId", "permissions": [{"emailAddress", "role"}]}."""
        return self._judged(self._call("GET", f"permissions/{self.issuer.issuer_id}"))

    def renew_token(self) -> None:
        tokens.renew(self.account, self.trail)

    def _call(self, method: str, path: str, body: Body | None = None, *, repeatable: bool = True) -> Answer:
        """A token that is refused is replaced once: it may have been revoked before its time."""
        token = tokens.get(self.account, self.trail)
        answer = self._sent(method, path, token, body, repeatable)
        if answer.status == 401:
            tokens.forget(self.account, token)
            answer = self._sent(method, path, tokens.get(self.account, self.trail), body, repeatable)
        return answer

    def _sent(self, method: str, path: str, token: str, body: Body | None, repeatable: bool) -> Answer:
        return call(
            method,
            f"{self.issuer.api_url.rstrip('/')}/walletobjects/v1/{path}",
            target=TARGET,
            trail=self.trail,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            body=body,
            repeatable=repeatable,
            read_seconds=self.read_seconds,
        )

    def _judged(self, answer: Answer) -> dict[str, Any]:
        if error := refused(answer, account=self.account.client_email, issuer_id=self.issuer.issuer_id):
            raise error
        found = answer.json()
        return found if isinstance(found, dict) else {}
