"""The table's structure: asked for, read by a worker, and kept with what changed since the reading before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import partial

from django.utils import timezone

from integrations.actito import asking
from integrations.actito.asking import ACTITO_STRUCTURE
from integrations.actito.client import ActitoClient
from integrations.actito.models import ActitoConnection, TableStructure, connections_of
from integrations.actito.tables import (
    PARTS,
    Change,
    Name,
    Structure,
    What,
    concerning,
    differences,
    merged,
)
from portal import ledger
from portal.http import ApiError
from portal.ledger import Result, Work
from portal.models import Event
from portal.sentences import Sentence, joined, say, say_many

NAMES_TOLD = 5


def ask(connection: ActitoConnection) -> None:
    """Records that the structure is to be read. Several that wait are one reading."""
    asking.ask(connection, ACTITO_STRUCTURE)


def ask_all(tenant_ids: Iterable[int]) -> None:
    """Asks for the structures of these tenants' tables, once a day."""
    asking.ask_each(tenant_ids, ACTITO_STRUCTURE)


def read_structure(work: Work) -> Result | partial[Result]:
    """Handles `actito.structure`."""
    connection = connections_of(work.event).first()
    if connection is None:
        return ledger.ignored(say("The Actito connection whose table was asked for was deleted."))
    try:
        read = ActitoClient(connection, work.trail).structure()
    except ApiError as error:
        return asking.refused(error)
    return partial(_keep, work.event, connection, read)


def _keep(event: Event, connection: ActitoConnection, read: Structure) -> Result:
    """Runs in the transaction of the event's end."""
    now = timezone.now()
    place = {"host": connection.host, "entity": connection.entity, "table": connection.table}
    kept = TableStructure.objects.select_for_update().filter(connection=connection).first()
    same = kept is not None and is_of(kept, connection)
    found = differences(kept.structure(), read, event=event.pk, at=now.isoformat()) if kept and same else []
    changes = merged(kept.open_changes(), found) if kept and same else []
    TableStructure.objects.update_or_create(
        connection=connection,
        defaults={
            "tenant_id": connection.tenant_id, **place, "parts": read.as_json(), "read_at": now,
            "changes": [asdict(change) for change in changes],
        },
    )  # fmt: skip
    return ledger.done(sentence(read, concerning(found, mapped_names(connection))))


def is_of(kept: TableStructure, connection: ActitoConnection) -> bool:
    """Whether it was read of the table that the connection reads now."""
    return (kept.host, kept.entity, kept.table) == (connection.host, connection.entity, connection.table)


def kept_of(connection: ActitoConnection) -> TableStructure | None:
    """What is known of the connection's table."""
    kept = TableStructure.objects.filter(connection=connection).first()
    return kept if kept is not None and is_of(kept, connection) else None


def mapped_names(connection: ActitoConnection) -> set[Name]:
    return {(mapping.part, mapping.attribute) for mapping in connection.mappings.all()}


def changes_of_interest(kept: TableStructure, mapped: set[Name]) -> list[Change]:
    return concerning(kept.open_changes(), mapped)


def sentence(read: Structure, changes: Iterable[Change]) -> Sentence:
    """“12 attributes, 1 subscription. Mapped and gone: points. New: tier.”"""
    names: dict[str, list[str]] = {}
    for change in changes:
        names.setdefault(change.what, []).append(change.name)
    parts = [_counted(part, len(read.parts[part])) for part in PARTS if read.knows(part)]
    counted = joined([joined(parts, ", "), "."], "")
    return joined([counted, *(_told(what, names[what]) for what in What if what in names)])


def _counted(part: str, count: int) -> Sentence:
    if part == "attributes":
        return say_many("%(count)s attribute", "%(count)s attributes", count=count)
    if part == "subscriptions":
        return say_many("%(count)s subscription", "%(count)s subscriptions", count=count)
    return say_many("%(count)s segmentation", "%(count)s segmentations", count=count)


def _told(what: str, names: list[str]) -> Sentence:
    shown = [*names[:NAMES_TOLD], *(["…"] if len(names) > NAMES_TOLD else [])]
    if what == What.GONE:
        return say("Mapped and gone: %(names)s.", names=shown)
    if what == What.TYPE:
        return say("Mapped and of another type now: %(names)s.", names=shown)
    return say("New: %(names)s.", names=shown)
