"""Apple's push service: HTTP/2 with the pass's own certificate, an empty payload, the pass type as topic.

An HTTP/2 client shared by threads loses requests. So one thread per process owns an event loop and all clients, one
long-lived connection per certificate; other threads hand their pushes over.
https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import ssl
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import urlsplit

import httpx2
from django.conf import settings

from passes.models import AppleCredentials
from portal.http import ApiError, retry_after
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail

TARGET = "Apple push"
APPLE_HOST = ".push.apple.com"
TIMEOUT_SECONDS = 15.0
# What a connection that Apple closes (GOAWAY) raises on the request that meets it; the next one reconnects.
_RECONNECT = (httpx2.RemoteProtocolError, httpx2.LocalProtocolError, httpx2.ReadError, httpx2.WriteError)
_GONE_REASONS = {"BadDeviceToken", "Unregistered", "ExpiredToken"}


@dataclass(frozen=True)
class PushAnswer:
    """`gone`: the token is dead, since `gone_since` where Apple says so."""

    gone: bool = False
    gone_since: datetime | None = None


def send(apple: AppleCredentials, push_token: str, *, trail: Trail) -> PushAnswer:
    """Wakes one device. Raises ApiError with what follows from Apple's answer."""
    _check_host(apple.apns_url)
    shown = f"{apple.apns_url}/3/device/{push_token[:8]}…"
    ref = trail.open(target=TARGET, method="POST", url=shown, repeatable=True, request_excerpt="{}")
    started = time.monotonic()
    response: httpx2.Response | None = None
    error = ""
    try:
        response = _sender(os.getpid()).send(apple, push_token)
    except (httpx2.HTTPError, TimeoutError) as problem:
        error = f"Apple's push service could not be reached ({type(problem).__name__})."
        raise ApiError(error, Decision.RETRY) from problem
    finally:
        trail.close(
            ref,
            status=response.status_code if response is not None else None,
            milliseconds=round((time.monotonic() - started) * 1000),
            error=error,
            response_excerpt=response.text if response is not None else "",
        )
    return _judge(response)


def _check_host(url: str) -> None:
    host = urlsplit(url).hostname or ""
    if not settings.SANDBOX and not host.endswith(APPLE_HOST):
        raise ApiError(f"{host} is not one of Apple's push servers.", Decision.PAUSE)


def _judge(response: httpx2.Response) -> PushAnswer:
    status = response.status_code
    if status == 200:
        return PushAnswer()
    answer = response.json() if response.content else {}
    reason = str(answer.get("reason", ""))
    if status == 410 or reason in _GONE_REASONS:
        stamp = answer.get("timestamp")
        return PushAnswer(gone=True, gone_since=datetime.fromtimestamp(stamp / 1000, UTC) if stamp else None)
    sentence = f"Apple push answered {status} {reason}".strip() + "."
    wait = retry_after(response.headers.get("retry-after", ""))
    if status in {429, 503} and wait is not None:
        raise ApiError(sentence, Decision.DEFER, status=status, wait=wait)
    if status == 429 or status >= 500:
        raise ApiError(sentence, Decision.RETRY, status=status)
    # A certificate or topic that Apple does not take is a matter of configuration: no token is dropped for it.
    raise ApiError(f"{sentence} Check the certificate of this pass type.", Decision.PAUSE, status=status)


class _Sender:
    """The owner thread: its loop, and one client per certificate."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._clients: dict[str, httpx2.AsyncClient] = {}
        threading.Thread(target=self._loop.run_forever, name="apns", daemon=True).start()

    def send(self, apple: AppleCredentials, push_token: str) -> httpx2.Response:
        # Key and certificate are read here: the owner thread never touches the database.
        identity = _Identity(apple.certificate, apple.private_key, apple.intermediate, apple.apns_authority)
        request = self._post(identity, apple.apns_url, apple.pass_type_identifier, push_token)
        return asyncio.run_coroutine_threadsafe(request, self._loop).result(TIMEOUT_SECONDS + 5)

    async def _post(self, identity: _Identity, base: str, topic: str, push_token: str) -> httpx2.Response:
        client = self._client(identity)
        url = f"{base}/3/device/{push_token}"
        headers = {"apns-topic": topic, "apns-push-type": "background", "apns-priority": "5"}
        try:
            return await client.post(url, content=b"{}", headers=headers)
        except _RECONNECT:
            return await client.post(url, content=b"{}", headers=headers)

    def _client(self, identity: _Identity) -> httpx2.AsyncClient:
        name = identity.fingerprint()
        if name not in self._clients:
            self._clients[name] = httpx2.AsyncClient(
                http2=True, http1=False, verify=identity.context(), timeout=TIMEOUT_SECONDS, trust_env=False
            )
        return self._clients[name]


@dataclass(frozen=True)
class _Identity:
    certificate: str
    private_key: str
    intermediate: str
    authority: str

    def fingerprint(self) -> str:
        return hashlib.sha256("".join((self.certificate, self.authority)).encode()).hexdigest()

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.authority or None)
        # OpenSSL reads a client certificate from a file only; the file is gone as soon as it is read.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
            pem.write("\n".join((self.certificate, self.intermediate, self.private_key)))
            pem.flush()
            context.load_cert_chain(pem.name)
        return context


@lru_cache(maxsize=1)
def _sender(process: int) -> _Sender:
    """This process's sender. Keyed by process, because a fork copies the cache but not the thread."""
    return _Sender()
