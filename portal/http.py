"""Outgoing HTTP: timeouts, address guard, size cap, redaction, and one error that carries its decision."""

from __future__ import annotations

import email.utils
import ipaddress
import json
import socket
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.utils import timezone
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError

from portal import __version__
from portal.ledger import Failure
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail
from portal.secrets import excerpt

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
BODY_LIMIT = 1024 * 1024
USER_AGENT = f"ActitoWalletPortal/{__version__}"
# Networks that reach private addresses through a public-looking one: NAT64 and 6to4.
_EMBEDDING = [ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")]


class ApiError(Failure):
    """An outside call that did not succeed: a sentence for staff, what follows from it, and the HTTP status if any."""

    def __init__(
        self, sentence: str, decision: Decision, *, status: int | None = None, wait: timedelta | None = None
    ) -> None:
        super().__init__(sentence, decision, wait)
        self.status = status


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The decoded body. Raises ApiError, to be retried, for anything that is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ApiError("The answer was not JSON.", Decision.RETRY, status=self.status) from error


class BlockedAddress(NewConnectionError):
    """The name resolved to an address that the portal must not call."""


def is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%", maxsplit=1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in _EMBEDDING):
            return False
    return ip.is_global and not ip.is_multicast


class _GuardedConnection(HTTPSConnection):
    """Checks the address actually connected to, before a byte is sent: a second DNS answer cannot slip past."""

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        peer = sock.getpeername()[0]
        if not is_public(peer):
            sock.close()
            raise BlockedAddress(self, f"{self.host} leads to {peer}, which is not a public address.")
        return sock


class _GuardedPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedConnection


class _GuardedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": _GuardedPool}


class _Sessions(threading.local):
    """One session per thread: a requests session is not made to be shared between threads."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["User-Agent"] = USER_AGENT
        if not settings.SANDBOX:
            self.session.mount("https://", _GuardedAdapter())


_sessions = _Sessions()


def check_url(url: str) -> None:
    """Raises ApiError for an address that may not be called at all: https only, unless the sandbox is allowed."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (settings.SANDBOX and parts.scheme == "http"):
        raise ApiError(f"{url} is not an https address.", Decision.PAUSE)
    if not parts.hostname or parts.username or parts.password:
        raise ApiError(f"{url} is not an address that can be called.", Decision.PAUSE)


def call(
    method: str,
    url: str,
    *,
    target: str,
    trail: Trail | None = None,
    headers: dict[str, str] | None = None,
    params: dict[str, str] | None = None,
    body: Any = None,
    repeatable: bool = True,
    read_seconds: float = READ_SECONDS,
) -> Answer:
    """One call, without redirects, noted in the trail. `target` names the system in words.

    Raises ApiError when no answer came.
    A call that is not repeatable and may have been received ends as uncertain rather than being tried again.
    """
    check_url(url)
    sent = excerpt(json.dumps(body, ensure_ascii=False)) if body is not None else ""
    ref = trail.open(target=target, method=method, url=url, repeatable=repeatable, request_excerpt=sent) if trail else 0
    started = time.monotonic()
    answer: Answer | None = None
    error = ""
    try:
        answer = _send(method, url, headers=headers, params=params, body=body, read_seconds=read_seconds)
    except requests.RequestException as problem:
        failure = _no_answer(problem, target, repeatable)
        error = failure.sentence
        raise failure from problem
    finally:
        if trail:
            trail.close(
                ref,
                status=answer.status if answer else None,
                milliseconds=round((time.monotonic() - started) * 1000),
                error=error,
                response_excerpt=excerpt(answer.body) if answer else "",
            )
    return answer


def _send(
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None,
    params: dict[str, str] | None,
    body: Any,
    read_seconds: float,
) -> Answer:
    deadline = time.monotonic() + read_seconds
    response = _sessions.session.request(
        method,
        url,
        headers=headers,
        params=params,
        json=body,
        timeout=(CONNECT_SECONDS, read_seconds),
        allow_redirects=False,
        stream=True,
    )
    with response:
        received = bytearray()
        for chunk in response.iter_content(65536):
            received += chunk
            if len(received) > BODY_LIMIT:
                raise requests.exceptions.ContentDecodingError(f"more than {BODY_LIMIT} bytes")
            if time.monotonic() > deadline:  # a server that drips never lets the read time-out strike
                raise requests.exceptions.ReadTimeout("the answer dripped")
    return Answer(
        response.status_code, {name.lower(): text for name, text in response.headers.items()}, bytes(received)
    )


def _no_answer(problem: requests.RequestException, target: str, repeatable: bool) -> ApiError:
    if _is_blocked(problem):
        return ApiError(f"{target} is at an address that may not be called.", Decision.PAUSE)
    if isinstance(problem, requests.exceptions.SSLError):
        return ApiError(f"{target} could not prove its identity (TLS certificate).", Decision.RETRY)
    never_sent = isinstance(problem, requests.exceptions.ConnectTimeout) or _is_refused(problem)
    if not repeatable and not never_sent:
        return ApiError(f"{target} may have done it, but no answer came.", Decision.UNCERTAIN)
    if isinstance(problem, requests.Timeout):
        return ApiError(f"{target} took too long to answer.", Decision.RETRY)
    if isinstance(problem, requests.exceptions.ContentDecodingError):
        return ApiError(f"{target} sent an answer that could not be read ({problem}).", Decision.RETRY)
    return ApiError(f"{target} could not be reached.", Decision.RETRY)


def _causes(problem: BaseException) -> list[Any]:
    reason = getattr(problem.args[0], "reason", None) if problem.args else None
    return [problem, reason]


def _is_blocked(problem: BaseException) -> bool:
    return any(isinstance(cause, BlockedAddress) for cause in _causes(problem))


def _is_refused(problem: BaseException) -> bool:
    return any(isinstance(cause, NewConnectionError) for cause in _causes(problem))


def judge(answer: Answer, target: str) -> ApiError | None:
    """What an HTTP status means where the vendor's table says nothing else; None for a success."""
    status = answer.status
    if status < 300:
        return None
    words = _vendor_words(answer)
    if status in {408, 425, 429} or status >= 500:
        wait = retry_after(answer.headers.get("retry-after", "")) if status in {429, 503} else None
        if wait is not None:
            return ApiError(f"{target} asked us to wait ({status}).", Decision.DEFER, status=status, wait=wait)
        return ApiError(f"{target} answered {status}{words}.", Decision.RETRY, status=status)
    if status in {401, 403}:
        return ApiError(f"{target} refused our access ({status}{words}).", Decision.PAUSE, status=status)
    return ApiError(f"{target} answered {status}{words}.", Decision.DEAD, status=status)


def _vendor_words(answer: Answer) -> str:
    if "json" not in answer.headers.get("content-type", ""):
        return ""
    try:
        decoded = json.loads(answer.body)
    except ValueError:
        return ""
    message = decoded.get("message") or decoded.get("detail") if isinstance(decoded, dict) else decoded
    return f": {excerpt(message, 200)}" if isinstance(message, str) else ""


def retry_after(header: str) -> timedelta | None:
    """The wait that a Retry-After header asks for, in either of its forms (RFC 9110, 10.2.3); None when it has none."""
    if header.isdigit():
        return timedelta(seconds=int(header))
    try:
        at = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(timedelta(), at - timezone.now())
