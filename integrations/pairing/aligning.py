"""ALIGNING: what the comparison found comes to stand, by what was chosen when the pairing was switched on.

A job brings everybody to it. Whoever is heard of before their turn comes first, so that no news meets a person of whom
nothing stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from integrations.pairing.comparing import pairing_of
from integrations.pairing.judging import entry, held_of, publish_due
from integrations.pairing.lines import Line, lines_of
from integrations.pairing.models import PairedPerson, Pairing
from integrations.pairing.standing import Seen, Standing
from portal import customers, jobs, ledger
from portal.consents import Entry
from portal.jobs import Row
from portal.ledger import Result, Work
from portal.models import Customer, Event, Job
from portal.sentences import Sentence, say, say_many

ALIGNMENT, CONSENTS_ALIGN = "pairing.alignment", "consents.align"
Choice = Pairing.Differences


def settled(ours: bool | None, theirs: bool | None, choice: str) -> tuple[bool | None, str]:
    """What stands, and whose word it is: "consents", "profiles", or "" where nothing comes to stand. Pure.

    `ours`: what the consent platform says; `theirs`: the system whose subscriptions follow. None: it knows nothing.
    """
    if ours is not None and ours == theirs:
        return ours, "consents"
    if choice == Choice.CONSENTS:
        return (ours, "consents") if ours is not None else (None, "")
    if choice == Choice.PROFILES:
        # That somebody is not subscribed, and was asked by nobody, is no refusal.
        return (theirs, "profiles") if theirs or (theirs is False and ours is not None) else (None, "")
    if choice == Choice.RESTRICTIVE:
        if ours is False:
            return False, "consents"
        return (False, "profiles") if ours and theirs is False else (None, "")
    return None, ""


def prepared(pairing: Pairing) -> Job:
    """The job, counted and not started."""
    title = say("Align “%(pairing)s” after the comparison", pairing=pairing)
    return jobs.prepared(ALIGNMENT, tenant_id=pairing.tenant_id, payload={"pairing": pairing.pk}, title=title)


def compared(pairing: Pairing) -> QuerySet[PairedPerson]:
    """Whom the present comparison has read on both sides."""
    both = PairedPerson.objects.filter(pairing=pairing, compared__has_keys=[pairing.consents, pairing.profiles])
    return both.filter(compared_at__gte=pairing.compared_since) if pairing.compared_since else both.none()


class Alignment:
    """The rows: a `consents.align` for each person who was compared. Keys: numbers of PairedPerson."""

    def count(self, job: Job) -> int:
        pairing = pairing_of(job)
        return compared(pairing).filter(aligned_at=None).count() if pairing else 0

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Row]:
        pairing = pairing_of(job)
        if pairing is None:
            return []
        found = compared(pairing).filter(aligned_at=None, pk__gt=after or 0).order_by("pk")
        lane_id = ledger.lane_id_for(job.tenant_id)
        return [
            Row(key, CONSENTS_ALIGN, f"pairing:{pairing.pk}:customer:{customer}",
                {"pairing": pairing.pk, "customer": customer}, lane_id)
            for key, customer in found.values_list("pk", "customer_id")[:limit]
        ]  # fmt: skip

    def lane_id(self, job: Job) -> int | None:
        return ledger.lane_id_for(job.tenant_id)


def align(work: Work) -> Result | partial[Result]:
    """Handles `consents.align`."""
    event = work.event
    pairing = pairing_of(event)
    customer = Customer.objects.for_tenant(event.tenant_id).filter(pk=event.payload["customer"]).first()
    if pairing is None or customer is None:
        return ledger.ignored(say("The customer or the pairing is no longer there."))
    return partial(_align, event, pairing, customer)


def _align(event: Event, pairing: Pairing, customer: Customer) -> Result:
    held = held_of(pairing, customer)
    pairing.refresh_from_db(fields=["phase", "differences", "compared_since", "enable_webhooks"])
    if held is None or not pairing.is_on:
        return ledger.ignored(say("The pairing is not on, or the customer is no longer there."))
    if not is_due(pairing, held):
        return ledger.ignored(say("News brought this person there already."))
    if held.paused_at:
        return ledger.ignored(say("The person is paused until somebody answers."))
    return ledger.done(bring_to_stand(pairing, held, customer, event))


def is_due(pairing: Pairing, held: PairedPerson) -> bool:
    """Whether what was compared of the person has yet to come to stand."""
    since = pairing.compared_since
    return bool(
        pairing.is_on and since and held.compared_at and held.compared_at >= since and not held.aligned_at
        and pairing.consents in held.compared and pairing.profiles in held.compared
    )  # fmt: skip


def first(pairing: Pairing, held: PairedPerson, customer: Customer, cause: Event) -> None:
    """Before news of a person are judged: what was compared of them comes to stand, if it is still to."""
    if is_due(pairing, held) and not held.paused_at:
        bring_to_stand(pairing, held, customer, cause)


def bring_to_stand(pairing: Pairing, held: PairedPerson, customer: Customer, cause: Event) -> Sentence:
    """The person is locked. Whoever lacks what stands now is told."""
    entries: list[Entry] = []
    known = 0
    for line in lines_of(pairing):
        standing = held.standing(line.name)
        if standing.held:
            continue
        now = _standing(pairing, held, line, standing)
        if now.sides:
            held.keep(line.name, now)
        if now.state is not None:
            known += 1
        if now.state is not None and now.state != standing.state:
            kind = "given" if now.state else "withdrawn"
            entries.append(entry(kind, line.name, pairing, standing.state, now.state, None, now.by,
                                 {"compared": _found(pairing, held, line)}))  # fmt: skip
    held.aligned_at = timezone.now()
    held.save()
    customers.apply_consents(customer, entries, cause=cause)
    publish_due(pairing, held, customer, cause)
    return say_many("%(count)s consent stands now.", "%(count)s consents stand now.", count=known)


def _standing(pairing: Pairing, held: PairedPerson, line: Line, before: Standing) -> Standing:
    """What stands of a line. Both sides know what they were found with, so that what changes later is recognised."""
    found = _found(pairing, held, line)
    state, who = settled(found[pairing.consents], found[pairing.profiles], pairing.differences)
    by = {"consents": pairing.consents, "profiles": pairing.profiles}.get(who, "")
    at = held.compared_at or timezone.now()
    asked = found[pairing.consents] is not None  # that somebody whom nobody asked is not subscribed is no refusal
    sides = {side: Seen(said, at, said=said or asked) for side, said in found.items() if said is not None}
    if state is not None and state == before.state:
        return replace(before, sides=sides)
    return Standing(state, None, by, sides)


def _found(pairing: Pairing, held: PairedPerson, line: Line) -> dict[str, bool | None]:
    return {side: held.compared[side].get(line.name) for side in (pairing.consents, pairing.profiles)}
