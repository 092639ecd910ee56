"""Which ids an organisation uses, as far as is known: of its catalogue, and channels, which no catalogue lists."""

from __future__ import annotations

import re
from collections.abc import Iterable

from integrations.didomi.catalogue import kept_of
from integrations.didomi.models import DidomiConnection
from integrations.didomi.paths import KnownPreference, Target, Vocabulary, spellings

# As Didomi's pages name them.
CHANNELS = ("email", "sms", "phone", "mail", "push")
WITHIN = " · "
_OF_CHANNEL = re.compile(r"consents(_|__|\.)channels?\1(?P<id>.+)\1enabled\Z")


def vocabulary_of(connection: DidomiConnection, paths: Iterable[str] = ()) -> Vocabulary:
    """`paths`: those of mappings, which may name channels that nothing else tells of."""
    kept = kept_of(connection)
    named = (found["id"] for path in paths if (found := _OF_CHANNEL.match(path)))
    channels = tuple(dict.fromkeys([*CHANNELS, *named]))
    if kept is None:
        return Vocabulary(channels=channels)
    belonging = [(purpose.id, set(purpose.preferences)) for purpose in kept.purposes]
    preferences = tuple(
        KnownPreference(
            each.id,
            tuple(value.id for value in each.values),
            each.purposes or tuple(purpose for purpose, own in belonging if each.id in own),
        )
        for each in kept.preferences or []
    )
    return Vocabulary(tuple(each.id for each in kept.purposes), channels, preferences)


def titled_paths(connection: DidomiConnection) -> list[tuple[str, str]]:
    """(path, what it asks people for) of all that can be mapped and written back."""
    kept, found = kept_of(connection), vocabulary_of(connection)
    titles: dict[str, str] = {}
    if kept:
        titles = {each.id: each.title for each in kept.purposes}
        titles |= {each.id: each.title for each in kept.preferences or []}
        titles |= {value.id: value.title for each in kept.preferences or [] for value in each.values}
    return [(path_of(target), _title(target, titles)) for target in found.targets()]


def path_of(target: Target) -> str:
    """The spelling that Didomi's page on Actito uses."""
    plain = "_".join(step.text for step in target.place)
    return plain if plain in spellings(target.place) else min(spellings(target.place))


def _title(target: Target, titles: dict[str, str]) -> str:
    named = (target.purpose, target.preference, target.value, target.channel)
    return WITHIN.join(titles.get(each) or each for each in named if each)
