"""Didomi as a side of pairings: where people say what they consent to."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice

from django.urls import reverse

from integrations.didomi.consents import received_of, repeats
from integrations.didomi.models import DidomiConnection
from integrations.didomi.paths import readings
from integrations.didomi.samples import sample_of
from integrations.didomi.vocabulary import WITHIN, titled_paths, vocabulary_of
from integrations.didomi.webhooks import DIDOMI_EVENT
from integrations.pairing.registry import Choice, Received, Told
from portal.models import Event
from portal.sentences import Sentence, say

RECENT = 50
TOLD_TWICE = 2  # Didomi tells most changes of a person by user.*, too


class Didomi:
    compares = "didomi.compare"

    def offered(self, tenants: Collection[int]) -> list[Choice]:
        return [Choice(each.source, each.name) for each in DidomiConnection.objects.for_tenants(tenants)]

    def title(self, source: str) -> str:
        connection = connection_of(source)
        return connection.name if connection else ""

    def page(self, source: str) -> str:
        return reverse("admin:didomi_didomiconnection_change", args=[source.partition(":")[2]])

    def lane_id(self, tenant_id: int, source: str) -> int | None:
        connection = connection_of(source)
        return connection.lane_id if connection and connection.tenant_id == tenant_id else None

    def paths(self, source: str) -> list[Choice]:
        """Of the catalogue, and of what came lately: channels are in no catalogue."""
        connection = connection_of(source)
        if connection is None:
            return []
        offered = {path: Choice(path, title) for path, title in titled_paths(connection)}
        for each in self.received(connection.tenant_id, source, RECENT):
            for path in each.told.leaves if each.told else ():
                if _is_plain(path):
                    offered.setdefault(path, Choice(path, path))
        # What is mapped most often comes first: a purpose or a channel by itself, not one within another.
        return sorted(offered.values(), key=lambda each: (each.title.count(WITHIN), each.value))

    def path_problem(self, source: str, path: str, *, both_ways: bool) -> Sentence:
        connection = connection_of(source)
        if connection is None:
            return say("The Didomi connection was deleted.")
        if not path.startswith(("consents", "user", "metadata")):
            return say("“%(path)s” is no path of a consent, such as consents_purposes_newsletter_enabled.", path=path)
        places = readings(path, vocabulary_of(connection, [path]))
        if len(places) > 1:
            return say(
                "“%(path)s” means several consents of Didomi's catalogue. Write it so that it means one.", path=path
            )
        if both_ways and not places:
            return say("“%(path)s” is in Didomi's catalogue under no purpose, preference or channel, so a change could "
                       "not be told back.", path=path)  # fmt: skip
        return Sentence()

    def received(self, tenant_id: int, source: str, most: int) -> list[Received]:
        connection = connection_of(source)
        if connection is None or connection.tenant_id != tenant_id:
            return []
        arrived = Event.objects.for_tenant(tenant_id).filter(kind=DIDOMI_EVENT, source=source).order_by("-pk")
        told_once = (event for event in arrived[: most * TOLD_TWICE] if not repeats(event))
        return [received_of(event, connection) for event in islice(told_once, most)]

    def subject(self, source: str, key: str) -> str:
        return f"{source}:profile:{key}"

    def sample(self, source: str, text: str) -> Told | Sentence:
        connection = connection_of(source)
        return sample_of(text, connection) if connection else say("The Didomi connection was deleted.")


def _is_plain(path: str) -> bool:
    """Of the spellings of one place, the one that Didomi's page on Actito uses."""
    return path.startswith("consents_") and "__" not in path and "." not in path and path.endswith("_enabled")


def connection_of(source: str) -> DidomiConnection | None:
    number = source.removeprefix("didomi:")
    found = DidomiConnection.objects.filter(pk=number) if number.isdecimal() and number != source else None
    return found.first() if found is not None else None
