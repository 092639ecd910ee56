"""Apple's push service: HTTP/2 over TLS with a client certificate, for pass updates only.

Paths, headers, statuses and reasons: developer.apple.com/documentation/usernotifications
(sending-notification-requests-to-apns and handling-notification-responses-from-apns). Stricter than Apple in one
point: a pass push that carries anything but an empty payload is refused, where Apple would ignore the rest.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Literal

from passes.apple.sandbox.apns_protocol import Answer, Connection, PushRequest, judge
from passes.apple.sandbox.authority import Authority
from passes.apple.sandbox.provider_keys import ProviderKeys

logger = logging.getLogger(__name__)

REASONS = {
    403: "BadCertificate",
    410: "Unregistered",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}


@dataclass
class ApnsFault:
    """One armed fault; `times` counts down.

    status: answer `status` and `reason` and deliver nothing. slow: wait `seconds`, then answer as usual.
    goaway: answer as usual, then send GOAWAY and close. drop: deliver, then cut the connection without an answer.
    """

    kind: Literal["status", "slow", "goaway", "drop"] = "status"
    times: int = 1
    status: int = 500
    reason: str = ""
    seconds: float = 0.0
    retry_after: str = ""


@dataclass(frozen=True)
class Push:
    """One line of the log. `at` is in seconds since the epoch."""

    token: str
    topic: str
    status: int
    reason: str
    apns_id: str
    at: float


class ApnsSandbox:
    """Runs its own event loop in one thread; `on_push(token, topic)` is called from worker threads."""

    def __init__(
        self,
        authority: Authority,
        host: str = "127.0.0.1",
        port: int = 0,
        on_push: Callable[[str, str], None] | None = None,
    ) -> None:
        self.on_push = on_push
        self.host, self.port = host, port
        self.pushes: deque[Push] = deque(maxlen=1000)
        self.connections_made = 0
        self._context = authority.server_context(*([] if _is_any_address(host) else [host]))
        self._lock = threading.Lock()
        self._faults: list[ApnsFault] = []
        self._known: set[str] = set()
        self.keys = ProviderKeys()
        self._removed: dict[str, int] = {}
        self._open: set[Connection] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._workers: ThreadPoolExecutor | None = None

    @property
    def url(self) -> str:
        return f"https://{'127.0.0.1' if _is_any_address(self.host) else self.host}:{self.port}"

    def start(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._workers = ThreadPoolExecutor(8, "apns-delivery")
        server = self._loop.run_until_complete(
            self._loop.create_server(lambda: Connection(self), self.host, self.port, ssl=self._context, backlog=128)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(self._loop, server), name="apns", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._loop and self._thread and self._workers:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)
            self._workers.shutdown(wait=False, cancel_futures=True)

    def _run(self, loop: asyncio.AbstractEventLoop, server: asyncio.Server) -> None:
        loop.run_forever()
        server.close()
        for connection in list(self._open):
            connection.abort()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    def register_token(self, token: str) -> None:
        with self._lock:
            self._known.add(token)
            self._removed.pop(token, None)

    def remove_token(self, token: str) -> None:
        """From now on pushes to the token are answered 410 with this moment as timestamp."""
        with self._lock:
            if token in self._known:
                self._known.remove(token)
                self._removed[token] = int(time.time() * 1000)

    def arm(self, fault: ApnsFault) -> None:
        with self._lock:
            self._faults.append(fault)

    def disarm(self) -> None:
        with self._lock:
            self._faults.clear()

    def log(self) -> list[dict[str, Any]]:
        return [asdict(push) for push in list(self.pushes)]

    # What a connection asks of the service, on the event loop's thread.

    def opened(self, connection: Connection) -> None:
        self._open.add(connection)
        self.connections_made += 1

    def closed(self, connection: Connection) -> None:
        self._open.discard(connection)

    def take_fault(self) -> ApnsFault | None:
        with self._lock:
            if not self._faults:
                return None
            fault = self._faults[0]
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
            return fault

    def answer(self, request: PushRequest, fault: ApnsFault | None) -> Answer:
        """Judges, logs and, where the push is good, hands it on."""
        answer = self._fault_answer(fault) or judge(request) or self._refused(request)
        answer = answer or self._token_answer(request.token)
        answer = answer or Answer(200)
        self.pushes.append(
            Push(request.token, request.topic, answer.status, answer.reason, request.apns_id, time.time())
        )
        if answer.status == 200 and self._workers:
            self._workers.submit(self._deliver, request.token, request.topic)
        return answer

    def _fault_answer(self, fault: ApnsFault | None) -> Answer | None:
        if fault is None or fault.kind != "status":
            return None
        timestamp = int(time.time() * 1000) if fault.status == 410 else None
        return Answer(fault.status, fault.reason or REASONS.get(fault.status, ""), timestamp, fault.retry_after)

    def _refused(self, request: PushRequest) -> Answer | None:
        """Without a certificate, a push bears a token of one of the known keys."""
        if request.certificate_topic:
            return None
        return self.keys.judge(request.headers.get("authorization", ""), request.topic)

    def _token_answer(self, token: str) -> Answer | None:
        with self._lock:
            if token in self._known:
                return None
            removed = self._removed.get(token)
        return Answer(410, "Unregistered", removed) if removed else Answer(400, "BadDeviceToken")

    def _deliver(self, token: str, topic: str) -> None:
        try:
            if self.on_push:
                self.on_push(token, topic)
        except Exception:
            logger.exception("A push could not be delivered to its phone")


def _is_any_address(host: str) -> bool:
    return host in {"", "0.0.0.0", "::"}  # noqa: S104
