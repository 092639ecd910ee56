"""JUDGING: what news of a person's consents come to, and what is kept of them. In the transaction that ends an Event.

Who locks, locks the customer first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from integrations.pairing import flips, reviews
from integrations.pairing.lines import Line, lines_of, master_of
from integrations.pairing.models import PairedPerson, Pairing
from integrations.pairing.standing import Seen, Standing, Verdict, Word, after, judge
from portal import customers, ledger
from portal.consents import Entry
from portal.models import Customer, Event
from portal.sentences import Sentence, joined, say

CONSENTS_CHANGED = "consents.changed"
_KINDS = {Verdict.OVERRULED: "overruled", Verdict.HELD: "held"}


@dataclass(frozen=True)
class News:
    """What a side says of one line, and what proves it."""

    line: Line
    word: Word
    proof: Mapping[str, Any]


def news_of(
    pairing: Pairing, held: PairedPerson, side: str, states: Mapping[str, bool], *, at: datetime | None, decides: bool
) -> list[News]:
    """What of a reading is news: what the side was not last seen, or written, with. Notes what says nothing."""
    found: list[News] = []
    for line in lines_of(pairing):
        state, standing = states.get(line.name), held.standing(line.name)
        seen = standing.sides.get(side)
        if state is None or (seen and seen.state == state and (seen.said or not decides)):
            continue
        if not state and not seen and not decides:  # that nobody was asked is no refusal
            held.keep(line.name, standing.with_side(side, Seen(state, timezone.now(), said=False)))
            continue
        found.append(News(line, Word(side, state, at), {}))
    return found


def lock_people(customers: Iterable[Customer]) -> None:
    """Before anything else is locked, where there may be several: in one order, and the chain of the proof is last."""
    keys = {customer.pk for customer in customers}
    if keys:
        list(Customer.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))


def held_of(pairing: Pairing, customer: Customer) -> PairedPerson | None:
    """What stands about the person, locked; None for somebody who was erased meanwhile."""
    if not Customer.objects.select_for_update().filter(pk=customer.pk).exists():
        return None
    PairedPerson.objects.get_or_create(pairing=pairing, customer=customer)
    return PairedPerson.objects.select_for_update().get(pairing=pairing, customer=customer)


def judge_all(
    pairing: Pairing,
    held: PairedPerson,
    customer: Customer,
    news: Iterable[News],
    cause: Event,
    *,
    publish: bool = True,
) -> Sentence:
    entries: list[Entry] = []
    said = [_judge(pairing, held, customer, each, entries, cause) for each in news]
    held.save()
    customers.apply_consents(customer, entries, cause=cause)
    if publish:
        publish_due(pairing, held, customer, cause)
    return joined(filter(None, said))


def _judge(
    pairing: Pairing, held: PairedPerson, customer: Customer, news: News, entries: list[Entry], cause: Event
) -> Sentence:
    name, word, standing = news.line.name, news.word, held.standing(news.line.name)
    now = timezone.now()
    if held.paused_at and not standing.is_past(word):
        reviews.hear(pairing, customer, name, word, cause)
        held.keep(name, after(standing, word, Verdict.OVERRULED, now))
        entries.append(entry("held", name, pairing, standing.state, word.state, word.at, word.side, news.proof))
        return say("“%(name)s”: the person is paused, so it waits for an answer.", name=name)
    verdict = judge(standing, word, news.line.policy, master_of(pairing, news.line.policy))
    if verdict is Verdict.FOLLOWED and flips.one_too_many(held, standing, word, now):
        reviews.ask_flips(pairing, customer, name, standing, word, cause)
        verdict = Verdict.HELD
    elif verdict is Verdict.HELD:
        reviews.ask(pairing, customer, name, standing, word, cause)
    held.keep(name, after(standing, word, verdict, now))
    if verdict is Verdict.KNOWN:
        return say("“%(name)s” stands like that already.", name=name)
    kind = _KINDS.get(verdict) or ("given" if word.state else "withdrawn")
    entries.append(entry(kind, name, pairing, standing.state, word.state, word.at, word.side, news.proof))
    return _outcome(verdict, name, word.state)


def _outcome(verdict: Verdict, name: str, state: bool) -> Sentence:
    if verdict is Verdict.HELD:
        return say("“%(name)s” is held for review.", name=name)
    if verdict is Verdict.OVERRULED:
        return say("“%(name)s” stays as it was: the other system's word counts.", name=name)
    return say("“%(name)s” was given.", name=name) if state else say("“%(name)s” was withdrawn.", name=name)


def entry(
    kind: str, name: str, pairing: Pairing, before: bool | None, state: bool, at: datetime | None, side: str,
    proof: Mapping[str, Any],
) -> Entry:  # fmt: skip
    line = next((each for each in lines_of(pairing) if each.name == name), None)
    return Entry(kind, name, line.target if line else name, before, state, at, side, dict(proof))


def publish_due(pairing: Pairing, held: PairedPerson, customer: Customer, cause: Event, *, but: str = "") -> None:
    """Tells the sides that lack what stands, save the one that was just written as far as it can be."""
    if held.paused_at:
        return
    names = [line.name for line in lines_of(pairing)]
    others = [side for side in pairing.follows() if side != but]
    sides = [side for side in others if any(lacks(held.standing(name), side) for name in names)]
    if sides:
        payload = {"pairing": pairing.pk, "customer": customer.pk, "sides": sides}
        ledger.publish(CONSENTS_CHANGED, cause=cause, subject=f"pairing:{pairing.pk}:customer:{customer.pk}",
                       payload=payload)  # fmt: skip


def lacks(standing: Standing, side: str) -> bool:
    return standing.state is not None and not standing.held and not standing.knows(side)


def lacking(pairing: Pairing, customer: Customer, side: str) -> bool:
    """Whether the side follows, and lacks something that stands. Reads only."""
    held = PairedPerson.objects.filter(pairing=pairing, customer=customer).first()
    if held is None or held.paused_at or side not in pairing.follows():
        return False
    return any(lacks(held.standing(line.name), side) for line in lines_of(pairing))
