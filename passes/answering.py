"""Whether phones come after a push: what can be known, who did not come, and one push more.

Apple tells nobody whether a push arrived. What is known of a phone is when Apple accepted the push, and when the phone
was told what changed, because the call that asks names it. The call that fetches a pass names no phone: a fetch is a
phone's own where no other phone that holds the pass has asked since the change.
https://developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from passes.delivery import publish
from passes.models import AppleCredentials, Device, Registration, WalletPass
from passes.models.device import UNHEARD
from portal import ledger
from portal.durability import write_unhurried
from portal.ledger import Result, Work
from portal.models import Event
from portal.sentences import say_many

APPLE_REMIND = "apple.remind"
BATCH = 250
# A change is dated by whole seconds, and by one more where two fall into the same.
_ROUNDED = timedelta(seconds=2)


_DEVICE, _APPLE = Device._meta.db_table, AppleCredentials._meta.db_table
_ASKED = f"""
    UPDATE {_DEVICE} SET asked_at = %s, unheard_since = NULL, pushed_again = FALSE
    WHERE library_identifier = %s AND apple_id IN (SELECT id FROM {_APPLE} WHERE pass_type_identifier = %s)
    RETURNING id"""  # noqa: S608 - names only, no values


def asked(library_identifier: str, pass_type: str) -> None:
    """A phone was told what changed. Tenants of one pass type know it as a device each.

    One that asks in vain need not be noted: whoever has missed a change is told of it.
    """
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    write_unhurried(_ASKED, [now, library_identifier, pass_type])


def unheard() -> QuerySet[Device]:
    """Phones that missed a change so long ago, and that Apple took a push for since."""
    since = timezone.now() - timedelta(hours=settings.PUSH_ANSWER_HOURS)
    found: QuerySet[Device] = Device.objects.filter(UNHEARD, unheard_since__lt=since)
    return found if settings.PUSH_ANSWER_HOURS else found.none()


def remind(tenants: Sequence[int]) -> None:
    """Regularly: has those phones pushed once more. It looks at one index, which holds only them."""
    due = unheard().filter(tenant__in=tenants, pushed_again=False).order_by()
    for tenant_id in due.values_list("tenant_id", flat=True).distinct():
        ledger.record(
            tenant_id=tenant_id, lane_id=ledger.lane_id_for(tenant_id), kind=APPLE_REMIND,
            subject="phones:unheard", payload={}, source="portal",
        )  # fmt: skip


def remind_phones(work: Work) -> partial[Result]:
    """Handles `apple.remind`: one push more for each phone that has not come, and never a third."""
    return partial(_remind, work.event)


def _remind(event: Event) -> Result:
    due = unheard().filter(tenant=event.tenant_id, pushed_again=False).select_related("apple")
    phones = list(due.order_by("unheard_since")[:BATCH])
    Device.objects.filter(pk__in=[phone.pk for phone in phones]).update(pushed_again=True)
    for phone in phones:
        publish(phone, event)
    said = say_many("%(count)s phone is pushed once more.", "%(count)s phones are pushed once more.", count=len(phones))
    return ledger.later(said, timezone.now()) if len(phones) == BATCH else ledger.done(said)


@dataclass(frozen=True)
class Seen:
    """What is known of a phone and the present content. `shared`: one of several phones fetched it, this or another."""

    phone: Device
    added_at: datetime
    asked_at: datetime | None = None  # since the change
    fetched_at: datetime | None = None
    shared: bool = False
    shown_since: datetime | None = None
    unheard: bool = False


def seen(wallet_pass: WalletPass) -> list[Seen]:
    """The phones that hold the pass, the oldest first."""
    held = Registration.objects.filter(wallet_pass=wallet_pass).select_related("device").order_by("device")
    return judged(list(held), wallet_pass.changed_at, wallet_pass.fetched_at, timezone.now())


def judged(
    held: Sequence[Registration], changed_at: datetime | None, fetched_at: datetime | None, now: datetime
) -> list[Seen]:
    """Pure. `fetched_at`: when any phone first fetched the present content."""
    changed = changed_at or now
    came = {each.pk for each in held if _asked_since(each, changed)}
    return [_judged(each, changed, fetched_at if each.pk in came else None, len(came) > 1, now) for each in held]


def _asked_since(held: Registration, changed: datetime) -> datetime | None:
    """A phone that has missed no change has been told of this one, where it was there before."""
    at = held.device.asked_at
    told = held.device.unheard_since is None and at is not None and at >= changed - _ROUNDED
    return at if told and not _added_since(held, changed) else None


def _added_since(held: Registration, changed: datetime) -> bool:
    return held.created_at >= changed + _ROUNDED


def _judged(held: Registration, changed: datetime, fetched_at: datetime | None, shared: bool, now: datetime) -> Seen:
    own = None if shared else fetched_at
    # A phone that was given the card after the change was given the present content.
    shown_since = held.created_at if _added_since(held, changed) else own
    missed, pushed = held.device.unheard_since, held.device.pushed_at
    late = timedelta(hours=settings.PUSH_ANSWER_HOURS)
    return Seen(
        held.device,
        held.created_at,
        _asked_since(held, changed),
        fetched_at,
        shared,
        shown_since,
        bool(late and missed and pushed and missed <= pushed and missed < now - late),
    )
