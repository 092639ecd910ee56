"""What the stand-in remembers: entities, profile tables, profiles, scenarios, API keys, webhook subscriptions."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]
UUID_LENGTH = 36


class Refusal(Exception):
    """An error answer. The body `{"code", "message", "parameters"}` is invented: no source shows the real one."""

    def __init__(self, status: int, code: str, message: str, **parameters: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {"code": code, "message": message, "parameters": parameters}


@dataclass(frozen=True)
class Attribute:
    """An attribute of a profile table. `type` is CUSTOM or a predefined one such as EMAIL_ADDRESS."""

    name: str
    value_type: str = "STRING"
    unique: bool = False
    mandatory: bool = False
    type: str = "CUSTOM"

    def structure(self) -> Json:
        shape: Json = {"type": self.type, "name": self.name, "unique": self.unique, "mandatory": self.mandatory}
        if self.type == "CUSTOM":  # predefined attributes carry no value type
            shape |= {"valueType": self.value_type, "multiValued": False}
        return shape


TECHNICAL_ATTRIBUTES = (
    Attribute("profileId", "INTEGER", unique=True, mandatory=True),
    Attribute("creationMoment", "TIMESTAMP", mandatory=True),
    Attribute("updateMoment", "TIMESTAMP", mandatory=True),
)

DEFAULT_ATTRIBUTES = (
    Attribute("emailAddress", type="EMAIL_ADDRESS", unique=True, mandatory=True),
    Attribute("lastName", type="LASTNAME"),
    Attribute("firstName", type="FIRSTNAME"),
    Attribute("motherLanguage", type="MOTHER_LANGUAGE"),
    Attribute("customerId", unique=True),
    Attribute("points", "INTEGER"),
    Attribute("tier"),
)


@dataclass
class Profile:
    """`attributes` hold the technical ones too; `collection` is dataCollectionInformation as it was last sent."""

    attributes: Json
    subscriptions: dict[str, bool] = field(default_factory=dict)
    segmentations: list[Any] = field(default_factory=list)
    collection: Json | None = None

    def id(self) -> int:
        return int(self.attributes["profileId"])


@dataclass
class Scenario:
    """A scenario of a profile table. `name` is the technical one: the display name and a UUID, without a space."""

    id: int
    name: str
    is_start_event_triggered: bool = True
    is_active: bool = True
    entries: list[Json] = field(default_factory=list)  # {"profileId", "interactionBusinessKey"}, oldest first

    def display_name(self) -> str:
        return self.name[:-UUID_LENGTH]


class Table:
    """A profile table with an index over its unique attributes."""

    def __init__(
        self,
        table_id: str,
        name: str,
        attributes: list[Attribute],
        subscriptions: list[str],
        segmentations: Iterable[str] = (),
    ) -> None:
        self.id = table_id
        self.name = name
        self.attributes = {attribute.name: attribute for attribute in (*TECHNICAL_ATTRIBUTES, *attributes)}
        self.subscriptions = subscriptions
        self.segmentations = list(segmentations)
        self.profiles: dict[int, Profile] = {}
        self.scenarios: dict[int, Scenario] = {}
        self.next_profile_id = 1
        self._holders: dict[tuple[str, str], int] = {}

    def names(self, part: str) -> list[str]:
        """The names of a part that are kept as they are: subscription or segmentation."""
        return {"subscription": self.subscriptions, "segmentation": self.segmentations}[part]

    def add(self, attribute: Attribute) -> None:
        """A new attribute, or another type for a known one."""
        self.attributes[attribute.name] = attribute
        self._index()

    def remove(self, part: str, name: str) -> None:
        if name not in (self.attributes if part == "attribute" else self.names(part)):
            raise Refusal(404, f"{part.upper()}_NOT_FOUND", f"No {part} {name}", name=name)
        if part == "attribute":
            del self.attributes[name]
            for profile in self.profiles.values():
                profile.attributes.pop(name, None)
            self._index()
        else:
            self.names(part).remove(name)

    def _index(self) -> None:
        self._holders = {key: each.id() for each in self.profiles.values() for key in self._keys(each)}

    def unique_names(self) -> list[str]:
        return [attribute.name for attribute in self.attributes.values() if attribute.unique]

    def put(self, profile: Profile) -> None:
        """Stores a profile, new or changed, and takes over the unique values it now holds."""
        self._forget(profile.id())
        self.profiles[profile.id()] = profile
        for key in self._keys(profile):
            self._holders[key] = profile.id()

    def delete(self, profile: Profile) -> None:
        self._forget(profile.id())
        del self.profiles[profile.id()]

    def holder(self, name: str, value: Any) -> Profile | None:
        """The profile that holds this value of a unique attribute; 7 and "7" are the same value."""
        profile_id = self._holders.get((name, str(value)))
        return None if profile_id is None else self.profiles[profile_id]

    def scenario(self, name_or_id: str) -> Scenario:
        for scenario in self.scenarios.values():
            if name_or_id in {scenario.name, str(scenario.id)}:
                return scenario
        raise Refusal(404, "SCENARIO_NOT_FOUND", f"No scenario {name_or_id}", scenario=name_or_id)

    def structure(self) -> Json:
        return {
            "id": self.id,
            "name": self.name,
            "attributes": [attribute.structure() for attribute in self.attributes.values()],
            "subscriptions": [{"name": name} for name in self.subscriptions],
            "segmentations": [{"name": name} for name in self.segmentations],
            "displayOptions": {"forAttributes": []},
        }

    def _forget(self, profile_id: int) -> None:
        if old := self.profiles.get(profile_id):
            for key in self._keys(old):
                del self._holders[key]

    def _keys(self, profile: Profile) -> Iterator[tuple[str, str]]:
        for name in self.unique_names():
            if (value := profile.attributes.get(name)) is not None:
                yield name, str(value)

    def dump(self) -> Json:
        custom = [asdict(attribute) for attribute in self.attributes.values() if attribute not in TECHNICAL_ATTRIBUTES]
        return {
            "id": self.id,
            "name": self.name,
            "attributes": custom,
            "subscriptions": self.subscriptions,
            "segmentations": self.segmentations,
            "profiles": [vars(profile) for profile in self.profiles.values()],
            "next_profile_id": self.next_profile_id,
            "scenarios": [vars(scenario) for scenario in self.scenarios.values()],
        }

    @classmethod
    def load(cls, saved: Json) -> Table:
        attributes = [Attribute(**attribute) for attribute in saved["attributes"]]
        # State of an earlier version has no segmentations, or no scenarios.
        segmentations = saved.get("segmentations", [])
        table = cls(saved["id"], saved["name"], attributes, saved["subscriptions"], segmentations)
        for profile in saved["profiles"]:
            table.put(Profile(**profile))
        table.next_profile_id = saved["next_profile_id"]
        table.scenarios = {each["id"]: Scenario(**each) for each in saved.get("scenarios", [])}
        return table


@dataclass
class Entity:
    id: int
    name: str
    tables: list[Table] = field(default_factory=list)
    custom_actions: list[Json] = field(default_factory=list)  # {"id", "name"} and whatever else they were made with

    def table(self, name_or_id: str) -> Table:
        for table in self.tables:
            if name_or_id in {table.name, table.id}:
                return table
        raise Refusal(404, "TABLE_NOT_FOUND", f"No profile table {name_or_id}", table=name_or_id)

    def custom_action(self, action_id: str) -> Json:
        for action in self.custom_actions:
            if action["id"] == action_id:
                return action
        raise Refusal(404, "CUSTOM_ACTION_NOT_FOUND", f"No custom action {action_id}", id=action_id)


@dataclass
class Webhook:
    """A webhook subscription; `body` is the resource as it was sent, without its id."""

    id: int
    entity: str
    body: Json

    def as_json(self) -> Json:
        return {"id": self.id, **self.body}


class Store:
    """All state, in memory and, given a path, in one JSON file that is replaced as a whole on each save."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.entities: dict[str, Entity] = {}
        self.api_keys: list[str] = []
        self.rights: dict[str, dict[str, str]] = {}  # API key -> area -> level; what is not named may be written
        self.accounts: list[str] = []
        self.webhooks: dict[int, Webhook] = {}
        self.last_id = 0
        if path and path.exists():
            self._load(json.loads(path.read_text()))

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def entity(self, name: str) -> Entity:
        if name not in self.entities:
            raise Refusal(404, "ENTITY_NOT_FOUND", f"No entity {name}", entity=name)
        return self.entities[name]

    def webhook(self, entity: str, webhook_id: str) -> Webhook:
        found = self.webhooks.get(int(webhook_id))
        if found is None or found.entity != entity:
            raise Refusal(404, "WEBHOOK_NOT_FOUND", f"No webhook subscription {webhook_id}", id=webhook_id)
        return found

    def save(self) -> None:
        if not self.path:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(self.path.name + ".tmp")
        draft.write_text(json.dumps(self._dump()))
        os.replace(draft, self.path)

    def _dump(self) -> Json:
        return {
            "api_keys": self.api_keys,
            "rights": self.rights,
            "accounts": self.accounts,
            "entities": [
                {
                    "id": entity.id,
                    "name": entity.name,
                    "tables": [table.dump() for table in entity.tables],
                    "custom_actions": entity.custom_actions,
                }
                for entity in self.entities.values()
            ],
            "webhooks": [vars(webhook) for webhook in self.webhooks.values()],
            "last_id": self.last_id,
        }

    def _load(self, saved: Json) -> None:
        self.api_keys, self.accounts, self.last_id = saved["api_keys"], saved["accounts"], saved["last_id"]
        # State that was kept by an earlier version lacks what came since.
        self.rights = saved.get("rights", {})
        for entity in saved["entities"]:
            tables = [Table.load(table) for table in entity["tables"]]
            actions = entity.get("custom_actions", [])
            self.entities[entity["name"]] = Entity(entity["id"], entity["name"], tables, actions)
        for webhook in saved["webhooks"]:
            self.webhooks[webhook["id"]] = Webhook(**webhook)
