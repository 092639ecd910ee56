"""The connections to Apple's push service.

An HTTP/2 client shared by threads loses requests. So one thread per process owns an event loop and all clients, one
long-lived connection per certificate, as Apple asks for; other threads hand their pushes over.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
import tempfile
import threading
import time
from dataclasses import dataclass, field

import httpx2

from passes.apple.answers import SHUTDOWN, reason_of

CALL_SECONDS = 15.0
# A push without an answer for so long condemns its connection; the others on it are tried again on a new one.
SILENCE_SECONDS = 10.0
IDLE_SECONDS = 3600.0
GRACE_SECONDS = CALL_SECONDS
# What a connection that Apple closes (GOAWAY) raises on the request that meets it. Apple may have taken that push; the
# library cannot hear its answer any more, so it is sent once more: a phone that is woken twice asks twice.
_CLOSED = (httpx2.RemoteProtocolError, httpx2.LocalProtocolError, httpx2.ReadError, httpx2.WriteError)


class UnusableIdentity(Exception):
    """TLS cannot use the certificate and key. Without a cause, which might quote them."""


@dataclass(frozen=True)
class Identity:
    """Who speaks to Apple, as PEM texts; `authority` is the push server's, empty for Apple's own.

    Without a certificate each push bears a token, and `name` tells whose line it is.
    """

    certificate: str
    private_key: str = field(repr=False)
    intermediate: str
    authority: str
    name: str = ""

    def fingerprint(self) -> str:
        return hashlib.sha256(
            "\n".join((self.name, self.certificate, self.private_key, self.authority)).encode()
        ).hexdigest()

    def context(self) -> ssl.SSLContext:
        """Raises UnusableIdentity."""
        try:
            context = ssl.create_default_context(cadata=self.authority or None)
            if not self.certificate:
                return context
            # OpenSSL reads a client certificate from a file only. It is readable by this user only (0600), and gone as
            # soon as it is read.
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
                pem.write("\n".join((self.certificate, self.intermediate, self.private_key)))
                pem.flush()
                # Without an answer for the password OpenSSL would ask for it at the terminal.
                context.load_cert_chain(pem.name, password=b"")
        except (ssl.SSLError, ValueError):
            pass
        else:
            return context
        raise UnusableIdentity


@dataclass
class _Line:
    """The client of one pass type, for as long as its certificate stays the same."""

    fingerprint: str
    client: httpx2.AsyncClient
    used_at: float


class Sender:
    """The owner thread: its loop, and one client per pass type."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lines: dict[str, _Line] = {}
        self._closing: set[asyncio.Task[None]] = set()
        threading.Thread(target=self._loop.run_forever, name="apns", daemon=True).start()

    def post(
        self, owner: str, identity: Identity, base: str, topic: str, push_token: str, token: str
    ) -> httpx2.Response:
        """Raises httpx2.HTTPError, TimeoutError or UnusableIdentity."""
        call = self._post(owner, identity, f"{base}/3/device/{push_token}", topic, token)
        future = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return future.result(CALL_SECONDS + 5)
        except TimeoutError:
            future.cancel()
            raise

    async def _post(self, owner: str, identity: Identity, url: str, topic: str, token: str) -> httpx2.Response:
        headers = {"apns-topic": topic, "apns-push-type": "background", "apns-priority": "5"}
        if token:
            headers["authorization"] = f"bearer {token}"
        async with asyncio.timeout(CALL_SECONDS):
            line = self._line(owner, identity)
            try:
                response = await line.client.post(url, content=b"{}", headers=headers)
            except _CLOSED:
                self._hang_up(owner, line)
            except httpx2.TimeoutException:
                self._hang_up(owner, line)
                raise
            else:
                if reason_of(response) != SHUTDOWN:
                    return response
                self._hang_up(owner, line)
            return await self._line(owner, identity).client.post(url, content=b"{}", headers=headers)

    def _line(self, owner: str, identity: Identity) -> _Line:
        now, fingerprint = time.monotonic(), identity.fingerprint()
        for other, line in list(self._lines.items()):
            if now - line.used_at > IDLE_SECONDS or (other == owner and line.fingerprint != fingerprint):
                self._hang_up(other, line)
        if owner not in self._lines:
            self._lines[owner] = _Line(fingerprint, _new_client(identity), now)
        self._lines[owner].used_at = now
        return self._lines[owner]

    def _hang_up(self, owner: str, line: _Line) -> None:
        """No new push takes this line; it is closed when those under way have had their time."""
        if self._lines.get(owner) is line:
            del self._lines[owner]
            task = self._loop.create_task(_close_later(line.client))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def _new_client(identity: Identity) -> httpx2.AsyncClient:
    # The library would close a connection that was idle for five seconds.
    limits = httpx2.Limits(keepalive_expiry=None)
    return httpx2.AsyncClient(
        http2=True, http1=False, verify=identity.context(), timeout=SILENCE_SECONDS, limits=limits, trust_env=False
    )


async def _close_later(client: httpx2.AsyncClient) -> None:
    await asyncio.sleep(GRACE_SECONDS)
    await client.aclose()


class _Process:
    """This process's sender. A fork copies the object but not its thread, so a child begins anew."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._lock = threading.Lock()
        self._sender: Sender | None = None

    def sender(self) -> Sender:
        with self._lock:
            self._sender = self._sender or Sender()
            return self._sender


_process = _Process()
os.register_at_fork(after_in_child=_process.reset)


def post(owner: str, identity: Identity, base: str, topic: str, push_token: str, token: str = "") -> httpx2.Response:
    """One push through this process's sender; `owner` names the pass type's credentials or the key. See Sender.post."""
    return _process.sender().post(owner, identity, base, topic, push_token, token)
