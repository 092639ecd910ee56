"""Bearer tokens of service accounts, kept for each account and process.

https://developers.google.com/identity/protocols/oauth2/service-account
"""

from __future__ import annotations

import time
from typing import Any

from passes.google.account import Account
from portal import text
from portal.http import Answer, ApiError, call, judge
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail
from portal.sentences import say
from portal.tokens import KeptTokens

TARGET = say("Google's token service")
SCOPE = "https://www.googleapis.com/auth/wallet_object.issuer"
AUDIENCE = "https://oauth2.googleapis.com/token"  # whatever address the key file names
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME_SECONDS = 3600


def _fetch(account: Account, trail: Trail | None, read_seconds: float) -> tuple[str, float]:
    now = int(time.time())
    claims = {"iss": account.client_email, "scope": SCOPE, "aud": AUDIENCE, "iat": now, "exp": now + LIFETIME_SECONDS}
    form = {"grant_type": GRANT, "assertion": account.signed(claims)}
    answer = call("POST", account.token_uri, target=TARGET, trail=trail, form=form, read_seconds=read_seconds)
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
    return ApiError(said, Decision.PAUSE, status=answer.status)


def _description(answer: Answer) -> str:
    try:
        found: Any = text.loads(answer.body)
    except ValueError:
        return ""
    said = found.get("error_description") or found.get("error") if isinstance(found, dict) else ""
    return said[:200] if isinstance(said, str) else ""


def _name(account: Account) -> Account:
    return account


tokens = KeptTokens(_fetch, _name)
