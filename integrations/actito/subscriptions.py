"""Webhook subscriptions on Actito's side, and custom actions: the calls. What is wanted of them: subscribing.py.

https://developers.actito.com/docs/integration-framework/webhooks/intro
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from integrations.actito.answers import id_of
from integrations.actito.client import TARGET, ActitoClient
from portal.http import Answer, ApiError, judge
from portal.ledger.failure import Decision
from portal.sentences import say

PAGE_SIZE, PAGES_MOST = 100, 20


@dataclass(frozen=True)
class Subscription:
    """A webhook subscription as Actito has it. `headers` is None where the answer does not show them."""

    remote_id: str
    on: str
    element: str  # id of the table or custom action
    event_type: str
    target_url: str
    active: bool
    headers: Mapping[str, str] | None = None

    def header(self, name: str) -> str:
        """The value of a header, whatever the case of its name."""
        found = (value for key, value in (self.headers or {}).items() if key.lower() == name.lower())
        return next(found, "")


@dataclass(frozen=True)
class CustomAction:
    remote_id: str
    name: str


class Subscriptions(ActitoClient):
    """All raise ApiError; its `status` is 403 where a right is missing."""

    def listed(self) -> list[Subscription]:
        """All of the entity, each once: a server that knows no pages gives the same list again."""
        found: dict[str, Subscription] = {}
        for page in range(PAGES_MOST):
            body = self._judged(
                self._call("GET", "webhooks", f"{self._place()}?page={page}&pageSize={PAGE_SIZE}")
            ).json()
            members = _members(body)
            new = {each.remote_id: each for each in map(parse_subscription, members) if each.remote_id not in found}
            found |= new
            if not new or len(members) < PAGE_SIZE:
                break
        return [each if each.target_url else self.one(each.remote_id) for each in found.values()]

    def one(self, remote_id: str) -> Subscription:
        body = self._judged(self._call("GET", "webhooks", f"{self._place()}/{remote_id}")).json()
        return parse_subscription({"id": remote_id, **body} if isinstance(body, dict) else body)

    def create(self, body: Mapping[str, Any]) -> None:
        """Whoever calls it has looked first that there is none such, and looks again before the next try: so a call
        whose end nobody saw may be made again, though each makes a subscription of its own."""
        self._judged(self._call("POST", "webhooks", self._place(), dict(body)))

    def replace(self, remote_id: str, body: Mapping[str, Any]) -> None:
        self._judged(self._call("PUT", "webhooks", f"{self._place()}/{remote_id}", dict(body)))

    def delete(self, remote_id: str) -> None:
        """One that is gone already is no error."""
        answer = self._call("DELETE", "webhooks", f"{self._place()}/{remote_id}")
        if answer.status != 404:
            self._judged(answer)

    def custom_actions(self) -> list[CustomAction]:
        path = f"/entities/{quote(self.connection.entity, safe='')}/custom-actions"
        found = _members(_judged(self._call("GET", "scenarios", path, version="v5")).json())
        return [CustomAction(_key(each), _name(each)) for each in found if isinstance(each, dict) and _key(each)]

    def _judged(self, answer: Answer) -> Answer:
        """A 403 or 404 concerns the webhooks alone, so neither pauses the connection."""
        named = {"connection": self.connection.name, "entity": self.connection.entity}
        if answer.status == 403:
            said = say("The API key of “%(connection)s” may not read or write webhooks. Give it that right in Actito.",
                       **named)  # fmt: skip
            raise ApiError(said, Decision.DEAD, status=403)
        if answer.status == 404:
            said = say("Actito knows no such webhook of “%(entity)s”, or hides it from this key.", **named)
            raise ApiError(said, Decision.DEAD, status=404)
        return _judged(answer)

    def _place(self) -> str:
        return f"/entity/{quote(self.connection.entity, safe='')}/webhookSubscription"


def parse_subscription(body: Any) -> Subscription:
    """Raises ApiError for what is none: taking it for one would hide one that is missing."""
    remote_id = _key(body) if isinstance(body, dict) else ""
    if not remote_id:
        raise ApiError(say("Actito listed a webhook without an id."), Decision.RETRY)
    headers = body.get("headers")
    return Subscription(
        remote_id=remote_id,
        on=str(body.get("on") or body.get("tableType") or ""),
        element=str(body.get("onElementId") or body.get("tableId") or ""),
        event_type=str(body.get("eventType") or ""),
        target_url=str(body.get("targetUrl") or ""),
        active=str(body.get("isActive", body.get("isActif", True))).lower() in {"true", "1"},
        headers={str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else None,
    )


def _key(body: Mapping[str, Any]) -> str:
    """Ids are numbers or, of what v5 makes, UUIDs; nothing else goes into a path."""
    found = body.get("id")
    if digits := id_of(found):
        return digits
    return found if isinstance(found, str) and 0 < len(found) <= 60 and quote(found, safe="") == found else ""


def _name(body: Mapping[str, Any]) -> str:
    return str(body.get("name") or body.get("displayName") or "")


def _members(body: Any) -> list[Any]:
    """`{"webhookSubscriptions": [...]}`, under whichever key, or the list alone."""
    lists = [body] if isinstance(body, list) else list(body.values()) if isinstance(body, dict) else []
    members = next((each for each in lists if isinstance(each, list)), None)
    if members is None:
        raise ApiError(say("Actito sent an answer that is not a list."), Decision.RETRY)
    return members


def _judged(answer: Answer) -> Answer:
    if error := judge(answer, TARGET):
        raise error
    return answer
