"""BACK to Didomi: what stands between both systems becomes one consent event with only what Didomi lacks.

The event's id is made of what it says (uuid5), so a call that is made twice makes one event. It goes out with
`$disable_integrations`: whatever is connected to Didomi has it already.
https://developers.didomi.io/api-and-platform/consents/events/create-consent-event
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from integrations.didomi.answers import DidomiUser
from integrations.didomi.bodies import body_of
from integrations.didomi.client import GDPR, DidomiClient
from integrations.didomi.models import DidomiConnection, connections_of
from integrations.didomi.origin import stamp
from integrations.didomi.paths import Target, Vocabulary, readings
from integrations.didomi.reading import status_of
from integrations.didomi.side import connection_of
from integrations.didomi.vocabulary import vocabulary_of
from integrations.pairing import hub
from integrations.pairing.judging import lacking
from integrations.pairing.lines import concerned, lines_of
from integrations.pairing.models import PairedPerson, Pairing
from integrations.pairing.registry import profile_side_of
from portal import ledger
from portal.ledger import Result, Work
from portal.models import Customer, Event
from portal.sentences import Sentence, joined, say

DIDOMI_CONSENTS = "didomi.consents"
_IDS = uuid.UUID("5b1a5a0e-3c57-5d6e-9a54-6f0f5b7f7d10")


def wanted(tenant_id: int) -> bool:
    """Whether news of consents are of any use to a connection of the tenant."""
    on = Pairing.objects.for_tenant(tenant_id).filter(phase=Pairing.Phase.ON, enable_webhooks=True)
    return bool(on.filter(consents__startswith="didomi:").exists())


def tell(work: Work) -> Result | partial[Result]:
    """Handles `consents.changed`: has Didomi brought to what stands."""
    return partial(_tell, work.event)


def _tell(event: Event) -> Result:
    pairing, customer = concerned(event)
    connection = connection_of(pairing.consents) if pairing else None
    if pairing is None or customer is None or connection is None:
        return ledger.ignored(say("The customer, the pairing or the connection is no longer there."))
    if not lacking(pairing, customer, connection.source):
        return ledger.ignored(say("Didomi has this already, or is not told."))
    key = profile_side_of(pairing.profiles).key_of(pairing.profiles, customer)
    if not key:
        return ledger.ignored(say("The customer has no unique key by which Didomi would know them."))
    payload = {"connection": connection.pk, "pairing": pairing.pk, "customer": customer.pk, "key": key}
    ledger.publish(
        DIDOMI_CONSENTS, cause=event, subject=f"{connection.source}:profile:{key}", payload=payload,
        lane_id=connection.lane_id,
    )  # fmt: skip
    return ledger.done(say("For %(key)s in “%(connection)s”.", key=key, connection=connection))


def write_consents(work: Work) -> Result | partial[Result]:
    """Handles `didomi.consents`."""
    event = work.event
    connection = connections_of(event).first()
    pairing, customer = concerned(event)
    if connection is None or pairing is None or customer is None:
        return ledger.ignored(say("The customer, the pairing or the connection is no longer there."))
    client, key = DidomiClient(connection, work.trail), event.payload["key"]
    regulation = regulation_of(connection)
    users = client.users(key, regulation=regulation)
    states = states_of(pairing, users, key, regulation, vocabulary_of(connection))
    planned = hub.plan(pairing, customer, connection.source, states)
    if wait := hub.too_early(event, planned):
        return wait
    targets, unclear = _targets(connection, pairing, planned.states)
    at = None
    if targets:
        at = _decided_at(pairing, customer, connection, [planned.since[name] for name in targets])
        body = event_body(connection, event, key, users, {targets[name]: planned.states[name] for name in targets}, at)
        client.post_event(body)
    written = {name: planned.states[name] for name in targets}
    return partial(_wrote, event, connection, pairing, customer, states, written, unclear, at)


def regulation_of(connection: DidomiConnection) -> str:
    """Under which regulation consents are told back."""
    return GDPR if GDPR in connection.regulations else str(connection.regulations[0])


def states_of(
    pairing: Pairing, users: list[DidomiUser], key: str, regulation: str, known: Vocabulary
) -> dict[str, bool]:
    """Customer value -> what Didomi has of the person."""
    told = status_of(users, key, regulation, timezone.now(), known)
    found = {line.name: told.leaves.get(line.path) for line in lines_of(pairing) if line.path not in told.ambiguous}
    return {name: state for name, state in found.items() if isinstance(state, bool)}


def _targets(
    connection: DidomiConnection, pairing: Pairing, due: Mapping[str, bool]
) -> tuple[dict[str, Target], list[str]]:
    """Where in an event each is written, and the paths that say it in no one place."""
    paths = {line.name: line.path for line in lines_of(pairing)}
    known = vocabulary_of(connection, paths.values())
    found = {name: readings(paths[name], known) for name in due}
    return (
        {name: places[0] for name, places in found.items() if len(places) == 1},
        [paths[name] for name, places in found.items() if len(places) != 1],
    )


def _decided_at(
    pairing: Pairing, customer: Customer, connection: DidomiConnection, since: list[datetime | None]
) -> datetime:
    """When the person decided; later than all that Didomi told of them, or Didomi would go on with that."""
    held = PairedPerson.objects.filter(pairing=pairing, customer=customer).first()
    told = held.last_told(connection.source) if held else None
    decided = max((each for each in since if each), default=timezone.now())
    return max(decided, told + timedelta(milliseconds=1)) if told else decided


def event_body(
    connection: DidomiConnection, cause: Event, key: str, users: list[DidomiUser], states: Mapping[Target, bool],
    at: datetime,
)-> dict[str, Any]:  # fmt: skip
    """One consent event; Didomi's document asks for all of it but `delegate` and `regulation`."""
    newest = max(users, key=lambda each: (each.updated_at is not None, each.updated_at), default=None)
    consents = body_of(states, newest.consents if newest else None)
    created_at = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    said = json.dumps([str(connection.uid), key, created_at, consents], sort_keys=True)
    return {
        "id": str(uuid.uuid5(_IDS, said)),
        "organization_id": connection.organization_id,
        "created_at": created_at,
        "status": "confirmed",
        "regulation": regulation_of(connection),
        "user": {"organization_user_id": key, **({"id": newest.id} if newest else {})},
        "consents": consents,
        "delegate": stamp(connection, cause),
    }


def _wrote(
    event: Event, connection: DidomiConnection, pairing: Pairing, customer: Customer, states: Mapping[str, bool],
    written: Mapping[str, bool], unclear: list[str], at: datetime | None,
) -> Result:  # fmt: skip
    heard = hub.wrote(pairing, customer, connection.source, event, states=states, written=written, told_at=at)
    lacks = Sentence()
    if unclear:
        lacks = say("Didomi was not told of %(paths)s: it is open which consent that is.", paths=unclear)
    if not written:
        return ledger.done(joined([*heard, lacks or say("Didomi has this already.")]))
    said = say("Told Didomi: %(names)s.", names=list(written))
    return ledger.done(joined(filter(None, [*heard, said, lacks])))
