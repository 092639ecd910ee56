"""The rules of profiles: how one is found, what a write may say, what it changes, how it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrations.actito.sandbox.store import Json, Profile, Refusal, Table
from integrations.actito.sandbox.switches import Switches

READ_ONLY = frozenset(
    {
        "profileId",
        "creationMoment",
        "updateMoment",
        "lastMailTargetingMoment",
        "lastMailActivityStatus",
        "lastMailOpeningMoment",
        "lastMailClickMoment",
        "lastDevice",
        "lastUserAgent",
        "blacklistMoment",
    }
)


@dataclass(frozen=True)
class Draft:
    """A checked body of POST or PUT profile."""

    attributes: Json = field(default_factory=dict)
    subscriptions: dict[str, bool] = field(default_factory=dict)
    segmentations: list[Any] | None = None
    collection: Json | None = None


@dataclass(frozen=True)
class Change:
    """What one write did: the attributes and subscriptions whose values differ now."""

    profile: Profile
    operation: str
    attributes: Json
    subscriptions: dict[str, bool]


def find(table: Table, key: str) -> Profile:
    """The profile of a path segment: a numeric profileId or `attribute=value` with a unique attribute."""
    name, separator, value = key.partition("=")
    if not separator:
        name, value = "profileId", key
    if name not in table.unique_names():
        raise Refusal(400, "NOT_A_KEY", f"{name} is no unique attribute of {table.name}", attribute=name)
    if profile := table.holder(name, value):
        return profile
    raise Refusal(404, "PROFILE_NOT_FOUND", f"No profile {key}", profile=key)


def search(table: Table, condition: str) -> list[Profile]:
    """All profiles, or those that meet `attribute=value`."""
    if not condition:
        return list(table.profiles.values())
    name, separator, value = condition.partition("=")
    if not separator or name not in table.attributes:
        raise Refusal(400, "INVALID_PARAMETER", "search is attribute=value", search=condition)
    holding = [profile for profile in table.profiles.values() if profile.attributes.get(name) is not None]
    return [profile for profile in holding if _text(profile.attributes[name]) == value]


def match(table: Table, draft: Draft) -> Profile | None:
    """The profile an upsert means: the first unique attribute, in the table's order, that finds one."""
    for name in table.unique_names():
        if (value := draft.attributes.get(name)) is not None and (profile := table.holder(name, value)):
            return profile
    return None


def parse(table: Table, body: Any) -> Draft:
    """Checks `{"attributes": [{name, value}], "subscriptions": [{name, subscribe}], "segmentations": [...],
    "dataCollectionInformation": {...}}`; every part may be missing."""
    if not isinstance(body, dict):
        raise Refusal(400, "INVALID_BODY", "A profile is a JSON object")
    attributes = dict(_pair(item, "value") for item in _items(body, "attributes"))
    subscriptions = dict(_pair(item, "subscribe") for item in _items(body, "subscriptions"))
    for name, value in attributes.items():
        _check_attribute(table, name, value)
    for name, value in subscriptions.items():
        check_subscription(table, name, status=400)
        if not isinstance(value, bool):
            raise Refusal(400, "INVALID_VALUE", f"subscribe of {name} must be true or false", subscription=name)
    segmentations = _items(body, "segmentations") if body.get("segmentations") is not None else None
    return Draft(attributes, subscriptions, segmentations, body.get("dataCollectionInformation"))


def check_subscription(table: Table, name: str, status: int = 404) -> None:
    if name not in table.subscriptions:
        raise Refusal(status, "SUBSCRIPTION_NOT_FOUND", f"No subscription {name}", subscription=name)


def write(table: Table, profile: Profile | None, draft: Draft, conflict_status: int = 409) -> Change:
    """Creates a profile, or changes one partially; values that stay equal are no change."""
    before = profile or Profile({})
    attributes = {name: value for name, value in draft.attributes.items() if _differs(before, name, value)}
    subscriptions = {
        name: value for name, value in draft.subscriptions.items() if value != before.subscriptions.get(name, False)
    }
    _check_values(table, profile, {**before.attributes, **attributes}, conflict_status)
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    technical: Json = {"updateMoment": moment} if attributes or subscriptions else {}
    if profile is None:
        technical = {"profileId": table.next_profile_id, "creationMoment": moment, "updateMoment": moment}
        table.next_profile_id += 1
    after = Profile(
        {**before.attributes, **technical, **attributes},
        {**before.subscriptions, **draft.subscriptions},
        before.segmentations if draft.segmentations is None else draft.segmentations,
        before.collection if draft.collection is None else draft.collection,
    )
    table.put(after)
    return Change(after, "UPDATE" if profile else "CREATE", attributes, subscriptions)


def delete(table: Table, profile: Profile) -> Change:
    table.delete(profile)
    return Change(profile, "DELETE", {}, {})


def show(table: Table, profile: Profile, switches: Switches) -> Json:
    """`{"attributes": [{name, value}], "subscriptions": [{name, subscribe}], "segmentations": [...],
    "dataCollectionInformation": {...}}`, the last only if one was sent."""
    attributes = spelled({name: profile.attributes.get(name) for name in table.attributes}, switches)
    shape: Json = {
        "attributes": [{"name": name, "value": value} for name, value in attributes.items()],
        "subscriptions": show_subscriptions(table, profile),
        "segmentations": profile.segmentations,
    }
    if profile.collection is not None:
        shape["dataCollectionInformation"] = profile.collection
    return shape


def show_subscriptions(table: Table, profile: Profile) -> list[Json]:
    return [{"name": name, "subscribe": profile.subscriptions.get(name, False)} for name in table.subscriptions]


def identifiers(table: Table, profile: Profile) -> Json:
    """The values of the unique attributes, profileId first."""
    return {name: value for name in table.unique_names() if (value := profile.attributes.get(name)) is not None}


def spelled(values: Json, switches: Switches) -> Json:
    """The values in the JSON types the switches ask for."""
    return {
        name: _text(value) if _as_text(name, switches) and value is not None else value
        for name, value in values.items()
    }


def _as_text(name: str, switches: Switches) -> bool:
    return switches.profile_id_as_string if name == "profileId" else switches.values_as_strings


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _differs(profile: Profile, name: str, value: Any) -> bool:
    # In Python 1 == True; in JSON they differ.
    old = profile.attributes.get(name)
    return bool(old != value) or isinstance(old, bool) != isinstance(value, bool)


def _items(body: Json, part: str) -> list[Any]:
    items = body.get(part) or []
    if not isinstance(items, list):
        raise Refusal(400, "INVALID_BODY", f"{part} must be a list")
    return items


def _pair(item: Any, value: str) -> tuple[str, Any]:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str) or value not in item:
        raise Refusal(400, "INVALID_BODY", f"Expected an object with name and {value}")
    return item["name"], item[value]


def _check_attribute(table: Table, name: str, value: Any) -> None:
    if name in READ_ONLY:
        raise Refusal(400, "READ_ONLY_ATTRIBUTE", f"{name} is a technical attribute", attribute=name)
    if name not in table.attributes:
        raise Refusal(400, "UNKNOWN_ATTRIBUTE", f"{table.name} has no attribute {name}", attribute=name)
    if not isinstance(value, str | int | float | None):
        raise Refusal(400, "INVALID_VALUE", f"{name} takes a single value", attribute=name)


def _check_values(table: Table, profile: Profile | None, values: Json, conflict_status: int) -> None:
    for attribute in table.attributes.values():
        if attribute.name in READ_ONLY:
            continue
        value = values.get(attribute.name)
        if attribute.mandatory and value in {None, ""}:
            raise Refusal(400, "MISSING_ATTRIBUTE", f"{attribute.name} is mandatory", attribute=attribute.name)
        holder = table.holder(attribute.name, value) if attribute.unique and value is not None else None
        if holder and holder is not profile:
            message = f"Another profile holds this {attribute.name}"
            raise Refusal(conflict_status, "DUPLICATE_VALUE", message, attribute=attribute.name)
