"""The paths by which mappings name consents, such as consents_channels_email_enabled. Pure.

Didomi flattens an event and keys the items of a list by their ids, which may hold the joiner themselves. So a path is
never taken apart: what an event says is spelled in every way that Didomi's pages show, and a path is looked up among
that. A spelling of two different places says nothing of either.

https://developers.didomi.io/integrations/third-party-apps/actito
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

JOINERS = ("_", "__", ".")
# What no line can name is not spelled: a long name with thousands below it would take all memory. A path of a line has
# 300 letters, and one of its spellings leaves out the purpose.
PATH_MOST, PLACE_MOST = 300, 600
Value = bool | str | None
_KEYED = frozenset({"purposes", "channels", "preferences"})
_NAMED_BY_OTHERS = frozenset({"values", "metadata"})  # what stands in them is keyed by ids, or by anybody's names
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True)
class Step:
    """A member of the event, or an id that stands in its place."""

    text: str
    is_id: bool = False


Place = tuple[Step, ...]


@dataclass(frozen=True, order=True)
class Target:
    """A consent that can be written: what it is of is named, the rest is empty.

    Target(channel="email"), Target(purpose="news"), Target("news", channel="email"), Target("news", "letter"),
    Target("news", "letter", channel="email"), Target("news", "letter", value="weekly").
    """

    purpose: str = ""
    preference: str = ""
    value: str = ""
    channel: str = ""

    @property
    def place(self) -> Place:
        steps = [Step("consents")]
        if self.purpose:
            steps += [Step("purposes"), Step(self.purpose, is_id=True)]
        if self.preference:
            steps += [Step("values" if self.value else "preferences"), Step(self.preference, is_id=True)]
        if self.value:
            steps.append(Step(self.value, is_id=True))
        if self.channel:
            steps += [Step("channels"), Step(self.channel, is_id=True)]
        return (*steps, Step("enabled"))


@dataclass(frozen=True)
class KnownPreference:
    """`purposes`: those that it belongs to; empty for any."""

    id: str
    values: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vocabulary:
    """The ids that an organisation uses."""

    purposes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    preferences: tuple[KnownPreference, ...] = ()

    def targets(self) -> Iterator[Target]:
        """Every place that can be written."""
        yield from (Target(channel=channel) for channel in self.channels)
        for purpose in self.purposes:
            yield Target(purpose)
            yield from (Target(purpose, channel=channel) for channel in self.channels)
            for preference in self.preferences:
                if not preference.purposes or purpose in preference.purposes:
                    yield from self._of_preference(purpose, preference)

    def _of_preference(self, purpose: str, preference: KnownPreference) -> Iterator[Target]:
        yield Target(purpose, preference.id)
        yield from (Target(purpose, preference.id, channel=channel) for channel in self.channels)
        yield from (Target(purpose, preference.id, value=value) for value in preference.values)


@dataclass(frozen=True)
class Leaves:
    """What an event says by path. A path in `ambiguous` is a spelling of two places, and not in `values`."""

    values: Mapping[str, Value]
    ambiguous: frozenset[str] = frozenset()


def flatten(entity: Mapping[str, Any], values: Mapping[str, Iterable[str]] | None = None) -> Leaves:
    """Everything that an event says, by every spelling of its place.

    `values`: those that a preference is known to have. Of a preference that the event tells, the known ones that are
    not among those chosen are False. Numbers and lists are told as text; a place told twice, differently, is ambiguous.
    """
    told: dict[Place, Value] = {}
    twice: set[Place] = set()
    for place, value in _walk(entity, (), values or {}):
        if told.setdefault(place, value) != value:
            twice.add(place)
    owners: dict[str, Place] = {}
    ambiguous: set[str] = set()
    for place in told:
        for path in spellings(place):
            if len(path) > PATH_MOST:
                continue
            if owners.setdefault(path, place) != place or place in twice:
                ambiguous.add(path)
    return Leaves({path: told[place] for path, place in owners.items() if path not in ambiguous}, frozenset(ambiguous))


def readings(path: str, known: Vocabulary) -> list[Target]:
    """The places that a path may mean, of those that can be written: none, one, or several among which it is open."""
    return list(_by_spelling(known).get(path.strip(), ()))


def spellings(place: Place) -> set[str]:
    """Every way of writing the path of a place."""
    variants = [place]
    if place[:2] == (Step("consents"), Step("purposes")) and place[3:4] == (Step("preferences"),):
        variants.append((place[0], *place[3:]))  # as Adobe Campaign's users write it: without the purpose
    variants += [other for each in variants if (other := _singular(each)) != each]
    return {joiner.join(step.text for step in each) for each in variants for joiner in JOINERS}


def _singular(place: Place) -> Place:
    """As Salesforce's users write it: `channel`."""
    return tuple(Step("channel") if step == Step("channels") else step for step in place)


@lru_cache(maxsize=8)
def _by_spelling(known: Vocabulary) -> dict[str, tuple[Target, ...]]:
    found: dict[str, dict[Target, None]] = {}
    for target in known.targets():
        for path in spellings(target.place):
            found.setdefault(path, {})[target] = None
    return {path: tuple(targets) for path, targets in found.items()}


def _walk(value: Any, place: Place, values: Mapping[str, Iterable[str]]) -> Iterator[tuple[Place, Value]]:
    if sum(len(step.text) for step in place) > PLACE_MOST:
        return
    if isinstance(value, dict):
        yield from _members(value, place, values)
    elif isinstance(value, list):
        yield from _items(value, place, values)
    elif place:
        yield place, _scalar(value, place)


def _members(found: dict[str, Any], place: Place, values: Mapping[str, Iterable[str]]) -> Iterator[tuple[Place, Value]]:
    last = place[-1] if place else Step("")
    is_id = not last.is_id and last.text in _KEYED | _NAMED_BY_OTHERS
    for name, value in found.items():
        step = (*place, Step(name, is_id))
        yield from _walk(value, step, values)
        if is_id and last.text == "values" and isinstance(value, dict) and "value" in value:
            yield from _chosen(value["value"], step, values.get(name, ()))


def _chosen(value: Any, place: Place, known: Iterable[str]) -> Iterator[tuple[Place, Value]]:
    """Each value of a preference as a consent of its own; all None where no choice was made."""
    chosen = None if value is None else set(values_in(value))
    for each in sorted({*known, *(chosen or ())}):
        yield (*place, Step(each, is_id=True), Step("enabled")), None if chosen is None else each in chosen


def values_in(value: Any) -> list[str]:
    """ "weekly, daily" are two."""
    if value is None:
        return []
    parts = value if isinstance(value, list) else str(value).split(",")
    return list(dict.fromkeys(text for part in parts if (text := str(part).strip())))


def _items(found: list[Any], place: Place, values: Mapping[str, Iterable[str]]) -> Iterator[tuple[Place, Value]]:
    if not any(isinstance(each, dict | list) for each in found):
        if found:  # an empty list names nothing
            yield place, ",".join(str(each) for each in found)
        return
    for number, each in enumerate(found):
        name = each.get("id") if isinstance(each, dict) else None
        if isinstance(name, str | int) and not isinstance(name, bool):
            rest = {key: member for key, member in each.items() if key != "id"}
            yield from _walk(rest, (*place, Step(str(name), is_id=True)), values)
        else:
            yield from _walk(each, (*place, Step(str(number), is_id=True)), values)


def _scalar(value: Any, place: Place) -> Value:
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    return _TRUTH.get(text.lower(), text) if place[-1] == Step("enabled") else text
