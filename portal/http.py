"""Outgoing HTTP: timeouts, address guard, size cap, redaction, and one error that carries its decision."""

from __future__ import annotations

import email.utils
import json
import re
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from django.conf import settings
from django.utils import timezone
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from portal import __version__, guard, text
from portal.ledger import Failure
from portal.ledger.failure import DEFER_LIMIT, Decision
from portal.ledger.registry import Trail
from portal.redaction import excerpt, redact
from portal.sentences import Sentence, say

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
BODY_LIMIT = 1024 * 1024
USER_AGENT = f"ActitoWalletPortal/{__version__}"
# Headers whose values must not be seen in any trace, even where a vendor's answer repeats them.
_SECRET_HEADERS = {"authorization", "x-api-key", "cookie", "proxy-authorization"}


class ApiError(Failure):
    """An outside call that did not succeed: a sentence for staff, what follows from it, and the HTTP status if any."""

    def __init__(
        self, sentence: Sentence, decision: Decision, *, status: int | None = None, wait: timedelta | None = None
    ) -> None:
        super().__init__(sentence, decision, wait)
        self.status = status


class _TooLarge(requests.RequestException):
    """The answer went on beyond the cap."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    target: str = say("The other side")
    hidden: tuple[str, ...] = field(default=(), repr=False)  # secrets of the request, kept out of what is quoted

    def json(self) -> Any:
        """The decoded body. Raises ApiError, to be retried, for anything that is not JSON."""
        try:
            return text.loads(self.body)
        except ValueError as error:
            told = {"target": self.target, "status": self.status}
            if self.body.strip():
                sentence = say("%(target)s sent an answer that is not JSON (%(status)s).", **told)
            else:
                sentence = say("%(target)s sent an empty answer (%(status)s).", **told)
            raise ApiError(sentence, Decision.RETRY, status=self.status) from error


class _Sessions(threading.local):
    """One session per thread: a requests session is not made to be shared between threads."""

    def __init__(self) -> None:
        self._by_sandbox: dict[bool, requests.Session] = {}

    def session(self) -> requests.Session:
        if settings.SANDBOX not in self._by_sandbox:
            self._by_sandbox[settings.SANDBOX] = _new_session(guarded=not settings.SANDBOX)
        return self._by_sandbox[settings.SANDBOX]


def _new_session(*, guarded: bool) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.headers["User-Agent"] = USER_AGENT
    # Connections of all tenants pass through here: a cookie that one is given must not be sent for the next.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.adapters.clear()
    session.mount("https://", guard.GuardedAdapter() if guarded else guard.PatientAdapter())
    if not guarded:
        session.mount("http://", guard.PatientAdapter())
    return session


_sessions = _Sessions()


def call(
    method: str,
    url: str,
    *,
    target: str,
    trail: Trail | None = None,
    headers: dict[str, str] | None = None,
    body: Any = None,
    form: Mapping[str, str] | None = None,
    repeatable: bool = True,
    read_seconds: float = READ_SECONDS,
    hide: Iterable[str] = (),
) -> Answer:
    """One call, without redirects, noted in the trail. `target` names the system in words.

    `body` goes out as JSON; `form` as a form, which no trace keeps, since credentials travel so. `hide` are secrets
    beside those in the headers that an answer may repeat and no trace may keep.

    Raises ApiError when no answer came.
    A call that is not repeatable and may have been received ends as uncertain rather than being tried again.
    """
    try:
        guard.check_url(url)
    except guard.Refused as refused:
        sentence = say("%(target)s: %(reason)s", target=target, reason=refused.sentence)
        raise ApiError(sentence, Decision.PAUSE) from refused
    hidden = (*_secrets_of(headers or {}), *hide)
    sent = excerpt(json.dumps(body, ensure_ascii=False), hide=hidden) if body is not None else ""
    noted = redact(url)
    ref = (
        trail.open(target=target, method=method, url=noted, repeatable=repeatable, request_excerpt=sent) if trail else 0
    )
    started = time.monotonic()
    answer: Answer | None = None
    error = say("%(target)s was not asked: something unexpected went wrong here.", target=target)
    try:
        response = _send(method, url, headers=headers, body=body, form=form, read_seconds=read_seconds)
        answer, error = Answer(*response, target, hidden), Sentence()
    except (requests.RequestException, HTTPError, UnicodeError) as problem:
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
                response_excerpt=excerpt(answer.body, hide=hidden) if answer else "",
            )
    return answer


def _secrets_of(headers: dict[str, str]) -> tuple[str, ...]:
    """The credentials in a request's headers: `Bearer abc` as a whole, and abc."""
    values = [value for name, value in headers.items() if name.lower() in _SECRET_HEADERS]
    return tuple({part for value in values for part in (value, value.rpartition(" ")[2]) if len(part) > 3})


def _send(
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None,
    body: Any,
    form: Mapping[str, str] | None,
    read_seconds: float,
) -> tuple[int, dict[str, str], bytes]:
    response = _sessions.session().request(
        method,
        url,
        headers=headers,
        json=body,
        data=form,
        timeout=(CONNECT_SECONDS, read_seconds),
        allow_redirects=False,
        stream=True,
    )
    with response:
        received = bytearray()
        for chunk in response.iter_content(65536):
            received += chunk
            if len(received) > BODY_LIMIT:
                raise _TooLarge
    return response.status_code, {name.lower(): value for name, value in response.headers.items()}, bytes(received)


def _no_answer(problem: Exception, target: str, repeatable: bool) -> ApiError:
    if _is(problem, guard.BlockedAddress):
        return ApiError(say("%(target)s is at an address that may not be called.", target=target), Decision.PAUSE)
    if _is(problem, UnicodeError, requests.exceptions.InvalidHeader, requests.exceptions.InvalidURL):
        sentence = say("%(target)s could not be asked: its address or key holds a forbidden sign.", target=target)
        return ApiError(sentence, Decision.PAUSE)
    never_sent = _is(problem, requests.exceptions.ConnectTimeout, NewConnectionError, ssl.SSLCertVerificationError)
    if not repeatable and not never_sent:
        return ApiError(say("%(target)s may have done it, but no answer came.", target=target), Decision.UNCERTAIN)
    return ApiError(_complaint(problem, target), Decision.RETRY)


def _complaint(problem: Exception, target: str) -> Sentence:
    if _is(problem, ssl.SSLError):
        return say("%(target)s could not prove its identity (TLS certificate).", target=target)
    if _is(problem, requests.Timeout, ReadTimeoutError, TimeoutError):
        return say("%(target)s took too long to answer.", target=target)
    if _is(problem, _TooLarge):
        return say("%(target)s sent more than %(limit)s KiB.", target=target, limit=BODY_LIMIT // 1024)
    if _is(problem, requests.exceptions.ContentDecodingError):
        return say("%(target)s sent an answer that could not be unpacked.", target=target)
    return say("%(target)s could not be reached, or broke off.", target=target)


def _is(problem: BaseException, *kinds: type[BaseException]) -> bool:
    """Whether the problem, or what requests and urllib3 wrapped in it, is of one of the kinds."""
    cause: Any = problem
    for _ in range(5):
        if isinstance(cause, kinds):
            return True
        cause = getattr(cause, "reason", None) or (cause.args[0] if getattr(cause, "args", None) else None)
    return False


def judge(answer: Answer, target: str) -> ApiError | None:
    """What an HTTP status means where the vendor's table says nothing else; None for a success."""
    status = answer.status
    if status < 300:
        return None
    told = {"target": target, "answer": f"{status}{_vendor_words(answer)}"}
    if status < 400:
        sentence = say(
            "%(target)s answered with another address (%(status)s), which is not followed. Check its address.",
            target=target,
            status=status,
        )
        return ApiError(sentence, Decision.RETRY, status=status)
    if status in {408, 425, 429} or status >= 500:
        wait = retry_after(answer.headers.get("retry-after", "")) if status in {429, 503} else None
        if wait is not None:
            sentence = say("%(target)s asked us to wait (%(status)s).", target=target, status=status)
            return ApiError(sentence, Decision.DEFER, status=status, wait=wait)
        return ApiError(say("%(target)s answered %(answer)s.", **told), Decision.RETRY, status=status)
    if status in {401, 403}:
        return ApiError(say("%(target)s refused our access (%(answer)s).", **told), Decision.PAUSE, status=status)
    return ApiError(say("%(target)s answered %(answer)s.", **told), Decision.DEAD, status=status)


def _vendor_words(answer: Answer) -> str:
    if "json" not in answer.headers.get("content-type", ""):
        return ""
    try:
        decoded = text.loads(answer.body)
    except ValueError:
        return ""
    message = decoded.get("message") or decoded.get("detail") if isinstance(decoded, dict) else decoded
    return f": {excerpt(message, 200, hide=answer.hidden)}" if isinstance(message, str) and message else ""


def retry_after(header: str) -> timedelta | None:
    """The wait that a Retry-After header asks for, in either of its forms (RFC 9110, 10.2.3), an hour at most.

    None when it asks for none: a wait of nothing would turn into calls without end.
    """
    if re.fullmatch(r"[0-9]+", header):
        wait = timedelta(seconds=min(int(header[:9]), int(DEFER_LIMIT.total_seconds())))
    else:
        try:
            at = email.utils.parsedate_to_datetime(header)
        except (ValueError, OverflowError):
            return None
        wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - timezone.now()
    return min(wait, DEFER_LIMIT) if wait > timedelta() else None
