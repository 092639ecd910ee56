"""Payloads that the description shows: what Didomi sends in practice."""

from __future__ import annotations

from typing import Any

# name of the case: (title, body)
EVENTS: dict[str, tuple[str, Any]] = {
    "event_created": (
        "A person made a choice",
        {
            "type": "event.created",
            "parameters": {
                "entity": {
                    "id": "c1f3a0de-0001-4a5e-9d6b-1f2e3d4c5b6a",
                    "organization_id": "verdi-org",
                    "created_at": "2026-01-31T10:00:00.000Z",
                    "status": "confirmed",
                    "user": {"organization_user_id": "anna.peeters@example.com"},
                    "consents": {
                        "channels": [{"id": "email", "enabled": True}],
                        "purposes": [{"id": "newsletter", "enabled": True}],
                    },
                }
            },
            "regulation": "gdpr",
        },
    ),
    "event_flattened": (
        "The same, flattened",
        {
            "type": "event.created",
            "entity__id": "c1f3a0de-0001-4a5e-9d6b-1f2e3d4c5b6a",
            "entity__created_at": "2026-01-31T10:00:00.000Z",
            "entity__user__organization_user_id": "anna.peeters@example.com",
            "entity__consents__purposes__0__id": "newsletter",
            "entity__consents__purposes__0__enabled": True,
        },
    ),
}
