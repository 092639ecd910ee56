"""COMPARING: both systems are read, person by person, before a pairing is switched on. Nothing is written to either.

A job with two rows a person, one for each side, on that side's lane. What is read is kept with the person; what is
reported meanwhile keeps it up to date, so that what is switched on is not of yesterday.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.utils import timezone

from integrations.pairing.judging import held_of, judge_all, news_of
from integrations.pairing.lines import lines_of
from integrations.pairing.models import PairedPerson, Pairing
from integrations.pairing.registry import Person, consent_side_of, is_known, profile_side_of
from portal import jobs, ledger
from portal.jobs import Row
from portal.ledger import Result
from portal.models import Customer, Event, Job
from portal.sentences import Sentence, joined, say, stored

COMPARISON = "pairing.comparison"
# Of a person's two rows.
CONSENTS, PROFILES = 0, 1


def prepared(pairing: Pairing, rate: int = 0) -> Job:
    """The job, counted and not started."""
    payload = {"pairing": pairing.pk, "compares": compares(pairing)}
    title = say("Compare both systems for “%(pairing)s”", pairing=pairing)
    return jobs.prepared(COMPARISON, tenant_id=pairing.tenant_id, payload=payload, title=title, rate=rate)


def compares(pairing: Pairing) -> dict[str, Any]:
    """What a comparison depends on: after another one, it says nothing of the pairing any more."""
    lines = sorted([line.name, line.target, line.path] for line in lines_of(pairing))
    return {"sides": [pairing.consents, pairing.profiles], "lines": lines}


def newest(pairing: Pairing) -> Job | None:
    """The job of the last comparison."""
    mine = Job.objects.for_tenant(pairing.tenant_id).filter(kind=COMPARISON, payload__pairing=pairing.pk)
    return mine.order_by("-pk").first()


class Comparison:
    """The rows. Keys: [customer, part]."""

    def count(self, job: Job) -> int:
        pairing = pairing_of(job)
        return profile_side_of(pairing.profiles).count_people(pairing.profiles) * 2 if pairing else 0

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Row]:
        pairing = pairing_of(job)
        lanes = lanes_of(pairing) if pairing else None
        if pairing is None or lanes is None:
            return []
        customer, part = after or (0, PROFILES)
        begun = customer if part == PROFILES else customer - 1
        people = profile_side_of(pairing.profiles).people(pairing.profiles, begun, limit // 2 + 1)
        found = [row for person in people for row in _rows(pairing, lanes, person) if row.key > [customer, part]]
        return found[:limit]

    def lane_id(self, job: Job) -> int | None:
        """They go through two."""
        return None


def pairing_of(row: Job | Event) -> Pairing | None:
    """The pairing that the payload names; None when it was deleted, or is another tenant's."""
    mine = Pairing.objects.for_tenant(row.tenant_id).prefetch_related("mappings")
    return mine.filter(pk=row.payload["pairing"]).first()


def lanes_of(pairing: Pairing) -> tuple[int, int] | None:
    """The lanes of both sides; None where a connection was deleted."""
    if not (is_known(pairing.consents) and is_known(pairing.profiles)):
        return None
    consents = consent_side_of(pairing.consents).lane_id(pairing.tenant_id, pairing.consents)
    profiles = profile_side_of(pairing.profiles).lane_id(pairing.tenant_id, pairing.profiles)
    return None if consents is None or profiles is None else (consents, profiles)


def _rows(pairing: Pairing, lanes: tuple[int, int], person: Person) -> list[Row]:
    kind, subject, payload = _reading(pairing, person.customer, person.key)
    theirs = {**payload, "connection": _number(pairing.profiles)}
    return [
        Row([person.customer, CONSENTS], kind, subject, payload, lanes[CONSENTS]),
        Row([person.customer, PROFILES], profile_side_of(pairing.profiles).compares, person.subject, theirs,
            lanes[PROFILES]),
    ]  # fmt: skip


def _reading(pairing: Pairing, customer: int, key: str) -> tuple[str, str, dict[str, Any]]:
    """Kind, subject and payload of the Event that reads a person on the side of the consents."""
    side, source = consent_side_of(pairing.consents), pairing.consents
    subject = side.subject(source, key) if key else f"{source}:customer:{customer}"
    return side.compares, subject, {"connection": _number(source), "pairing": pairing.pk, "customer": customer}


def _number(source: str) -> int:
    return int(source.partition(":")[2])


# One person, read by a side


def concerned(event: Event) -> tuple[Pairing, Customer] | None:
    """Whom a side is to read, and for which pairing; None where the comparison is over, or nobody is there."""
    pairing = pairing_of(event)
    customer = Customer.objects.for_tenant(event.tenant_id).filter(pk=event.payload["customer"]).first()
    if pairing is None or customer is None or pairing.compared_since is None or not pairing.takes_readings:
        return None
    return pairing, customer


def over() -> Result:
    return ledger.ignored(say("The comparison was ended, or the customer is no longer there."))


def key_of(pairing: Pairing, customer: Customer) -> str:
    """The person's unique key; empty where the portal does not know it."""
    return profile_side_of(pairing.profiles).key_of(pairing.profiles, customer)


def read(
    pairing: Pairing, customer: Customer, source: str, states: Mapping[str, bool], cause: Event,
    findings: Sequence[Sentence] = (),
) -> partial[Result]:  # fmt: skip
    """What a side was read with: customer value -> consent. What is absent, it knows nothing of."""
    return partial(_read, pairing, customer, source, dict(states), cause, findings)


def unread(pairing: Pairing, customer: Customer, source: str, why: Sentence) -> partial[Result]:
    """The side has nobody to read. `why` is the same sentence for everybody whom it is true of: people are counted."""
    return partial(_unread, pairing, customer, source, why)


def _read(
    pairing: Pairing, customer: Customer, source: str, states: dict[str, bool], cause: Event,
    findings: Sequence[Sentence],
) -> Result:  # fmt: skip
    said = note(pairing, customer, source, states, cause)
    return ledger.done(joined([said, *findings])) if said else over()


def note(pairing: Pairing, customer: Customer, source: str, states: Mapping[str, bool], cause: Event) -> Sentence:
    """Keeps what a side says, or judges it where that has come to stand meanwhile. Empty where it is too late."""
    held = held_of(pairing, customer)
    since, phase = _now(pairing)  # behind the lock, which whoever brings it to stand takes, too
    if held is None or since is None:
        return Sentence()
    if phase == Pairing.Phase.ON and held.aligned_at:
        news = news_of(pairing, held, source, states, at=None, decides=True)
        return judge_all(pairing, held, customer, news, cause) or say("Nothing has changed since it was switched on.")
    if phase not in (Pairing.Phase.COMPARING, Pairing.Phase.ON):
        return Sentence()
    _renew(held, since)
    held.compared[source] = dict(states)
    held.unread.pop(source, None)
    ours, theirs = held.compared.get(pairing.consents), held.compared.get(pairing.profiles)
    held.differs = bool(ours and theirs and any(theirs.get(name, state) != state for name, state in ours.items()))
    held.save()
    return say("Read: nothing is known of what is compared.") if not states else _said(states)


def _said(states: Mapping[str, bool]) -> Sentence:
    given = [name for name, state in states.items() if state]
    refused = [name for name, state in states.items() if not state]
    return joined([
        say("Yes: %(names)s.", names=given) if given else "", say("No: %(names)s.", names=refused) if refused else ""
    ])  # fmt: skip


def _unread(pairing: Pairing, customer: Customer, source: str, why: Sentence) -> Result:
    held = held_of(pairing, customer)
    since, phase = _now(pairing)
    if held is None or since is None or phase != Pairing.Phase.COMPARING:
        return over()
    _renew(held, since)
    held.compared.pop(source, None)
    held.unread[source] = stored(why)
    held.differs = False
    held.save()
    return ledger.ignored(why)


def _now(pairing: Pairing) -> tuple[Any, str]:
    """Since when it is compared, and its phase, as they are at this moment."""
    found = Pairing.objects.filter(pk=pairing.pk).values_list("compared_since", "phase").first()
    return found or (None, "")


def _renew(held: PairedPerson, since: Any) -> None:
    """What an earlier comparison found is forgotten."""
    if held.compared_at is None or held.compared_at < since:
        held.compared, held.unread, held.aligned_at = {}, {}, None
    held.compared_at = timezone.now()


# What is reported while it goes on


def heard(source: str, key: str, cause: Event) -> bool:
    """The consent platform told of somebody: whoever is compared is read again. Returns whether anybody is."""
    found = Pairing.objects.for_tenant(cause.tenant_id).filter(consents=source, phase=Pairing.Phase.COMPARING)
    asked = [_ask_again(pairing, key, cause) for pairing in found]
    return any(asked)


def _ask_again(pairing: Pairing, key: str, cause: Event) -> bool:
    customer = profile_side_of(pairing.profiles).find(pairing.profiles, key)
    lanes = lanes_of(pairing)
    if customer is None or lanes is None:
        return False
    kind, subject, payload = _reading(pairing, customer.pk, key)
    waiting = Event.objects.filter(tenant_id=pairing.tenant_id, subject=subject, status=Event.Status.WAITING)
    if not waiting.filter(kind=kind, payload__pairing=pairing.pk).exists():
        ledger.publish(kind, cause=cause, subject=subject, payload=payload, lane_id=lanes[CONSENTS])
    return True
