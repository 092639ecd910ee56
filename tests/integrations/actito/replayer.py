"""Answers as a recorded licence did: the newest stand-in for Actito, and the truest one there will be."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = {"accessToken": "replayed", "tokenType": "bearer", "expiresIn": "900s"}


def exchanges_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


@contextmanager
def replayed(exchanges: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The address of a server that gives each call's recorded answer; a call that nobody recorded is a 404."""
    answers = {(each["method"], each["path"]): each for each in exchanges}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = answers.get((self.command, self.path))
            if self.path.endswith("/auth/token"):
                self._answer(200, "application/json", json.dumps(TOKEN))
            elif known is None:
                self._answer(404, "application/json", "{}")
            else:
                body = known["text"] or json.dumps(known["body"])
                self._answer(known["status"], known["content_type"], body)

        def _answer(self, status: int, content_type: str, body: str) -> None:
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
