"""What Didomi's webhooks say, whichever way it is spelled. Pure, and lenient: what cannot be read is as if absent.

https://developers.didomi.io/integrations/generic-integrations/webhooks
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrations.didomi.paths import Vocabulary, flatten, values_in
from integrations.pairing.registry import Told

GDPR = "gdpr"  # what Didomi means where it names none
NAME_LIMIT = 255
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # of an event that does not say when: older than all others
STEPS_LIMIT = 64  # as deep as JSON may be nested (portal/webhook.py)
_FLAT = "__"
_ENTITIES = ("new_entity", "entity")
# Lists whose items are named by their id, and what may stand in an item: how Didomi keys them when it flattens them is
# not documented, so both numbers and ids are taken, and ids may hold the joiner.
_LISTS = frozenset({"purposes", "channels", "preferences"})
_BY_ID = _LISTS | {"values"}
_MEMBERS = frozenset({"id", "enabled", "enabled_li", "metadata", "value", "propagation", "from_propagation"}) | _BY_ID


@dataclass(frozen=True)
class Envelope:
    """One webhook. `entity`: a consent event or a user, empty where there is none."""

    type: str
    entity: Mapping[str, Any] = field(default_factory=dict)
    old_entity: Mapping[str, Any] = field(default_factory=dict)
    regulation: str = GDPR

    @property
    def entity_id(self) -> str:
        return name_of(self.entity.get("id"))

    @property
    def organization_id(self) -> str:
        return name_of(self.entity.get("organization_id"))

    @property
    def person(self) -> str:
        """organization_user_id; empty where there is none."""
        return person_of(self.entity)


def type_of(body: Any) -> str:
    """The type of a webhook's body; empty for what is none."""
    return name_of(body.get("type")) if isinstance(body, Mapping) else ""


def envelope_of(body: Mapping[str, Any]) -> Envelope:
    """Nested, or flattened with `__` from the top, within `parameters`, or within the entity."""
    whole = unflattened(body)
    told = {**whole, **unflattened(_object(whole.get("parameters")))}
    entity = next((found for name in _ENTITIES if (found := _object(told.get(name)))), {})
    entity = unflattened(entity)
    named = (name_of(each.get("regulation")) for each in (whole, told, entity))
    return Envelope(
        type=type_of(whole),
        entity=entity,
        old_entity=unflattened(_object(told.get("old_entity"))),
        regulation=next(filter(None, named), GDPR).lower(),
    )


def person_of(entity: Mapping[str, Any]) -> str:
    """An event has it in its user; a user has it itself."""
    found = name_of(_object(entity.get("user")).get("organization_user_id"))
    return found or name_of(entity.get("organization_user_id"))


def name_of(value: Any) -> str:
    """A text or a whole number of a length that can be looked up; else empty."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    text = str(value).strip() if isinstance(value, str) or abs(value) < 10**NAME_LIMIT else ""
    return text if len(text) <= NAME_LIMIT else ""


def moment_of(value: Any) -> datetime | None:
    """An ISO moment, or seconds or milliseconds since 1970; without a zone it is UTC. None for anything else."""
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value.strip())
            return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) > 10**11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def told_of(
    entity: Mapping[str, Any],
    regulation: str,
    at: datetime | None = None,
    *,
    old_entity: Mapping[str, Any] | None = None,
    known: Vocabulary | None = None,
) -> Told:
    """What a consent event says of a person. `at`: when they decided; without it, when the event says that it was made.

    A value that is not among those chosen was not chosen; which there are is known from `known` and from `old_entity`.
    """
    read = flatten(entity, _values_of(old_entity or {}, known))
    user = _object(entity.get("user"))
    proof = {
        "event": name_of(entity.get("id")),
        "regulation": regulation,
        "delegate": _object(entity.get("delegate")),
        "proofs": [name for each in _list(entity.get("proofs_id")) if (name := name_of(each))],
        "country": name_of(user.get("country")),
        "shown": _object(entity.get("metadata")),
    }
    return Told(
        key=person_of(entity),
        at=at or moment_of(entity.get("created_at")) or NEVER,
        leaves=read.values,
        ambiguous=read.ambiguous,
        metadata=_object(user.get("metadata")),
        proof={name: found for name, found in proof.items() if found},
    )


def _values_of(old_entity: Mapping[str, Any], known: Vocabulary | None) -> dict[str, frozenset[str]]:
    """The values of each preference, as far as they are known."""
    found = {each.id: frozenset(each.values) for each in known.preferences} if known else {}
    for preference, values in _chosen(old_entity):
        found[preference] = found.get(preference, frozenset()) | values
    return found


def _chosen(entity: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    for purpose in _list(_object(entity.get("consents")).get("purposes")):
        for preference, held in _object(_object(purpose).get("values")).items():
            yield preference, frozenset(values_in(_object(held).get("value")))


def unflattened(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The nested form, if a key is flattened with `__`; what is nested already stays as it is."""
    if not any(_FLAT in name for name in flat):
        return dict(flat)
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        steps = _steps(name.split(_FLAT))
        if len(steps) <= STEPS_LIMIT:
            _put(tree, steps, value)
    return {name: _with_lists(value, name) for name, value in tree.items()}


def _steps(parts: list[str]) -> list[str]:
    """The parts of a key, in which an id that holds the joiner is one part again."""
    steps: list[str] = []
    at = 0
    while at < len(parts):
        steps.append(parts[at])
        at += 1
        if at == len(parts) or (steps[-1] not in _BY_ID and steps[-1] != "metadata"):
            continue
        end = len(parts) if steps[-1] == "metadata" else _end_of_id(parts, at)
        steps.append(_FLAT.join(parts[at:end]))
        at = end
    return steps


def _end_of_id(parts: list[str], at: int) -> int:
    return next((end for end in range(at + 1, len(parts)) if parts[end] in _MEMBERS), len(parts))


def _put(tree: dict[str, Any], steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        below = tree.get(step)
        if not isinstance(below, dict):
            below = tree[step] = {}
        tree = below
    if not isinstance(tree.get(steps[-1]), dict):
        tree[steps[-1]] = value


def _with_lists(value: Any, name: str) -> Any:
    """Makes lists of what was keyed by number or, where items have ids, by id."""
    if not isinstance(value, dict):
        return value
    inner = {key: _with_lists(each, key if name not in _BY_ID else "") for key, each in value.items()}
    if name in _LISTS:
        return [_item(key, each) for key, each in inner.items()]
    numbered = list(inner) == [str(number) for number in range(len(inner))]
    if inner and numbered and name not in {"values", "metadata"}:
        return list(inner.values())
    return inner


def _item(key: str, value: Any) -> dict[str, Any]:
    found = value if isinstance(value, dict) else {"enabled": value}
    return found if name_of(found.get("id")) else {**found, "id": key}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else []
