"""By which name a connection knows a customer, for calls about one profile."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.actito.models import ActitoConnection
from portal.models import Customer, Identity


@dataclass(frozen=True)
class Named:
    """`profile` is what Actito's routes take: an id, or `attribute=value`."""

    subject: str
    profile: str


def named(connection: ActitoConnection, customer: Customer) -> Named | None:
    """By the profile's id, else by the unique attribute; None when the connection does not know the customer.

    Nobody is named whose profile is gone: its key may be another's by now.
    """
    namespaces = (connection.source, f"{connection.source}:key")
    found = {each.namespace: each for each in Identity.objects.filter(customer=customer, namespace__in=namespaces)}
    identity = next((found[each] for each in namespaces if each in found), None)
    return named_by(connection, identity) if identity and identity.gone_at is None else None


def named_by(connection: ActitoConnection, identity: Identity) -> Named:
    """The subject is the profile's, so that a reading of it and all that is done to it take turns."""
    by_id = identity.namespace == connection.source
    profile = identity.value if by_id else f"{connection.unique_key}={identity.value}"
    return Named(f"{identity.namespace}:profile:{identity.value}", profile)
