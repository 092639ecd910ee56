"""What Didomi's webhooks come to: a consent event is told to the hub, what was deleted is read again or asked about.

Consents are taken from event.* alone: user.* tells the same change once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from integrations.didomi.models import DidomiConnection, connections_of
from integrations.didomi.origin import is_ours
from integrations.didomi.paths import Vocabulary
from integrations.didomi.payloads import Envelope, envelope_of, moment_of, name_of, told_of
from integrations.didomi.reading import DIDOMI_READING
from integrations.didomi.vocabulary import vocabulary_of
from integrations.pairing import hub
from integrations.pairing.registry import Received, Told
from portal import ledger
from portal.ledger import Result, Work
from portal.models import Event
from portal.sentences import Sentence, joined, say

AHEAD = timedelta(minutes=5)  # how far clocks may differ
CREATED, UPDATED, DELETED = "event.created", "event.updated", "event.deleted"
USER_DELETED = "user.deleted"
REPEATED_BY_EVENTS = ("user.created", "user.updated")
CONFIRMED, PENDING = "confirmed", "pending_approval"
_PROFILE = ":profile:"


def take_event(work: Work) -> Result | partial[Result]:
    """Handles `didomi.event`."""
    event = work.event
    connection = connections_of(event).first()
    if connection is None:
        return ledger.ignored(say("The Didomi connection that received this was deleted."))
    envelope = envelope_of(event.payload["body"])
    if skipped := skipped_of(envelope, connection):
        return ledger.ignored(skipped)
    if envelope.type == DELETED:
        return partial(_read_again, event, connection, envelope)
    if envelope.type == USER_DELETED:
        return partial(_deleted, event, connection, envelope.person)
    told, said = _told(envelope, event.created_at, vocabulary_of(connection))
    return partial(_tell, event, connection, told, said)


def received_of(event: Event, connection: DidomiConnection) -> Received:
    """A stored webhook as samples and rehearsals see it: what it tells, or why it tells nothing."""
    body = event.payload.get("body")
    if not isinstance(body, dict):
        return Received(event.pk, event.created_at, None, say("Its contents were removed."))
    envelope = envelope_of(body)
    skipped = skipped_of(envelope, connection)
    if not skipped and envelope.type not in {CREATED, UPDATED}:
        skipped = say("It tells no consents.")
    told = None if skipped else arrival_told(envelope, event.created_at, connection)
    return Received(event.pk, event.created_at, told, skipped)


def repeats(event: Event) -> bool:
    """Whether a stored webhook tells a change of a person that an event tells, too."""
    body = event.payload.get("body")
    return isinstance(body, dict) and envelope_of(body).type in REPEATED_BY_EVENTS


def arrival_told(envelope: Envelope, received: datetime, connection: DidomiConnection) -> Told:
    return _told(envelope, received, vocabulary_of(connection))[0]


def skipped_of(envelope: Envelope, connection: DidomiConnection) -> Sentence:
    """Why an arrival changes nothing; empty for one that may. Pure."""
    if envelope.type in REPEATED_BY_EVENTS:
        return say("Didomi tells the same change as a consent event, which is where consents are taken from.")
    if envelope.type not in {CREATED, UPDATED, DELETED, USER_DELETED}:
        return say("The portal does nothing with “%(type)s”.", type=envelope.type)
    if not envelope.entity:
        return say("Didomi sent no consent event with it.")
    if envelope.organization_id not in {"", connection.organization_id}:
        return say(
            "This is of the organisation “%(theirs)s”, and the connection is of “%(ours)s”. Compare the organisation "
            "ID, and in which organisation the webhook was made in Didomi's console.",
            theirs=envelope.organization_id, ours=connection.organization_id,
        )  # fmt: skip
    if envelope.regulation not in connection.regulations:
        return say("This is under the regulation “%(regulation)s”, which the connection does not take.",
                   regulation=envelope.regulation)  # fmt: skip
    return _unfinished(envelope, connection) if envelope.type in {CREATED, UPDATED} else Sentence()


def _unfinished(envelope: Envelope, connection: DidomiConnection) -> Sentence:
    if is_ours(connection, envelope.entity):
        return say("Our own event: Didomi tells what the portal told it.")
    status = name_of(envelope.entity.get("status")) or CONFIRMED
    if status == PENDING:
        return say("It waits for its approval in Didomi. Once it is approved, Didomi tells it again.")
    if status != CONFIRMED:
        return say("Its status in Didomi is “%(status)s”, so it counts for nothing.", status=status)
    if not envelope.person:
        return say("It names nobody: it has no organization_user_id.")
    return Sentence()


def _told(envelope: Envelope, received: datetime, known: Vocabulary) -> tuple[Told, Sentence]:
    at, said = decided_at(envelope, received)
    told = told_of(envelope.entity, envelope.regulation, at, old_entity=envelope.old_entity, known=known)
    return told, said


def decided_at(envelope: Envelope, received: datetime) -> tuple[datetime, Sentence]:
    """When the person decided, and what is to be said of that. Pure.

    An event that was changed afterwards, by an approval above all, counts from then: so Didomi itself puts its events
    in order. A moment that has not come yet would win over everything until it comes.
    """
    entity: Mapping[str, Any] = envelope.entity
    created, updated = moment_of(entity.get("created_at")), moment_of(entity.get("updated_at"))
    at = (updated if envelope.type == UPDATED else None) or created
    if at is None:
        return received, say("It does not say when it was decided, so the time of receipt counts.")
    if at > received + AHEAD:
        said = say("It is dated %(at)s, which is yet to come, so the time of receipt counts.",
                   at=at.isoformat(timespec="seconds"))  # fmt: skip
        return received, said
    return at, Sentence()


def _tell(event: Event, connection: DidomiConnection, told: Told, said: Sentence) -> Result:
    return ledger.done(joined([said, hub.told(connection.source, told, event)]))


def _deleted(event: Event, connection: DidomiConnection, person: str) -> Result:
    if not person:
        return ledger.ignored(say("Didomi deleted somebody who has no organization_user_id."))
    return ledger.done(hub.deleted(connection.source, person, event))


def _read_again(event: Event, connection: DidomiConnection, envelope: Envelope) -> Result:
    """What the person's other events come to is Didomi's to say."""
    person = envelope.person or _person_of(event, connection, envelope.entity_id)
    if not person:
        return ledger.ignored(say("Didomi deleted a consent event and does not say whose. It never came here, either."))
    ledger.publish(
        DIDOMI_READING, cause=event, subject=f"{connection.source}{_PROFILE}{person}", lane_id=connection.lane_id,
        payload={"connection": connection.pk, "person": person, "regulation": envelope.regulation},
    )  # fmt: skip
    return ledger.done(say("Didomi deleted a consent event, so the person's consents are read again."))


def _person_of(event: Event, connection: DidomiConnection, entity_id: str) -> str:
    """Whose a consent event was, by what came of it before."""
    if not entity_id:
        return ""
    came = Event.objects.filter(tenant_id=event.tenant_id, source=connection.source, subject__contains=_PROFILE)
    for kind in (CREATED, UPDATED):
        subjects = came.filter(source_id__startswith=f"{kind}:{entity_id}:").values_list("subject", flat=True)
        if subject := subjects.order_by("-pk").first():
            return str(subject).partition(_PROFILE)[2]
    return ""
