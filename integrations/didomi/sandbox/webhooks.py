"""What Didomi's webhook says: https://developers.didomi.io/integrations/generic-integrations/webhooks"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from integrations.didomi.sandbox.catalogue import Json
from integrations.didomi.sandbox.store import GDPR, Refusal, Webhook
from integrations.didomi.sandbox.switches import Switches

TYPES = tuple(f"{what}.{change}" for what in ("event", "user") for change in ("created", "updated", "deleted"))


@dataclass(frozen=True)
class News:
    """Something that happened. `entity` is as it is now, or was last; `old` and `source` are those of an update."""

    type: str
    regulation: str
    person: str
    entity: Json
    old: Json | None = None
    source: Json | None = None


def parse(body: Any) -> Webhook:
    """Checks `{"url", "token_url", "client_id", "client_secret", "scope", "api_key", "types"}`; url is required."""
    if not isinstance(body, dict):
        raise Refusal(400, "A webhook is a JSON object")
    if unknown := sorted(set(body) - set(Webhook.__dataclass_fields__)):
        raise Refusal(400, f"A webhook has no {', '.join(unknown)}")
    texts = {name: value for name, value in body.items() if name != "types"}
    if bad := [name for name, value in texts.items() if not isinstance(value, str)]:
        raise Refusal(400, f"{bad[0]} must be text")
    for name in ("url", "token_url"):
        if (name == "url" or body.get(name)) and not _is_url(body.get(name)):
            raise Refusal(400, f"{name} must be an address that begins with http")
    types = body.get("types") or []
    if not isinstance(types, list) or any(each not in TYPES for each in types):
        raise Refusal(400, f"types must be some of {', '.join(TYPES)}")
    return Webhook(**texts, types=types)


def concerns(webhook: Webhook, news: News, switches: Switches) -> bool:
    """No types chosen are all types; news of other regulations is sent only when that is switched on."""
    told = news.regulation == GDPR or switches.multi_regulation
    wanted = not webhook.types or news.type in webhook.types
    return told and wanted and (switches.user_webhooks or not news.type.startswith("user."))


def payload(news: News, switches: Switches) -> Json:
    """`{"type", "parameters": {"entity"}, "regulation"}`; where it is flattened, keys are joined with `__`."""
    entity = news.entity
    if news.type.endswith(".deleted") and switches.minimal_deleted:
        entity = {name: entity[name] for name in ("id", "created_at")}
    body: Json = {"type": news.type}
    if switches.flatten:
        keys = dict(flat(switches.flat_prefix, entity, by_id=switches.flatten == "id"))
        body |= keys if switches.flat_prefix else {"parameters": {"entity": keys}}
    elif news.old is None:
        body["parameters"] = {"entity": entity}
    else:
        told: Json = {"source": news.source} if news.source and switches.with_source else {}
        body["parameters"] = {**told, "old_entity": news.old, "new_entity": entity}
    return body | ({"regulation": news.regulation} if switches.with_regulation else {})


def flat(prefix: str, value: Any, *, by_id: bool) -> Iterator[tuple[str, Any]]:
    """`(path, plain value)` of everything in a value. Items of a list are named by their place or, where they have
    one, by their id."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from flat(f"{prefix}__{name}" if prefix else name, each, by_id=by_id)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            name = each["id"] if by_id and isinstance(each, dict) and "id" in each else place
            yield from flat(f"{prefix}__{name}", each, by_id=by_id)
    else:
        yield prefix, value


def _is_url(value: Any) -> bool:
    # The vendor forces https; a rehearsal on one machine has no certificate.
    try:
        return isinstance(value, str) and urlsplit(value).scheme in {"http", "https"} and bool(urlsplit(value).hostname)
    except ValueError:
        return False
