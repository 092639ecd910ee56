"""A profile is wanted: somebody whom the portal does not know has said something about their consents.

The profile is looked for by its unique key; where there is none and the pairing creates people, it is made, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from integrations.actito.answers import ActitoProfile
from integrations.actito.models import ActitoConnection, WrittenProfile
from integrations.actito.profile_calls import ProfileClient
from integrations.actito.profiles import apply, latest_number
from integrations.actito.side import Actito, connection_of
from integrations.actito.tables import TECHNICAL
from integrations.actito.writeback import Unwritable, alike, check_attribute, write_attributes
from integrations.pairing import hub
from integrations.pairing.lines import lines_of
from integrations.pairing.models import Pairing
from portal import ledger
from portal.http import ApiError
from portal.ledger import Result, Work
from portal.models import Customer, Event
from portal.sentences import Sentence, joined, say

TAKEN = 409
NAMES_TOLD = 5


def find_profile(work: Work) -> Result | partial[Result]:
    """Handles `profile.wanted`: finds the profile, or makes it, and goes on with what was told."""
    event = work.event
    connection = _connection(event)
    pairings = Pairing.objects.for_tenant(event.tenant_id).filter(phase=Pairing.Phase.ON).prefetch_related("mappings")
    pairing = pairings.filter(pk=event.payload["pairing"]).first()
    if connection is None or pairing is None:
        return ledger.ignored(say("The pairing or the connection is no longer there, or is not on."))
    key = event.payload["key"]
    known = Actito().find(connection.source, key)
    if known is not None:
        return partial(_known, event, pairing, known)
    client, number = ProfileClient(connection, work.trail), latest_number()
    profile = client.read_profile(f"{connection.unique_key}={key}")
    if profile is not None:
        return partial(_found, event, connection, pairing, profile, number, created=None)
    if not pairing.upsert_mode:
        return ledger.ignored(say("Skipped: Actito has no profile %(key)s, and the pairing does not create people.",
                                  key=key))  # fmt: skip
    return _create(client, event, pairing)


def _connection(event: Event) -> ActitoConnection | None:
    connection = connection_of(event.payload["source"])
    return connection if connection and connection.tenant_id == event.tenant_id else None


def _known(event: Event, pairing: Pairing, customer: Customer) -> Result:
    return ledger.done(hub.found(pairing, customer, event.payload, event, created={}))


def _found(
    event: Event,
    connection: ActitoConnection,
    pairing: Pairing,
    profile: ActitoProfile,
    number: int,
    *,
    created: Mapping[str, bool] | None,
) -> Result:
    applied, _mapped = apply(event, connection, profile, number)
    said = say("The profile was created.") if created is not None else say("The profile was found.")
    told = hub.found(pairing, applied.customer, event.payload, event, created=created or {})
    return ledger.done(joined([said, told]))


def _create(client: ProfileClient, event: Event, pairing: Pairing) -> Result | partial[Result]:
    connection, key = client.connection, event.payload["key"]
    table = Actito().table(connection.source)
    told, _left = _split(connection, event.payload["attributes"])
    attributes = {**told, connection.unique_key: key}
    if missing := [name for name in table.mandatory() if attributes.get(name) in {None, ""}]:
        return ledger.ignored(say("Skipped: Actito wants %(names)s for a new profile, and Didomi did not tell it.",
                                  names=[f"“{name}”" for name in missing]))  # fmt: skip
    targets = {line.name: line.target for line in lines_of(pairing)}
    made = {name: state for name, state in event.payload["states"].items() if name in targets}
    states = {targets[name]: state for name, state in made.items()}
    try:
        profile_id = client.create_profile(attributes, states, repeatable=True)
    except ApiError as error:
        if error.status != TAKEN:
            raise
        raise ledger.retry(say("Somebody else created the profile at this moment.")) from error
    number = latest_number()
    profile = client.read_profile(profile_id or f"{connection.unique_key}={key}")
    if profile is None:
        raise ledger.retry(say("Actito does not show the profile that it just created."))
    return partial(_found, event, connection, pairing, profile, number, created=made)


def take_attributes(work: Work) -> Result | partial[Result]:
    """Handles `attributes.told`: writes those that the table has, and that are another than what was written last."""
    return partial(_take_attributes, work.event)


def _take_attributes(event: Event) -> Result:
    connection = _connection(event)
    customer = Customer.objects.for_tenant(event.tenant_id).filter(pk=event.payload["customer"]).first()
    if connection is None or customer is None:
        return ledger.ignored(say("The customer or the connection is no longer there."))
    told, left = _split(connection, event.payload["attributes"])
    row = WrittenProfile.objects.filter(connection=connection, customer=customer).first()
    before = row.attributes if row else {}
    due = {name: value for name, value in told.items()
           if name not in before or not alike(before[name]["value"], value)}  # fmt: skip
    lacks = _left_out(left)
    if not due:
        return ledger.ignored(joined([say("Actito has these attributes already."), lacks]))
    try:
        write_attributes(customer, due, connection=connection, cause=event)
    except Unwritable as error:
        return ledger.ignored(joined([error.sentence, lacks]))
    return ledger.done(joined([say("For Actito: %(names)s.", names=list(due)), lacks]))


def _split(connection: ActitoConnection, told: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What the table takes, and the names that it has not: Actito would refuse the whole call for one of these."""
    table = Actito().table(connection.source)
    kept, left = {}, []
    for name, value in told.items():
        if name in TECHNICAL or name == connection.unique_key:
            continue
        if table.has_attribute(name) is False or not _is_attribute(name):
            left.append(name)
        else:
            kept[name] = value
    return kept, left


def _is_attribute(name: str) -> bool:
    try:
        check_attribute(name)
    except Unwritable:
        return False
    return True


def _left_out(names: list[str]) -> Sentence:
    if not names:
        return Sentence()
    shown = [*names[:NAMES_TOLD], *(["…"] if len(names) > NAMES_TOLD else [])]
    return say("Not in Actito's table, so not sent: %(names)s.", names=shown)
