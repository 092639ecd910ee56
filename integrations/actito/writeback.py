"""Writing to profiles: values that somebody wants there. A profile's writes and readings take turns, by its subject.

For what the portal itself tells of wallets: wallet_news.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from integrations.actito import rereading
from integrations.actito.answers import ActitoProfile
from integrations.actito.models import ActitoConnection, WrittenProfile, connections_of
from integrations.actito.naming import named
from integrations.actito.profile_calls import ProfileClient
from integrations.actito.tables import TECHNICAL
from integrations.mapping import Rule, ValueType, map_document
from portal import ledger
from portal.ledger import Result, Work
from portal.models import Customer, Event
from portal.sentences import Explained, say

ACTITO_WRITE = "actito.write"
ATTRIBUTES_MOST, VALUE_LIMIT = 50, 2000
# A webhook that tells of our own write arrives within this time.
ECHO = timedelta(minutes=10)
# "Adding an Attribute": at most 50 characters. What would break a path or a filter is no technical name either.
_ATTRIBUTE = re.compile(r"[^\W\d][\w.-]{0,49}\Z")


class Unwritable(Explained, ValueError):
    """The values cannot be written for this customer; the sentence says why."""


def check_attribute(name: str) -> None:
    """Raises Unwritable for what can be no attribute that is written."""
    if name in TECHNICAL:
        raise Unwritable(say("“%(name)s” is made by Actito itself and cannot be written.", name=name))
    if not _ATTRIBUTE.match(name):
        shown = name[:60]
        raise Unwritable(say("“%(name)s” is no attribute's name: letters, digits and _, at most 50.", name=shown))


def write_attributes(
    customer: Customer, values: Mapping[str, Any], *, connection: ActitoConnection, cause: Event
) -> Event:
    """Has these attributes of the customer's profile written, as part of the effects of `cause`. Others stay.

    Returns the Event that writes them.

    `values`: technical name -> text, number, True, False, or None to empty it; 1 to 50 of them, a date as the attribute
    wants it. Several writes of a profile happen one after the other; an older one, a retry or a replay, never
    overwrites what a newer one wrote. Raises Unwritable, also when the connection does not know the customer.
    """
    checked = {name: _checked(name, value) for name, value in values.items()}
    if not 1 <= len(checked) <= ATTRIBUTES_MOST:
        raise Unwritable(say("Write 1 to %(most)s attributes at once.", most=ATTRIBUTES_MOST))
    known = named(connection, customer)
    if known is None or connection.tenant_id != customer.tenant_id:
        raise Unwritable(say("“%(connection)s” does not know this customer.", connection=connection))
    payload = {"connection": connection.pk, "customer": customer.pk, "profile": known.profile, "attributes": checked}
    (published,) = ledger.publish(
        ACTITO_WRITE, cause=cause, subject=known.subject, payload=payload, lane_id=connection.lane_id
    )
    return published


def _checked(name: str, value: Any) -> Any:
    check_attribute(name)
    is_number = isinstance(value, int | float) and math.isfinite(value)
    if value is not None and not is_number and not isinstance(value, str):
        raise Unwritable(say("“%(name)s” takes a text, a number, yes or no.", name=name))
    if isinstance(value, str) and len(value) > VALUE_LIMIT:
        raise Unwritable(say("“%(name)s” is longer than %(limit)s characters.", name=name, limit=VALUE_LIMIT))
    return value


def write_values(work: Work) -> Result | partial[Result]:
    """Handles `actito.write`."""
    event = work.event
    connection = connections_of(event).first()
    if connection is None:
        return ledger.ignored(say("The Actito connection that this was for was deleted."))
    customer = Customer.objects.for_tenant(event.tenant_id).filter(pk=event.payload["customer"]).first()
    if customer is None:
        return ledger.ignored(say("The customer is no longer there."))
    before = written(connection, customer)
    due = {name: value for name, value in event.payload["attributes"].items() if number_of(before, name) <= event.pk}
    if not due:
        return ledger.ignored(say("A newer write brought these attributes already."))
    return send(work, connection, customer, event.payload["profile"], due)


def send(
    work: Work, connection: ActitoConnection, customer: Customer, profile: str, values: Mapping[str, Any]
) -> partial[Result]:
    """One call, and what is to be kept of it. Raises ApiError."""
    sent_at = timezone.now()
    if not ProfileClient(connection, work.trail).update_profile(profile, values):
        return partial(absent, connection, profile)
    return partial(_keep, connection, customer, values, work.event, sent_at)


def absent(connection: ActitoConnection, profile: str) -> Result:
    """A reading finds out whether it is gone, or hidden."""
    if profile.isdecimal():
        rereading.ask(connection, profile)
    said = say("Actito has no profile %(profile)s, or hides it. Nothing was written.", profile=profile)
    return Result(Event.Status.FAILED, said)


def _keep(
    connection: ActitoConnection, customer: Customer, values: Mapping[str, Any], event: Event, sent_at: Any
) -> Result:
    if Customer.objects.filter(pk=customer.pk).exists():  # else erased during the call
        row, _new = WrittenProfile.objects.select_for_update().get_or_create(
            connection=connection, customer=customer, defaults={"sent_at": sent_at}
        )
        row.attributes |= {name: {"value": value, "number": event.pk} for name, value in values.items()}
        row.sent_at = sent_at
        row.save()
    return ledger.done(say("Written to Actito: %(names)s.", names=list(values)))


def note_sent(connection: ActitoConnection, customer: Customer, sent_at: datetime) -> None:
    """Something else than attributes was written to the profile: its webhook tells of our own change, too."""
    WrittenProfile.objects.update_or_create(connection=connection, customer=customer, defaults={"sent_at": sent_at})


def written(connection: ActitoConnection, customer: Customer) -> WrittenProfile | None:
    """What was written last to the customer's profile, if anything ever was."""
    return WrittenProfile.objects.filter(connection=connection, customer=customer).first()


def number_of(row: WrittenProfile | None, name: str) -> int:
    return int(row.attributes.get(name, {}).get("number", 0)) if row else 0


def is_echo(connection: ActitoConnection, customer: Customer, profile: ActitoProfile, event: Event) -> bool:
    """Whether an arrival tells of nothing but our own write: soon after it, and the profile has what was written."""
    row = written(connection, customer)
    if row is None or not row.sent_at <= event.created_at <= row.sent_at + ECHO:
        return False
    return all(alike(profile.attributes.get(name), each["value"]) for name, each in row.attributes.items())


def alike(one: Any, other: Any) -> bool:
    """Whether Actito's value is ours: it may spell numbers and moments in its own way, and empty as no value."""
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    for kind in (ValueType.NUMBER, ValueType.DATE, ValueType.TEXT):
        mapped = map_document({"it": value}, [Rule("it", "it", kind)])
        if not mapped.errors:
            return mapped.values["it"]
    return value
