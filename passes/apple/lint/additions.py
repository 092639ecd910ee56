"""Additions to pass.json: keys and types, and what posters of event tickets and boarding passes cannot do without.

What an event's poster and a semantic boarding pass need is from pass-builder's validator; without it, a phone falls
back to the classic layout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from passes.apple import additions
from passes.apple.styles import additions_of, style_of
from passes.findings import Facts, Finding, error, warning
from portal.sentences import say

FIELD = "apple_additions"
POSTER_TAGS = ("eventName", "venueName")
BOARDING_TAGS = (
    "airlineCode", "flightNumber", "originalDepartureDate", "originalBoardingDate", "originalArrivalDate",
    "departureAirportCode", "destinationAirportCode", "departureLocationTimeZone", "passengerName",
)  # fmt: skip
UPCOMING = ("identifier", "name", "type")


def check(design: Mapping[str, Any], facts: Facts) -> Iterator[Finding]:
    found = list(additions.problems(design))
    for problem in found:
        yield error(FIELD, problem.told)
    if found:
        return
    given = additions_of(design)
    schemes = given.get("preferredStyleSchemes", [])
    if "posterEventTicket" in schemes:
        yield from _lacking(given, POSTER_TAGS, "posterEventTicket")
        if not design.get("nfc"):
            yield warning(FIELD, say("%(scheme)s needs %(tag)s.", scheme="posterEventTicket", tag="nfc"))
    if "semanticBoardingPass" in schemes:
        yield from _lacking(given, BOARDING_TAGS, "semanticBoardingPass")
    yield from _upcoming(given.get("upcomingPassInformation", []), style_of(design))


def _lacking(given: Mapping[str, Any], tags: tuple[str, ...], scheme: str) -> Iterator[Finding]:
    for tag in tags:
        if tag not in given.get("semantics", {}):
            yield warning(FIELD, say("%(scheme)s needs %(tag)s.", scheme=scheme, tag=f"semantics.{tag}"))


def _upcoming(entries: list[Mapping[str, Any]], style: str) -> Iterator[Finding]:
    if entries and style != "eventTicket":
        yield warning(FIELD, say("upcomingPassInformation is shown on event tickets only."))
    for number, entry in enumerate(entries):
        for key in UPCOMING:
            if not entry.get(key):
                yield error(
                    FIELD, say("%(scheme)s needs %(tag)s.", scheme=f"upcomingPassInformation.{number}", tag=key)
                )
