"""What a real licence answers, as files without anybody's data: docs/record-a-licence.md.

Only calls that read are made. Names of entities, tables, attributes, scenarios and webhooks are kept; what is a
person's, and what lets somebody in, keeps its shape alone: "Anna, 27/03/1985" becomes "Xxxx, 11/11/1111".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from integrations.actito.directory import Directory
from integrations.actito.models import ActitoConnection
from integrations.actito.profile_calls import ProfileClient
from integrations.actito.subscriptions import Subscriptions
from portal.http import Answer
from portal.ledger import Failure

# Steps whose answers are about a person: only the names of what is told are kept, as in {"name": …, "value": …}.
PERSONAL = frozenset({"first-profile", "profile", "subscriptions"})
TOLD_OF_A_PERSON = frozenset({"value", "values", "subscribe", "subscribed"})
# Members whose values are no person's: names that a mapping needs, flags, kinds.
KEPT = frozenset(
    {
        "name", "displayName", "technicalName", "type", "valueType", "unique", "mandatory", "multiValued", "subscribe",
        "subscribed", "eventType", "on", "tableType", "webhookPushType", "isActive", "isActif", "isStartEventTriggered",
        "id", "onElementId", "code", "status", "comment", "path", "message",
    }
)  # fmt: skip
UNKNOWN_TEXT = 2_000
_PERSON = re.compile(r"(/profile/)([^/?]+)")


@dataclass(frozen=True)
class Exchange:
    """A call and its answer. `body`: JSON where it was; else the beginning of the text, in `text`."""

    step: str
    method: str
    path: str
    status: int
    content_type: str
    body: Any = None
    text: str = ""

    def written(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"


@dataclass(frozen=True)
class Told:
    """How a step ended: why it failed, or nothing."""

    step: str
    problem: str


def record(connection: ActitoConnection, profile: str, keep: Callable[[Exchange], None]) -> list[Told]:
    """Makes each reading call once. `profile`: whose profile to read; empty for whichever Actito lists first."""
    directory, webhooks, profiles = Directory(connection), Subscriptions(connection), ProfileClient(connection)
    steps: dict[str, Callable[[], Any]] = {
        "entities": directory.entities,
        "tables": directory.tables,
        "structure": directory.structure,
        "first-profile": directory.sample,
        "scenarios": directory.scenarios,
        "webhooks": webhooks.listed,
        "custom-actions": webhooks.custom_actions,
    }
    if profile:
        steps["profile"] = lambda: directory.read_profile(profile)
        steps["subscriptions"] = lambda: profiles.subscriptions(profile)
    return [_tried(step, call, (directory, webhooks, profiles), keep) for step, call in steps.items()]


def _tried(step: str, call: Callable[[], Any], clients: Any, keep: Callable[[Exchange], None]) -> Told:
    def heard(method: str, url: str, answer: Answer) -> None:
        keep(exchange_of(step, method, url, answer))

    for client in clients:
        client.heard = heard
    try:
        call()
    except Failure as failure:
        return Told(step, str(failure.sentence))
    return Told(step, "")


def exchange_of(step: str, method: str, url: str, answer: Answer) -> Exchange:
    parts = urlsplit(url)
    path = _PERSON.sub(lambda found: found[1] + masked(unquote(found[2])), parts.path)
    if parts.query:
        path = f"{path}?{masked(parts.query) if 'search' in parts.query else parts.query}"
    kind = answer.headers.get("content-type", "")
    try:
        return Exchange(
            step, method, path, answer.status, kind, body=without_people(json.loads(answer.body), step in PERSONAL)
        )
    except ValueError:
        text = answer.body[:UNKNOWN_TEXT].decode("utf-8", "replace")
        return Exchange(step, method, path, answer.status, kind, text=masked(text))


def without_people(found: Any, personal: bool = False) -> Any:
    """The document with every value that may be a person's, or a secret, in its shape alone."""
    if isinstance(found, Mapping):
        kept = (TOLD_OF_A_PERSON & found.keys() and {"name"}) if personal else KEPT
        return {key: value if key in kept and not isinstance(value, Mapping | list) else without_people(value, personal)
                for key, value in found.items()}  # fmt: skip
    if isinstance(found, list):
        return [without_people(each, personal) for each in found]
    return found if found is None or isinstance(found, bool) else masked(found)


def masked(value: Any) -> Any:
    """Letters become x, digits 1; a number keeps its length and stays a number."""
    if isinstance(value, str):
        text = re.sub(r"[^\W\d_]", lambda sign: "X" if sign[0].isupper() else "x", value)
        return re.sub(r"\d", "1", text)
    return type(value)(re.sub(r"\d", "1", str(value))) if isinstance(value, int) else 1.1
