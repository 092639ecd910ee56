"""What is asked of Actito without a webhook, by a person or every day: recorded here, done by a worker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.actito.models import ActitoConnection
from portal import ledger
from portal.http import ApiError
from portal.ledger import Receipt, Result
from portal.models import Event

ACTITO_SCENARIOS, ACTITO_STRUCTURE = "actito.scenarios", "actito.structure"


def ask_anew(connection: ActitoConnection) -> None:
    """After its address, key or table may have changed."""
    for kind in (ACTITO_SCENARIOS, ACTITO_STRUCTURE):
        ask(connection, kind)


def ask(connection: ActitoConnection, kind: str, **more: Any) -> Receipt:
    """Records it for the connection as a whole. Of a kind that covers others, several that wait are one."""
    return ledger.record(
        tenant_id=connection.tenant_id, lane_id=connection.lane_id, kind=kind, subject=_subject(connection, kind),
        payload={"connection": connection.pk, **more}, source="portal",
    )  # fmt: skip


def ask_each(tenant_ids: Iterable[int], kind: str) -> None:
    """Records it for every connection of these tenants."""
    for connection in ActitoConnection.objects.for_tenants(tenant_ids).order_by("pk"):
        ask(connection, kind)


def newest(connection: ActitoConnection, kind: str) -> Event | None:
    """The last Event that asked for it."""
    asked = Event.objects.filter(tenant_id=connection.tenant_id, subject=_subject(connection, kind))
    return asked.order_by("-pk").first()


def _subject(connection: ActitoConnection, kind: str) -> str:
    return f"{connection.source}:{kind.removeprefix('actito.')}"


def refused(error: ApiError) -> Result:
    """The end of what is asked for again every day, where Actito hides it: that must not make a failure of each day.

    Raises any other error.
    """
    if error.status in {403, 404}:
        return ledger.ignored(error.sentence)
    raise error
