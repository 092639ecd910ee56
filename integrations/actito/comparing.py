"""A profile read for the comparison with a consent platform (integrations.pairing.comparing). Nothing is written."""

from __future__ import annotations

from functools import partial

from integrations.actito.client import ActitoClient
from integrations.actito.models import connections_of
from integrations.actito.naming import named
from integrations.pairing import comparing
from integrations.pairing.lines import lines_of
from portal.ledger import Result, Work
from portal.sentences import say

UNKNOWN = say("Actito's profile is not known, or gone.")
ABSENT = say("Actito has no such profile, or hides it.")
SILENT = say("Actito's answer tells nothing of subscriptions.")


def compare(work: Work) -> Result | partial[Result]:
    """Handles `actito.compare`."""
    event = work.event
    connection, concerned = connections_of(event).first(), comparing.concerned(event)
    if connection is None or concerned is None or concerned[0].profiles != connection.source:
        return comparing.over()
    pairing, customer = concerned
    known = named(connection, customer)
    if known is None:
        return comparing.unread(pairing, customer, connection.source, UNKNOWN)
    profile = ActitoClient(connection, work.trail).read_profile(known.profile)
    if profile is None:
        return comparing.unread(pairing, customer, connection.source, ABSENT)
    if profile.subscriptions is None:
        return comparing.unread(pairing, customer, connection.source, SILENT)
    found = {line.name: profile.subscriptions[line.target] for line in lines_of(pairing)
             if line.target in profile.subscriptions}  # fmt: skip
    return comparing.read(pairing, customer, connection.source, found, event)
