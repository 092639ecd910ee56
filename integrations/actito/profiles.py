"""FETCH and CUSTOMER: read the whole profile inside the lease, map it, apply it, and say which values changed."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from integrations.actito import consents, gone
from integrations.actito.answers import ActitoProfile
from integrations.actito.client import ActitoClient
from integrations.actito.models import ActitoConnection, connections_of
from integrations.actito.pushes import TEST_EVENT
from integrations.actito.structure import kept_of, mapped_names
from integrations.actito.tables import Structure
from integrations.actito.writeback import is_echo
from integrations.mapping import Mapped, map_document
from passes.voiding import revive_all
from portal import customers, ledger, text
from portal.customers import Applied, Profile
from portal.ledger import Result, Work
from portal.models import Customer, Event
from portal.sentences import Sentence, changes, joined, read, say, say_many

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
    if event.payload.get("event_type") == TEST_EVENT:
        return ledger.ignored(say("A test event came through. There was nothing to read."))
    client = ActitoClient(connection, work.trail)
    number = latest_number()
    profile = client.read_profile(event.payload["profile"])
    if profile is None:
        return _absent(client, event, number)
    return partial(_apply_reading, event, connection, profile, number)


def latest_number() -> int:
    """The ledger's number that the reading stands for: it is newer than every arrival up to now."""
    return int(Event.objects.order_by("-pk").values_list("pk", flat=True)[0])


def _apply_reading(event: Event, connection: ActitoConnection, profile: ActitoProfile, number: int) -> Result:
    applied, mapped = apply(event, connection, profile, number)
    heard = consents.hear(event, connection, applied.customer, profile)
    revived = revive_all(applied.customer, cause=event)
    news = applied.differs or applied.back or mapped.errors or heard
    if not news and is_echo(connection, applied.customer, profile, event):
        return ledger.done(say("Our own change: the profile has what the portal wrote to it, and nothing else."))
    return ledger.done(joined([_sentence(applied, mapped, revived), *heard]))


def apply(
    event: Event, connection: ActitoConnection, profile: ActitoProfile, number: int
) -> tuple[Applied[Customer], Mapped]:
    """Applies a profile that was read at this number of the ledger. Part of the effects of `event`."""
    document = profile.document()
    lost = _lost(connection)
    rules = [
        rule for rule in connection.rules()
        if profile.tells_of(rule.source) and (rule.source in document or rule.source not in lost)
    ]  # fmt: skip
    mapped = map_document(document, rules)
    return customers.apply_profile(_as_profile(connection, profile, mapped), cause=event, number=number), mapped


def _lost(connection: ActitoConnection) -> set[str]:
    """Mapped paths that the table has no longer: that an answer lacks them says nothing of a customer's value."""
    kept = kept_of(connection)
    table = kept.structure() if kept else Structure({})
    return {f"{part}.{name}" for part, name in mapped_names(connection) if table.lacks((part, name))}


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


def _sentence(applied: Applied[Customer], mapped: Mapped, revived: int) -> Sentence:
    said = say("A new customer.") if applied.created else changes(applied.changed)
    valid = say_many("%(count)s pass is valid again.", "%(count)s passes are valid again.", count=revived)
    back = [say("The customer is back.") if applied.back else "", valid if revived else ""]
    return joined([*back, said or say("No mapped value changed."), *mapped.errors])


def _absent(client: ActitoClient, event: Event, number: int) -> partial[Result]:
    """Actito answers 404 for what a key may not see, too; so a 404 counts only when a known profile can be read."""
    connection, profile = client.connection, event.payload["profile"]
    if event.payload.get("event_type") == "DELETE":
        return _gone(client, event, number, say("Actito deleted profile %(profile)s.", profile=profile))
    said = say("Actito has no profile %(profile)s.", profile=profile)
    known = gone.known_as(connection, profile)
    if known and known.gone_at:
        return partial(gone.mark, event, connection, profile, number, said)
    if event.retries < ABSENT_RETRIES:
        raise ledger.retry(say("Actito does not know profile %(profile)s yet.", profile=profile))
    others = _known_profiles(connection, profile)
    if others and all(client.read_profile(each) is None for each in others):
        raise ledger.pause(say("Actito hides profiles that it showed before. Check the rights of the API key."))
    if known and not others:
        alone = say("No other profile was read that could show that the API key may still read, so nothing is marked.")
        return partial(gone.note, connection, profile, number, joined([said, alone]))
    return _gone(client, event, number, said)


def _gone(client: ActitoClient, event: Event, number: int, said: Sentence) -> partial[Result]:
    """Whoever bears its key now is asked for, too: Actito tells nothing of merges."""
    connection, profile = client.connection, event.payload["profile"]
    key = gone.key_of(connection, profile) or _key_told(event, connection)
    bearer = client.read_profile(f"{connection.unique_key}={key}") if key else None
    heir = bearer.profile_id if bearer and bearer.profile_id.isdecimal() and bearer.profile_id != profile else ""
    return partial(gone.mark, event, connection, profile, number, said, key=key, heir=heir)


def _key_told(event: Event, connection: ActitoConnection) -> str:
    """The unique attribute, if the webhook pushed it; what is kept of its body may be cut, or removed."""
    try:
        data = text.loads(event.payload.get("body", "").encode())
    except ValueError:
        return ""
    found = data.get("profileAttributes", data) if isinstance(data, dict) else None
    return name_of(found.get(connection.unique_key)) if isinstance(found, dict) else ""


def _known_profiles(connection: ActitoConnection, other_than: str) -> list[str]:
    """The last ones read. Several, because one of them may have been deleted in Actito since."""
    ended = Event.objects.filter(tenant_id=connection.tenant_id, kind="actito.profile", status=Event.Status.DONE)
    runs = ended.order_by("-pk").values_list("payload", "claimed_at")[:READINGS_SEARCHED]
    mine = [(each["profile"], at) for each, at in runs if each.get("connection") == connection.pk]
    known = connection.profiles().filter(gone_at=None)
    read_at = dict(known.filter(value__in=[name for name, _ in mine]).values_list("value", "customer__synced_at"))
    # A run that found its profile gone is done, too, and read nobody.
    names = [name for name, at in mine if at and (seen := read_at.get(name)) and at <= seen]
    return [name for name in dict.fromkeys(names) if name != other_than][:KNOWN_PROFILES_ASKED]
