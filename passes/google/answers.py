"""What Google's refusals mean, and what to do about them. Pure: the calls stand in client.py.

By status first and reason second: a word such as “quota” stands in the text of other refusals, too.
https://developers.google.com/wallet/generic/resources/error-codes
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from portal import text
from portal.http import Answer, ApiError, judge, retry_after
from portal.ledger.failure import Decision
from portal.sentences import Sentence, joined, say

TARGET = "Google Wallet"
WORDS_LIMIT = 300
_RATE_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"})
_RATE_WAIT = timedelta(seconds=20)
QUOTA = "quotaExceeded"


@dataclass(frozen=True)
class Refusal:
    """Google's error: `{"error": {"code", "message", "errors": [{"message", "domain", "reason"}]}}`."""

    status: int
    reason: str = ""
    message: str = ""


class Refused(ApiError):
    """A call that Google refused; `reason` is Google's word for why."""

    def __init__(self, sentence: Sentence, decision: Decision, refusal: Refusal, wait: timedelta | None = None) -> None:
        super().__init__(sentence, decision, status=refusal.status, wait=wait)
        self.reason = refusal.reason


class OfAnotherKind(Refused):
    """The ID is taken by a class or object of another type, which it keeps."""

    def __init__(self, kind: str, resource_id: str) -> None:
        type_ = kind.removesuffix("Object").removesuffix("Class")
        said = say("At Google, “%(name)s” belongs to another kind of card than “%(type)s”, for good. Use a template of "
                   "its kind.", name=resource_id, type=type_)  # fmt: skip
        super().__init__(said, Decision.DEAD, Refusal(409, "existingResource"))


def refusal_of(answer: Answer) -> Refusal:
    """A body of another shape leaves reason and message empty."""
    try:
        body: Any = text.loads(answer.body)
    except ValueError:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return Refusal(answer.status)
    listed = error.get("errors")
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], dict) else {}
    reason = _detail(error) or first.get("reason") or error.get("status") or ""
    message = error.get("message") or first.get("message") or ""
    return Refusal(answer.status, str(reason)[:100], str(message)[:WORDS_LIMIT])


def _detail(error: dict[str, Any]) -> str:
    """The reason that Google's front end gives in its own shape: `details: [{"reason": "SERVICE_DISABLED"}]`."""
    details = error.get("details")
    found = [each.get("reason") for each in details if isinstance(each, dict)] if isinstance(details, list) else []
    return next((each for each in found if isinstance(each, str)), "")


def refused(answer: Answer, *, account: str, issuer_id: str) -> Refused | None:
    """None for a success. `account`: the e-mail address of the service account that asked."""
    usual = judge(answer, TARGET)
    if usual is None:
        return None
    refusal = refusal_of(answer)
    if wait := _asked_to_wait(answer, refusal):
        said = say("Google asked us to slow down (%(status)s).", status=refusal.status)
        return Refused(said, Decision.DEFER, refusal, wait)
    if remedy := _remedy(refusal, {"account": account, "issuer": issuer_id}):
        return Refused(remedy, Decision.PAUSE, refusal)
    if refusal.reason == QUOTA:
        return Refused(say("Google takes no more notifications for this pass now."), Decision.DEAD, refusal)
    if usual.decision is Decision.DEAD:
        return Refused(_in_words(refusal), Decision.DEAD, refusal)
    return Refused(usual.sentence, usual.decision, refusal, usual.wait)


def _asked_to_wait(answer: Answer, refusal: Refusal) -> timedelta | None:
    if refusal.status == 429 or (refusal.status == 403 and refusal.reason in _RATE_REASONS):
        return retry_after(answer.headers.get("retry-after", "")) or _RATE_WAIT
    return None


def _remedy(refusal: Refusal, told: dict[str, str]) -> Sentence:
    """What to do where nothing of the issuer can go on; empty for a refusal that concerns one pass."""
    match refusal.status, refusal.reason:
        case 401, _:
            return say("Google does not accept the access token of “%(account)s”. Store a new key file.", **told)
        case 403, "SERVICE_DISABLED":
            return say(
                "The Google Wallet API is not switched on in the Google Cloud project of “%(account)s”. Switch it on, "
                "then resume.", **told,
            )  # fmt: skip
        case 403, reason if reason != QUOTA:
            return say(
                "Google does not let “%(account)s” act for issuer %(issuer)s. In the Google Pay & Wallet console, "
                "under “Users”, invite this address as a developer; wait a few minutes, then resume.", **told,
            )  # fmt: skip
        case 400, _ if "invalid resource id" in refusal.message.lower():
            return say(
                "Google knows no issuer %(issuer)s. Compare the ID with the Google Pay & Wallet console.", **told
            )
    return Sentence()


def _in_words(refusal: Refusal) -> Sentence:
    said = say("Google refused it (%(status)s).", status=refusal.status)
    return joined([said, Sentence(refusal.message)]) if refusal.message else said
