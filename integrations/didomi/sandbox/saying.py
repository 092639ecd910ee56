"""What a person says, as the body of an event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.didomi.sandbox.catalogue import Json


def event_body(
    person: str,
    *,
    purposes: Mapping[str, bool | None] | None = None,
    channels: Mapping[str, bool | None] | None = None,
    values: Mapping[tuple[str, str], str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    **more: Any,
) -> Json:
    """The smallest body of an event that says this."""
    chosen: dict[str, Json] = {key: {"id": key, "enabled": enabled} for key, enabled in (purposes or {}).items()}
    for (purpose, preference), value in (values or {}).items():
        row = chosen.setdefault(purpose, {"id": purpose, "enabled": None})
        row.setdefault("values", {})[preference] = {"value": value}
    said: Json = {"purposes": list(chosen.values())}
    if channels:
        said["channels"] = [{"id": key, "enabled": enabled} for key, enabled in channels.items()]
    user: Json = {"organization_user_id": person} | ({"metadata": dict(metadata)} if metadata else {})
    return {"user": user, "consents": said, **more}
