"""Apple's push service: HTTP/2 with the pass's own certificate, an empty payload, the pass type as topic.

https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
"""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import httpx2
from django.conf import settings

from passes.apple import apns
from passes.apple.answers import TARGET, PushAnswer, judge
from passes.models import AppleCredentials
from portal.http import ApiError
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail
from portal.redaction import excerpt
from portal.secrets import SecretError
from portal.sentences import Sentence, say

# Passes are pushed through the production service only: the development one knows none of their tokens.
APPLE_HOST = "api.push.apple.com"


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
    return judge(response)


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
