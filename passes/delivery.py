"""DELIVERY: telling the wallets that a pass has new content. One push per device, however many passes changed."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from django.utils import timezone

from passes.apple import push
from passes.models import Device, WalletPass
from portal import ledger
from portal.ledger import Result, Work
from portal.models import Event

APPLE_PUSH = "apple.push"


def deliver(wallet_pass: WalletPass, *, cause: Event) -> None:
    """Publishes one push per device that holds the pass. Part of the transaction that stored the content."""
    for device in Device.objects.filter(registrations__wallet_pass=wallet_pass).select_related("apple"):
        ledger.publish(
            APPLE_PUSH,
            cause=cause,
            subject=f"device:{device.pk}",
            payload={"device": device.pk},
            lane_id=device.apple.lane_id,
        )


def push_device(work: Work) -> Result | partial[Result]:
    """Handles `apple.push`: wakes one phone, which then asks what changed."""
    device = Device.objects.select_related("apple").filter(pk=work.event.payload["device"]).first()
    if device is None:
        return ledger.ignored("The phone no longer holds a pass.")
    answer = push.send(device.apple, device.push_token, trail=work.trail)
    if answer.gone:
        return partial(_forget, device.pk, device.push_token, answer.gone_since)
    return partial(_pushed, device.pk)


def _pushed(device_id: int) -> Result:
    Device.objects.filter(pk=device_id).update(pushed_at=timezone.now())
    return ledger.done("Apple accepted the push.")


def _forget(device_id: int, push_token: str, gone_since: datetime | None) -> Result:
    """Drops the device, unless it has given a token after Apple saw the old one go."""
    gone = Device.objects.filter(pk=device_id, push_token=push_token, token_at__lte=gone_since or datetime.now(UTC))
    if gone.delete()[0]:
        return ledger.done("Apple says that this phone no longer holds the pass. Its registrations were removed.")
    return ledger.ignored("The phone has registered again meanwhile.")
