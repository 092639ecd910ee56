"""The ids that an organisation uses: from its catalogue, and from events, since the catalogue has no channels. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from integrations.didomi.catalogue import Catalogue
from integrations.didomi.paths import KnownPreference, Vocabulary, values_in


def vocabulary_of(catalogue: Catalogue | None, entities: Iterable[Mapping[str, Any]] = ()) -> Vocabulary:
    """`entities`: consent events, from which the rest is learned."""
    found = _Found()
    if catalogue:
        found.learn_catalogue(catalogue)
    for entity in entities:
        found.learn_event(entity)
    return found.vocabulary()


class _Found:
    def __init__(self) -> None:
        self.purposes: dict[str, None] = {}
        self.channels: dict[str, None] = {}
        self.values: dict[str, dict[str, None]] = {}  # of each preference
        self.owners: dict[str, dict[str, None]] = {}  # the purposes of each preference

    def vocabulary(self) -> Vocabulary:
        preferences = tuple(
            KnownPreference(name, tuple(values), tuple(self.owners.get(name, {})))
            for name, values in self.values.items()
        )
        return Vocabulary(tuple(self.purposes), tuple(self.channels), preferences)

    def learn_catalogue(self, catalogue: Catalogue) -> None:
        for preference in catalogue.preferences or []:
            self.values.setdefault(preference.id, {}).update(dict.fromkeys(each.id for each in preference.values))
            self.owners.setdefault(preference.id, {}).update(dict.fromkeys(preference.purposes))
        for purpose in catalogue.purposes:
            self.purposes[purpose.id] = None
            for name in purpose.preferences:
                self.values.setdefault(name, {})
                self.owners.setdefault(name, {})[purpose.id] = None

    def learn_event(self, entity: Mapping[str, Any]) -> None:
        consents = _object(entity.get("consents"))
        self.channels.update(dict.fromkeys(name for name, _ in _items(consents.get("channels"))))
        for purpose, held in _items(consents.get("purposes")):
            self.purposes[purpose] = None
            self.channels.update(dict.fromkeys(name for name, _ in _items(held.get("channels"))))
            for preference, member in _items(held.get("preferences")):
                self._own(purpose, preference)
                self.channels.update(dict.fromkeys(name for name, _ in _items(member.get("channels"))))
            for preference, chosen in _object(held.get("values")).items():
                self._own(purpose, preference)
                self.values[preference].update(dict.fromkeys(values_in(_object(chosen).get("value"))))

    def _own(self, purpose: str, preference: str) -> None:
        """A preference that the catalogue lets belong to any purpose goes on doing so."""
        is_any = preference in self.values and not self.owners.get(preference)
        self.values.setdefault(preference, {})
        if not is_any:
            self.owners.setdefault(preference, {})[purpose] = None


def _items(found: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in found if isinstance(found, list) else []:
        name = each.get("id") if isinstance(each, dict) else None
        if isinstance(name, str) and name:
            yield name, each


def _object(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}
