"""A person's consents read from Didomi, after it deleted a consent event of theirs: what is left is its to say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from integrations.didomi.answers import DidomiUser
from integrations.didomi.client import DidomiClient
from integrations.didomi.models import DidomiConnection, connections_of
from integrations.didomi.paths import Vocabulary
from integrations.didomi.payloads import told_of
from integrations.didomi.vocabulary import vocabulary_of
from integrations.pairing import hub
from integrations.pairing.registry import Told
from portal import ledger
from portal.ledger import Result, Work
from portal.models import Event
from portal.sentences import joined, say

DIDOMI_READING = "didomi.reading"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def read_user(work: Work) -> Result | partial[Result]:
    """Handles `didomi.reading`."""
    event = work.event
    connection = connections_of(event).first()
    if connection is None:
        return ledger.ignored(say("The Didomi connection whose user was to be read was deleted."))
    person, regulation = event.payload["person"], event.payload["regulation"]
    users = DidomiClient(connection, work.trail).users(person, regulation=regulation)
    if not users:
        return ledger.ignored(say("Didomi does not know this person any more. Nothing was changed."))
    told = status_of(users, person, regulation, event.created_at, vocabulary_of(connection))
    return partial(_tell, event, connection, told)


def status_of(
    users: Iterable[DidomiUser], person: str, regulation: str, at: datetime, known: Vocabulary | None = None
) -> Told:
    """What Didomi holds of a person, as if one event said it. Of several devices, the newest says. Pure."""
    leaves: dict[str, bool | str | None] = {}
    ambiguous: frozenset[str] = frozenset()
    metadata: dict[str, Any] = {}
    for user in sorted(users, key=lambda each: each.updated_at or _LONG_AGO):
        whole = {"user": {"organization_user_id": person, "metadata": user.metadata}, "consents": user.consents}
        told = told_of(whole, regulation, at, known=known)
        chosen = {path: value for path, value in told.leaves.items() if value is not None}
        leaves |= chosen
        ambiguous |= told.ambiguous
        metadata |= told.metadata
    return Told(person, at, leaves, ambiguous, metadata, {"regulation": regulation}, was_read=True)


def _tell(event: Event, connection: DidomiConnection, told: Told) -> Result:
    return ledger.done(joined([say("Read from Didomi."), hub.told(connection.source, told, event)]))
