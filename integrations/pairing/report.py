"""What a comparison found: how many people for each subscription, a few of them, and who could not be read.

Counted by the database, with one look at everybody for some twenty subscriptions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.fields.json import KeyTransform

from integrations.pairing.aligning import compared, settled
from integrations.pairing.lines import Line, lines_of
from integrations.pairing.models import PairedPerson, Pairing
from portal.sentences import Sentence, read

AT_ONCE, SAMPLES, REASONS_MOST = 20, 5, 10
Pair = tuple[bool | None, bool | None]

SAME, OURS, THEIRS, ONE_SIDE = "same", "ours", "theirs", "one_side"
# What each side says: the consent platform, then the system whose subscriptions follow. None: it knows nothing.
PAIRS: Mapping[str, Sequence[Pair]] = {
    SAME: ((True, True), (False, False)),
    OURS: ((True, False),),
    THEIRS: ((False, True),),
    ONE_SIDE: ((True, None), (False, None), (None, True), (None, False)),
}


@dataclass(frozen=True)
class Found:
    """One subscription. `counts`: people by what both sides say of them."""

    line: Line
    counts: Mapping[Pair, int]

    def of(self, group: str) -> int:
        return sum(self.counts[pair] for pair in PAIRS[group])


@dataclass(frozen=True)
class Planned:
    """What a choice would change of one subscription, on each side: how many are given it, and how many lose it."""

    line: Line
    given_there: int = 0  # in the system whose subscriptions follow
    ended_there: int = 0
    given_here: int = 0  # on the consent platform
    ended_here: int = 0

    @property
    def anything(self) -> bool:
        return bool(self.given_there or self.ended_there or self.given_here or self.ended_here)


@dataclass(frozen=True)
class Missing:
    """People whom one side could not be read for, by the reason."""

    side: str
    reason: Sentence
    count: int
    samples: list[PairedPerson]


def found(pairing: Pairing) -> list[Found]:
    """Of those whom both sides were read for, by subscription."""
    people, lines = compared(pairing), lines_of(pairing)
    parts = [lines[begin : begin + AT_ONCE] for begin in range(0, len(lines), AT_ONCE)]
    return [each for part in parts for each in _counted(pairing, people, part)]


def _counted(pairing: Pairing, people: QuerySet[PairedPerson], lines: Sequence[Line]) -> Iterator[Found]:
    pairs = [pair for group in PAIRS.values() for pair in group]
    names = _named(pairing, lines)
    counted = people.alias(**names).aggregate(**{
        f"n{number}_{place}": Count("pk", filter=_says(number, pair))
        for number in range(len(lines)) for place, pair in enumerate(pairs)
    })  # fmt: skip
    for number, line in enumerate(lines):
        yield Found(line, {pair: counted[f"n{number}_{place}"] for place, pair in enumerate(pairs)})


def _named(pairing: Pairing, lines: Sequence[Line]) -> dict[str, Any]:
    return {
        f"{side}{number}": KeyTransform(line.name, KeyTransform(source, "compared"))
        for number, line in enumerate(lines)
        for side, source in (("ours", pairing.consents), ("theirs", pairing.profiles))
    }


def _says(number: int, pair: Pair) -> Q:
    return _is(f"ours{number}", pair[0]) & _is(f"theirs{number}", pair[1])


def _is(name: str, state: bool | None) -> Q:
    return Q(**{f"{name}__isnull": True}) if state is None else Q(**{name: state})


def people_of(pairing: Pairing, line: Line, group: str) -> QuerySet[PairedPerson]:
    """Those of a group of one subscription."""
    says = Q()
    for pair in PAIRS[group]:
        says |= _says(0, pair)
    people = compared(pairing)
    if group in (OURS, THEIRS):
        people = people.filter(differs=True)
    return people.alias(**_named(pairing, [line])).filter(says).select_related("customer").order_by("pk")


def planned(pairing: Pairing, counted: Sequence[Found], choice: str) -> list[Planned]:
    """How many people a choice would change, by subscription."""
    return [_planned(pairing, each, choice) for each in counted]


def _planned(pairing: Pairing, each: Found, choice: str) -> Planned:
    sums = {"given_there": 0, "ended_there": 0, "given_here": 0, "ended_here": 0}
    for (ours, theirs), count in each.counts.items():
        state, _who = settled(ours, theirs, choice)
        if state is None:
            continue
        what = "given" if state else "ended"
        if theirs != state:
            sums[f"{what}_there"] += count
        if ours != state and pairing.enable_webhooks:
            sums[f"{what}_here"] += count
    return Planned(each.line, **sums)


def everybody(pairing: Pairing) -> QuerySet[PairedPerson]:
    """Whom the present comparison came to, be it in vain."""
    rows = PairedPerson.objects.filter(pairing=pairing)
    return rows.filter(compared_at__gte=pairing.compared_since) if pairing.compared_since else rows.none()


def missing(pairing: Pairing) -> list[Missing]:
    """Who was found to have nothing to read, by side and reason; those most in number first."""
    rows = everybody(pairing)
    gathered = []
    for side in (pairing.consents, pairing.profiles):
        mine = rows.alias(why=KeyTransform(side, "unread")).filter(why__isnull=False)
        counts = mine.annotate(reason=KeyTransform(side, "unread")).values("reason").annotate(n=Count("pk"))
        for row in counts.order_by("-n", "reason")[:REASONS_MOST]:
            samples = mine.filter(why=row["reason"]).select_related("customer").order_by("pk")[:SAMPLES]
            gathered.append(Missing(side, read(row["reason"]), row["n"], list(samples)))
    return sorted(gathered, key=lambda each: -each.count)
