"""RELINING: a line that is about another consent now, or gone. What stood by it about people must not go on standing:
the first write to any of them would subscribe them to something that they never agreed to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Expression, F, Func, JSONField

from integrations.pairing.lines import Line, lines_of
from integrations.pairing.models import ConsentReview, PairedPerson, Pairing


def forget_changed(pairing: Pairing, before: Iterable[Line]) -> list[str]:
    """Forgets what stood by lines that are no longer what they were `before`. Returns their customer values.

    Part of the caller's transaction. Proofs stay, and so do the customers' values until somebody decides anew.
    """
    now = {_meaning(line) for line in lines_of(pairing)}
    names = sorted({line.name for line in before if _meaning(line) not in now})
    if names:
        found = [[side, name] for side in (pairing.consents, pairing.profiles) for name in names]
        PairedPerson.objects.filter(pairing=pairing).update(
            standings=_without("standings", [[name] for name in names]), compared=_without("compared", found)
        )
        ConsentReview.objects.filter(pairing=pairing, name__in=names, answered_at=None).delete()
    return names


def _meaning(line: Line) -> tuple[str, str, str]:
    """A path that is only spelled another way is the same."""
    return line.name, line.target, re.sub(r"\.|__", "_", line.path)


def _without(column: str, places: Iterable[Sequence[str]]) -> Expression | F:
    kept: Expression | F = F(column)
    for place in places:
        kept = _Without(kept, place)
    return kept


class _Without(Func):
    """JSON without what stands at a place in it, if anything does."""

    arity = 1

    def __init__(self, json_value: Expression | F, place: Sequence[str]) -> None:
        super().__init__(json_value, output_field=JSONField())
        self.place = list(place)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> tuple[str, list[Any]]:
        inner, params = compiler.compile(self.source_expressions[0])
        return f"({inner} #- %s::text[])", [*params, self.place]

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        inner, params = compiler.compile(self.source_expressions[0])
        return f"json_remove({inner}, %s)", [*params, "$" + "".join(f".{json.dumps(step)}" for step in self.place)]
