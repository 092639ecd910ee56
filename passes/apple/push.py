"""Apple's push service: HTTP/2 with the pass's own certificate or a key of the team, an empty payload, the pass type as
topic.

https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
"""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import httpx2
from django.conf import settings

from passes.apple import apns
from passes.apple.answers import EXPIRED_TOKEN, TARGET, PushAnswer, judge, reason_of
from passes.apple.provider import ProviderKey, UnusableKey, tokens
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
        if apple.push_key_id:
            return _call_with_token(apple, push_token)
        identity = apns.Identity(apple.certificate, apple.private_key, apple.intermediate, apple.apns_authority)
        return apns.post(str(apple.uid), identity, apple.apns_url, apple.pass_type_identifier, push_token)
    except TimeoutError as problem:
        raise ApiError(say("Apple's push service took too long to answer."), Decision.RETRY) from problem
    except httpx2.HTTPError as problem:
        sentence = say("Apple's push service could not be reached (%(error)s).", error=type(problem).__name__)
        raise ApiError(sentence, Decision.RETRY) from problem
    except UnusableKey as problem:
        sentence = say("The stored push key cannot be used. Store it again, or remove it.")
        raise ApiError(sentence, Decision.PAUSE) from problem
    except (apns.UnusableIdentity, SecretError) as problem:
        sentence = say("The stored certificate and key of this pass type cannot be used. Upload them again.")
        raise ApiError(sentence, Decision.PAUSE) from problem


def _call_with_token(apple: AppleCredentials, push_token: str) -> httpx2.Response:
    """One line for each key, whichever pass types it serves. An expired token is renewed once."""
    key = ProviderKey(apple.team_identifier, apple.push_key_id, apple.push_key)
    identity = apns.Identity("", "", "", apple.apns_authority, name=key.fingerprint())

    def post(token: str) -> httpx2.Response:
        return apns.post(
            identity.fingerprint(), identity, apple.apns_url, apple.pass_type_identifier, push_token, token
        )

    token = tokens.of(key)
    response = post(token)
    return post(tokens.of(key, refused=token)) if reason_of(response) == EXPIRED_TOKEN else response
