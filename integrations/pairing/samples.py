"""What one event says on each line of a mapping, for whoever writes the lines. Pure: nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from integrations.pairing.findings import SUBSCRIPTION, Written
from integrations.pairing.registry import Table, Told
from portal.sentences import Sentence, say

SHOWN = 80


@dataclass(frozen=True)
class Says:
    """`value`: what stands at the path, None for nothing. `problem`: whether it cannot be taken."""

    value: bool | str | None
    happens: Sentence
    problem: bool = False


def says(event: Told, line: Written) -> Says:
    if line.path in event.ambiguous:
        return Says(None, say("This path means two consents of this event, so neither is taken."), problem=True)
    value = event.leaves.get(line.path)
    if value is None:
        if line.path in event.leaves:
            return Says(None, say("No choice was made, so it stays as it is."))
        return Says(None, say("This event says nothing of it, so it stays as it is."))
    if line.part != SUBSCRIPTION:
        return Says(value, say("Is written to the attribute."))
    if isinstance(value, bool):
        return Says(value, say("Would be subscribed.") if value else say("Would be unsubscribed."))
    return Says(value[:SHOWN], say("This is a text, not yes or no, so it stays as it is."), problem=True)


def metadata_of(event: Told, table: Table) -> tuple[Sequence[str], Sequence[str]]:
    """Names of the user metadata that would be written, and of those for which there is no attribute."""
    unknown = [name for name in event.metadata if table.has_attribute(name) is False]
    return [name for name in event.metadata if name not in unknown], unknown
