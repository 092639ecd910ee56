"""Customers whose profile is gone from Actito: marked, never deleted; many at once only after a person said so.

A profile that was merged into another is gone like one that was deleted: its customer is the winner's once the winner
bears its key.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from integrations.actito import rereading
from integrations.actito.gone_models import GoneQuestion
from integrations.actito.models import ActitoConnection
from passes.voiding import revive_all, void_all
from portal import customers, ledger
from portal.customers import KEY_ONLY, key_name
from portal.ledger import Result, lanes
from portal.models import Event, Identity, Lane
from portal.sentences import Sentence, joined, say, say_many

# More than these in an hour are rather an accident in Actito, or a wrong table, than people who left.
MARKS_MOST = 20
HOUR = timedelta(hours=1)


def known_as(connection: ActitoConnection, profile: str) -> Identity | None:
    return connection.profiles().filter(value=profile).first()


def key_of(connection: ActitoConnection, profile: str) -> str:
    """The unique attribute of the profile's customer; empty for nobody."""
    known = known_as(connection, profile)
    if known is None:
        return ""
    own = Identity.objects.filter(customer=known.customer_id, namespace=f"{connection.source}:key")
    return own.values_list("value", flat=True).first() or ""


def _known_by_key(connection: ActitoConnection, profile: str, key: str, number: int) -> Identity | None:
    """Somebody of whom only the key was known, under the profile's id from now on. Not stored yet."""
    for namespace, name in ((f"{connection.source}:key", key), (KEY_ONLY, key_name(key))):
        customer = customers.find(connection.tenant_id, namespace, name) if key else None
        if customer and not connection.profiles().filter(customer=customer).exists():
            return Identity(
                tenant_id=connection.tenant_id, namespace=connection.source, value=profile, customer=customer,
                number=number,
            )  # fmt: skip
    return None


def marked_lately(connection: ActitoConnection, before: datetime | None = None) -> QuerySet[Identity]:
    """Those who went within an hour up to now, or up to that moment and since."""
    return connection.profiles().filter(gone_at__gt=(before or timezone.now()) - HOUR)


def note(connection: ActitoConnection, profile: str, number: int, said: Sentence) -> Result:
    """It was looked for: at night, others that were read longer ago come first."""
    connection.profiles().filter(value=profile, number__lt=number).update(number=number)
    return ledger.ignored(said)


def mark(
    event: Event, connection: ActitoConnection, profile: str, number: int, said: Sentence, *, key: str = "",
    heir: str = "",
) -> Result:  # fmt: skip
    """Effects of a reading that found the profile gone. `said`: how that was found.

    `key` is the profile's unique attribute, where it is known, and `heir` the id of the profile that bears it now.

    Marks take turns by the question's row, so that two workers never count the same twenty.
    """
    GoneQuestion.objects.get_or_create(connection=connection)
    question = GoneQuestion.objects.select_for_update().get(connection=connection)
    if heir:
        said = joined(
            [said, say("Profile %(heir)s bears its key now: it was merged into it, or made anew.", heir=heir)]
        )
    known = known_as(connection, profile)
    by_key = None if known else _known_by_key(connection, profile, key, number)
    if by_key and heir:
        rereading.publish(connection, heir, cause=event)
        return ledger.ignored(said)
    identity = known or by_key
    if identity is None or identity.number > number:  # nobody, or somebody who was read since
        return ledger.ignored(said)
    note(connection, profile, number, said)
    if question.standing == GoneQuestion.Answer.KEEP:
        return _keep(event, identity, said)
    if identity.gone_at:
        return ledger.ignored(joined([said, say("Its customer is marked as gone already.")]))
    if question.standing != GoneQuestion.Answer.MARK and marked_lately(connection).count() >= MARKS_MOST:
        return _ask(connection, question)
    if by_key:
        by_key.save()
    customer = customers.mark_gone(identity, at=timezone.now())
    if heir:
        rereading.publish(connection, heir, cause=event)
    voided = void_all(customer, cause=event) if connection.void_when_gone else 0
    void = say_many("%(count)s pass is void.", "%(count)s passes are void.", count=voided)
    return ledger.done(joined([said, say("The customer is marked as gone."), void if voided else ""]))


def _keep(event: Event, identity: Identity, said: Sentence) -> Result:
    if identity.gone_at:
        revive_all(customers.unmark_gone(identity), cause=event)
    return ledger.ignored(
        joined([said, say("The customer is kept as it is, as was answered on the connection's page.")])
    )


def _ask(connection: ActitoConnection, question: GoneQuestion) -> Result:
    said = say("More than %(most)s profiles went within an hour. Say on the connection's page whether that is right.",
               most=MARKS_MOST)  # fmt: skip
    now = timezone.now()
    if question.asked_at is None:
        GoneQuestion.objects.filter(pk=question.pk).update(asked_at=now)
    Lane.objects.filter(pk=connection.lane_id, paused_at=None).update(paused_at=now, pause_reason=said)
    return ledger.later(said, now)


def answer(connection: ActitoConnection, given: str) -> int:
    """Sets the connection going again, by an answer that holds for a day. Returns how many are looked at again.

    To keep them: those who were marked just before it was asked are read again, and unmarked.
    """
    with transaction.atomic():
        question = GoneQuestion.objects.select_for_update().get(connection=connection)
        marked = list(marked_lately(connection, question.asked_at)) if given == GoneQuestion.Answer.KEEP else []
        question.asked_at, question.answer, question.answered_at = None, given, timezone.now()
        question.save()
        for identity in marked:
            rereading.ask(connection, identity.value)
        lanes.resume(connection.lane_id)
    return len(marked)
