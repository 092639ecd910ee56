"""What Actito's API answers, read into the portal's own types. Pure: the calls stand in client.py.

Actito's pages and clients show several shapes of one answer, so all of them are taken. docs/actito.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal import text
from portal.http import ApiError
from portal.ledger.failure import Decision
from portal.sentences import say

KEY_LIMIT = 100  # of an interaction


@dataclass(frozen=True)
class ActitoProfile:
    """A profile as read: attribute values as Actito types them, subscriptions and segmentations as true or false.

    A part is None when the answer lacks it: then nothing is known of its values.
    """

    profile_id: str
    attributes: dict[str, Any]
    subscriptions: dict[str, bool] | None
    segmentations: dict[str, bool] | None

    def document(self) -> dict[str, Any]:
        """Flat, for mapping: {"attributes.points": 420, "subscriptions.Newsletter": True}."""
        return {f"{part}.{name}": value for part, members in self._parts().items() for name, value in members.items()}

    def tells_of(self, path: str) -> bool:
        """Whether the answer had the part that a path such as subscriptions.Newsletter lies in."""
        return path.partition(".")[0] in self._parts()

    def _parts(self) -> dict[str, dict[str, Any]]:
        parts: dict[str, dict[str, Any] | None] = {
            "attributes": self.attributes,
            "subscriptions": self.subscriptions,
            "segmentations": self.segmentations,
        }
        return {name: members for name, members in parts.items() if members is not None}


@dataclass(frozen=True)
class ListedScenario:
    """A scenario as listed: `name` is the technical one. A flag that the answer lacks is taken for false."""

    remote_id: str
    name: str
    is_start_event_triggered: bool
    is_active: bool


def parse_profile(body: Any, profile: str) -> ActitoProfile:
    """A profile in any of the shapes that Actito and its clients show (lists of {name, value}, or flat objects).

    An answer without attributes, or about somebody else, is no profile: taking it for one would empty a customer.
    """
    attributes = _pairs(body.get("attributes"), "value") if isinstance(body, dict) else None
    if not attributes:
        raise ApiError(say("Actito sent an answer that is not a profile."), Decision.RETRY)
    told = id_of(attributes.get("profileId")) or id_of(body.get("profileId"))
    if told and profile.isdecimal() and told != profile:
        said = say("Actito sent profile %(sent)s when asked for %(asked)s.", sent=told, asked=profile)
        raise ApiError(said, Decision.RETRY)
    subscriptions = _pairs(body.get("subscriptions"), "subscribe")
    return ActitoProfile(
        told or profile,
        attributes,
        None if subscriptions is None else {name: _truth(value) for name, value in subscriptions.items()},
        _segmentations(body.get("segmentations")),
    )


def parse_found(body: Any) -> list[ActitoProfile]:
    """`{"profiles": [<profile>]}`, or the list alone. One without an id cannot be told from another: it is an error."""
    listed = body.get("profiles") if isinstance(body, dict) else body
    if not isinstance(listed, list):
        raise ApiError(say("Actito sent an answer that is not a list of profiles."), Decision.RETRY)
    found = [parse_profile(each, "") for each in listed]
    if not all(each.profile_id for each in found):
        raise ApiError(say("Actito listed a profile without an id."), Decision.RETRY)
    return found


def parse_subscriptions(body: Any) -> dict[str, bool]:
    """`{"subscriptions": [{"name", "subscribe"}]}`, names alone, or a flat object."""
    found = body.get("subscriptions") if isinstance(body, dict) else body
    if isinstance(found, list) and all(isinstance(each, str) for each in found):
        return dict.fromkeys(found, True)
    pairs = _pairs(found, "subscribe")
    if pairs is None:
        raise ApiError(say("Actito sent an answer that is not a list of subscriptions."), Decision.RETRY)
    return {name: _truth(value) for name, value in pairs.items()}


def created_id(body: bytes, location: str) -> str:
    """`{"profileId": 7}`, or the end of the `Location` header; empty for neither: the profile was made all the same."""
    try:
        found = text.loads(body)
    except ValueError:
        found = None
    told = id_of(found.get("profileId")) if isinstance(found, dict) else ""
    return told or id_of(location.rstrip("/").rpartition("/")[2])


def parse_scenarios(body: Any) -> list[ListedScenario]:
    """`{"workflows": [{"name", "id", "isStartEventTriggered", "isActive"}]}`, or the list alone; each id once.

    An answer of another shape is no catalogue: taking it for one would let all scenarios vanish.
    """
    listed = body.get("workflows") if isinstance(body, dict) else body
    if not isinstance(listed, list):
        raise ApiError(say("Actito sent an answer that is not a list of scenarios."), Decision.RETRY)
    return list({each.remote_id: each for each in map(_scenario, listed)}.values())


def interaction_key(body: bytes) -> str:
    """`{"interactionBusinessKey": "df98…"}`; empty for any other answer: the scenario was started all the same."""
    try:
        found = text.loads(body)
    except ValueError:
        return ""
    key = found.get("interactionBusinessKey") if isinstance(found, dict) else None
    return text.storable(str(key))[:KEY_LIMIT] if isinstance(key, str | int) else ""


def _scenario(item: Any) -> ListedScenario:
    found = item if isinstance(item, dict) else {}
    remote_id, name = id_of(found.get("id")), found.get("name")
    if not remote_id or not isinstance(name, str) or not name.strip():
        raise ApiError(say("Actito listed a scenario without an id or a name."), Decision.RETRY)
    flags = _truth(found.get("isStartEventTriggered")), _truth(found.get("isActive"))
    return ListedScenario(remote_id, name.strip(), *flags)


def id_of(value: Any) -> str:
    """The digits of a profile id, whether it came as 7, "7" or 7.0; empty for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    digits = "" if isinstance(value, bool) else str(value)
    return digits.lstrip("0") if digits.isascii() and digits.isdigit() and len(digits) <= 19 else ""


def _pairs(members: Any, value_key: str) -> dict[str, Any] | None:
    if isinstance(members, dict):
        return dict(members)
    if not isinstance(members, list):
        return None
    return {str(item["name"]): item.get(value_key) for item in members if isinstance(item, dict) and "name" in item}


def _segmentations(members: Any) -> dict[str, bool] | None:
    """Items are {category, name}, or {belongs, segmentation: {category, name}}; or a flat object."""
    if isinstance(members, dict):
        return {name: _truth(value) for name, value in members.items()}
    if not isinstance(members, list):
        return None
    found = {}
    for item in members:
        inner = item.get("segmentation", item) if isinstance(item, dict) else None
        if isinstance(inner, dict) and "name" in inner:
            found[str(inner["name"])] = _truth(item.get("belongs", True))
    return found


def _truth(value: Any) -> bool:
    return str(value).lower() in {"true", "1"}
