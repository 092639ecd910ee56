"""Whether the conditions of a rule hold for a customer. Pure, and never raises, whatever the values are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from passes import conditions


class Holder(StrEnum):
    """What may be asked of a customer's passes."""

    ON_PHONE = "on_phone"
    NOT_ON_PHONE = "not_on_phone"
    VALID = "valid"
    NONE = "none"


class Answered(StrEnum):
    """What may be asked of a consent. One that was never asked for, or is empty, is neither given nor refused."""

    GIVEN = "consent_given"
    NOT_GIVEN = "consent_not_given"
    REFUSED = "consent_refused"


OF_PASSES: frozenset[str] = frozenset(Holder)
OF_CONSENT: frozenset[str] = frozenset(Answered)
ALONE = conditions.ALONE | OF_PASSES | OF_CONSENT  # operators that compare with nothing


@dataclass(frozen=True)
class Held:
    """A pass of the customer's, as far as conditions ask."""

    template: int
    valid: bool
    phones: int


class Condition(Protocol):
    """A RuleCondition, as it is asked here."""

    name: str
    operator: str
    value: str
    template_id: int | None


def hold(
    asked: Iterable[Condition], values: Mapping[str, Any], passes: Collection[Held], *, any_is_enough: bool
) -> bool:
    """Rules without conditions hold for everybody."""
    found = [holds(each, values, passes) for each in asked]
    return not found or (any(found) if any_is_enough else all(found))


def holds(asked: Condition, values: Mapping[str, Any], passes: Collection[Held]) -> bool:
    if asked.operator in OF_PASSES:
        return _TESTS[Holder(asked.operator)]([each for each in passes if asked.template_id in {None, each.template}])
    if asked.operator in OF_CONSENT:
        return _OF_CONSENT[Answered(asked.operator)](answered(values.get(asked.name)))
    row = {"name": asked.name, "operator": asked.operator, "value": asked.value}
    return conditions.matches({"rows": [row]}, values)


def answered(value: Any) -> bool | None:
    """Whether consent is given; None where nobody knows. Values are yes or no, or text that says true or false."""
    text = str(value).strip().lower() if isinstance(value, bool | str) else ""
    return {"true": True, "false": False}.get(text)


_OF_CONSENT: dict[Answered, Callable[[bool | None], bool]] = {
    Answered.GIVEN: lambda said: said is True,
    Answered.NOT_GIVEN: lambda said: said is not True,
    Answered.REFUSED: lambda said: said is False,
}


def _on_phone(passes: Collection[Held]) -> bool:
    return any(each.phones for each in passes)


_TESTS: dict[Holder, Callable[[Collection[Held]], bool]] = {
    Holder.ON_PHONE: _on_phone,
    Holder.NOT_ON_PHONE: lambda passes: not _on_phone(passes),
    Holder.VALID: lambda passes: any(each.valid for each in passes),
    Holder.NONE: lambda passes: not passes,
}
