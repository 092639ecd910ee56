"""Actito's REST API, as far as the portal uses it. Facts and open points: docs/actito.md.

Errors are ApiError with what follows from them; what a status means for one call stands with that call.
https://developers.actito.com/docs/integration-framework/apis/
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from integrations.actito.models import ActitoConnection
from portal.http import Answer, ApiError, call, judge
from portal.ledger.failure import Decision
from portal.ledger.registry import Trail

TARGET = "Actito"
TOKEN_MARGIN_SECONDS = 60.0
DEFAULT_TOKEN_SECONDS = 900.0

_PREFIXES = {
    ActitoConnection.PathStyle.FLAT: "/v4",
    ActitoConnection.PathStyle.LEGACY: "/ActitoWebServices/ws/v4",
}


@dataclass(frozen=True)
class ActitoProfile:
    """A profile as read: attribute values as Actito types them, subscriptions and segmentations as true or false."""

    profile_id: str
    attributes: dict[str, Any]
    subscriptions: dict[str, bool]
    segmentations: dict[str, bool]

    def document(self) -> dict[str, Any]:
        """Flat, for mapping: {"attributes.points": 420, "subscriptions.Newsletter": True}."""
        parts = {
            "attributes": self.attributes,
            "subscriptions": self.subscriptions,
            "segmentations": self.segmentations,
        }
        return {f"{part}.{name}": value for part, members in parts.items() for name, value in members.items()}


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

    def _table(self) -> str:
        return f"/entity/{quote(self.connection.entity, safe='')}/table/{quote(self.connection.table, safe='')}"

    def _call(self, method: str, category: str, path: str, body: Any = None) -> Answer:
        """One call with a token; an expired or withdrawn one is renewed once."""
        style = self.connection.path_style
        prefix = f"/{category}/v4" if style == ActitoConnection.PathStyle.CATEGORISED else _PREFIXES[style]  # type: ignore[index]
        url = f"{self.connection.host.rstrip('/')}{prefix}{path}"
        answer = self._send(method, url, self._token(), body)
        if answer.status == 401:
            _tokens.forget(self.connection)
            answer = self._send(method, url, self._token(), body)
        return answer

    def _send(self, method: str, url: str, token: str, body: Any) -> Answer:
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
        return call(method, url, target=TARGET, trail=self._trail, headers=headers, body=body)

    def _token(self) -> str:
        return _tokens.get(self.connection, self._trail)


class _Tokens:
    """Bearer tokens per connection and process. One thread fetches while the others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[Any, ...], tuple[str, float]] = {}

    @staticmethod
    def _name(connection: ActitoConnection) -> tuple[Any, ...]:
        # Host and stored key take part, so that a changed connection never uses an old token.
        return (connection.uid, connection.host, connection.__dict__.get("api_key"))

    def get(self, connection: ActitoConnection, trail: Trail | None) -> str:
        with self._lock:
            token, expires = self._kept.get(self._name(connection), ("", 0.0))
            if expires <= time.monotonic():
                token, seconds = _fetch_token(connection, trail)
                self._kept[self._name(connection)] = (token, time.monotonic() + seconds - TOKEN_MARGIN_SECONDS)
        return token

    def forget(self, connection: ActitoConnection) -> None:
        with self._lock:
            self._kept.pop(self._name(connection), None)


_tokens = _Tokens()


def _fetch_token(connection: ActitoConnection, trail: Trail | None) -> tuple[str, float]:
    """GET /auth/token with the raw API key: {"accessToken", "tokenType", "expiresIn": "900s"}."""
    headers = {"Accept": "application/json", "Authorization": connection.api_key}
    url = f"{connection.host.rstrip('/')}/auth/token"
    answer = call("GET", url, target="Actito's token service", trail=trail, headers=headers)
    if answer.status in {401, 403}:
        raise ApiError("Actito does not accept the API key. Enter a valid one.", Decision.PAUSE, status=answer.status)
    body = _judged(answer).json()
    token = body.get("accessToken") if isinstance(body, dict) else None
    if not isinstance(token, str) or not token:
        raise ApiError("Actito's token service gave no token.", Decision.RETRY, status=answer.status)
    return token, _seconds(body.get("expiresIn"))


def _seconds(expires_in: Any) -> float:
    """`"900s"`, as Actito writes it, or a plain number."""
    text = str(expires_in).removesuffix("s")
    return float(text) if text.isdigit() else DEFAULT_TOKEN_SECONDS


def _segment(profile: str) -> str:
    """`147471`, or `emailAddress=john@doe.com` with the value encoded and the first `=` as it is."""
    attribute, equals, value = profile.partition("=")
    return f"{quote(attribute, safe='')}{equals}{quote(value, safe='@')}"


def _judged(answer: Answer) -> Answer:
    if error := judge(answer, TARGET):
        raise error
    return answer


def parse_profile(body: Any, profile: str) -> ActitoProfile:
    """A profile in any of the shapes that Actito and its clients show (lists of {name, value}, or flat objects)."""
    if not isinstance(body, dict):
        raise ApiError("Actito's profile was not an object.", Decision.RETRY)
    attributes = _pairs(body.get("attributes"), "value")
    profile_id = str(attributes.get("profileId") or body.get("profileId") or profile)
    subscriptions = {name: _truth(value) for name, value in _pairs(body.get("subscriptions"), "subscribe").items()}
    return ActitoProfile(profile_id, attributes, subscriptions, _segmentations(body.get("segmentations")))


def _pairs(members: Any, value_key: str) -> dict[str, Any]:
    if isinstance(members, dict):
        return dict(members)
    items = members if isinstance(members, list) else []
    return {str(item["name"]): item.get(value_key) for item in items if isinstance(item, dict) and "name" in item}


def _segmentations(members: Any) -> dict[str, bool]:
    """Items are {category, name}, or {belongs, segmentation: {category, name}}."""
    found = {}
    for item in members if isinstance(members, list) else []:
        inner = item.get("segmentation", item) if isinstance(item, dict) else None
        if isinstance(inner, dict) and "name" in inner:
            found[str(inner["name"])] = _truth(item.get("belongs", True))
    return found


def _truth(value: Any) -> bool:
    return str(value).lower() in {"true", "1"}
