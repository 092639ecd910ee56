"""What every route stands on: sessions and their tokens, the organisation, the limit on calls, the form of errors."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
import uuid
from collections import deque
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs

from integrations.didomi.sandbox.catalogue import Json
from integrations.didomi.sandbox.deliveries import Deliveries
from integrations.didomi.sandbox.store import NAMES, Refusal, Store
from integrations.didomi.sandbox.switches import Switches
from portal.sandbox import Fault, Request, Response, Sandbox, route

BASE = "/v1"
SESSIONS = BASE + "/sessions"
UNLIMITED, FULL_TREE = BASE + "/consents/", "$include_full_tree"
WINDOW_SECONDS = 15.0
ORGANIZATION, API_KEY = "sandbox-organisation", "sandbox-private-key"
SECRET = "sandbox-secret"


class DidomiCore(Sandbox):
    name: ClassVar[str] = "didomi"

    def __init__(
        self,
        state: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        organization: str = ORGANIZATION,
        api_key: str = API_KEY,
        secret: str = SECRET,
        token_seconds: float = 3600,
    ) -> None:
        super().__init__(host, port)
        self.token_seconds = token_seconds
        self.switches = Switches()
        self._store = Store(state, organization, api_key, secret)
        self._deliveries = Deliveries(self._store, self.switches, self.lock)
        self._tokens: dict[str, float] = {}  # -> until when, on the monotonic clock
        self._signing = secrets.token_bytes(32)
        self._calls: deque[float] = deque()  # when the limited calls of the window came
        self._counting = threading.Lock()

    def stop(self) -> None:
        super().stop()
        self._deliveries.stop()

    @property
    def organization(self) -> str:
        return self._store.organization

    def handle(self, request: Request) -> Response:
        """The answer of a route under `/_sandbox/`, or of Didomi's to who is let in."""
        own = request.path.startswith("/_sandbox/") or request.path == "/"
        try:
            response = super().handle(request) if own else self._handle_call(request)
        except Refusal as refusal:
            return self._refused(refusal)
        if own or response.status not in {404, 405}:
            return response
        # The routes raise theirs, so this is the base class: it knows no such path or method.
        return self._refused(Refusal(response.status, "Page not found", response.headers))

    def _handle_call(self, request: Request) -> Response:
        time.sleep(self.switches.latency)
        free = request.path.startswith(UNLIMITED) and not is_on(request, FULL_TREE)
        limits = {} if free else self._count()
        if request.path != SESSIONS:
            self._admit(request)
        response = super().handle(request)
        return Response(response.status, response.body, {**limits, **response.headers})

    def _refused(self, refusal: Refusal) -> Response:
        return Response(refusal.status, self._error(refusal.status, refusal.message), refusal.headers)

    def _error(self, status: int, message: str) -> Json:
        name = self.switches.unauthorized_name if status == 401 else NAMES.get(status, "GeneralError")
        empty: Any = [] if self.switches.errors_as_list else {}
        return {"code": status, "name": name, "message": message, "errors": empty}

    def fault_body(self, fault: Fault, path: str) -> Any:
        return {**self._error(fault.status, "Armed fault"), **({"name": fault.reason} if fault.reason else {})}

    def _count(self) -> dict[str, str]:
        """Counts a limited call, and says in headers what is left. Raises Refusal when nothing is."""
        limit = self.switches.rate_limit
        if not limit:
            return {}
        with self._counting:
            current = time.monotonic()
            while self._calls and self._calls[0] <= current - WINDOW_SECONDS:
                self._calls.popleft()
            full = len(self._calls) >= limit
            if not full:
                self._calls.append(current)
            reset = max(1, round(self._calls[0] + WINDOW_SECONDS - current))
            left = limit - len(self._calls)
        headers = {
            "RateLimit": f"limit={limit}, remaining={max(0, left)}, reset={reset}",
            "RateLimit-Policy": f"{limit};w={WINDOW_SECONDS:g}",
        }
        if full:
            raise Refusal(429, "Too many requests", {**headers, "Retry-After": str(reset)})
        return headers

    @route("POST", SESSIONS)
    def open_session(self, request: Request) -> Response:
        """`{"type": "api-key", "key", "access_token"}` for `{"type": "api-key", "key", "secret"}`."""
        body = json_of(request)
        asked = body if isinstance(body, dict) else {}
        key, secret = asked.get("key"), asked.get("secret")
        with self.lock:
            known = isinstance(key, str) and self._store.keys.get(key)
            if asked.get("type") != "api-key" or not known or secret != known:
                raise Refusal(400, "Invalid authentication information")
            token = self._new_token(str(key))
        return Response(200, {"type": "api-key", "key": key, "access_token": token})

    def _new_token(self, key: str) -> str:
        current, issued = time.monotonic(), int(time.time())
        claims = {"iat": issued, "exp": issued + int(self.token_seconds), "sub": key, "jti": str(uuid.uuid4())}
        head = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
        token = f"{head}.{_url64(hmac.digest(self._signing, head.encode(), hashlib.sha256))}"
        self._tokens = {each: until for each, until in self._tokens.items() if until > current}
        self._tokens[token] = current + self.token_seconds
        return token

    def _admit(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        with self.lock:
            until = self._tokens.get(token.strip(), 0.0)
        if scheme.lower() != "bearer" or until <= time.monotonic():
            raise Refusal(401, "Invalid authentication token")
        organization = request.query.get("organization_id")
        if not organization:
            raise Refusal(400, "'organization_id' is required")
        self._own(organization)

    def _own(self, organization: Any) -> None:
        """Raises Refusal for another organisation."""
        if organization != self.organization:
            words = "You are not allowed to access this organization"
            raise Refusal(self.switches.foreign_status, words if self.switches.foreign_status == 403 else "Not found")

    def _listed(self, request: Request, rows: list[Json]) -> Response:
        """Rows in the form that the switch says."""
        shape, size = self.switches.list_shape, self.switches.page_size
        if shape == "array":
            return Response(200, rows)
        if shape == "data":
            return Response(200, {"data": rows})
        if shape == "page":
            return Response(200, page(request, rows, size))
        start = number(request, "$cursor", 0)
        following = str(start + size) if start + size < len(rows) else None
        return Response(200, {"data": rows[start : start + size], "cursor": following})


def page(request: Request, rows: list[Json], size: int) -> Json:
    """`{"total", "limit", "skip", "data"}` of what `$limit` and `$skip` ask for."""
    limit, skip = min(number(request, "$limit", size), size), number(request, "$skip", 0)
    return {"total": len(rows), "limit": limit, "skip": skip, "data": rows[skip : skip + limit]}


def number(request: Request, name: str, otherwise: int) -> int:
    text = request.query.get(name, "") or str(otherwise)
    if not text.isdecimal():
        raise Refusal(400, f"'{name}' should be a number")
    return int(text)


def wanted(request: Request, name: str) -> list[str]:
    """The values of a parameter, be it `x=a`, `x[$in]=a&x[$in]=b` or `x[$in][]=a`; empty when it is not there."""
    found = parse_qs(request.raw_query, keep_blank_values=True)
    return [text for key in (name, f"{name}[$in]", f"{name}[$in][]") for text in found.get(key, [])]


def names(request: Request) -> list[str]:
    """The parameters of a call, without the brackets that some have."""
    found = parse_qs(request.raw_query, keep_blank_values=True)
    return list(dict.fromkeys(key.split("[")[0] for key in found))


def is_on(request: Request, name: str) -> bool:
    return request.query.get(name, "").lower() in {"true", "1"}


def json_of(request: Request) -> Any:
    try:
        return request.json()
    except ValueError as failure:
        raise Refusal(400, "Unexpected token in JSON") from failure


def _part(claims: Json) -> str:
    return _url64(json.dumps(claims).encode())


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
