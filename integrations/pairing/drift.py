"""Subscriptions that came since a pairing was switched on: nobody has decided yet whether a consent is for them."""

from __future__ import annotations

from collections.abc import Collection

from integrations.pairing.models import ConsentMapping, Pairing, slug
from integrations.pairing.registry import Choice, consent_side_of, is_known, profile_side_of


def new_subscriptions(pairing: Pairing) -> list[str]:
    """In the order of the table; none of a pairing that was never on."""
    if pairing.on_since is None or not is_known(pairing.profiles):
        return []
    there = profile_side_of(pairing.profiles).table(pairing.profiles).subscriptions or []
    mapped = {each.target for each in pairing.mappings.all() if each.part == ConsentMapping.Part.SUBSCRIPTION}
    return [name for name in there if name not in pairing.known_subscriptions and name not in mapped]


def leave(pairing: Pairing, names: Collection[str]) -> None:
    """They are no longer announced."""
    pairing.known_subscriptions = sorted({*pairing.known_subscriptions, *names})
    pairing.save(update_fields=["known_subscriptions"])


def likely_path(pairing: Pairing, subscription: str) -> str:
    """The path that has the subscription's name in it, if there is one."""
    paths: list[Choice] = consent_side_of(pairing.consents).paths(pairing.consents)
    name = slug(subscription)
    return next((each.value for each in paths if name in each.value and each.value.endswith("enabled")), "")
