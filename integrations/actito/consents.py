"""CONSENTS: subscriptions follow what stands between Actito and a consent platform (integrations.pairing.hub).

News that a side lacks something leads to one coalescing Event per profile. Inside its lease the profile is read, what
it says is judged, and only what differs is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from django.db.models import Q
from django.utils import timezone

from integrations.actito import writeback
from integrations.actito.answers import ActitoProfile
from integrations.actito.models import ActitoConnection, connections_of
from integrations.actito.naming import named
from integrations.actito.profile_calls import ProfileClient
from integrations.actito.side import Actito, connection_of
from integrations.pairing import hub
from integrations.pairing.judging import lacking
from integrations.pairing.lines import concerned, lines_of
from integrations.pairing.models import Pairing
from portal import ledger
from portal.ledger import Result, Work
from portal.models import Customer, Event
from portal.sentences import Sentence, joined, say

ACTITO_CONSENTS = "actito.consents"
OF_SUBSCRIPTIONS = "UPDATED_SUBSCRIPTION"


# Reading


def hear(event: Event, connection: ActitoConnection, customer: Customer, profile: ActitoProfile) -> list[Sentence]:
    """What a reading says of consents. Part of the effects of `event`."""
    if not profile.subscriptions or not hub.is_followed(event.tenant_id, connection.source):
        return []
    at, decides = _reported(event, connection)
    return hub.seen(connection.source, customer, profile.subscriptions, event, at=at, decides=decides)


def _reported(event: Event, connection: ActitoConnection) -> tuple[datetime | None, bool]:
    """When Actito last reported a change that the reading covers, and whether one was about subscriptions."""
    covered = Event.objects.filter(Q(pk=event.pk) | Q(merged_into=event), source=connection.source)
    reports = list(covered.values_list("created_at", "payload__event_type"))
    return max((at for at, _ in reports), default=None), any(kind == OF_SUBSCRIPTIONS for _, kind in reports)


# Writing


def wanted(tenant_id: int) -> bool:
    """Whether news of consents are of any use to a connection of the tenant."""
    on = Pairing.objects.for_tenant(tenant_id).filter(phase=Pairing.Phase.ON, profiles__startswith="actito:")
    return bool(on.exists())


def tell(work: Work) -> Result | partial[Result]:
    """Handles `consents.changed`: has the profile brought to what stands."""
    return partial(_tell, work.event)


def _tell(event: Event) -> Result:
    pairing, customer = concerned(event)
    connection = connection_of(pairing.profiles) if pairing else None
    if pairing is None or customer is None or connection is None:
        return ledger.ignored(say("The customer, the pairing or the connection is no longer there."))
    if not lacking(pairing, customer, connection.source):
        return ledger.ignored(say("Actito has this already."))
    known = named(connection, customer)
    if known is None:
        return ledger.ignored(say("“%(connection)s” does not know this customer.", connection=connection))
    payload = {"connection": connection.pk, "pairing": pairing.pk, "customer": customer.pk, "profile": known.profile}
    ledger.publish(ACTITO_CONSENTS, cause=event, subject=known.subject, payload=payload, lane_id=connection.lane_id)
    return ledger.done(say("For profile %(profile)s of “%(connection)s”.", profile=known.profile,
                           connection=connection))  # fmt: skip


def write_consents(work: Work) -> Result | partial[Result]:
    """Handles `actito.consents`."""
    event = work.event
    connection = connections_of(event).first()
    pairing, customer = concerned(event)
    if connection is None or pairing is None or customer is None:
        return ledger.ignored(say("The customer, the pairing or the connection is no longer there."))
    client = ProfileClient(connection, work.trail)
    profile = client.read_profile(event.payload["profile"])
    if profile is None:
        return partial(writeback.absent, connection, event.payload["profile"])
    targets = {line.name: line.target for line in lines_of(pairing)}
    found = profile.subscriptions or {}
    states = {name: found[target] for name, target in targets.items() if target in found}
    planned = hub.plan(pairing, customer, connection.source, states)
    if wait := hub.too_early(event, planned):
        return wait
    due, unknown = _writable(connection, targets, planned.states)
    sent_at = timezone.now()
    if due and not client.update_profile(profile.profile_id, {}, {targets[name]: state for name, state in due.items()}):
        return partial(writeback.absent, connection, profile.profile_id)
    return partial(_wrote, event, connection, pairing, customer, states, due, unknown, sent_at)


def _writable(
    connection: ActitoConnection, targets: Mapping[str, str], due: Mapping[str, bool]
) -> tuple[dict[str, bool], list[str]]:
    """What can be written, and the subscriptions that the table has not."""
    known = Actito().table(connection.source).subscriptions
    unknown = [targets[name] for name in due if known is not None and targets[name] not in known]
    return {name: state for name, state in due.items() if targets[name] not in unknown}, unknown


def _wrote(
    event: Event, connection: ActitoConnection, pairing: Pairing, customer: Customer, states: Mapping[str, bool],
    due: Mapping[str, bool], unknown: list[str], sent_at: datetime,
) -> Result:  # fmt: skip
    heard = hub.wrote(pairing, customer, connection.source, event, states=states, written=due)
    lacks = [say("Actito has no subscription %(names)s. Correct the mapping.", names=unknown)] if unknown else []
    if not due:
        return ledger.done(joined([*heard, *(lacks or [say("Actito has this already.")])]))
    if Customer.objects.filter(pk=customer.pk).exists():
        writeback.note_sent(connection, customer, sent_at)
    given = [name for name, state in due.items() if state]
    ended = [name for name, state in due.items() if not state]
    said = [
        say("Subscribed in Actito: %(names)s.", names=given) if given else Sentence(),
        say("Unsubscribed in Actito: %(names)s.", names=ended) if ended else Sentence(),
    ]
    return ledger.done(joined([*heard, *filter(None, said), *lacks]))
