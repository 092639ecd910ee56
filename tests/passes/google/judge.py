"""Hears what the portal sends to Google's sandbox, and has Google's own description judge each body of it."""

from __future__ import annotations

import json
from typing import Any

from passes.google.sandbox import GoogleSandbox
from portal.http import USER_AGENT
from portal.sandbox import Request, Response
from tests.passes.google.discovery import complaints, partial_complaints

API = "/walletobjects/v1/"
ADD_MESSAGE = "/addMessage"


class Judge:
    def __init__(self, google: GoogleSandbox) -> None:
        self.heard: list[tuple[str, str, Any]] = []  # method, path below the API, body
        self._handle = google.handle
        google.handle = self._hear  # type: ignore[method-assign]

    def _hear(self, request: Request) -> Response:
        if request.headers.get("user-agent") == USER_AGENT and request.path.startswith(API) and request.body:
            self.heard.append((request.method, request.path.removeprefix(API), json.loads(request.body)))
        return self._handle(request)

    def complaints(self) -> list[str]:
        """All that Google's description does not allow, with the call."""
        return [f"{method} {path}: {said}" for method, path, body in self.heard for said in _about(method, path, body)]


def _about(method: str, path: str, body: Any) -> list[str]:
    kind = path.split("/", maxsplit=1)[0]
    if path.endswith(ADD_MESSAGE):
        return complaints("AddMessageRequest", body)
    name = kind[0].upper() + kind[1:]
    return partial_complaints(name, body) if method == "PATCH" else complaints(name, body)
