"""A person's consents read for the comparison with profiles (integrations.pairing.comparing). Nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from django.utils import timezone

from integrations.didomi.answers import DidomiUser
from integrations.didomi.client import DidomiClient
from integrations.didomi.models import connections_of
from integrations.didomi.payloads import told_of
from integrations.pairing import comparing
from integrations.pairing.arrivals import Arrival, arrival_of
from integrations.pairing.models import Pairing
from portal.ledger import Result, Work
from portal.sentences import Sentence, say

NO_KEY = say("The portal does not know the unique key, by which Didomi knows people.")


def compare(work: Work) -> Result | partial[Result]:
    """Handles `didomi.compare`."""
    event = work.event
    connection, concerned = connections_of(event).first(), comparing.concerned(event)
    if connection is None or concerned is None or concerned[0].consents != connection.source:
        return comparing.over()
    pairing, customer = concerned
    key = comparing.key_of(pairing, customer)
    if not key:
        return comparing.unread(pairing, customer, connection.source, NO_KEY)
    client = DidomiClient(connection, work.trail)
    users = [user for each in connection.regulations for user in client.users(key, regulation=each)]
    arrivals = [_arrival(pairing, user) for user in users]
    states = merged(each.states for each in arrivals)
    findings: list[Sentence] = [] if users else [say("Didomi does not know this person.")]
    if any(states[name] != state for each in arrivals for name, state in each.states.items()):
        findings.append(say("Didomi knows several people by this key, and they differ: who said no is taken."))
    findings += dict.fromkeys(said for each in arrivals for said in each.findings)
    return comparing.read(pairing, customer, connection.source, states, event, findings)


def _arrival(pairing: Pairing, user: DidomiUser) -> Arrival:
    entity = {"organization_user_id": user.organization_user_id, "consents": user.consents}
    return arrival_of(pairing, told_of(entity, user.regulation, user.updated_at or timezone.now()))


def merged(found: Iterable[Mapping[str, bool]]) -> dict[str, bool]:
    """Of several people with one key, one for each device or regulation: where they differ, nobody has agreed. Pure.

    Didomi tells when a person changed, and not which consent, so the newest does not say whose word is the last.
    """
    states: dict[str, bool] = {}
    for each in found:
        for name, state in each.items():
            states[name] = states.get(name, True) and state
    return states
