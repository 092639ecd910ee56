"""A rehearsal: what a pairing would have made of the last events that came. Reads only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import prefetch_related_objects
from django.utils import timezone

from integrations.pairing.arrivals import Arrival, arrival_of
from integrations.pairing.findings import SUBSCRIPTION
from integrations.pairing.lines import Line, lines_of, master_of
from integrations.pairing.models import PairedPerson, Pairing
from integrations.pairing.registry import Received, consent_side_of, profile_side_of
from integrations.pairing.standing import Standing, Verdict, Word, after, judge
from portal.models import Customer
from portal.sentences import Sentence, say

FEWEST, MOST, SHOWN = 10, 500, 20


@dataclass(frozen=True)
class Person:
    """`standings`: by customer value. `seen`: the subscriptions as they were last read, by customer value."""

    pk: int
    title: str
    standings: Mapping[str, Standing] = field(default_factory=dict)
    seen: Mapping[str, bool] = field(default_factory=dict)
    paused: bool = False


@dataclass(frozen=True)
class Case:
    """One event. `person` None: the portal does not know them. `skipped`: why it says nothing."""

    event: int
    arrival: Arrival | None
    person: Person | None = None
    skipped: Sentence = field(default_factory=Sentence)


@dataclass(frozen=True)
class Difference:
    person: Person
    target: str
    before: bool | None
    after: bool
    verdict: Verdict
    policy: str
    event: int


@dataclass(frozen=True)
class Trial:
    """`known`: how often what an event said stood like that already."""

    events: int
    subscribed: int
    unsubscribed: int
    known: int
    overruled: int
    held: int
    skipped: list[tuple[Sentence, int]]
    first: list[Difference]
    unread: list[tuple[Sentence, int]]  # what could not be taken of events that were
    since: datetime | None = None

    @property
    def untouched(self) -> int:
        return self.known + self.overruled


def rehearse(cases: Iterable[Case], pairing: Pairing, lines: Mapping[str, Line], now: datetime) -> Trial:
    """`cases`: oldest first. Pure: nothing but what is handed in is looked at."""
    ends: Counter[str] = Counter()
    skipped: Counter[Sentence] = Counter()
    unread: Counter[Sentence] = Counter()
    found: list[Difference] = []
    stand: dict[tuple[int, str], Standing] = {}
    number = 0
    for case in cases:
        number += 1
        if why := _skipped(case, pairing):
            skipped[why] += 1
            continue
        person, arrival = case.person, case.arrival
        if person is None or arrival is None:
            continue
        unread.update(arrival.findings)
        for name, state in arrival.states.items():
            standing = stand.get((person.pk, name)) or first_standing(person, name, pairing, now)
            word, line = Word(pairing.consents, state, arrival.at), lines[name]
            verdict = judge(standing, word, line.policy, master_of(pairing, line.policy))
            stand[person.pk, name] = after(standing, word, verdict, now)
            before = person.seen.get(name) if standing.state is None else standing.state
            end = _end(verdict, before, state)
            ends[end] += 1
            if end != "known":
                found.append(Difference(person, line.target, before, state, verdict, line.policy, case.event))
    return Trial(
        number, ends["subscribed"], ends["unsubscribed"], ends["known"], ends["overruled"], ends["held"],
        skipped.most_common(), found[:SHOWN], unread.most_common(),
    )  # fmt: skip


def first_standing(person: Person, name: str, pairing: Pairing, now: datetime) -> Standing:
    """What stands before the first event: as kept, else as the subscription was last read.

    A subscription that was never seen on says nothing: that nobody was asked is no refusal.
    """
    kept, seen = person.standings.get(name), person.seen.get(name)
    if (kept and kept.state is not None) or seen is None:
        return kept or Standing()
    word = Word(pairing.profiles, seen, None)
    return after(Standing(), word, Verdict.FOLLOWED if seen else Verdict.OVERRULED, now)


def _skipped(case: Case, pairing: Pairing) -> Sentence:
    if case.arrival is None:
        return case.skipped or say("It says nothing of a person's consents.")
    if not case.arrival.brings_anything:
        return say("Nothing in it is mapped.")
    if case.person is None and pairing.upsert_mode:
        return say("The portal does not know the person yet: they are looked for, and created if they are not there.")
    if case.person is None:
        return say("The portal does not know the person yet: they are looked for, and skipped if they are not there.")
    return say("The person is paused and waits for an answer.") if case.person.paused else Sentence()


def _end(verdict: Verdict, before: bool | None, state: bool) -> str:
    if verdict is Verdict.FOLLOWED and bool(before) != state:
        return "subscribed" if state else "unsubscribed"
    return verdict.value if verdict in {Verdict.OVERRULED, Verdict.HELD} else "known"


# Reading what is rehearsed


def trial(pairing: Pairing, most: int) -> Trial:
    """Over so many of the last events that the consent connection received. Raises KeyError for one of no side."""
    prefetch_related_objects([pairing], "mappings")  # each event asks for them
    received = consent_side_of(pairing.consents).received(pairing.tenant_id, pairing.consents, most)
    found = rehearse(_cases(pairing, received[::-1]), pairing, _named(pairing), timezone.now())
    since = min((each.created_at for each in received), default=None)
    return Trial(**{**found.__dict__, "since": since})


def _named(pairing: Pairing) -> dict[str, Line]:
    return {line.name: line for line in lines_of(pairing)}


def _cases(pairing: Pairing, received: list[Received]) -> list[Case]:
    arrivals = [(each, arrival_of(pairing, each.told) if each.told else None) for each in received]
    people = _people(pairing, {arrival.key for _each, arrival in arrivals if arrival and arrival.key})
    return [
        Case(each.event_id, arrival, people.get(arrival.key) if arrival else None, each.skipped)
        for each, arrival in arrivals
    ]  # fmt: skip


def _people(pairing: Pairing, keys: Iterable[str]) -> dict[str, Person]:
    side = profile_side_of(pairing.profiles)
    known = {key: found for key in keys if (found := side.find(pairing.profiles, key))}
    held = PairedPerson.objects.filter(pairing=pairing, customer__in=[each.pk for each in known.values()])
    kept = {each.customer_id: each for each in held}
    sources = _sources(pairing)
    return {key: _person(customer, kept.get(customer.pk), sources) for key, customer in known.items()}


def _sources(pairing: Pairing) -> dict[str, str]:
    """Customer value of a line -> the customer value in which its subscription was last read."""
    filled = profile_side_of(pairing.profiles).filled(pairing.profiles)
    read = {each.target: name for name, each in filled.items() if each.part == SUBSCRIPTION}
    return {line.name: read.get(line.target, line.name) for line in lines_of(pairing)}


def _person(customer: Customer, held: PairedPerson | None, sources: Mapping[str, str]) -> Person:
    seen = {name: value for name, source in sources.items() if isinstance(value := customer.values.get(source), bool)}
    standings = {name: held.standing(name) for name in sources} if held else {}
    return Person(customer.pk, str(customer), standings, seen, paused=bool(held and held.paused_at))
