"""FETCH and CUSTOMER: read the whole profile inside the lease, map it, apply it, and say which values changed."""

from __future__ import annotations

from functools import partial
from typing import Any

from integrations.actito.client import ActitoClient, ActitoProfile
from integrations.actito.models import ActitoConnection
from integrations.mapping import Mapped, map_document
from portal import customers, ledger
from portal.customers import Applied, Profile
from portal.ledger import Result, Work
from portal.models import Event, Identity

# A CREATE may arrive before the profile can be read: two retries, then it is taken as absent.
ABSENT_RETRIES = 2


def read_profile(work: Work) -> Result | partial[Result]:
    """Handles `actito.profile`."""
    event = work.event
    connection = ActitoConnection.objects.prefetch_related("mappings").get(pk=event.payload["connection"])
    client = ActitoClient(connection, work.trail)
    number = _latest_number()
    profile = client.read_profile(event.payload["profile"])
    if profile is None:
        return _absent(client, event)
    return partial(_apply, event, connection, profile, number)


def _latest_number() -> int:
    """The ledger's number that the reading stands for: it is newer than every arrival up to now."""
    return int(Event.objects.order_by("-pk").values_list("pk", flat=True)[0])


def _apply(event: Event, connection: ActitoConnection, profile: ActitoProfile, number: int) -> Result:
    mapped = map_document(profile.document(), connection.rules())
    applied = customers.apply_profile(_as_profile(connection, profile, mapped), cause=event, number=number)
    return ledger.done(_sentence(applied, mapped))


def _as_profile(connection: ActitoConnection, profile: ActitoProfile, mapped: Mapped) -> Profile:
    key = str(profile.attributes.get(connection.unique_key) or profile.profile_id)
    language = str(profile.attributes.get(connection.language_attribute) or "")[:2].lower()
    return Profile(
        source=connection.source,
        identities={connection.source: profile.profile_id, f"{connection.source}:key": key},
        key=key,
        language=language,
        values=mapped.values,
    )


def _sentence(applied: Applied, mapped: Mapped) -> str:
    if applied.created:
        said = "A new customer."
    elif applied.changed:
        changes = [f"{name}: {_shown(old)} → {_shown(new)}" for name, (old, new) in applied.changed.items()]
        said = f"{'; '.join(changes[:5])}{' …' if len(changes) > 5 else ''}."
    else:
        said = "No mapped value changed."
    return " ".join([said, *mapped.errors])


def _shown(value: Any) -> str:
    return "empty" if value is None else str(value)[:60]


def _absent(client: ActitoClient, event: Event) -> Result:
    """Actito answers 404 for what a key may not see, too; so a 404 counts only when a known profile can be read."""
    profile = event.payload["profile"]
    if event.retries < ABSENT_RETRIES:
        raise ledger.retry(f"Actito does not know profile {profile} yet.")
    known = _known_profile(client.connection, profile)
    if known and client.read_profile(known) is None:
        raise ledger.pause("Actito hides profiles that it showed before. Check the rights of the API key.")
    return ledger.ignored(f"Actito has no profile {profile}.")


def _known_profile(connection: ActitoConnection, other_than: str) -> str | None:
    identities = Identity.objects.filter(tenant_id=connection.tenant_id, namespace=connection.source)
    newest = identities.exclude(value=other_than).order_by("-customer__synced_at")
    found: str | None = newest.values_list("value", flat=True).first()
    return found
