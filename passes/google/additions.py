"""Additions to Google's resources: what only Google Wallet has, as JSON beside the design.

{"class": what all passes of the template share, "object": what each has}, with the keys of Google's API. A generic
template may also say {"type": "flight"} or {"type": "transit"}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

from passes.documents import Problem, is_expression
from passes.filling import ContentError, Filling
from passes.google import schema
from passes.google.fitting import fitted
from passes.google.names import JOURNEYS, schema_of
from portal.sentences import say

NAME = "google"
# What the portal or the form says of a pass: an addition would be a second word on it.
OWNED = {
    "class": frozenset(
        """
        id issuerName localizedIssuerName reviewStatus review hexBackgroundColor callbackOptions messages
        notifyPreference kind version
        """.split()  # noqa: SIM905  (a paragraph reads better)
    ),
    "object": frozenset(
        """
        id classId classReference state barcode validTimeInterval messages notifyPreference hasUsers
        hasLinkedDevice kind version
        """.split()  # noqa: SIM905
    ),
}
# The only values of a customer that a class may hold: there is then a class for each tier.
TIERS = ("rewardsTier", "localizedRewardsTier", "secondaryRewardsTier", "localizedSecondaryRewardsTier")
# Taken as a whole: a card has three rows at most, so rows are not added to rows.
_WHOLE = frozenset({"cardTemplateOverride"})


def merged(document: Mapping[str, Any], additions: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are merged, lists are joined, and of two values that of the additions counts."""
    found = dict(document)
    for key, value in additions.items():
        known = found.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping) and key not in _WHOLE:
            found[key] = merged(known, value)
        elif isinstance(known, list) and isinstance(value, list):
            found[key] = [*known, *value]
        else:
            found[key] = value
    return found


def additions_of(design: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Those to the `class` or the `object`, without what is not theirs to say."""
    additions = design.get(NAME)
    given = additions.get(part) if isinstance(additions, Mapping) else None
    return {key: value for key, value in given.items() if key not in OWNED[part]} if isinstance(given, Mapping) else {}


def tiers(content: Mapping[str, Any]) -> dict[str, Any]:
    """What of the class may differ between customers."""
    return {key: value for key, value in additions_of(content, "class").items() if key in TIERS}


def problems(design: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with a design's additions, before any customer's values are known or when they are filled in."""
    additions = design.get(NAME) or {}
    if not isinstance(additions, Mapping):
        yield Problem("", say("must be an object"))
        return
    for part, given in additions.items():
        if part == "type":
            yield from _type(design["kind"], given)
            continue
        if part not in OWNED:
            yield Problem(part, say("must be “class” or “object”"))
            continue
        for problem in schema.findings(schema_of(design, part), given, partial=True):
            yield Problem(f"{part}.{problem.path}".rstrip("."), problem.sentence)
        for key in sorted(OWNED[part] & set(given if isinstance(given, Mapping) else ())):
            yield Problem(f"{part}.{key}", say("is set by the portal or elsewhere in this form"))
    yield from _of_one_customer(additions)


def _type(kind: str, given: Any) -> Iterator[Problem]:
    if kind != "generic":
        yield Problem("type", say("is for generic templates only"))
    elif given not in JOURNEYS:
        yield Problem("type", say("must be one of %(values)s", values=list(JOURNEYS)))


def _of_one_customer(additions: Mapping[str, Any]) -> Iterator[Problem]:
    shared = additions.get("class")
    for key, value in shared.items() if isinstance(shared, Mapping) else ():
        if key not in TIERS and _expresses(value):
            yield Problem(f"class.{key}", say("is the same on all passes, so it cannot hold a customer's value"))


def filled(design: Mapping[str, Any], filling: Filling) -> dict[str, Any]:
    """A design's additions with a customer's values. Raises ContentError for what does not fit."""
    additions = design.get(NAME)
    if not additions:
        return {}
    said = say("Additions to Google's resources")
    fit = {
        part: fitted(schema_of(design, part), filling.tree(said, given)) if part in OWNED else given
        for part, given in additions.items()
    }
    if wrong := next(chain(_of_one_customer(additions), problems({**design, NAME: fit})), None):
        raise ContentError(say("“%(part)s”: %(reason)s", part=said, reason=wrong.told))
    return {part: given for part, given in fit.items() if given}


def _expresses(document: Any) -> bool:
    if isinstance(document, Mapping):
        document = list(document.values())
    if isinstance(document, list):
        return any(map(_expresses, document))
    return is_expression(document)
