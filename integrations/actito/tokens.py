"""How Actito knows who is asking: bearer tokens made of an API key, or HTTP Basic for accounts of old licences.

https://developers.actito.com/docs/integration-framework/apis/authentication/api-key
"""

from __future__ import annotations

import base64
import re
from collections.abc import Hashable
from typing import Any

from integrations.actito.models import ActitoConnection
from portal.http import Answer, ApiError, call, judge
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail
from portal.secrets import SecretError
from portal.sentences import joined, say
from portal.tokens import KeptTokens

TOKEN_TARGET = say("Actito's token service")
DEFAULT_TOKEN_SECONDS = 900.0

_IN_A_HEADER = re.compile(r"[!-~]+\Z")


def secret_of(connection: ActitoConnection) -> str:
    """The API key, or the account's password. Raises ApiError where there is none that can be sent."""
    try:
        key: str = connection.api_key.strip()
    except SecretError as error:
        cannot = say("The API key of %(connection)s cannot be used.", connection=connection)
        raise ApiError(joined([cannot, error.sentence]), Decision.PAUSE) from error
    if not (key if connection.account else _IN_A_HEADER.match(key)):
        said = say("The API key of %(connection)s is empty or misspelt. Enter a valid one.", connection=connection)
        raise ApiError(said, Decision.PAUSE)
    return key


def basic_of(connection: ActitoConnection) -> str:
    """`Basic …` of "licence/account:password", as the oldest addresses take it."""
    return "Basic " + base64.b64encode(f"{connection.account}:{secret_of(connection)}".encode()).decode()


def _fetch_token(connection: ActitoConnection, trail: Trail | None, read_seconds: float) -> tuple[str, float]:
    """GET /auth/token with the raw API key: {"accessToken", "tokenType", "expiresIn": "900s"}."""
    headers = {"Accept": "application/json", "Authorization": secret_of(connection)}
    url = f"{connection.host.rstrip('/')}/auth/token"
    answer = call("GET", url, target=TOKEN_TARGET, trail=trail, headers=headers, read_seconds=read_seconds)
    if answer.status in {401, 403}:
        said = say(
            "Actito does not accept the API key of “%(connection)s”. Enter a valid one.", connection=connection.name
        )
        raise ApiError(said, Decision.PAUSE, status=answer.status)
    body = _judged(answer).json()
    token = body.get("accessToken") if isinstance(body, dict) else None
    if not isinstance(token, str) or not _IN_A_HEADER.match(token):
        raise ApiError(say("Actito's token service gave no token."), Decision.RETRY, status=answer.status)
    return token, _seconds(body.get("expiresIn"))


def _judged(answer: Answer) -> Answer:
    """A refusal here concerns the connection and never one profile, so that no Event may die of it."""
    error = judge(answer, TOKEN_TARGET)
    if error and error.decision is Decision.DEAD:
        sentence = joined([error.sentence, say("Check the API address of the connection.")])
        raise ApiError(sentence, Decision.PAUSE, status=answer.status)
    if error:
        raise error
    return answer


def _seconds(expires_in: Any) -> float:
    """`"900s"`, as Actito writes it, or a plain number."""
    found = re.match(r"([0-9]{1,6})(\.[0-9]+)?\s*s?\Z", str(expires_in))
    return float(found[1]) if found else DEFAULT_TOKEN_SECONDS


def _name(connection: ActitoConnection) -> Hashable:
    # Host and stored key take part, so that a changed connection never uses an old token.
    return connection.uid, connection.host, connection.__dict__.get("api_key")


tokens = KeptTokens(_fetch_token, _name)
