"""What an organisation asks people: purposes, channels, preferences and their values; and whether an id is one of them.

Ids are remembered when they are removed: what existed once is accepted, as Didomi documents of its version 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
MADE_AT = "2024-01-15T09:00:00.000Z"


@dataclass
class Preference:
    """A question with answers: `values` are id -> name; `kind` is single or multi."""

    id: str
    name: str
    values: dict[str, str]
    kind: str = "multi"


@dataclass
class Purpose:
    """`preferences` are the ids of the questions that are asked with it."""

    id: str
    name: str
    description: str = ""
    preferences: list[str] = field(default_factory=list)


@dataclass
class Catalogue:
    purposes: dict[str, Purpose] = field(default_factory=dict)
    preferences: dict[str, Preference] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)  # id -> name
    gone: set[str] = field(default_factory=set)  # ids of purposes, preferences and channels that were removed

    def unknown(self, consents: Mapping[str, Any]) -> Iterator[str]:
        """What of an event's consents the organisation never had, in words."""
        yield from self._strange("channel", self.channels, _ids(consents.get("channels")))
        for purpose in consents.get("purposes") or []:
            yield from self._strange("purpose", self.purposes, [purpose["id"]])
            yield from self._strange("channel", self.channels, _ids(purpose.get("channels")))
            yield from self._strange("preference", self.preferences, _ids(purpose.get("preferences")))
            for each in purpose.get("preferences") or []:
                yield from self._strange("channel", self.channels, _ids(each.get("channels")))
            for preference, chosen in (purpose.get("values") or {}).items():
                yield from self._strange("preference", self.preferences, [preference])
                yield from self._strange_values(preference, chosen.get("value"))

    def _strange(self, kind: str, known: Mapping[str, object], wanted: Iterable[str]) -> Iterator[str]:
        for each in wanted:
            if each not in known and each not in self.gone:
                yield f"{kind} {each}"

    def _strange_values(self, preference: str, value: str | None) -> Iterator[str]:
        if preference not in self.preferences:
            return
        for each in chosen_values(value):
            if each not in self.preferences[preference].values:
                yield f"value {each} of the preference {preference}"

    def remove(self, identifier: str) -> bool:
        """Takes a purpose, preference or channel out of the catalogue. Returns whether there was one."""
        homes: tuple[dict[str, Any], ...] = (self.purposes, self.preferences, self.channels)
        found = [home.pop(identifier) for home in homes if identifier in home]
        if found:
            self.gone.add(identifier)
        return bool(found)


def chosen_values(value: str | None) -> list[str]:
    """The ids in a preference's comma-separated value."""
    return [each.strip() for each in (value or "").split(",") if each.strip()]


def _ids(items: Iterable[Mapping[str, Any]] | None) -> list[str]:
    return [item["id"] for item in items or []]


def of_a_brand() -> Catalogue:
    """What a brand in Belgium asks: mail, offers, partners, cookies, and what somebody would like to read about."""
    purposes = (
        Purpose("newsletter", "Newsletter", "News of the shop by e-mail.", ["topics", "frequency"]),
        Purpose("promotions", "Promotions", "Offers and vouchers.", ["topics"]),
        Purpose("partner_offers", "Partner offers", "Offers of our partners."),
        Purpose("events", "Events", "Tastings and evenings in the shops."),
        Purpose("cookies", "Cookies", "Cookies for statistics and advertising.", ["weekly"]),
    )
    preferences = (
        Preference("topics", "Topics", {"wine": "Wine", "cheese": "Cheese", "recipes": "Recipes"}),
        Preference("frequency", "How often", {"weekly": "Weekly", "monthly": "Monthly"}, "single"),
        Preference("weekly", "Weekly letter", {"yes": "Yes", "no": "No"}, "single"),
    )
    channels = {"email": "E-mail", "sms": "Text message", "phone": "Telephone", "post": "Letter"}
    return Catalogue({each.id: each for each in purposes}, {each.id: each for each in preferences}, channels)


def purpose_json(purpose: Purpose, organization: str, translated: bool) -> Json:
    """A row of GET /metadata/purposes. `description` is the purpose's name, `details` describe it."""
    return {
        "id": purpose.id,
        "description": {"en": purpose.name} if translated else purpose.name,
        "details": {"en": purpose.description} if translated else purpose.description,
        "organization_id": organization,
        "created_at": MADE_AT,
        "updated_at": MADE_AT,
        "namespaces": {"custom": purpose.id, "didomi": purpose.id},
        "regulations_id": ["gdpr"],
        "type": "purpose",
        "metadata": {},
    }


def preference_json(preference: Preference, organization: str, translated: bool) -> Json:
    """https://developers.didomi.io/api/data-manager/preferences-library"""
    dates = {"created_at": MADE_AT, "updated_at": MADE_AT}

    def named(name: str) -> Json | str:
        return {"en": name} if translated else name

    return {
        "id": preference.id,
        **dates,
        "name": named(preference.name),
        "description": named(preference.name),
        "organization_id": organization,
        "type": preference.kind,
        "values": [
            {"id": key, **dates, "name": named(name), "order": order}
            for order, (key, name) in enumerate(preference.values.items())
        ],
    }
