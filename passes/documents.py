"""What is wrong in a JSON document that a wallet reads, and where it stands."""

from __future__ import annotations

from typing import Any, NamedTuple

from portal.sentences import Sentence, say


class Problem(NamedTuple):
    """What is wrong, and where: `semantics.seats.0.seatRow`."""

    path: str
    sentence: Sentence

    @property
    def told(self) -> Sentence:
        return say("%(path)s %(reason)s.", path=self.path or "{ … }", reason=self.sentence)


def is_expression(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value
