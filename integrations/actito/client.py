"""Actito's REST API, as far as the portal uses it. Facts and open points: docs/actito.md.

Errors are ApiError with what follows from them; what a status means for one call stands with that call.
https://developers.actito.com/docs/integration-framework/apis/
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from integrations.actito.answers import (
    ActitoProfile,
    ListedScenario,
    interaction_key,
    parse_profile,
    parse_scenarios,
)
from integrations.actito.models import ActitoConnection
from portal.http import Answer, ApiError, call, judge
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail
from portal.secrets import SecretError
from portal.sentences import Sentence, joined, say

TARGET = "Actito"
TOKEN_TARGET = say("Actito's token service")
TOKEN_MARGIN_SECONDS = 60.0
DEFAULT_TOKEN_SECONDS = 900.0

_IN_A_HEADER = re.compile(r"[!-~]+\Z")

_PREFIXES = {
    ActitoConnection.PathStyle.FLAT: "/v4",
    ActitoConnection.PathStyle.LEGACY: "/ActitoWebServices/ws/v4",
}


class ActitoClient:
    """Calls for one connection. `trail` is where the calls are noted; without one they are not."""

    def __init__(self, connection: ActitoConnection, trail: Trail | None = None) -> None:
        self.connection = connection
        self._trail = trail

    def read_profile(self, profile: str) -> ActitoProfile | None:
        """The profile with this id, or with `attribute=value` of a unique attribute; None when there is none (404)."""
        answer = self._call("GET", "profiles", f"{self._table()}/profile/{_segment(profile)}")
        if answer.status == 404:
            return None
        return parse_profile(_judged(answer).json(), profile)

    def scenarios(
        self, name: str = "", *, is_start_event_triggered: bool | None = None, is_active: bool | None = None
    ) -> list[ListedScenario]:
        """The table's scenarios; `name` is a display name that may begin or end with `*`. None asks for both.

        Raises ApiError; a 403 or 404 concerns the catalogue alone, so neither pauses the connection.
        """
        asked = {"name": name, "isStartEventTriggered": is_start_event_triggered, "isActive": is_active}
        query = urlencode({key: _spelled(value) for key, value in asked.items() if value not in {"", None}})
        answer = self._call("GET", "scenarios", f"{self._table()}/scenario{'?' if query else ''}{query}")
        if answer.status in {403, 404}:
            raise ApiError(_hidden_catalogue(self.connection, answer.status), Decision.DEAD, status=answer.status)
        return parse_scenarios(_judged(answer).json())

    def start_scenario(self, scenario: str, profile: str) -> str:
        """Lets the profile, by id or `attribute=value`, enter the scenario; gives the interaction's business key.

        Each call lets it enter again, so it is made once: whether it was heard or not, nobody but a person repeats it.
        The key is empty where the answer holds none. Raises ApiError.
        """
        path = f"{self._table()}/scenario/{quote(scenario, safe='')}/profile/{_segment(profile)}"
        answer = self._call("POST", "scenarios", path, repeatable=False)
        if refusal := _not_started(answer, self.connection):
            raise refusal
        return interaction_key(answer.body)

    def renew_token(self) -> None:
        """Asks Actito for a new token now, for a test of the key. Raises ApiError."""
        _tokens.renew(self.connection, self._trail)

    def _table(self) -> str:
        return f"/entity/{quote(self.connection.entity, safe='')}/table/{quote(self.connection.table, safe='')}"

    def _call(self, method: str, category: str, path: str, body: Any = None, *, repeatable: bool = True) -> Answer:
        """One call with a token; an expired or withdrawn one is renewed once."""
        style = self.connection.path_style
        prefix = f"/{category}/v4" if style == ActitoConnection.PathStyle.CATEGORISED else _PREFIXES[style]  # type: ignore[index]
        url = f"{self.connection.host.rstrip('/')}{prefix}{path}"
        token = self._token()
        answer = self._send(method, url, token, body, repeatable=repeatable)
        if answer.status == 401:
            _tokens.forget(self.connection, token)
            answer = self._send(method, url, self._token(), body, repeatable=repeatable)
        return answer

    def _send(self, method: str, url: str, token: str, body: Any, *, repeatable: bool) -> Answer:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        hide = [_api_key(self.connection)]
        return call(
            method, url, target=TARGET, trail=self._trail, headers=headers, body=body, repeatable=repeatable, hide=hide
        )

    def _token(self) -> str:
        return _tokens.get(self.connection, self._trail)


@dataclass
class _Kept:
    """One connection's token. The lock lets one thread fetch while the others of this connection wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    token: str = ""
    good_until: float = 0.0


class _Tokens:
    """Bearer tokens per connection and process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[Any, ...], _Kept] = {}

    def _of(self, connection: ActitoConnection) -> _Kept:
        # Host and stored key take part, so that a changed connection never uses an old token.
        name = (connection.uid, connection.host, connection.__dict__.get("api_key"))
        with self._lock:
            return self._kept.setdefault(name, _Kept())

    def get(self, connection: ActitoConnection, trail: Trail | None) -> str:
        kept = self._of(connection)
        with kept.lock:
            if kept.good_until <= time.monotonic():
                kept.token, seconds = _fetch_token(connection, trail)
                kept.good_until = time.monotonic() + seconds - min(TOKEN_MARGIN_SECONDS, seconds / 2)
            return kept.token

    def renew(self, connection: ActitoConnection, trail: Trail | None) -> None:
        kept = self._of(connection)
        with kept.lock:
            kept.good_until = 0.0
        self.get(connection, trail)

    def forget(self, connection: ActitoConnection, token: str) -> None:
        """Drops this token, unless another thread has a newer one already."""
        kept = self._of(connection)
        with kept.lock:
            if kept.token == token:
                kept.good_until = 0.0


_tokens = _Tokens()


def _fetch_token(connection: ActitoConnection, trail: Trail | None) -> tuple[str, float]:
    """GET /auth/token with the raw API key: {"accessToken", "tokenType", "expiresIn": "900s"}."""
    headers = {"Accept": "application/json", "Authorization": _api_key(connection)}
    url = f"{connection.host.rstrip('/')}/auth/token"
    answer = call("GET", url, target=TOKEN_TARGET, trail=trail, headers=headers)
    if answer.status in {401, 403}:
        said = say(
            "Actito does not accept the API key of “%(connection)s”. Enter a valid one.", connection=connection.name
        )
        raise ApiError(said, Decision.PAUSE, status=answer.status)
    body = _token_judged(answer).json()
    token = body.get("accessToken") if isinstance(body, dict) else None
    if not isinstance(token, str) or not _IN_A_HEADER.match(token):
        raise ApiError(say("Actito's token service gave no token."), Decision.RETRY, status=answer.status)
    return token, _seconds(body.get("expiresIn"))


def _api_key(connection: ActitoConnection) -> str:
    try:
        key: str = connection.api_key.strip()
    except SecretError as error:
        cannot = say("The API key of %(connection)s cannot be used.", connection=connection)
        raise ApiError(joined([cannot, error.sentence]), Decision.PAUSE) from error
    if not _IN_A_HEADER.match(key):
        said = say("The API key of %(connection)s is empty or misspelt. Enter a valid one.", connection=connection)
        raise ApiError(said, Decision.PAUSE)
    return key


def _token_judged(answer: Answer) -> Answer:
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


def _segment(profile: str) -> str:
    """`147471`, or `emailAddress=john@doe.com` with the value encoded and the first `=` as it is."""
    attribute, equals, value = profile.partition("=")
    return f"{quote(attribute, safe='')}{equals}{quote(value, safe='@')}"


def _judged(answer: Answer) -> Answer:
    if error := judge(answer, TARGET):
        raise error
    return answer


def _not_started(answer: Answer, connection: ActitoConnection) -> ApiError | None:
    """What an answer to a start means: https://developers.actito.com/ names 200 alone, the rest follows from HTTP."""
    status, refusal = answer.status, judge(answer, TARGET)
    if status == 403:
        said = say(
            "The API key of “%(connection)s” may not start scenarios. Give it that right in Actito, then replay.",
            connection=connection.name,
        )
        return ApiError(said, Decision.DEAD, status=status)
    if status == 404:
        said = say("Actito knows the profile or the scenario no more, or hides it from this key.")
        return ApiError(said, Decision.DEAD, status=status)
    if status in {400, 409, 410, 422}:
        said = say("Actito did not start it: it was stopped, or does not begin with a Start block.")
        return ApiError(joined([said, *([refusal.sentence] if refusal else [])]), Decision.DEAD, status=status)
    if status >= 500 and status != 503:
        said = say("Actito answered %(status)s, and may have started it. Look there, then replay or leave it.",
                   status=status)  # fmt: skip
        return ApiError(said, Decision.UNCERTAIN, status=status)
    return refusal


def _hidden_catalogue(connection: ActitoConnection, status: int) -> Sentence:
    if status == 403:
        return say(
            "The API key of “%(connection)s” may not read scenarios. Give it that right in Actito, then refresh.",
            connection=connection.name,
        )
    return say(
        "Actito knows no scenarios of the table “%(table)s” of “%(entity)s”, or hides them from this key.",
        table=connection.table,
        entity=connection.entity,
    )


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
