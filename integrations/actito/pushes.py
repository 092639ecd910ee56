"""What Actito pushes, in all the shapes that arrive, made one: pure.

The contract's wrapper {"eventType", "operation", "data": {"profileId": 7}}; Actito's envelope {"id", "data", "_links"};
BULK pushes, as an envelope with an array or as an array of envelopes; flat dotted keys ("actionParameters.points"); a
bare object without `data`. Members that are not known are kept and do no harm.
https://developers.actito.com/docs/integration-framework/webhooks/events/triggers
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from portal.sentences import Explained, Sentence, say
from portal.text import fingerprint

PROFILE_ID_LIMIT = 2**63 - 1
SOURCE_ID_LIMIT = 100  # with what webhooks add to it, it fits the ledger's 200
BULK_LIMIT = 1000
TEST_EVENT = "TEST"  # the event type of a test of the address: Actito has none of that name
DOTS_LIMIT = 8  # a key of a thousand dots would make a document that no encoder can write
NO_OBJECT = say("The element is not an object.")
_ENVELOPE = frozenset({"id", "eventType", "operation", "tableId", "_links"})


class Unreadable(Explained, ValueError):
    """What was sent cannot be taken: `path` is where in the body, the sentence says what to send instead."""

    def __init__(self, path: str, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.path = path


@dataclass(frozen=True)
class Push:
    """One element of a body. `problem` says what is wrong with an element of a bulk that cannot be read."""

    data: Mapping[str, Any]
    event_type: str  # Actito's word in capitals, such as UPDATED_SUBSCRIPTION; empty when the body says none
    source_id: str | None  # Actito's id of the push; of an element of a bulk with its fingerprint: "95f1…#a0c4…"
    bulk: bool
    path: str  # where it stands in the body: "$.data" or "$.data[2]"
    problem: Sentence | None = None


def pushes_of(body: Mapping[str, Any] | list[Any]) -> list[Push]:
    """The elements of a body. Raises Unreadable where there is none."""
    if isinstance(body, Mapping):
        return _envelope(body)
    if not 1 <= len(body) <= BULK_LIMIT:
        raise Unreadable("$", say("Send an object, or an array of 1 to %(limit)s objects.", limit=BULK_LIMIT))
    pushes: list[Push] = []
    for number, each in enumerate(body):
        pushes += _element(each, number)
        if len(pushes) > BULK_LIMIT:
            raise Unreadable("$", say("Send at most %(limit)s elements in all.", limit=BULK_LIMIT))
    return pushes


def _element(envelope: Any, number: int) -> list[Push]:
    """An envelope in an array of them: one that cannot be read must not lose the others."""
    path = f"$[{number}]"
    if not isinstance(envelope, dict):
        return [Push({}, "", None, True, path, NO_OBJECT)]
    try:
        return [replace(push, bulk=True, path=path + push.path[1:]) for push in _envelope(envelope)]
    except Unreadable as error:
        return [Push({}, "", None, True, path + error.path[1:], error.sentence)]


def _envelope(body: Mapping[str, Any]) -> list[Push]:
    sent = body.get("data", _ABSENT)
    if sent is _ABSENT:
        sent = {name: value for name, value in body.items() if name not in _ENVELOPE}
    event_type, source_id = _word(body.get("eventType")), _source_id(body.get("id"))
    if isinstance(sent, list):
        return _bulk(sent, event_type, source_id)
    if not isinstance(sent, dict):
        raise Unreadable("$.data", say("Send an object, or an array of objects."))
    return [Push(nested(sent), event_type or _word(sent.get("eventType")), source_id, False, "$.data")]


def _bulk(elements: list[Any], event_type: str, source_id: str | None) -> list[Push]:
    if not elements:
        raise Unreadable("$.data", say("Send at least one element."))
    if len(elements) > BULK_LIMIT:
        raise Unreadable("$.data", say("Send at most %(limit)s elements.", limit=BULK_LIMIT))
    pushes = [
        Push(
            data=nested(element) if isinstance(element, dict) else {},
            event_type=event_type or (_word(element.get("eventType")) if isinstance(element, dict) else ""),
            source_id=None,
            bulk=True,
            path=f"$.data[{number}]",
            problem=None if isinstance(element, dict) else NO_OBJECT,
        )
        for number, element in enumerate(elements)
    ]
    return _named(pushes, source_id) if source_id else pushes


def _named(pushes: list[Push], source_id: str) -> list[Push]:
    """Each with an id of its own, the same one in whatever order they come again. Two equal ones are two events."""
    seen: Counter[str] = Counter()
    named = []
    for push in pushes:
        mark = fingerprint(push.data)[:32]
        seen[mark] += 1
        copy = f".{seen[mark]}" if seen[mark] > 1 else ""
        named.append(replace(push, source_id=f"{source_id}#{mark}{copy}"))
    return named


_ABSENT = object()


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """{"a.b": 1} -> {"a": {"b": 1}}. A key whose parent is a value already stays as it is."""
    found: dict[str, Any] = {
        name: dict(value) if isinstance(value, dict) else value for name, value in flat.items() if "." not in name
    }
    for name, value in flat.items():
        if "." in name and (name.count(".") > DOTS_LIMIT or not _put(found, name.split("."), value)):
            found[name] = value
    return found


def _put(found: dict[str, Any], path: list[str], value: Any) -> bool:
    *parents, last = path
    place = found
    for parent in parents:
        below = place.setdefault(parent, {})
        if not isinstance(below, dict):
            return False
        place = below
    if last in place:
        return False
    place[last] = value
    return True


def profile_id(data: Mapping[str, Any]) -> str | None:
    """The profile that is spoken of: an integer, or a string of digits, from 1 to 2⁶³−1."""
    attributes = data.get("profileAttributes")
    found = data.get("profileId", attributes.get("profileId") if isinstance(attributes, dict) else None)
    return profile_number(found)


def profile_number(found: Any) -> str | None:
    """In one form: "007" is 7."""
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) <= 19:
        found = int(found)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= PROFILE_ID_LIMIT:
        return None
    return str(found)


def _word(value: Any) -> str:
    return value.strip().upper()[:40] if isinstance(value, str) else ""


def _source_id(value: Any) -> str | None:
    """As text, or a long one's hash: an id that is not kept is an event that counts again when it is sent again."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    text = str(value)
    return text if len(text) <= SOURCE_ID_LIMIT else hashlib.sha256(text.encode()).hexdigest()
