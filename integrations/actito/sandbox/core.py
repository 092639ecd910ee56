"""What every route stands on: state, tokens, the limit on concurrent requests, writes that push."""

from __future__ import annotations

import base64
import secrets
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from integrations.actito.sandbox import profiles, rights, webhooks
from integrations.actito.sandbox.deliveries import Deliveries
from integrations.actito.sandbox.store import Json, Profile, Refusal, Store, Table
from integrations.actito.sandbox.switches import Switches
from portal.sandbox import Request, Response, Sandbox, route

TOKEN_PATH = "/auth/token"
LEGACY_PATH = "/ActitoWebServices/"
LEGACY = "ActitoWebServices/ws/v4"
LEGACY_5 = "ActitoWebServices/ws/v5"  # by analogy: no source shows a v5 route there
CONCURRENT_REQUESTS = 5
CALLS_PER_MINUTE, SLOWEST_SECONDS = 100, 5.0


class ActitoCore(Sandbox):
    name: ClassVar[str] = "actito"

    def __init__(
        self, state: Path | None = None, host: str = "127.0.0.1", port: int = 0, token_seconds: float = 900
    ) -> None:
        self.token_seconds = token_seconds
        self.switches = Switches()
        self._store = Store(state)
        self._deliveries = Deliveries(self.switches)
        self._tokens: dict[str, tuple[float, str]] = {}  # -> until when, and the API key it was given for
        self._running = 0
        self._calls: deque[float] = deque()  # when the calls of the last minute came
        super().__init__(host, port)

    def stop(self) -> None:
        super().stop()
        self._deliveries.stop()

    def deliveries(self) -> list[Json]:
        """`[{subscription, url, event_type, profile_id, status, ms, sent_at, error}]`, oldest first, one row per post
        and profile; status is None when there was no answer."""
        return list(self._deliveries.log)

    def drain(self, timeout: float = 10.0) -> None:
        """Waits until all pushes are posted, held and collected ones too; TimeoutError if that takes longer."""
        self._deliveries.drain(timeout)

    def handle(self, request: Request) -> Response:
        """The answer of a route under `/_sandbox/`, or of a vendor route to who is let in."""
        try:
            own = request.path.startswith("/_sandbox/") or request.path == "/"
            return super().handle(request) if own else self._handle_call(request)
        except Refusal as refusal:
            return Response(refusal.status, refusal.body)

    def _handle_call(self, request: Request) -> Response:
        with self._slot():
            time.sleep(self.switches.latency + self._slowness())
            self._admit(request)
            response = super().handle(request)
        if response.status not in {404, 405}:
            return response
        # The routes raise theirs, so this is the base class: it knows no such path or method.
        code = "NOT_FOUND" if response.status == 404 else "METHOD_NOT_ALLOWED"
        return Response(
            response.status, Refusal(response.status, code, response.body["message"]).body, response.headers
        )

    @route("GET", TOKEN_PATH)
    def get_token(self, request: Request) -> Response:
        """`{"accessToken", "tokenType", "expiresIn": "900s", "scope", "jti"}` for a raw API key in Authorization."""
        with self.lock:
            key = request.headers.get("authorization", "")
            if key not in self._store.api_keys:
                raise Refusal(401, "UNAUTHORIZED", "Unknown API key")
            now, token = time.monotonic(), secrets.token_urlsafe(32)
            self._tokens = {known: kept for known, kept in self._tokens.items() if kept[0] > now}
            self._tokens[token] = (now + self.token_seconds, key)
        answer = {"accessToken": token, "tokenType": "bearer", "expiresIn": f"{self.token_seconds:g}s"}
        return Response(200, {**answer, "scope": "read write", "jti": str(uuid.uuid4())})

    @contextmanager
    def _slot(self) -> Iterator[None]:
        with self.lock:
            if self.switches.throttle and self._running >= CONCURRENT_REQUESTS:
                raise Refusal(429, "TOO_MANY_REQUESTS", f"More than {CONCURRENT_REQUESTS} concurrent requests")
            self._running += 1
        try:
            yield
        finally:
            with self.lock:
                self._running -= 1

    def _slowness(self) -> float:
        """Seconds that a call waits: none up to the limit of a minute, then more at each excess."""
        with self.lock:
            now = time.monotonic()
            self._calls.append(now)
            while self._calls[0] < now - 60:
                self._calls.popleft()
            excess = max(0, len(self._calls) - CALLS_PER_MINUTE)
        return min(excess * self.switches.slow_step, SLOWEST_SECONDS) if self.switches.throttle else 0.0

    def _admit(self, request: Request) -> None:
        accepted = request.headers.get("accept", "*/*")
        if not any(kind in accepted for kind in ("application/json", "application/*", "*/*")):
            raise Refusal(406, "NOT_ACCEPTABLE", "Only application/json is spoken here", accept=accepted)
        if request.path == TOKEN_PATH:
            return
        scheme, _, credential = request.headers.get("authorization", "").partition(" ")
        bearer, basic = scheme.lower() == "bearer", scheme.lower() == "basic"
        with self.lock:
            until, key = self._tokens.get(credential, (0.0, ""))
            if bearer and until > time.monotonic():
                self._check_rights(key, request)
                return
            if basic and request.path.startswith(LEGACY_PATH) and credential in map(_basic, self._store.accounts):
                return
        raise Refusal(401, "UNAUTHORIZED", "The access token is missing, unknown or expired")

    def _check_rights(self, key: str, request: Request) -> None:
        if area := rights.missing(self._store.rights.get(key, {}), request.method, request.path):
            raise Refusal(403, "FORBIDDEN", f"The API user has no right for this: {area}", area=area)

    def _table(self, entity: str, table: str) -> Table:
        return self._store.entity(entity).table(table)

    def _write(self, entity: str, table: Table, profile: Profile | None, draft: profiles.Draft) -> Profile:
        """Writes, saves and pushes; the caller holds the lock, so pushes leave in the order of the changes."""
        change = profiles.write(table, profile, draft, self.switches.conflict_status)
        self._publish(entity, table, change)
        return change.profile

    def _publish(self, entity: str, table: Table, change: profiles.Change) -> None:
        self._store.save()
        for event in webhooks.events(entity, table, change):
            self._push(event)

    def _push(self, event: webhooks.Event) -> int:
        """Hands the event to the subscriptions that it concerns. Returns how many."""
        concerned = [webhook for webhook in self._store.webhooks.values() if webhooks.concerns(webhook, event)]
        for webhook in concerned:
            self._deliveries.take(webhook, event)
        return len(concerned)

    def _change(self, entity: str, table: str, key: str, body: Any) -> Profile:
        """A partial change of a profile that exists."""
        with self.lock:
            place = self._table(entity, table)
            return self._write(entity, place, profiles.find(place, key), profiles.parse(place, body))


def _basic(account: str) -> str:
    return base64.b64encode(account.encode()).decode()


def json_of(request: Request) -> Any:
    try:
        return request.json()
    except ValueError as failure:
        raise Refusal(400, "INVALID_JSON", "The body is not JSON") from failure
