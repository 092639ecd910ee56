"""The mark by which events that the portal sent are known when Didomi tells of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.didomi.models import DidomiConnection
from portal.models import Event

DELEGATE = "actito"


def stamp(connection: DidomiConnection, cause: Event) -> dict[str, Any]:
    """The delegate of an event: who acted for the person, and by which chain of the trace."""
    mark = {"connection": str(connection.uid), "correlation_id": str(cause.correlation_id)}
    return {"id": DELEGATE, "name": "Actito", "metadata": mark}


def is_ours(connection: DidomiConnection, entity: Mapping[str, Any]) -> bool:
    delegate = entity.get("delegate")
    metadata = delegate.get("metadata") if isinstance(delegate, Mapping) else None
    return isinstance(metadata, Mapping) and metadata.get("connection") == str(connection.uid)
