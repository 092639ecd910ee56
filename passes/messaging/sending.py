"""Planning a message, beginning its job, and what becomes of each pass.

A plan is an Event that waits for its moment; once it begins, each pass is an Event of the job's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from passes.conditions import number as number_in
from passes.messaging.audience import audience_of, conditions_of, is_meant, meant_after
from passes.messaging.limits import WEEK, Limits
from passes.models import MessageLimits, MessageReceipt, PassMessage, WalletPass
from passes.update import Update, order
from passes.values import Write
from portal import jobs, ledger
from portal.jobs import Row
from portal.ledger import Result, Work, lane_id_for
from portal.models import Event, Job, Tenant
from portal.sentences import Explained, say, say_many

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

PLANNED, SEND, SENDING = "message.planned", "message.pass", "passes.message"


class NotNow(Explained):
    """The message is in no state for it; the sentence says why."""


def limits_of(tenant: Tenant) -> Limits:
    kept = MessageLimits.objects.filter(tenant=tenant).first() or MessageLimits(tenant=tenant)
    return Limits(kept.quiet_from, kept.quiet_until, kept.weekly_cap, ZoneInfo(tenant.time_zone))


# A plan


def plan(message: PassMessage, *, by: AbstractBaseUser, starts_at: datetime | None = None) -> None:
    """Has it sent, now or at that moment. Raises NotNow unless it is a draft."""
    with transaction.atomic():
        row = _locked(message, PassMessage.State.DRAFT, say("This message was planned or sent already."))
        row.state, row.plan, row.made_by_id = PassMessage.State.PLANNED, row.plan + 1, by.pk
        row.starts_at = starts_at or timezone.now()
        row.save()
        _record(row, PLANNED, f"message:{row.pk}", {"message": row.pk, "plan": row.plan})


def take_back(message: PassMessage) -> None:
    """Makes a planned message a draft again. Raises NotNow."""
    with transaction.atomic():
        row = _locked(message, PassMessage.State.PLANNED, say("Only a planned message can be taken back."))
        row.state, row.plan, row.starts_at = PassMessage.State.DRAFT, row.plan + 1, None
        row.save()


def test(message: PassMessage, wallet_passes: Sequence[WalletPass]) -> None:
    """Sends it to these passes alone, whatever the conditions, the hour and the cap are."""
    for wallet_pass in wallet_passes:
        payload = {"message": message.pk, "pass": wallet_pass.pk, "test": True}
        _record(message, SEND, _subject(wallet_pass), payload)


def _locked(message: PassMessage, state: str, otherwise: Any) -> PassMessage:
    row = PassMessage.objects.select_for_update().filter(pk=message.pk, state=state).first()
    if row is None:
        raise NotNow(otherwise)
    return row


def _record(message: PassMessage, kind: str, subject: str, payload: dict[str, Any]) -> None:
    ledger.record(
        tenant_id=message.tenant_id, lane_id=lane_id_for(message.tenant_id), kind=kind, subject=subject,
        payload=payload, source="portal",
    )  # fmt: skip


def _subject(wallet_pass: WalletPass) -> str:
    """The customer's, so that two messages take turns and the cap counts the first."""
    return f"customer:{wallet_pass.customer_id}:messages"


def begin(work: Work) -> Result | partial[Result]:
    """Handles `message.planned`."""
    payload = work.event.payload
    planned = PassMessage.objects.for_tenant(work.event.tenant_id).filter(state=PassMessage.State.PLANNED)
    message = planned.filter(pk=payload["message"], plan=payload["plan"]).select_related("tenant").first()
    if message is None:
        return ledger.ignored(say("It was taken back."))
    now = timezone.now()
    if message.starts_at and message.starts_at > now:
        return ledger.later(say("It begins at its time."), message.starts_at)
    if end := limits_of(message.tenant).quiet_end(now):
        return ledger.later(say("It waits for the end of the quiet hours."), end)
    title = say("Send “%(message)s”", message=message)
    job = jobs.prepared(SENDING, tenant_id=message.tenant_id, payload={"message": message.pk}, title=title)
    return partial(_begin, message, job)


def _begin(seen: PassMessage, job: Job) -> Result:
    try:
        message = _locked(seen, PassMessage.State.PLANNED, say("It was taken back."))
    except NotNow as problem:
        return ledger.ignored(problem.sentence)
    if message.plan != seen.plan:
        return ledger.ignored(say("It was taken back."))
    if message.made_by is None:
        message.state, message.starts_at = PassMessage.State.DRAFT, None
        message.save()
        return ledger.ignored(say("Whoever planned it is no longer there. It is a draft again."))
    message.state, message.job = PassMessage.State.SENT, jobs.start(job, by=message.made_by)
    message.save()
    return ledger.done(say_many("It goes to %(count)s card.", "It goes to %(count)s cards.", count=job.total))


# The job


class Sending:
    """The rows: a `message.pass` for each pass that it is for. `payload`: {"message": 7}."""

    def count(self, job: Job) -> int:
        message = _message_of(job)
        return audience_of(message).count if message else 0

    def rows(self, job: Job, after: Any, limit: int) -> Sequence[Row]:
        message = _message_of(job)
        if message is None:
            return []
        lane_id = lane_id_for(job.tenant_id)
        return [
            Row(each.pk, SEND, _subject(each), {"message": message.pk, "pass": each.pk}, lane_id)
            for each in islice(meant_after(message, after or 0), limit)
        ]

    def lane_id(self, job: Job) -> int | None:
        return lane_id_for(job.tenant_id)


def _message_of(job: Job) -> PassMessage | None:
    return PassMessage.objects.for_tenant(job.tenant_id).filter(pk=job.payload["message"]).first()


def send(work: Work) -> partial[Result]:
    """Handles `message.pass`."""
    return partial(_send, work.event)


def _send(event: Event) -> Result:
    messages = PassMessage.objects.for_tenant(event.tenant_id).select_related("tenant")
    message = messages.filter(pk=event.payload["message"]).first()
    passes = WalletPass.objects.for_tenant(event.tenant_id).select_related("customer", "template")
    wallet_pass = passes.filter(pk=event.payload["pass"], voided=False).first()
    if message is None or wallet_pass is None:
        return ledger.ignored(say("The message or the pass is no longer there."))
    if not event.payload.get("test") and (held := _held_back(message, wallet_pass, event)):
        return held
    update = update_of(message, wallet_pass)
    order(wallet_pass, update, cause=event, number=event.pk)
    return ledger.done(say("It is put on “%(template)s”.", template=wallet_pass.template))


def _held_back(message: PassMessage, wallet_pass: WalletPass, event: Event) -> Result | None:
    """Why the pass does not get it, or not yet. What it does get is counted."""
    if not is_meant(conditions_of(message), wallet_pass.customer.values):
        return ledger.ignored(say("The customer does not match any more."))
    limits, now = limits_of(message.tenant), timezone.now()
    if end := limits.quiet_end(now):
        return ledger.later(say("It waits for the end of the quiet hours."), end)
    if not (message.text and wallet_pass.template.carries_messages):  # nobody reads anything
        return None
    mine = MessageReceipt.objects.filter(customer=wallet_pass.customer_id)
    if mine.filter(message=message).exists():  # another card of the same customer
        return None
    received = mine.filter(sent_at__gt=now - WEEK).count()
    if limits.is_over(received):
        said = say_many("The customer had %(count)s message within a week.",
                        "The customer had %(count)s messages within a week.", count=received)  # fmt: skip
        return ledger.ignored(said)
    MessageReceipt.objects.create(
        tenant_id=message.tenant_id, message=message, customer=wallet_pass.customer, event=event
    )
    return None


def update_of(message: PassMessage, wallet_pass: WalletPass) -> Update:
    writes = tuple(Write(each.name, _typed(each.value)) for each in message.values.all())
    return Update(writes, text_for(message, wallet_pass.customer.language) or None)


def text_for(message: PassMessage, language: str) -> str:
    """In the customer's language, where there is a translation."""
    return next((each.text for each in message.texts.all() if each.language == language), message.text)


def _typed(value: str) -> Any:
    """Numbers as numbers, as passes.conditions knows them; an empty one is taken back."""
    found = number_in(value)
    if found is None:
        return value or None
    return int(found) if found == found.to_integral_value() else float(found)
