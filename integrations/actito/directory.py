"""What a key reaches in Actito: its entities, their profile tables, a profile. Short reads, while a person waits.

How v4 lists entities and tables, and under which keys v5 lists tables, is documented nowhere: every shape with names in
it is taken, and where one route is not known the other is asked. docs/decisions.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from integrations.actito.answers import ActitoProfile, id_of, parse_profile
from integrations.actito.client import TARGET, ActitoClient
from integrations.actito.models import ActitoConnection
from integrations.actito.tables import ATTRIBUTES, TECHNICAL
from portal.http import Answer, ApiError, judge
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail
from portal.sentences import say

WAIT_SECONDS = 6.0  # a person sits before it
NO_SUCH_ROUTE = {404, 405, 501}
Style = ActitoConnection.PathStyle
STYLES = (Style.CATEGORISED, Style.FLAT, Style.LEGACY)


@dataclass(frozen=True)
class Listed:
    """An entity or a profile table."""

    remote_id: str
    name: str


class Directory(ActitoClient):
    """The calls raise ApiError; its `status` is 403 where a right is missing."""

    read_seconds = WAIT_SECONDS

    def entities(self) -> list[Listed]:
        """Those that the key may reach."""
        return parse_listed(self._first(("entities", "v5", "/entities"), ("entities", "v4", "/entity")).json())

    def tables(self) -> list[Listed]:
        """The profile tables of the connection's entity."""
        entity = quote(self.connection.entity, safe="")
        body = self._first(
            ("profile-table-structure", "v5", f"/entities/{entity}/profile-tables"),
            ("profile-table-structure", "v4", f"/entity/{entity}/table"),
        ).json()
        return parse_listed(body)

    def unique_attributes(self) -> list[str] | None:
        """The attributes of the connection's table of which no two profiles share a value; None where Actito does not
        say."""
        try:
            attributes = self.structure().parts[ATTRIBUTES]
        except ApiError as error:
            if error.status is None:
                raise
            return None
        return [name for name, item in attributes.items() if item.unique and name not in TECHNICAL]

    def sample(self) -> ActitoProfile | None:
        """Some profile of the table; None of an empty one."""
        body = _judged(self._call("GET", "profiles", f"{self._table()}/profile?number=1")).json()
        found = body.get("profiles") if isinstance(body, dict) else body
        if not isinstance(found, list):
            raise ApiError(say("Actito sent an answer that is not a list of profiles."), Decision.RETRY)
        return parse_profile(found[0], "") if found else None

    def _first(self, *routes: tuple[str, str, str]) -> Answer:
        """The answer of the first route that there is. At the oldest addresses v4 alone lists anything."""
        known = [each for each in routes if each[1] == "v4" or self.connection.path_style != Style.LEGACY]
        answer = self._listing(*known[0])
        for route in known[1:]:
            if answer.status in NO_SUCH_ROUTE:
                answer = self._listing(*route)
        return _judged(answer)

    def _listing(self, category: str, version: str, path: str) -> Answer:
        return self._call("GET", category, path, version=version)


@dataclass(frozen=True)
class Detected:
    """Under which paths Actito answers. `entities` is None where the key may not list them."""

    style: str
    entities: list[Listed] | None


def detect(connection: ActitoConnection, trail: Trail | None = None) -> Detected:
    """Tries the path styles, the newest first. Raises ApiError: the key is refused, nobody answers, or none fits.

    A 403 shows that a path is known, where no other path lists the entities.
    """
    known: str | None = None
    refused: ApiError | None = None
    for style in [Style.LEGACY] if connection.account else STYLES:
        connection.path_style = style
        try:
            return Detected(style, Directory(connection, trail).entities())
        except ApiError as error:
            if error.status in {None, 401} or error.decision is Decision.DEFER:
                raise
            if error.status == 403 and known is None:
                known = style
            refused = refused or error
    if known is not None:
        connection.path_style = known
        return Detected(known, None)
    raise refused or ApiError(say("Actito knows none of the paths."), Decision.DEAD)


def parse_listed(body: Any) -> list[Listed]:
    """`{"entities": [{"id", "name"}]}`, the list alone, or names alone; in Actito's order, each name once.

    Raises ApiError for an answer that lists nothing of the kind.
    """
    lists = [body] if isinstance(body, list) else list(body.values()) if isinstance(body, dict) else []
    members = next((each for each in lists if isinstance(each, list)), None)
    if members is None:
        raise ApiError(say("Actito sent an answer that is not a list."), Decision.RETRY)
    found = [_listed(each) for each in members]
    return list({each.name: each for each in found if each is not None}.values())


def _listed(member: Any) -> Listed | None:
    named = member if isinstance(member, dict) else {"name": member}
    name = named.get("name")
    if not isinstance(name, str) or not name.strip():
        return None
    return Listed(id_of(named.get("id")), name.strip())


def named(listed: Iterable[Listed], name_or_id: str) -> Listed | None:
    """The one of this name, else of this id: routes take either."""
    found = list(listed)
    return next((each for each in found if each.name == name_or_id), None) or next(
        (each for each in found if each.remote_id == name_or_id), None
    )


def _judged(answer: Answer) -> Answer:
    if error := judge(answer, TARGET):
        raise error
    return answer
