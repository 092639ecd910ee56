"""Imports every admin module of this storey, so that it registers. Read once, in `PortalConfig.ready()`."""

from portal.admin import (
    access,
    clients,
    consents,
    customers,
    events,
    history,
    installation,
    jobs,
    refused,
    retention,
    team,
)

__all__ = [
    "access",
    "clients",
    "consents",
    "customers",
    "events",
    "history",
    "installation",
    "jobs",
    "refused",
    "retention",
    "team",
]
