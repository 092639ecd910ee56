"""What every route stands on: state, tokens, who calls, the limit of a second."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import rsa

from passes.google.sandbox import accounts, refusals
from passes.google.sandbox.accounts import KeyFile, TokenRefused, Tokens
from passes.google.sandbox.callbacks import Callbacks
from passes.google.sandbox.notices import Notices
from passes.google.sandbox.refusals import Refusal
from passes.google.sandbox.resources import Resources
from passes.google.sandbox.store import Issuer, load
from passes.google.sandbox.switches import Switches
from portal.sandbox import Fault, Request, Response, Sandbox, route

API, TOKEN_PATH = "/walletobjects/v1", "/token"
JSON = {"Content-Type": "application/json; charset=UTF-8", "Vary": "Origin, X-Origin, Referer"}


class GoogleCore(Sandbox):
    name: ClassVar[str] = "google"

    def __init__(self, state: Path | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.switches = Switches()
        self.store = load(state)
        self.tokens = Tokens()
        self.notices = Notices(self.store)
        self.resources = Resources(self.store, self.switches, self.notices)
        self.callbacks = Callbacks(self.store, self.switches)
        super().__init__(host, port)

    def stop(self) -> None:
        super().stop()
        self.callbacks.stop()

    def handle(self, request: Request) -> Response:
        """The Wallet API asks who calls; all else is open, and 400 for what makes no sense."""
        try:
            if request.path.startswith(f"{API}/"):
                return self._api(request)
            return super().handle(request)
        except Refusal as refusal:
            return Response(refusal.status, refusal.body, JSON)

    def fault_body(self, fault: Fault, path: str) -> Any:
        """A reason in capitals, such as SERVICE_DISABLED, is one of the front end's."""
        if path == TOKEN_PATH:
            return {"error": fault.reason or "internal_failure", "error_description": "Armed fault"}
        if fault.status == 401:
            return refusals.unauthenticated().body
        reason = fault.reason or refusals.REASONS.get(fault.status, "backendError")
        return refusals.body_of(fault.status, reason, "Armed fault", front=reason.isupper())

    def account_of(self, request: Request) -> str:
        """Whose token the request carries. Raises Refusal."""
        if email := self.tokens.account(request.headers.get("authorization", "")):
            return email
        raise refusals.unauthenticated()

    def issue_key(
        self,
        issuer: str = "",
        name: str = "Sandbox",
        *,
        account: str = "wallet",
        role: str = "OWNER",
        key: rsa.RSAPrivateKey | None = None,
    ) -> KeyFile:
        """A key file of a service account whose tokens come from here.

        With an `issuer` (its number) the account becomes one of its users, and the issuer is made if need be. Without
        one it is an account that nobody has invited. `key`: instead of a new one, which takes a moment to make.
        """
        if issuer and not (issuer.isdecimal() and len(issuer) <= 19):
            raise ValueError("An issuer's id is a number of 19 digits at most.")
        email = accounts.email_of(account)
        made = key or rsa.generate_private_key(65537, 2048)
        file, known = accounts.key_file(email, made, f"{self.url}{TOKEN_PATH}")
        with self.lock:
            self.store.keys[file["private_key_id"]] = known
            if issuer:
                self.store.issuers.setdefault(issuer, Issuer(name)).permissions[email] = role
            self.store.save()
        return file

    def revoke_key(self, key: str) -> bool:
        """As when somebody deletes the key in the Cloud console: no token for it from now on, and those out end."""
        with self.lock:
            known = self.store.keys.pop(key, None)
            if known:
                self.tokens.withdraw(known.email)
                self.store.save()
        return known is not None

    @route("POST", TOKEN_PATH)
    def give_token(self, request: Request) -> Response:
        """`{"access_token", "expires_in", "token_type"}` for an assertion; else RFC 6749's error."""
        fields = parse_qs(request.body.decode(errors="replace"))
        try:
            with self.lock:
                email = accounts.asserted({name: values[-1] for name, values in fields.items()}, self.store.keys)
        except TokenRefused as refusal:
            return Response(400, {"error": refusal.code, "error_description": str(refusal)}, JSON)
        return Response(200, self.tokens.give(email), JSON)

    def _api(self, request: Request) -> Response:
        time.sleep(self.switches.latency)
        email = self.account_of(request)
        if not self.tokens.within(email, self.switches.rate_limit):
            raise refusals.too_fast()
        response = super().handle(request)
        if isinstance(response.body, dict) and "message" in response.body:
            # The routes raise theirs, so this is the base class: it knows no such path or method.
            body = refusals.body_of(response.status, "notFound", response.body["message"])
            return Response(response.status, body, {**JSON, **response.headers})
        return Response(response.status, response.body, {**JSON, **response.headers})


def json_object(request: Request) -> dict[str, Any]:
    """The body of a call of the API. Raises Refusal."""
    try:
        body = request.json()
    except ValueError:
        raise refusals.not_json() from None
    if not isinstance(body, dict):
        raise refusals.not_json()
    return body
