"""A profile table's structure: what Actito says of it, what the portal keeps of that, and what changed since. Pure.

https://developers.actito.com/docs/use-cases/data-model-management/profile-tables shows attributes; how subscriptions
and segmentations are listed is shown nowhere, so names, `{"name"}` and `{"segmentation": {"name"}}` are all taken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from portal.http import ApiError
from portal.ledger.failure import Decision
from portal.sentences import say

ATTRIBUTES, SUBSCRIPTIONS, SEGMENTATIONS = PARTS = "attributes", "subscriptions", "segmentations"
NAME_LIMIT = 100  # as mappings take it
CHANGES_KEPT = 500
# Actito makes these itself, for every profile of every table.
TECHNICAL = frozenset(
    {
        "profileId", "creationMoment", "updateMoment", "lastMailTargetingMoment", "lastMailActivityStatus",
        "lastMailOpeningMoment", "lastMailClickMoment", "lastDevice", "lastUserAgent", "blacklistMoment",
    }
)  # fmt: skip
Name = tuple[str, str]  # part, name: ("attributes", "points")


@dataclass(frozen=True)
class Item:
    """An attribute, subscription or segmentation. `type` is as Actito spells it: INTEGER, or EMAIL_ADDRESS for a
    predefined attribute; empty where it says none."""

    name: str
    type: str = ""
    unique: bool = False
    label: str = ""
    mandatory: bool = False  # a new profile needs a value of it


@dataclass(frozen=True)
class Structure:
    """A table's items by part, in Actito's order. A part that the answer lacks is missing: nothing is known of it."""

    parts: Mapping[str, Mapping[str, Item]]

    def knows(self, part: str) -> bool:
        return part in self.parts

    def item(self, name: Name) -> Item | None:
        return self.parts.get(name[0], {}).get(name[1])

    def lacks(self, name: Name) -> bool:
        """Whether the table certainly has nothing of this name."""
        return self.knows(name[0]) and self.item(name) is None

    def items(self) -> Iterator[tuple[Name, Item]]:
        for part, items in self.parts.items():
            yield from (((part, name), item) for name, item in items.items())

    def as_json(self) -> dict[str, list[dict[str, Any]]]:
        return {part: [asdict(item) for item in items.values()] for part, items in self.parts.items()}


def structure_of(kept: Mapping[str, Any]) -> Structure:
    """What `as_json` made of one."""
    return Structure({part: _by_name(Item(**each) for each in kept[part]) for part in PARTS if part in kept})


def parse_structure(body: Any) -> Structure:
    """Raises ApiError for an answer without attributes: taking it for a table would make every mapping wrong."""
    listed = body.get("attributes") if isinstance(body, dict) else None
    labels = _labels(body.get("displayOptions")) if isinstance(body, dict) else {}
    attributes = _by_name(_attribute(each, labels) for each in _members(listed) or [])
    if not attributes:
        raise ApiError(say("Actito sent an answer that is not the structure of a table."), Decision.RETRY)
    parts = {ATTRIBUTES: attributes}
    for part in (SUBSCRIPTIONS, SEGMENTATIONS):
        members = _members(body.get(part))
        if members is not None:
            parts[part] = _by_name(_named(each) for each in members)
    return Structure(parts)


def find_table(body: Any, name_or_id: str) -> Any:
    """The table of this name or id in the list of tables: `{"profileTables": [...]}`, or alone. None without."""
    lists = [body] if isinstance(body, list) else list(body.values()) if isinstance(body, dict) else []
    tables = [each for members in lists if isinstance(members, list) for each in members if isinstance(each, dict)]
    named = [each for each in tables if str(each.get("name")) == name_or_id]
    return next(iter([*named, *(each for each in tables if str(each.get("id")) == name_or_id)]), None)


def _members(value: Any) -> list[Any] | None:
    if isinstance(value, dict):
        return [{"name": name, **(each if isinstance(each, dict) else {})} for name, each in value.items()]
    return value if isinstance(value, list) else None


def _by_name(items: Iterable[Item | None]) -> dict[str, Item]:
    return {item.name: item for item in items if item is not None}


def _named(each: Any) -> Item | None:
    inner = each.get("segmentation", each) if isinstance(each, dict) else {"name": each}
    name = inner.get("name") if isinstance(inner, dict) else None
    return Item(name) if isinstance(name, str) and 0 < len(name) <= NAME_LIMIT else None


def _attribute(each: Any, labels: Mapping[str, str]) -> Item | None:
    item = _named(each)
    if item is None or not isinstance(each, dict):
        return item
    kind = each.get("valueType") or each.get("type")
    spelled = kind.upper()[:40] if isinstance(kind, str) and kind.upper() != "CUSTOM" else ""
    return Item(
        item.name, spelled, _is_true(each.get("unique")), labels.get(item.name, ""), _is_true(each.get("mandatory"))
    )


def _is_true(value: Any) -> bool:
    return str(value).lower() in {"true", "1"}


def _labels(options: Any) -> dict[str, str]:
    """`{"forAttributes": [{"name": "lastName", "description": "Last name"}]}`."""
    listed = options.get("forAttributes") if isinstance(options, dict) else None
    return {
        each["name"]: each["description"][:NAME_LIMIT]
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(each.get("description"), str)
    }


# What changed


class What(StrEnum):
    GONE = "gone"
    TYPE = "type"
    NEW = "new"


@dataclass(frozen=True)
class Change:
    """Something that differs from an earlier reading. `event` is the key of the Event that found it, `at` its moment
    as ISO 8601; `was` and `now` are the types."""

    what: str
    part: str
    name: str
    was: str = ""
    now: str = ""
    event: int = 0
    at: str = ""

    @property
    def key(self) -> Name:
        return self.part, self.name


def differences(before: Structure, after: Structure, *, event: int, at: str) -> list[Change]:
    """What differs in the parts that both readings tell of."""
    found: list[Change] = []
    both = [part for part in PARTS if before.knows(part) and after.knows(part)]
    for part in both:
        old, new = before.parts[part], after.parts[part]
        found += [Change(What.GONE, part, name, old[name].type, "", event, at) for name in old if name not in new]
        found += [
            Change(What.TYPE, part, name, old[name].type, new[name].type, event, at)
            for name in old if name in new and old[name].type != new[name].type
        ]  # fmt: skip
        found += [Change(What.NEW, part, name, "", new[name].type, event, at) for name in new if name not in old]
    return found


def merged(known: Iterable[Change], found: Iterable[Change]) -> list[Change]:
    """The changes since somebody last looked: what came back, or was undone, is none."""
    changes = {change.key: change for change in known}
    for change in found:
        earlier = changes.pop(change.key, None)
        joined = _joined(earlier, change) if earlier else change
        if joined:
            changes[change.key] = joined
    return list(changes.values())[-CHANGES_KEPT:]


def _joined(earlier: Change, later: Change) -> Change | None:
    """One change out of two of the same name: only the first type and the last one count."""
    if earlier.what == What.NEW:
        return None if later.what == What.GONE else Change(**{**asdict(earlier), "now": later.now})
    if later.what == What.GONE:
        return Change(**{**asdict(later), "was": earlier.was})
    if earlier.was == later.now:
        return None
    return Change(**{**asdict(later), "what": What.TYPE, "was": earlier.was})


def concerning(changes: Iterable[Change], mapped: Collection[Name]) -> list[Change]:
    """Those that a person should look at: of what is mapped, that it is gone or of another type; of the rest, what is
    new."""
    return [
        change for change in changes
        if (change.key not in mapped if change.what == What.NEW else change.key in mapped)
        and not (change.what == What.NEW and change.name in TECHNICAL)
    ]  # fmt: skip


def renamed_to(gone: Change, changes: Iterable[Change]) -> str:
    """What may be the same under another name, as it came when this went and is of its kind: the only one, or the one
    whose name is most like it. Empty when nothing is."""
    came = (What.NEW, gone.part, gone.event, gone.was)
    names = [each.name for each in changes if (each.what, each.part, each.event, each.now) == came]
    return names[0] if len(names) == 1 else closest(gone.name, names)


def closest(name: str, names: Iterable[str]) -> str:
    """The name that somebody may have meant: alike in any case of letters, and not too far off. Empty without one."""
    spelled = {each.lower(): each for each in names}
    found = get_close_matches(name.lower(), spelled, n=1, cutoff=0.7)
    return spelled[found[0]] if found else ""


def changes_of(kept: Iterable[Mapping[str, Any]]) -> list[Change]:
    return [Change(**each) for each in kept]
