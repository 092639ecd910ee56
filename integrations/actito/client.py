"""Actito's REST API, as far as the portal uses it. Facts and open points: docs/actito.md.

Errors are ApiError with what follows from them; what a status means for one call stands with that call.
https://developers.actito.com/docs/integration-framework/apis/
"""

from __future__ import annotations

from collections.abc import Callable
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
from integrations.actito.tables import Structure, find_table, parse_structure
from integrations.actito.tokens import basic_of, secret_of, tokens
from portal.http import READ_SECONDS, Answer, ApiError, call, judge
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail
from portal.sentences import Sentence, joined, say

TARGET = "Actito"


class ActitoClient:
    """Calls for one connection. `trail` is where the calls are noted; without one they are not."""

    # How long an answer may take: shorter where a person waits for it.
    read_seconds: float = READ_SECONDS

    def __init__(self, connection: ActitoConnection, trail: Trail | None = None) -> None:
        self.connection = connection
        self.trail = trail
        # Hears each call with its whole answer: integrations.actito.recording.
        self.heard: Callable[[str, str, Answer], None] | None = None

    def read_profile(self, profile: str) -> ActitoProfile | None:
        """The profile with this id, or with `attribute=value` of a unique attribute; None when there is none (404)."""
        answer = self._call("GET", "profiles", f"{self._table()}/profile/{segment(profile)}")
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

    def structure(self) -> Structure:
        """What the profile table consists of. The table is found by its name in the list of tables, or by its id.

        Raises ApiError; a 403 or 404 concerns the structure alone, so neither pauses the connection.
        """
        tables = f"/entities/{quote(self.connection.entity, safe='')}/profile-tables"
        found: Any = {"id": self.connection.table}
        if not self.connection.table.isdecimal():
            found = find_table(self._structure_at(tables), self.connection.table)
            if found is None:
                raise ApiError(_hidden_structure(self.connection, 404), Decision.DEAD, status=404)
        if not found.get("attributes"):
            found = self._structure_at(f"{tables}/{quote(str(found.get('id')), safe='')}")
        return parse_structure(found)

    def _structure_at(self, path: str) -> Any:
        answer = self._call("GET", "profile-table-structure", path, version="v5")
        if answer.status in {403, 404}:
            raise ApiError(_hidden_structure(self.connection, answer.status), Decision.DEAD, status=answer.status)
        return _judged(answer).json()

    def start_scenario(self, scenario: str, profile: str) -> str:
        """Lets the profile, by id or `attribute=value`, enter the scenario; gives the interaction's business key.

        Each call lets it enter again, so it is made once: whether it was heard or not, nobody but a person repeats it.
        The key is empty where the answer holds none. Raises ApiError.
        """
        path = f"{self._table()}/scenario/{quote(scenario, safe='')}/profile/{segment(profile)}"
        answer = self._call("POST", "scenarios", path, repeatable=False)
        if refusal := _not_started(answer, self.connection):
            raise refusal
        return interaction_key(answer.body)

    def renew_token(self) -> None:
        """Asks Actito for a new token now, for a test of the key; accounts of HTTP Basic have none. Raises ApiError."""
        if not self.connection.account:
            tokens.renew(self.connection, self.trail, self.read_seconds)

    def _table(self) -> str:
        return f"/entity/{quote(self.connection.entity, safe='')}/table/{quote(self.connection.table, safe='')}"

    def _call(
        self, method: str, category: str, path: str, body: Any = None, *, version: str = "v4", repeatable: bool = True
    ) -> Answer:
        """One call with a token; an expired or withdrawn one is renewed once."""
        prefix = prefix_of(self.connection.path_style, category, version)
        url = f"{self.connection.host.rstrip('/')}{prefix}{path}"
        if self.connection.account:
            return self._send(method, url, basic_of(self.connection), body, repeatable=repeatable)
        token = self._token()
        answer = self._send(method, url, f"Bearer {token}", body, repeatable=repeatable)
        if answer.status == 401:
            tokens.forget(self.connection, token)
            answer = self._send(method, url, f"Bearer {self._token()}", body, repeatable=repeatable)
        return answer

    def _send(self, method: str, url: str, credential: str, body: Any, *, repeatable: bool) -> Answer:
        headers = {"Accept": "application/json", "Authorization": credential}
        answer = call(
            method, url, target=TARGET, trail=self.trail, headers=headers, body=body, repeatable=repeatable,
            read_seconds=self.read_seconds, hide=[secret_of(self.connection)],
        )  # fmt: skip
        if self.heard:
            self.heard(method, url, answer)
        return answer

    def _token(self) -> str:
        return tokens.get(self.connection, self.trail, self.read_seconds)


def prefix_of(style: str, category: str, version: str) -> str:
    """What stands before a route: Actito has moved all of them twice, and old addresses go on answering."""
    if style == ActitoConnection.PathStyle.CATEGORISED:
        return f"/{category}/{version}"
    return f"/{version}" if style == ActitoConnection.PathStyle.FLAT else f"/ActitoWebServices/ws/{version}"


def segment(profile: str) -> str:
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


def _hidden_structure(connection: ActitoConnection, status: int) -> Sentence:
    if status == 403:
        return say(
            "The API key of “%(connection)s” may not read the structure of tables. Give it that right in Actito, then "
            "read the table again.",
            connection=connection.name,
        )
    return say(
        "Actito knows no structure of the table “%(table)s” of “%(entity)s”, or hides it from this key.",
        table=connection.table,
        entity=connection.entity,
    )


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
