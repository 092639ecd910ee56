"""Didomi's own connector and pairings: its configuration is taken over into one, and given out of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from integrations.pairing.findings import LINES_MOST, SUBSCRIPTION, Finding, Severity, Written, findings, known_of
from integrations.pairing.models import ConsentMapping, Pairing
from integrations.pairing.registry import Table, profile_side_of

FLAGS = ("upsert_mode", "enable_webhooks")


@dataclass(frozen=True)
class Offer:
    """A line that the connector had. `problem`: why it is left out; empty where it is taken."""

    part: str
    target: str
    path: str
    problem: str = ""


@dataclass(frozen=True)
class TakenOver:
    lines: list[Offer]
    flags: dict[str, bool]

    @property
    def taken(self) -> list[Offer]:
        return [each for each in self.lines if not each.problem]


def offered(pairing: Pairing) -> TakenOver | None:
    """What could be taken over of the connector; None where nothing new is known of one."""
    kept = profile_side_of(pairing.profiles).connector(pairing.profiles)
    known = replace(known_of(pairing), both_ways=bool(kept.get("enable_webhooks")))
    stored = {(each.part, each.target) for each in pairing.mappings.all()}
    lines = [each for each in lines_in(kept, known.table) if (each.part, each.target) not in stored]
    if not lines:
        return None
    own = [
        Written(f"own-{each.pk}", each.part, each.target, each.path, each.value_name, kept=True)
        for each in pairing.mappings.all()
    ]  # fmt: skip
    new = [Written(f"new-{place}", each.part, each.target, each.path) for place, each in enumerate(lines)]
    wrong = _first_errors(findings([*own, *new], known))
    room = LINES_MOST - len(own)
    shown = [
        Offer(each.part, each.target, each.path, wrong.get(f"new-{place}", ""))
        for place, each in enumerate(lines[: max(0, room)])
    ]  # fmt: skip
    return TakenOver(shown, {name: bool(kept.get(name)) for name in FLAGS}) if shown else None


def _first_errors(found: list[Finding]) -> dict[str, str]:
    errors = [each for each in found if each.severity == Severity.ERROR]
    return {each.line: each.sentence for each in reversed(errors)}


def lines_in(kept: Mapping[str, Any], table: Table) -> list[Offer]:
    """Which of them are subscriptions says the table; where it was not read, what asks whether something is enabled."""
    return [
        Offer(_part_of(each["id"], each["value"], table), each["id"], each["value"])
        for each in kept.get("mappings", []) if isinstance(each, Mapping) and each.get("id") and each.get("value")
    ]  # fmt: skip


def _part_of(target: str, path: str, table: Table) -> str:
    if table.subscriptions is not None and target in table.subscriptions:
        return SUBSCRIPTION
    consent = path.endswith(("_enabled", ".enabled"))
    attribute = table.has_attribute(target) or not consent
    return ConsentMapping.Part.ATTRIBUTE.value if attribute else SUBSCRIPTION


def take_over(pairing: Pairing) -> int:
    """Makes the lines, and sets the settings as they were. In the caller's transaction. Returns how many lines came."""
    offer = offered(pairing)
    if offer is None:
        return 0
    for name, value in offer.flags.items():
        setattr(pairing, name, value)
    pairing.save(update_fields=list(offer.flags))
    for each in offer.taken:
        ConsentMapping.objects.create(pairing=pairing, part=each.part, target=each.target, path=each.path)
    return len(offer.taken)


def connector_of(tenant_id: int, source: str) -> dict[str, Any]:
    """The connector's configuration as the connection's pairing is now; empty where none has lines.

    Of several, one that is on, else the oldest.
    """
    pairings = Pairing.objects.for_tenant(tenant_id).filter(profiles=source, mappings__isnull=False).order_by("pk")
    pairing = pairings.filter(phase=Pairing.Phase.ON).first() or pairings.first()
    if pairing is None:
        return {}
    lines = [{"id": each.target, "value": each.path} for each in pairing.mappings.all()]
    return {"mappings": lines, **{name: bool(getattr(pairing, name)) for name in FLAGS}}
