"""HUB: what either side says of a person's consents comes here, is judged, kept, and sent to who does not know it yet.

Everything here but `plan` is part of the transaction that ends an Event. Who locks, locks the customer first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from integrations.pairing import aligning, comparing, reviews
from integrations.pairing.arrivals import Arrival, arrival_of
from integrations.pairing.judging import News, entry, held_of, judge_all, lock_people, news_of, publish_due
from integrations.pairing.lines import lines_of, master_of
from integrations.pairing.models import PairedPerson, Pairing
from integrations.pairing.registry import Told, profile_side_of
from integrations.pairing.standing import Seen, Standing, Verdict, Word, after, judge
from portal import customers, ledger
from portal.ledger import Result
from portal.models import Customer, Event
from portal.sentences import Sentence, joined, say

PROFILE_WANTED, ATTRIBUTES_TOLD = "profile.wanted", "attributes.told"
KEPT = say("Kept. No pairing of this connection is on, so nothing changed.")
GRACE = timedelta(seconds=30)
# A comparison hears of what changes while it goes on.
_FOLLOWED = (Pairing.Phase.ON, Pairing.Phase.COMPARING)


# A consent platform's events


def told(source: str, event: Told, cause: Event) -> Sentence:
    """Takes one consent event in, for each pairing of the connection that is on. Says what became of it."""
    pairings = Pairing.objects.for_tenant(cause.tenant_id).filter(consents=source, phase=Pairing.Phase.ON)
    on = list(pairings.prefetch_related("mappings"))
    lock_people(_known(on, event.key))
    said = [_told(pairing, event, cause) for pairing in on]
    if comparing.heard(source, event.key, cause):
        said.append(say("Both systems are being compared, so the person is read again."))
    return joined(said) if said else KEPT


def _known(pairings: Iterable[Pairing], key: str) -> list[Customer]:
    """Each pairing may know somebody else by the key."""
    found = (profile_side_of(each.profiles).find(each.profiles, key) for each in pairings)
    return [customer for customer in found if customer]


def _told(pairing: Pairing, event: Told, cause: Event) -> Sentence:
    arrival = arrival_of(pairing, event)
    if not arrival.brings_anything:
        return joined([say("Nothing in it is mapped."), *arrival.findings])
    side = profile_side_of(pairing.profiles)
    lane_id = side.lane_id(pairing.tenant_id, pairing.profiles)
    if lane_id is None:
        return say("The connection whose subscriptions follow was deleted.")
    customer = side.find(pairing.profiles, event.key)
    if customer is None and event.was_read:
        return say("The portal does not know %(key)s, so nothing follows.", key=event.key)
    if customer is None:
        payload = {"pairing": pairing.pk, "source": pairing.profiles, **arrival.as_json()}
        subject = f"{pairing.profiles}:key:{event.key}"
        ledger.publish(PROFILE_WANTED, cause=cause, subject=subject, payload=payload, lane_id=lane_id)
        return joined([say("The portal does not know %(key)s yet, so the profile is looked for.", key=event.key),
                       *arrival.findings])  # fmt: skip
    return take(pairing, customer, arrival, cause, was_read=event.was_read)


def found(
    pairing: Pairing, customer: Customer, payload: Mapping[str, Any], cause: Event, *, created: Mapping[str, bool]
) -> Sentence:
    """Goes on with what was told of a person, whose profile is known now. `payload`: that of `profile.wanted`.

    `created`: with which consents it was made just now, so that the report of that is no news.
    """
    held = held_of(pairing, customer) if created else None
    if held:
        for name, state in created.items():
            held.keep(name, held.standing(name).with_side(pairing.profiles, Seen(state, timezone.now())))
        held.save()
    return take(pairing, customer, Arrival.of_json(payload), cause)


def take(
    pairing: Pairing, customer: Customer, arrival: Arrival, cause: Event, *, was_read: bool = False
) -> Sentence:  # fmt: skip
    """What the consent platform told of a known customer. Nobody knows since when what was read is so."""
    held = held_of(pairing, customer)
    if held is None:
        return say("The customer is no longer there.")
    aligning.first(pairing, held, customer, cause)
    if was_read:
        news = news_of(pairing, held, pairing.consents, arrival.states, at=None, decides=True)
        return joined([judge_all(pairing, held, customer, news, cause), *arrival.findings])
    lines = {line.name: line for line in lines_of(pairing)}
    news = [
        News(lines[name], Word(pairing.consents, state, arrival.at, of_event=True), arrival.proof)
        for name, state in arrival.states.items() if name in lines
    ]  # fmt: skip
    customers.note_name(customer, pairing.consents, arrival.key, cause=cause)
    last = held.last_told(pairing.consents)
    if arrival.attributes and (last is None or arrival.at >= last):
        _tell_attributes(pairing, customer, arrival.attributes, cause)
    held.note_told(pairing.consents, arrival.at)
    said = judge_all(pairing, held, customer, news, cause)
    return joined([said, *arrival.findings])


def _tell_attributes(pairing: Pairing, customer: Customer, attributes: Mapping[str, Any], cause: Event) -> None:
    payload = {"source": pairing.profiles, "customer": customer.pk, "attributes": dict(attributes)}
    ledger.publish(ATTRIBUTES_TOLD, cause=cause, subject=f"customer:{customer.pk}", payload=payload)


def deleted(source: str, key: str, cause: Event) -> Sentence:
    """The consent platform has no such person any more. Nothing is withdrawn or erased: the team decides."""
    pairings = Pairing.objects.for_tenant(cause.tenant_id).filter(consents=source, phase=Pairing.Phase.ON)
    known = [
        (each, customer) for each in pairings if (customer := profile_side_of(each.profiles).find(each.profiles, key))
    ]
    lock_people(customer for _, customer in known)
    for pairing, customer in known:
        reviews.ask_deleted(pairing, customer, cause)
    if not known:
        return say("Deleted in Didomi. The portal does not know this person, so there is nothing to do.")
    return say("Deleted in Didomi. Nothing was changed or erased here: see the consents to review.")


# A system that follows, as it is read


def is_followed(tenant_id: int, source: str) -> bool:
    """Whether subscriptions of the connection are anybody's consents."""
    followed = Pairing.objects.for_tenant(tenant_id).filter(profiles=source, phase__in=_FOLLOWED)
    return bool(followed.exists())


def seen(
    source: str, customer: Customer, states: Mapping[str, bool], cause: Event, *, at: datetime | None, decides: bool
) -> list[Sentence]:
    """Subscriptions of a profile as they were just read.

    `states`: technical name -> subscribed. `at`: when the change was reported, None where nothing reported one.
    `decides`: whether the report is about subscriptions. Without it, one that was never seen before and is off says
    nothing: that nobody was asked is no refusal.
    """
    pairings = Pairing.objects.for_tenant(cause.tenant_id).filter(profiles=source)
    followed = pairings.filter(phase__in=_FOLLOWED).prefetch_related("mappings")
    return [
        said for pairing in followed
        if (said := _seen(pairing, customer, _by_name(pairing, states), cause, at=at, decides=decides))
    ]  # fmt: skip


def _by_name(pairing: Pairing, states: Mapping[str, bool]) -> dict[str, bool]:
    return {line.name: states[line.target] for line in lines_of(pairing) if line.target in states}


def _seen(
    pairing: Pairing,
    customer: Customer,
    states: Mapping[str, bool],
    cause: Event,
    *,
    at: datetime | None,
    decides: bool,
) -> Sentence:
    if not pairing.is_on:
        return comparing.note(pairing, customer, pairing.profiles, states, cause)
    held = held_of(pairing, customer) if states else None
    if held is None:
        return Sentence()
    aligning.first(pairing, held, customer, cause)
    news = news_of(pairing, held, pairing.profiles, states, at=at, decides=decides)
    return judge_all(pairing, held, customer, news, cause) if news or held.standings else Sentence()


# Writing to a side


@dataclass(frozen=True)
class Plan:
    """What a side is to be written: {"newsletter": True}, and since when each stands.

    `unreported`: the side is in a state that nobody has told of yet, and that does not stand.
    """

    states: dict[str, bool] = field(default_factory=dict)
    since: dict[str, datetime | None] = field(default_factory=dict)
    unreported: bool = False


def plan(pairing: Pairing, customer: Customer, side: str, states: Mapping[str, bool]) -> Plan:
    """What is to be written to a side that was just read with these states. Reads only."""
    held = PairedPerson.objects.filter(pairing=pairing, customer=customer).first()
    if held is None or held.paused_at:
        return Plan()
    unreported = False
    for news in news_of(pairing, held, side, states, at=None, decides=False):
        standing = held.standing(news.line.name)
        verdict = judge(standing, news.word, news.line.policy, master_of(pairing, news.line.policy))
        unreported |= verdict is not Verdict.KNOWN
        held.keep(news.line.name, after(standing, news.word, verdict, timezone.now()))
    due = {line.name: held.standing(line.name) for line in lines_of(pairing)}
    wanted = {name: standing for name, standing in due.items() if _is_due(standing, states.get(name))}
    return Plan(
        {name: bool(each.state) for name, each in wanted.items()},
        {name: each.at for name, each in wanted.items()},
        unreported,
    )


def too_early(cause: Event, planned: Plan) -> Result | None:
    """A change that nobody reported yet has no time. Its report is on its way, most likely, so it is waited for."""
    if not planned.unreported or cause.created_at + GRACE <= timezone.now():
        return None
    return ledger.later(say("Somebody has just changed this there. The report of it is waited for."),
                        cause.created_at + GRACE)  # fmt: skip


def _is_due(standing: Standing, state: bool | None) -> bool:
    return standing.state is not None and not standing.held and state != standing.state


def wrote(
    pairing: Pairing, customer: Customer, side: str, cause: Event, *,
    states: Mapping[str, bool], written: Mapping[str, bool],
    told_at: datetime | None = None,
) -> list[Sentence]:  # fmt: skip
    """The side was read with these states, and then written: what stands is confirmed, what was news is judged.

    `told_at`: the time of decision that the side was told, where it goes by such times.
    """
    held = held_of(pairing, customer)
    if held is None:
        return []
    said = judge_all(
        pairing, held, customer, news_of(pairing, held, side, states, at=None, decides=False), cause, publish=False
    )
    if told_at:
        held.note_told(side, told_at)
    now, entries = timezone.now(), []
    for name, state in written.items():
        held.keep(name, held.standing(name).with_side(side, Seen(state, now, decided=told_at)))
        entries.append(entry("confirmed", name, pairing, state, state, now, side, {}))
    held.save()
    customers.apply_consents(customer, entries, cause=cause)
    overtaken = any(held.standing(name).state != state for name, state in written.items())
    publish_due(pairing, held, customer, cause, but="" if overtaken else side)
    return [said]
