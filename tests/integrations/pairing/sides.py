"""A consent platform of paper: what a test lays down is what it received. Its connections are those of Didomi."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from integrations.didomi.models import DidomiConnection
from integrations.pairing.registry import Choice, Received, Told
from portal.sentences import Sentence, say

PATHS = {
    "consents_channels_email_enabled": "E-mail", "consents_purposes_newsletter_enabled": "Newsletter",
    "consents_purposes_promotions_enabled": "Promotions",
}  # fmt: skip
EMAIL, NEWSLETTER, PROMOTIONS = PATHS
LATER = datetime.fromisoformat("2026-02-03T10:12:00+00:00")


class Paper:
    """Keeps to what `integrations.pairing.registry.ConsentSide` asks for."""

    name = "paper"
    received_ones: list[Received] = []

    def offered(self, tenants: Collection[int]) -> list[Choice]:
        connections = DidomiConnection.objects.for_tenants(tenants)
        return [Choice(f"{self.name}:{each.pk}", each.name) for each in connections]

    def title(self, source: str) -> str:
        found = DidomiConnection.objects.filter(pk=source.partition(":")[2]).first()
        return found.name if found else ""

    def page(self, source: str) -> str:
        return reverse("admin:index")

    def lane_id(self, tenant_id: int, source: str) -> int | None:
        found = DidomiConnection.objects.for_tenant(tenant_id).filter(pk=source.partition(":")[2]).first()
        return found.lane_id if found else None

    def paths(self, source: str) -> list[Choice]:
        return [Choice(path, title) for path, title in PATHS.items()]

    def path_problem(self, source: str, path: str, *, both_ways: bool) -> Sentence:
        if not path.startswith(("consents", "user_")):
            return say("“%(path)s” is no path of a consent.", path=path)
        if both_ways and not path.endswith("enabled"):
            return say("“%(path)s” cannot be written back.", path=path)
        return Sentence()

    def received(self, tenant_id: int, source: str, most: int) -> list[Received]:
        return self.received_ones[:most]

    def subject(self, source: str, key: str) -> str:
        return f"{source}:profile:{key}"

    def sample(self, source: str, text: str) -> Told | Sentence:
        try:
            return told(**json.loads(text))
        except (ValueError, TypeError):
            return say("This is no event.")


def told(key: str = "anna@example.com", at: datetime = LATER, ambiguous: Collection[str] = (),
         metadata: Mapping[str, Any] | None = None, **leaves: bool | str | None) -> Told:  # fmt: skip
    return Told(key, at, leaves, frozenset(ambiguous), metadata or {})


def received(number: int, event: Told | None, why: str = "") -> Received:
    return Received(number, timezone.now(), event, Sentence(why))
