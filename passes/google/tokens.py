"""Bearer tokens of service accounts, kept for each account and process.

https://developers.google.com/identity/protocols/oauth2/service-account
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from passes.google.account import Account
from portal import text
from portal.http import READ_SECONDS, Answer, ApiError, call, judge
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail
from portal.sentences import joined, say

TARGET = say("Google's token service")
SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
AUDIENCE = "https://oauth2.googleapis.com/token"  # whatever address the key file names
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME_SECONDS, MARGIN_SECONDS = 3600, 60.0


@dataclass
class _Kept:
    """The lock lets one thread fetch while the others of this account wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str = ""
    good_until: float = 0.0


class _Tokens:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Account, _Kept] = {}

    def renew(self, account: Account, trail: Trail | None) -> str:
        """A new token, whatever is kept. Raises ApiError."""
        with self._lock:
            self._kept.pop(account, None)
        return self.get(account, trail)

    def get(self, account: Account, trail: Trail | None, *, refused: str = "") -> str:
        """A token; another one than `refused`. Raises ApiError."""
        with self._lock:
            kept = self._kept.setdefault(account, _Kept())
        with kept.lock:
            if kept.good_until <= time.monotonic() or kept.token == refused:
                kept.token, seconds = _fetch(account, trail)
                kept.good_until = time.monotonic() + seconds - min(MARGIN_SECONDS, seconds / 2)
            return kept.token


tokens = _Tokens()


def _fetch(account: Account, trail: Trail | None) -> tuple[str, float]:
    now = int(time.time())
    claims = {"iss": account.client_email, "scope": SCOPE, "aud": AUDIENCE, "iat": now, "exp": now + LIFETIME_SECONDS}
    form = {"grant_type": GRANT, "assertion": account.signed(claims)}
    answer = call("POST", account.token_uri, target=TARGET, trail=trail, form=form, read_seconds=READ_SECONDS)
    if answer.status in {400, 401, 403}:
        raise _refused(account, answer)
    if error := judge(answer, TARGET):
        raise error
    body = answer.json()
    token = body.get("access_token") if isinstance(body, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token:
        raise ApiError(say("Google's token service gave no token."), Decision.RETRY, status=answer.status)
    seconds = body.get("expires_in")
    return token, float(seconds) if isinstance(seconds, int | float) and seconds > 0 else LIFETIME_SECONDS


def _refused(account: Account, answer: Answer) -> ApiError:
    """The key was revoked or its account removed, or this machine's clock is wrong."""
    told = _description(answer)
    said = say(
        "Google does not accept the key of “%(account)s” any more%(told)s. Make a new key in Google Cloud and store it "
        "here; if it is new, check the clock of this server.",
        account=account.client_email, told=f" ({told})" if told else "",
    )  # fmt: skip
    return ApiError(joined([said]), Decision.PAUSE, status=answer.status)


def _description(answer: Answer) -> str:
    try:
        found: Any = text.loads(answer.body)
    except ValueError:
        return ""
    said = found.get("error_description") or found.get("error") if isinstance(found, dict) else ""
    return said[:200] if isinstance(said, str) else ""
