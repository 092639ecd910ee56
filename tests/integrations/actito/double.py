"""A second stand-in for Actito that shares nothing with the sandbox: a test says, byte by byte, what it answers.

It speaks the other allowed dialects (201 for 200, ids as strings, flat objects) and the ones nobody allows (half
answers, drips, redirects), and keeps every request it saw.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

TOKEN = "double-token-c2VjcmV0"


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]


def answer(status: int, body: Any = b"", content_type: str = "application/json", **headers: str) -> bytes:
    """A whole answer; `body` as it is when it is bytes, else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"HTTP/1.1 {status} Said",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(data)}",
        "Connection: close",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def token(expires_in: Any = "900s", **more: Any) -> bytes:
    return answer(200, {"accessToken": TOKEN, "tokenType": "bearer", "expiresIn": expires_in, **more})


Reply = bytes | Callable[[socket.socket], None]


@dataclass
class Double:
    """`profile` answers every call but the token's; replies in `queue` come first, one a call."""

    profile: Reply = b""
    token: Reply = field(default_factory=token)
    queue: list[Reply] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def __enter__(self) -> Double:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = True
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._listener.close()

    def paths(self) -> list[str]:
        return [seen.path for seen in self.seen]

    def _serve(self) -> None:
        while self._open:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with line:
            head = b""
            while b"\r\n\r\n" not in head:
                received = line.recv(65536)
                if not received:
                    return
                head += received
            first, *rest = head.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
            method, path, _ = first.split(" ")
            headers = dict(each.split(": ", 1) for each in rest)
            self.seen.append(Seen(method, path, headers))
            self._reply(line, path)

    def _reply(self, line: socket.socket, path: str) -> None:
        is_token = path.endswith("/auth/token")
        reply = self.token if is_token else self.queue.pop(0) if self.queue else self.profile
        try:
            if callable(reply):
                reply(line)
            else:
                line.sendall(reply)
        except OSError:
            return  # the caller hung up first
