"""Rules that would set each other off without end, as far as it can be seen when one is saved. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from integrations.rules.models import Rule
from integrations.rules.registry import Happening, action_of, trigger_of
from portal.customers import CUSTOMER_CHANGED

# Nothing, some text, the least and the greatest number, no and yes.
_ANYTHING = (None, "\N{BLACK SQUARE}", -(10**15), 10**15, False, True)


def circle(rule: Rule, others: Iterable[Rule]) -> list[Rule]:
    """The rules of which each sets off the next and the last one the first, beginning with `rule`; empty for none."""
    return _path(rule, rule, [rule], list(others), set())


def _path(first: Rule, last: Rule, so_far: list[Rule], others: list[Rule], seen: set[int]) -> list[Rule]:
    if sets_off(last, first):
        return so_far
    for other in others:
        if other.pk not in seen and sets_off(last, other):
            seen.add(other.pk)
            if found := _path(first, other, [*so_far, other], others, seen):
                return found
    return []


def sets_off(rule: Rule, other: Rule) -> bool:
    """Whether what the one writes may be what the other waits for, whatever stood there before."""
    kind, action = trigger_of(other), action_of(rule)
    if kind is None or kind.fits is None or kind.news != CUSTOMER_CHANGED or action is None:
        return False
    written = action.writes(rule)
    return any(kind.fits(other, Happening(kind.news, 0, _all_from(before, written))) for before in _ANYTHING)


def _all_from(before: Any, written: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (before, after) for name, after in written.items()}
