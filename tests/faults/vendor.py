"""A vendor over real sockets that fails as a test says. It counts what reached it, and what it did, by Event id."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[["Vendor", BaseHTTPRequestHandler], None]
BIG = 50 * 1024 * 1024


class Vendor:
    """GET /7 answers the value of profile 7 as it was when the call began; POST /act does something once a call.

    `fault` answers instead as long as it is set. `seen`: when each id was asked for, by this process's clock.
    """

    def __init__(self) -> None:
        self.values: Counter[str] = Counter()
        self.seen: defaultdict[str, list[float]] = defaultdict(list)
        self.acted: Counter[str] = Counter()
        self.fault: Fault | None = None
        self.takes_seconds = 0.01
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                vendor.serve(self)

            def do_POST(self) -> None:
                vendor.serve(self)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_: Any) -> None:
                """Callers that are killed break off."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def calls(self) -> int:
        return sum(len(times) for times in list(self.seen.values()))

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        event, fault = request.headers["X-Event"], self.fault
        self.seen[event].append(time.monotonic())
        value = self.values[request.path.strip("/")]
        time.sleep(self.takes_seconds)
        if request.command == "POST" and fault in {None, reset_after_the_effect, hang_after_the_effect}:
            self.acted[event] += 1
        if fault:
            fault(self, request)
        else:
            answer(request, 200, json.dumps({"value": value}).encode())


def answer(request: BaseHTTPRequestHandler, status: int, body: bytes = b"{}", **headers: str) -> None:
    request.send_response(status)
    for name, value in {"Content-Type": "application/json", **headers}.items():
        request.send_header(name.replace("_", "-"), value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def hang(vendor: Vendor, request: BaseHTTPRequestHandler) -> None:
    """Never answers; ends when the fault does."""
    while vendor.fault in {hang, hang_after_the_effect}:
        time.sleep(0.05)
    reset(vendor, request)


def hang_after_the_effect(vendor: Vendor, request: BaseHTTPRequestHandler) -> None:
    hang(vendor, request)


def drip(vendor: Vendor, request: BaseHTTPRequestHandler) -> None:
    """A byte every half second: no read ever times out."""
    request.send_response(200)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    while vendor.fault is drip:
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.5)
    reset(vendor, request)


def reset(vendor: Vendor, request: BaseHTTPRequestHandler) -> None:
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    request.close_connection = True


def reset_after_the_effect(vendor: Vendor, request: BaseHTTPRequestHandler) -> None:
    reset(vendor, request)


def error_500(vendor: Vendor, request: BaseHTTPRequestHandler) -> None:
    answer(request, 500)


def too_many(vendor: Vendor, request: BaseHTTPRequestHandler) -> None:
    answer(request, 429, Retry_After="2")


def html(vendor: Vendor, request: BaseHTTPRequestHandler) -> None:
    answer(request, 200, b"<html><h1>Back soon</h1></html>", Content_Type="text/html")


def fifty_megabytes(vendor: Vendor, request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(BIG))
    request.end_headers()
    for _ in range(BIG // 65536):
        request.wfile.write(b" " * 65536)


def redirect(vendor: Vendor, request: BaseHTTPRequestHandler) -> None:
    answer(request, 302, Location=f"{vendor.url}/elsewhere")
