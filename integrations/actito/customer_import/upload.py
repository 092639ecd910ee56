"""The file, from the browser that drops it in to the worker that looks at it, on whichever machine that runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO

from django.db import transaction

from integrations.actito.customer_import.lines import columns_of
from integrations.actito.models import ActitoConnection, CustomerImport, CustomerImportChunk
from portal import ledger
from portal.ledger import lane_id_for
from portal.models import Event
from portal.retention.walk import first_since
from portal.sheets import Sheet

LOOK, SOURCE = "actito.look", "portal"
CHUNK = 1024 * 1024


def receive(
    connection: ActitoConnection, file: IO[bytes], *, name: str, who: str, exported_at: datetime
) -> CustomerImport:
    """Keeps the file and has it looked at. Raises NoTable or NoProfiles; then nothing is kept."""
    columns = columns_of(Sheet(file).columns, connection)
    with transaction.atomic():
        seen = CustomerImport.objects.create(
            tenant_id=connection.tenant_id, connection=connection, file_name=name, who=who, exported_at=exported_at,
            number=first_since(exported_at) - 1, unused=list(columns.unused), missing=list(columns.missing),
        )  # fmt: skip
        file.seek(0)
        while data := file.read(CHUNK):
            CustomerImportChunk.objects.create(customer_import=seen, data=data)
        ledger.record(
            tenant_id=seen.tenant_id, lane_id=lane_id_for(seen.tenant_id), kind=LOOK, source=SOURCE,
            subject=f"{connection.source}:look:{seen.pk}", source_id=f"look:{seen.pk}",
            payload={"customer_import": seen.pk},
        )  # fmt: skip
    return seen


def event_of(seen: CustomerImport) -> Event | None:
    """The Event of the look; None once it was removed for its age."""
    return Event.objects.filter(tenant_id=seen.tenant_id, source=SOURCE, source_id=f"look:{seen.pk}").first()


@contextmanager
def opened(seen: CustomerImport) -> Iterator[IO[bytes]]:
    with TemporaryFile() as file:
        # One by one: a cursor that the server does not keep would hold the whole file here.
        for key in list(seen.chunks.order_by("pk").values_list("pk", flat=True)):
            file.write(seen.chunks.get(pk=key).data)
        yield file
