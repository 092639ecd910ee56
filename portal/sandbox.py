"""What every vendor's local stand-in shares: a small HTTP server with routes, fault switches and a request log.

A sandbox speaks the vendor's protocol over real sockets. Product code never knows that it talks to one.
Switches live under `/_sandbox/` on the sandbox's own port, never on the vendor's paths.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

BODY_LIMIT = 5 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    raw_query: str = ""  # for a vendor whose parameters repeat

    def json(self) -> Any:
        """The decoded body, or None for an empty one. Raises ValueError for anything that is not JSON."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Response:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, str]:
        if self.body is None:
            return b"", "application/json"
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/html; charset=utf-8"
        return json.dumps(self.body).encode(), "application/json"


@dataclass
class Fault:
    """One armed fault. `kind`: status, slow, malformed or drop; `times` counts down; `path`: a regular expression.

    An empty `method` is any. `reason`: the error's name, for a vendor whose errors have one.
    """

    kind: str
    path: str = ""
    times: int = 1
    status: int = 500
    seconds: float = 0.0
    retry_after: str = ""
    method: str = ""
    reason: str = ""

    def hits(self, method: str, path: str) -> bool:
        return self.method in {"", method} and bool(re.search(self.path, path))


KINDS = ("status", "slow", "malformed", "drop")
METHODS = ("", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
# What a member of a fault must be, in words, and how that is found out.
MEMBERS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "kind": (f"one of {', '.join(KINDS)}", lambda value: value in KINDS),
    "path": ("a regular expression", lambda value: isinstance(value, str) and _is_pattern(value)),
    "times": ("a whole number from 1", lambda value: type(value) is int and value >= 1),
    "status": ("a whole number from 200 to 599", lambda value: type(value) is int and 200 <= value <= 599),
    "seconds": ("a number from 0 to 3600", lambda value: type(value) in {int, float} and 0 <= value <= 3600),
    "retry_after": ("a line of text", lambda value: isinstance(value, str) and _is_line(value)),
    "method": (f"empty or one of {', '.join(METHODS[1:])}", lambda value: value in METHODS),
    "reason": ("a line of text", lambda value: isinstance(value, str) and _is_line(value)),
}


def read_fault(body: Any) -> Fault:
    """The fault that decoded JSON describes. Raises ValueError with a message for whoever sent it."""
    if not isinstance(body, dict):
        raise ValueError("A fault is a JSON object.")
    if unknown := sorted(set(body) - set(MEMBERS)):
        raise ValueError(f"A fault has no {', '.join(unknown)}. It has {', '.join(MEMBERS)}.")
    if "kind" not in body:
        raise ValueError(f"The kind is missing: {MEMBERS['kind'][0]}.")
    for name, value in body.items():
        wanted, fits = MEMBERS[name]
        if not fits(value):
            raise ValueError(f"The {name} must be {wanted}.")
    return Fault(**body)


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _is_line(text: str) -> bool:
    return text.isascii() and (text.isprintable() or not text)


Handler = Callable[..., Response]


def route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    """Marks a method of a Sandbox as the handler of a route; named groups of the pattern become its arguments."""

    def mark(handler: Handler) -> Handler:
        handler.sandbox_route = (method, re.compile(pattern + r"\Z"))  # type: ignore[attr-defined]
        return handler

    return mark


class Sandbox:
    """A vendor's stand-in. Subclasses add routes; the state is theirs."""

    name: ClassVar[str] = "sandbox"

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.lock = threading.RLock()
        self.faults: list[Fault] = []
        self.requests: deque[dict[str, Any]] = deque(maxlen=1000)
        self._routes = self._collect_routes()
        self._server = _Server((host, port), self)
        self.port: int = self._server.server_address[1]
        self.url = f"http://{host}:{self.port}"
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread:
            self._server.shutdown()
            self._thread.join(5)
        self._server.server_close()

    def _collect_routes(self) -> list[tuple[str, re.Pattern[str], Handler]]:
        marks = {name: getattr(getattr(type(self), name), "sandbox_route", None) for name in dir(type(self))}
        return [(mark[0], mark[1], getattr(self, name)) for name, mark in marks.items() if mark]

    def handle(self, request: Request) -> Response:
        """The answer to one request, faults aside. An unknown path is 404, a known path with another method 405."""
        allowed = set()
        for method, pattern, handler in self._routes:
            if match := pattern.match(request.path):
                if method == request.method:
                    return handler(request, **{name: unquote(text) for name, text in match.groupdict().items()})
                allowed.add(method)
        if allowed:
            return Response(405, {"message": "Method not allowed"}, {"Allow": ", ".join(sorted(allowed))})
        return Response(404, {"message": "Not found"})

    def arm(self, fault: Fault) -> None:
        with self.lock:
            self.faults.append(fault)

    def take_fault(self, method: str, path: str) -> Fault | None:
        if path.startswith("/_sandbox/"):
            return None
        with self.lock:
            for fault in self.faults:
                if fault.hits(method, path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self.faults.remove(fault)
                    return fault
        return None

    def fault_body(self, fault: Fault, path: str) -> Any:
        """The body of an armed status in answer to a call of `path`: each vendor words its errors differently."""
        return {"message": "Armed fault"}

    @route("POST", "/_sandbox/faults")
    def arm_fault(self, request: Request) -> Response:
        try:
            fault = read_fault(request.json())
        except json.JSONDecodeError:
            return Response(400, {"message": "The body is not JSON."})
        except UnicodeDecodeError:
            return Response(400, {"message": "The body is not UTF-8 text."})
        except ValueError as error:
            return Response(400, {"message": str(error)})
        self.arm(fault)
        return Response(201, {"armed": len(self.faults)})

    @route("DELETE", "/_sandbox/faults")
    def disarm_faults(self, request: Request) -> Response:
        with self.lock:
            self.faults.clear()
        return Response(204)

    @route("GET", "/_sandbox/requests")
    def list_requests(self, request: Request) -> Response:
        return Response(200, list(self.requests))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes: kept-alive connections would wait 40 ms between them
    server: _Server

    def _serve(self) -> None:
        sandbox, started = self.server.sandbox, time.monotonic()
        request = self._read()
        fault = sandbox.take_fault(request.method, request.path)
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
        if fault and fault.kind == "status":
            response = Response(fault.status, sandbox.fault_body(fault, request.path), _retry_after(fault))
        else:
            response = self._answer(request)
        sandbox.requests.append(
            {
                "method": request.method,
                "path": request.path,
                "status": response.status,
                "ms": round((time.monotonic() - started) * 1000, 1),
                "fault": fault.kind if fault else "",
            }
        )
        if fault and fault.kind == "drop":  # the effect took place, the answer never arrives
            self.close_connection = True
            return
        self._write(response, malformed=bool(fault and fault.kind == "malformed"))

    def _answer(self, request: Request) -> Response:
        try:
            return self.server.sandbox.handle(request)
        except Exception as error:  # a bug of the sandbox must look like a server's error, not like a broken line
            return Response(500, {"message": f"{type(error).__name__}: {error}"})

    def _read(self) -> Request:
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        length = min(int(self.headers.get("Content-Length") or 0), BODY_LIMIT)
        headers = {name.lower(): text for name, text in self.headers.items()}
        return Request(self.command, url.path, query, headers, self.rfile.read(length), url.query)

    def _write(self, response: Response, malformed: bool) -> None:
        body, content_type = response.encoded()
        if malformed:
            body = body[: len(body) // 2] + b"<!--"
        self.send_response(response.status)
        for name, text in {"Content-Type": content_type, **response.headers}.items():
            self.send_header(name, text)
        if response.status not in {204, 304}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and response.status not in {204, 304}:
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the sandbox keeps its own request log."""


def _retry_after(fault: Fault) -> dict[str, str]:
    return {"Retry-After": fault.retry_after} if fault.retry_after else {}
