"""What follows from each answer of Apple's push service. Pure.

https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from portal.http import ApiError, retry_after
from portal.ledger.failure import Decision
from portal.sentences import Sentence, joined, say

TARGET = say("Apple push")
_GONE = frozenset({"BadDeviceToken", "Unregistered", "ExpiredToken"})
# A certificate, a key or a topic that Apple does not take: a matter of configuration, for which no token is dropped.
_CONFIGURATION = frozenset({"BadTopic", "MissingTopic", "TopicDisallowed"})
WRONG_TOPIC = "DeviceTokenNotForTopic"
SHUTDOWN = "Shutdown"
EXPIRED_TOKEN = "ExpiredProviderToken"
# Apple takes a new provider token of a key every 20 minutes at most.
TOO_MANY_TOKENS, TOKENS_WAIT = "TooManyProviderTokenUpdates", timedelta(minutes=20)


@dataclass(frozen=True)
class PushAnswer:
    """`gone`: the token is dead, since `gone_since` where Apple says so."""

    gone: bool = False
    gone_since: datetime | None = None


class WrongTopic(ApiError):
    """The device's token belongs to another pass type or app: its own fault, or that of all that is configured."""


def judge(response: httpx2.Response) -> PushAnswer:
    """Raises ApiError with what follows."""
    status, answer = response.status_code, _answer(response)
    reason = str(answer.get("reason", ""))
    if status == 200:
        return PushAnswer()
    if status == 410 or reason in _GONE:
        return PushAnswer(gone=True, gone_since=_moment(answer.get("timestamp")))
    sentence = say("%(target)s answered %(answer)s.", target=TARGET, answer=f"{status} {reason}".strip())
    raise _failure(status, reason, sentence, retry_after(response.headers.get("retry-after", "")))


def reason_of(response: httpx2.Response) -> str:
    return "" if response.status_code == 200 else str(_answer(response).get("reason", ""))


def _failure(status: int, reason: str, sentence: Sentence, wait: timedelta | None) -> ApiError:
    if reason == TOO_MANY_TOKENS:
        return ApiError(sentence, Decision.DEFER, status=status, wait=wait or TOKENS_WAIT)
    if status in {429, 503} and wait is not None:
        return ApiError(sentence, Decision.DEFER, status=status, wait=wait)
    if status == 429 or status >= 500 or reason == "IdleTimeout":
        return ApiError(sentence, Decision.RETRY, status=status)
    if reason == WRONG_TOPIC:
        return WrongTopic(sentence, Decision.PAUSE, status=status)
    if status == 403 or reason in _CONFIGURATION:
        by_key = reason.endswith("ProviderToken")
        advice = (
            say("Check the push key, its key ID and the team.")
            if by_key
            else say("Check the certificate of this pass type.")
        )
        return ApiError(joined([sentence, advice]), Decision.PAUSE, status=status)
    return ApiError(sentence, Decision.DEAD, status=status)


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
