"""A second stand-in for Didomi that shares nothing with the sandbox: it answers in the other allowed ways.

A test says what each call is answered; without that, the double answers as tersely or as oddly as Didomi's pages allow:
201 for 200, members that nobody knows, no body where one is not needed. Every request it saw is kept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "double-token-c2VjcmV0"


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    query: dict[str, str]
    authorization: str
    body: Any


@dataclass(frozen=True)
class Said:
    """What is answered: JSON, unless the body is bytes. `after`: seconds of silence first."""

    status: int = 200
    body: Any = b""
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0
    hangs_up: bool = False  # what was asked for is done, the answer is lost


def refusal(status: int, name: str, message: str, **more: str) -> Said:
    """An error as Didomi's pages show it."""
    return Said(status, {"code": status, "name": name, "message": message, "errors": {}}, headers=more)


PAGE = Said(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html")
SESSION = Said(201, {"type": "api-key", "key": "k", "access_token": TOKEN, "id": "s-1", "region": "eu"})
Answering = Callable[[Seen], Said | None]


class Double:
    """`says` are answers to the next calls but sessions', in their order; then `answers` decides, then the double."""

    def __init__(self) -> None:
        self.session: list[Said] = []
        self.says: list[Said] = []
        self.answers: Answering = lambda seen: None
        self.seen: list[Seen] = []
        self.events: dict[str, Any] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Double:
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def calls(self) -> list[str]:
        return [f"{seen.method} {seen.path.removeprefix('/v1')}" for seen in self.seen]

    def answer(self, seen: Seen) -> Said:
        self.seen.append(seen)
        if seen.path == "/v1/sessions":
            return self.session.pop(0) if self.session else SESSION
        if self.says:
            said = self.says.pop(0)
            if said.hangs_up:
                self._own(seen)
            return said
        return self.answers(seen) or self._own(seen)

    def _own(self, seen: Seen) -> Said:
        if seen.authorization != f"Bearer {TOKEN}":
            return refusal(401, "NotAuthenticated", "No token")
        if seen.method == "POST" and seen.path == "/v1/consents/events":
            return self._take(seen.body)
        if seen.path.startswith("/v1/consents/events/"):
            found = self.events.get(seen.path.rpartition("/")[2])
            return Said(200, {**found, "seen_by": "somebody"}) if found else refusal(404, "NotFound", "No record found")
        return Said(200, {"data": [], "new": {"member": 1}})

    def _take(self, event: Any) -> Said:
        """A second event with the same id is a bad request: the pages do not say that it is a conflict."""
        if event["id"] in self.events:
            return refusal(400, "BadRequest", "Event already exists")
        self.events[event["id"]] = event
        return Said(201)


def _handler(double: Double) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = double.answer(Seen(
                self.command, parts.path, {name: each[-1] for name, each in parse_qs(parts.query).items()},
                self.headers.get("Authorization", ""), json.loads(sent) if sent else None,
            ))  # fmt: skip
            time.sleep(said.after)
            if not said.hangs_up:
                self._write(said)

        def _write(self, said: Said) -> None:
            body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response(said.status)
            headers = {"Content-Type": said.content_type, "Content-Length": str(len(body)), **said.headers}
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                return  # the caller gave up

        do_GET = do_POST = do_PATCH = do_DELETE = _serve

        def log_message(self, *_: Any) -> None:
            """Silent: the double keeps what it saw."""

    return Handler
