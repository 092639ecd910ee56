"""Apple's push service: HTTP/2 with the pass's own certificate, an empty payload, the pass type as topic.

https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.conf import settings

from passes.apple import apns
from passes.models import AppleCredentials
from portal.http import ApiError, retry_after
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail
from portal.redaction import excerpt
from portal.secrets import SecretError
from portal.sentences import Sentence, joined, say

TARGET = say("Apple push")
# Passes are pushed through the production service only: the development one knows none of their tokens.
APPLE_HOST = "api.push.apple.com"
_GONE_REASONS = {"BadDeviceToken", "Unregistered", "ExpiredToken"}


@dataclass(frozen=True)
class PushAnswer:
    """`gone`: the token is dead, since `gone_since` where Apple says so."""

    gone: bool = False
    gone_since: datetime | None = None


def send(apple: AppleCredentials, push_token: str, *, trail: Trail) -> PushAnswer:
    """Wakes one device. Raises ApiError with what follows from Apple's answer."""
    _check_address(apple.apns_url)
    shown = f"{apple.apns_url}/3/device/{push_token[:8]}…"
    call = trail.open(target=TARGET, method="POST", url=shown, repeatable=True, request_excerpt="{}")
    started = time.monotonic()
    response: httpx2.Response | None = None
    error = Sentence()
    try:
        response = _call(apple, push_token)
    except ApiError as failure:
        error = failure.sentence
        raise
    finally:
        trail.close(
            call,
            status=response.status_code if response is not None else None,
            milliseconds=round((time.monotonic() - started) * 1000),
            error=error,
            response_excerpt=excerpt(response.content) if response is not None else "",
        )
    return _judge(response)


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not (settings.SANDBOX or parts.hostname == APPLE_HOST):
        raise ApiError(say("%(address)s is not Apple's push service for passes.", address=url), Decision.PAUSE)


def _call(apple: AppleCredentials, push_token: str) -> httpx2.Response:
    # Key and certificate are read here: the thread that owns the connections never touches the database.
    try:
        identity = apns.Identity(apple.certificate, apple.private_key, apple.intermediate, apple.apns_authority)
        return apns.post(str(apple.uid), identity, apple.apns_url, apple.pass_type_identifier, push_token)
    except TimeoutError as problem:
        raise ApiError(say("Apple's push service took too long to answer."), Decision.RETRY) from problem
    except httpx2.HTTPError as problem:
        sentence = say("Apple's push service could not be reached (%(error)s).", error=type(problem).__name__)
        raise ApiError(sentence, Decision.RETRY) from problem
    except (apns.UnusableIdentity, SecretError) as problem:
        sentence = say("The stored certificate and key of this pass type cannot be used. Upload them again.")
        raise ApiError(sentence, Decision.PAUSE) from problem


def _judge(response: httpx2.Response) -> PushAnswer:
    status = response.status_code
    if status == 200:
        return PushAnswer()
    answer = _answer(response)
    reason = str(answer.get("reason", ""))
    if status == 410 or reason in _GONE_REASONS:
        return PushAnswer(gone=True, gone_since=_moment(answer.get("timestamp")))
    sentence = say("%(target)s answered %(answer)s.", target=TARGET, answer=f"{status} {reason}".strip())
    wait = retry_after(response.headers.get("retry-after", ""))
    if status in {429, 503} and wait is not None:
        raise ApiError(sentence, Decision.DEFER, status=status, wait=wait)
    if status == 429 or status >= 500:
        raise ApiError(sentence, Decision.RETRY, status=status)
    # A certificate or topic that Apple does not take is a matter of configuration: no token is dropped for it.
    advice = say("Check the certificate of this pass type.")
    raise ApiError(joined([sentence, advice]), Decision.PAUSE, status=status)


def _answer(response: httpx2.Response) -> dict[str, Any]:
    """Apple's `{"reason", "timestamp"}`; empty for anything else, such as a page of something in between."""
    try:
        found = json.loads(response.content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _moment(stamp: object) -> datetime | None:
    """Apple counts milliseconds since the epoch."""
    if not isinstance(stamp, int | float) or isinstance(stamp, bool):
        return None
    try:
        return datetime.fromtimestamp(stamp / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
