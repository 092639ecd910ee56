"""How Didomi knows who is asking: bearer tokens, made of a private API key and its secret.

https://developers.didomi.io/api-and-platform/introduction/authentication
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Hashable
from typing import Any

from integrations.didomi.addresses import api
from integrations.didomi.models import DidomiConnection
from portal import text
from portal.http import Answer, ApiError, call, judge
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail
from portal.secrets import SecretError
from portal.sentences import joined, say
from portal.tokens import KeptTokens

SESSION_TARGET = say("Didomi's session service")
DEFAULT_TOKEN_SECONDS, LONGEST_TOKEN_SECONDS = 3600.0, 86_400.0

_IN_A_HEADER = re.compile(r"[!-~]+\Z")


def pair_of(connection: DidomiConnection) -> tuple[str, str]:
    """The private API key and its secret. Raises ApiError where one is missing or cannot be read."""
    try:
        pair = connection.api_key.strip(), connection.api_secret.strip()
    except SecretError as error:
        cannot = say("The API key of %(connection)s cannot be used.", connection=connection)
        raise ApiError(joined([cannot, error.sentence]), Decision.PAUSE) from error
    if not all(pair):
        said = say("The API key or the secret of %(connection)s is empty. Enter both.", connection=connection)
        raise ApiError(said, Decision.PAUSE)
    return pair


def hidden(connection: DidomiConnection) -> list[str]:
    """What no trace may keep: key and secret, also as JSON spells them."""
    return [form for each in pair_of(connection) for form in {each, json.dumps(each)[1:-1]}]


def _fetch_token(connection: DidomiConnection, trail: Trail | None, read_seconds: float) -> tuple[str, float]:
    """POST /sessions: {"type": "api-key", "key": "…", "access_token": "<JWT>"}; a wrong pair is answered 400."""
    key, secret = pair_of(connection)
    answer = call(
        "POST", api(connection, "/sessions"), target=SESSION_TARGET, trail=trail,
        headers={"Accept": "application/json"}, body={"type": "api-key", "key": key, "secret": secret},
        read_seconds=read_seconds, hide=hidden(connection),
    )  # fmt: skip
    if answer.status in {400, 401, 403}:
        said = say(
            "Didomi does not accept the API key and secret of “%(connection)s”. Enter a valid pair.",
            connection=connection.name,
        )
        raise ApiError(said, Decision.PAUSE, status=answer.status)
    body = _judged(answer).json()
    token = body.get("access_token") if isinstance(body, dict) else None
    if not isinstance(token, str) or not _IN_A_HEADER.match(token):
        raise ApiError(say("Didomi's session service gave no token."), Decision.RETRY, status=answer.status)
    return token, lifetime(token)


def _judged(answer: Answer) -> Answer:
    """A refusal here concerns the connection and never one person, so that no Event may die of it."""
    error = judge(answer, SESSION_TARGET)
    if error and error.decision is Decision.DEAD:
        sentence = joined([error.sentence, say("Check the API address of the connection.")])
        raise ApiError(sentence, Decision.PAUSE, status=answer.status)
    if error:
        raise error
    return answer


def lifetime(token: str) -> float:
    """For how many seconds the token says that it is good, from `iat` to `exp`; an hour where it does not say so."""
    claims = _claims(token)
    begins, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(begins, int | float) or not isinstance(ends, int | float) or ends <= begins:
        return DEFAULT_TOKEN_SECONDS
    return min(float(ends - begins), LONGEST_TOKEN_SECONDS)


def _claims(token: str) -> dict[str, Any]:
    """What stands in a JWT. Nobody relies on it but for when to ask again, so its signature is Didomi's own matter."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = text.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _name(connection: DidomiConnection) -> Hashable:
    # Host and stored pair take part, so that a changed connection never uses an old token.
    stored = connection.__dict__
    return connection.uid, connection.host, stored.get("api_key"), stored.get("api_secret")


tokens = KeptTokens(_fetch_token, _name)
