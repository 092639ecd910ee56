"""The catalogue of an organisation: asked for by a person or every day, read by a worker, kept for mappings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial

from django.utils import timezone

from integrations.didomi.answers import Preference, Purpose
from integrations.didomi.client import DidomiClient
from integrations.didomi.models import DidomiCatalogue, DidomiConnection, connections_of
from portal import ledger
from portal.http import ApiError
from portal.ledger import Result, Work
from portal.models import Event
from portal.sentences import Sentence, joined, say, say_many

DIDOMI_CATALOGUE = "didomi.catalogue"


@dataclass(frozen=True)
class Catalogue:
    """What mappings choose from. `preferences` None: Didomi hides them from this key."""

    purposes: list[Purpose]
    preferences: list[Preference] | None


def ask(connection: DidomiConnection) -> None:
    """Records that the catalogue is to be read. Several that wait are one reading."""
    ledger.record(
        tenant_id=connection.tenant_id, lane_id=connection.lane_id, kind=DIDOMI_CATALOGUE,
        subject=_subject(connection), payload={"connection": connection.pk}, source="portal",
    )  # fmt: skip


def ask_all(tenant_ids: Iterable[int]) -> None:
    """Asks for the catalogues of these tenants' organisations, once a day."""
    for connection in DidomiConnection.objects.for_tenants(tenant_ids).order_by("pk"):
        ask(connection)


def newest(connection: DidomiConnection) -> Event | None:
    """The last Event that asked for it."""
    asked = Event.objects.filter(tenant_id=connection.tenant_id, subject=_subject(connection))
    return asked.order_by("-pk").first()


def _subject(connection: DidomiConnection) -> str:
    return f"{connection.source}:catalogue"


def read_catalogue(work: Work) -> Result | partial[Result]:
    """Handles `didomi.catalogue`."""
    connection = connections_of(work.event).first()
    if connection is None:
        return ledger.ignored(say("The Didomi connection whose catalogue was asked for was deleted."))
    try:
        read, hidden = read_of(DidomiClient(connection, work.trail))
    except ApiError as error:
        if error.status in {403, 404}:  # it is asked again every day: that must not make a failure of each day
            return ledger.ignored(error.sentence)
        raise
    return partial(_keep, connection, read, hidden)


def read_of(client: DidomiClient) -> tuple[Catalogue, Sentence]:
    """The catalogue, and why preferences are not in it, if they are hidden. Raises ApiError."""
    purposes = client.purposes()
    try:
        return Catalogue(purposes, client.preferences()), Sentence()
    except ApiError as error:
        if error.status not in {403, 404}:
            raise
        return Catalogue(purposes, None), error.sentence


def _keep(connection: DidomiConnection, read: Catalogue, hidden: Sentence) -> Result:
    """Runs in the transaction of the event's end."""
    preferences = None if read.preferences is None else [asdict(each) for each in read.preferences]
    DidomiCatalogue.objects.update_or_create(
        connection=connection,
        defaults={
            "tenant_id": connection.tenant_id, "host": connection.host, "organization_id": connection.organization_id,
            "purposes": [asdict(each) for each in read.purposes], "preferences": preferences,
            "read_at": timezone.now(),
        },
    )  # fmt: skip
    return ledger.done(joined([sentence(read), hidden]))


def row_of(connection: DidomiConnection) -> DidomiCatalogue | None:
    """What is stored of the organisation that the connection reads now."""
    kept = DidomiCatalogue.objects.filter(connection=connection).first()
    place = connection.host, connection.organization_id
    return kept if kept is not None and (kept.host, kept.organization_id) == place else None


def kept_of(connection: DidomiConnection) -> Catalogue | None:
    """What is known of the organisation; None where it was never read."""
    kept = row_of(connection)
    if kept is None:
        return None
    preferences = None if kept.preferences is None else [Preference.of_json(each) for each in kept.preferences]
    return Catalogue([Purpose.of_json(each) for each in kept.purposes], preferences)


def sentence(read: Catalogue) -> Sentence:
    """“3 purposes, 2 preferences.”"""
    parts = [say_many("%(count)s purpose", "%(count)s purposes", count=len(read.purposes))]
    if read.preferences is not None:
        parts.append(say_many("%(count)s preference", "%(count)s preferences", count=len(read.preferences)))
    return joined([joined(parts, ", "), "."], "")
