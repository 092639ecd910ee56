"""What a consent event means for a pairing: which lines it speaks of, and what it brings for attributes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.pairing.lines import lines_of
from integrations.pairing.models import ConsentMapping, Pairing
from integrations.pairing.registry import Told
from portal.sentences import Sentence, say

ATTRIBUTES_MOST, TEXT_MOST = 50, 2000


@dataclass(frozen=True)
class Arrival:
    """`states`: customer value -> consent. `attributes`: of the profile. `findings`: what could not be taken."""

    key: str
    at: datetime
    states: Mapping[str, bool]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    proof: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Sentence, ...] = ()

    @property
    def brings_anything(self) -> bool:
        return bool(self.states or self.attributes)

    def as_json(self) -> dict[str, Any]:
        return {
            "key": self.key, "at": self.at.isoformat(), "states": dict(self.states),
            "attributes": dict(self.attributes), "proof": dict(self.proof),
        }  # fmt: skip

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Arrival:
        return cls(kept["key"], datetime.fromisoformat(kept["at"]), kept["states"], kept["attributes"], kept["proof"])


def arrival_of(pairing: Pairing, told: Told) -> Arrival:
    """What is absent, or null, says nothing: it never ends a subscription."""
    findings: list[Sentence] = []
    states: dict[str, bool] = {}
    for line in lines_of(pairing):
        state = _leaf(told, line.path, findings)
        if isinstance(state, bool):
            states[line.name] = state
        elif state is not None:
            findings.append(say("“%(path)s” is a text, not yes or no, so “%(target)s” stays as it is.",
                                path=line.path, target=line.target))  # fmt: skip
    attributes = _attributes(pairing, told, findings)
    return Arrival(told.key, told.at, states, attributes, told.proof, tuple(findings))


def _leaf(told: Told, path: str, findings: list[Sentence]) -> bool | str | None:
    if path in told.ambiguous:
        findings.append(say("“%(path)s” means two consents of this event, so neither was taken.", path=path))
        return None
    return told.leaves.get(path)


def _attributes(pairing: Pairing, told: Told, findings: list[Sentence]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if pairing.all_metadata:
        found = {name: value for name, value in told.metadata.items() if _can_be_written(value)}
        if left := [str(name)[:60] for name in told.metadata if name not in found]:
            findings.append(say("User metadata that is no text, number, yes or no was left out: %(names)s.",
                                names=left[:5]))  # fmt: skip
    for mapping in pairing.mappings.all():
        if mapping.part == ConsentMapping.Part.ATTRIBUTE:
            value = _leaf(told, mapping.path, findings)
            if value is not None:
                found[mapping.target] = value
    if len(found) > ATTRIBUTES_MOST:
        findings.append(say("Of the attributes, only %(most)s were taken.", most=ATTRIBUTES_MOST))
    return dict(list(found.items())[:ATTRIBUTES_MOST])


def _can_be_written(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= TEXT_MOST)
