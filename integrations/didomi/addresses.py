"""Where Didomi is, and where it finds this portal."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from integrations.didomi.models import DidomiConnection

VERSION = "/v1"


def api(connection: DidomiConnection, path: str) -> str:
    """The address of a route of Didomi's. People enter the host with the version or without it."""
    return f"{connection.host.rstrip('/').removesuffix(VERSION)}{VERSION}{path}"


def webhook_address(connection: DidomiConnection) -> str:
    """What is entered in Didomi's console: it posts all its events there."""
    return f"{settings.PUBLIC_URL}{reverse('didomi-events', args=[connection.tenant.slug])}"
