"""What the tests of the stand-in for Didomi share: a client that shares no code with the product's, and a listener."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs

import requests

from integrations.didomi.sandbox import API_KEY, ORGANIZATION, SECRET, DidomiSandbox
from portal.sandbox import Request, Response, Sandbox, route

Kind = TypeVar("Kind", bound=Sandbox)
ANNA = "anna@example.com"
EVENTS, USERS = "/consents/events", "/consents/users"
SHAPES = Path(__file__).parents[2] / "contracts" / "didomi-answers.shapes.json"
PAYLOADS = Path(__file__).parents[2] / "payloads" / "didomi"


def payload(name: str) -> Any:
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def open_session(sandbox: DidomiSandbox, key: Any = API_KEY, secret: Any = SECRET, **more: Any) -> requests.Response:
    body = {"type": "api-key", "key": key, "secret": secret, **more}
    return requests.post(f"{sandbox.url}/v1/sessions", json=body, timeout=5)


class Caller:
    """A client that holds a token and names the organisation."""

    def __init__(self, sandbox: DidomiSandbox) -> None:
        self.url = sandbox.url
        self.token = str(open_session(sandbox).json()["access_token"])

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        asked = {"organization_id": ORGANIZATION, **query}
        headers = {"Authorization": f"Bearer {self.token}"}
        return requests.request(method, f"{self.url}/v1{path}", params=asked, json=body, headers=headers, timeout=5)

    def say(self, **body: Any) -> dict[str, Any]:
        answer = self("POST", EVENTS, {"user": {"organization_user_id": ANNA}, **body})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def purposes(self, person: str = ANNA, **query: Any) -> dict[str, Any]:
        """id -> enabled, as the person's one user has it."""
        (user,) = self("GET", USERS, organization_user_id=person, **query).json()
        return {each["id"]: each["enabled"] for each in user["consents"]["purposes"]}


class Listener(Sandbox):
    """Where news goes, and the endpoint that gives tokens for it."""

    def __init__(self) -> None:
        super().__init__()
        self.arrived: list[Request] = []
        self.answers: list[int] = []
        self.forms: list[dict[str, str]] = []
        self.token_heads: list[str] = []
        self.expires_in: Any = 3600

    @route("POST", "/news")
    def take(self, request: Request) -> Response:
        with self.lock:
            self.arrived.append(request)
            return Response(self.answers.pop(0) if self.answers else 200, {})

    @route("POST", "/oauth/token")
    def give_token(self, request: Request) -> Response:
        with self.lock:
            self.forms.append({name: texts[-1] for name, texts in parse_qs(request.body.decode()).items()})
            self.token_heads.append(request.headers.get("authorization", ""))
            token = f"token-{len(self.forms)}"
            return Response(200, {"access_token": token, "token_type": "bearer", "expires_in": self.expires_in})

    def bodies(self) -> list[Any]:
        with self.lock:
            return [request.json() for request in self.arrived]

    def types(self) -> list[str]:
        return [body["type"] for body in self.bodies()]


@contextmanager
def running(sandbox: Kind) -> Iterator[Kind]:
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.stop()
