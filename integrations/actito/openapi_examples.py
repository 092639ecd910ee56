"""Payloads that the description shows, by the name of their test case: what Actito sends in practice."""

from __future__ import annotations

from typing import Any

# name of the case: (title, body)
PROFILES: dict[str, tuple[str, Any]] = {
    "minimal": ("The least that is needed", {"data": {"profileId": 147471}}),
    "v1_profile_updated": (
        "A change, as Actito wraps it",
        {
            "eventType": "UPDATE",
            "operation": "UPDATE",
            "tableId": "16",
            "data": {
                "profileId": 147471,
                "emailAddress": "anna.peeters@example.com",
                "customerId": "C-1001",
                "loyaltyPoints": 420,
            },
        },
    ),
    "v2_profile_updated": (
        "Actito's newer envelope",
        {
            "id": "95f1cebc-4dd7-4246-83a1-164d8da8c583",
            "data": {
                "profileId": 147471,
                "emailAddress": "anna.peeters@example.com",
                "_links": {"profile": {"href": "/profiles/v4/entity/MyEntity/table/Profiles/profile/147471"}},
            },
            "_links": {"webhook": {"href": "/webhooks/v4/entity/MyEntity/webhookSubscription/123789654"}},
        },
    ),
    "v2_bulk": (
        "Several profiles at once",
        {
            "id": "7d0f8f5e-2b1e-4a3c-9f8e-1a2b3c4d5e6f",
            "data": [{"profileId": 147471}, {"profileId": 147472}],
            "_links": {},
        },
    ),
}
# name of the case: (title, body)
ACTIONS: dict[str, tuple[str, Any]] = {
    "action_with_flat_keys": (
        "As Actito sends it: names with dots",
        {
            "id": "95f1cebc-4dd7-4246-83a1-164d8da8c583",
            "data": {
                "actionParameters.campaignId": "987654",
                "actionParameters.points": "250",
                "actionParameters.message": "Your points count double today",
                "profileAttributes.profileId": "147471",
                "profileAttributes.emailAddress": "anna@example.com",
            },
            "_links": {"webhook": {"href": "/webhooks/v4/entity/demo/webhookSubscription/123789654"}},
        },
    ),
    "action_nested": (
        "The same as groups",
        {
            "id": "0d9a37f0-6c76-43f5-9d0a-6f2c3e7d7c11",
            "data": {
                "actionParameters": {"points": 250, "vip": "true"},
                "profileAttributes": {"emailAddress": "anna@example.com"},
            },
            "_links": {"webhook": {"href": "/webhooks/v4/entity/demo/webhookSubscription/123789654"}},
        },
    ),
    "action_of_other_connectors": (
        "As other connectors send it",
        {
            "identifiers": {"email": "anna@example.com"},
            "passType": "Loyalty card",
            "additionalData": {"points": 300, "message": "Welcome back"},
            "updateMetadata": True,
        },
    ),
}
