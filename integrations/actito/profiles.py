"""FETCH and CUSTOMER: read the whole profile inside the lease, map it, apply it, and say which values changed."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from integrations.actito.answers import ActitoProfile
from integrations.actito.client import ActitoClient
from integrations.actito.models import ActitoConnection, connections_of
from integrations.mapping import Mapped, map_document
from portal import customers, ledger
from portal.customers import Applied, Profile
from portal.ledger import Result, Work
from portal.models import Event
from portal.sentences import Sentence, changes, joined, read, say

# A CREATE may arrive before the profile can be read: two retries, then it is taken as absent.
ABSENT_RETRIES = 2
KNOWN_PROFILES_ASKED = 3
READINGS_SEARCHED = 100
NAME_LIMIT = 255


def read_profile(work: Work) -> Result | partial[Result]:
    """Handles `actito.profile`."""
    event = work.event
    connection = connections_of(event).prefetch_related("mappings").first()
    if connection is None:
        return ledger.ignored(say("The Actito connection that reported this was deleted."))
    if problem := event.payload.get("unreadable"):
        raise ledger.dead(read(problem))
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
    rules = [rule for rule in connection.rules() if profile.tells_of(rule.source)]
    mapped = map_document(profile.document(), rules)
    applied = customers.apply_profile(_as_profile(connection, profile, mapped), cause=event, number=number)
    return ledger.done(_sentence(applied, mapped))


def _as_profile(connection: ActitoConnection, profile: ActitoProfile, mapped: Mapped) -> Profile:
    name = name_of(profile.attributes.get(connection.unique_key))
    return Profile(
        source=connection.source,
        identities={
            connection.source: profile.profile_id,
            f"{connection.source}:key": name,
            **_others(connection, mapped),
        },
        key=name or profile.profile_id,
        language=language_of(profile.attributes.get(connection.language_attribute)),
        values=mapped.values,
    )


def _others(connection: ActitoConnection, mapped: Mapped) -> dict[str, str]:
    """The mapped values that name the customer, such as a card number, by which custom actions find them."""
    names = [mapping.value_name for mapping in connection.mappings.all() if mapping.identifies]
    return {f"{connection.source}:{name}": name_of(mapped.values[name]) for name in names if name in mapped.values}


def name_of(value: Any) -> str:
    """The business key, if it can be one: a text or number of a length that can be looked up."""
    text = str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    return text if len(text) <= NAME_LIMIT else ""


def language_of(value: Any) -> str:
    """FR, fr_BE and fr-BE are fr; what is no language is none."""
    found = re.match(r"([A-Za-z]{2})([_-]|\Z)", value) if isinstance(value, str) else None
    return found[1].lower() if found else ""


def _sentence(applied: Applied, mapped: Mapped) -> Sentence:
    said = say("A new customer.") if applied.created else changes(applied.changed)
    return joined([said or say("No mapped value changed."), *mapped.errors])


def _absent(client: ActitoClient, event: Event) -> Result:
    """Actito answers 404 for what a key may not see, too; so a 404 counts only when a known profile can be read."""
    profile = event.payload["profile"]
    if event.payload.get("event_type") == "DELETE":
        said = say("Actito deleted profile %(profile)s. The customer and the passes stay.", profile=profile)
        return ledger.ignored(said)
    if event.retries < ABSENT_RETRIES:
        raise ledger.retry(say("Actito does not know profile %(profile)s yet.", profile=profile))
    known = _known_profiles(client.connection, profile)
    if known and all(client.read_profile(each) is None for each in known):
        raise ledger.pause(say("Actito hides profiles that it showed before. Check the rights of the API key."))
    return ledger.ignored(say("Actito has no profile %(profile)s.", profile=profile))


def _known_profiles(connection: ActitoConnection, other_than: str) -> list[str]:
    """The last ones read. Several, because one of them may have been deleted in Actito since."""
    read = Event.objects.filter(tenant_id=connection.tenant_id, kind="actito.profile", status=Event.Status.DONE)
    payloads = read.order_by("-pk").values_list("payload", flat=True)[:READINGS_SEARCHED]
    names = [each["profile"] for each in payloads if each.get("connection") == connection.pk]
    return [name for name in dict.fromkeys(names) if name != other_than][:KNOWN_PROFILES_ASKED]
