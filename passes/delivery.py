"""DELIVERY: telling the wallets that a pass has new content. One push per device, however many passes changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from django.db.models import Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from passes.apple import push
from passes.apple.answers import PushAnswer, WrongTopic
from passes.happenings import PASS_REMOVED, announce
from passes.models import Device, GoogleObject, Registration, WalletPass
from portal import ledger
from portal.http import ApiError
from portal.ledger import Result, Work
from portal.ledger.failure import Decision
from portal.models import Event
from portal.sentences import say

# Google's is handled in passes.google.delivery.
APPLE_PUSH, GOOGLE_PASS = "apple.push", "google.pass"
TAKEN_LATELY = timedelta(days=1)


def deliver(wallet_pass: WalletPass, *, cause: Event) -> None:
    """Publishes one push per iPhone that holds the pass, and the pass itself where Google has it.

    Part of the transaction that stored the content.
    """
    _deliver_to_google(wallet_pass, cause)
    holders = Device.objects.filter(registrations__wallet_pass=wallet_pass)
    holders.update(unheard_since=Coalesce("unheard_since", Value(timezone.now())))
    devices = holders.select_related("apple").order_by("token_at")
    # A phone may have registered under several identifiers; its push token tells, and the newest row stands for it.
    for device in {(device.apple_id, device.push_token): device for device in devices}.values():
        publish(device, cause)


def _deliver_to_google(wallet_pass: WalletPass, cause: Event) -> None:
    """On the lane of the issuer that has it: another one that the template names now is found by the handler."""
    held = GoogleObject.objects.filter(wallet_pass=wallet_pass).select_related("issuer").first()
    if held is not None:
        ledger.publish(
            GOOGLE_PASS,
            cause=cause,
            subject=held.subject,
            payload={"pass": wallet_pass.pk},
            lane_id=held.issuer.lane_id,
        )


def publish(device: Device, cause: Event) -> None:
    """One push for one phone."""
    ledger.publish(
        APPLE_PUSH,
        cause=cause,
        subject=f"device:{device.pk}",
        payload={"device": device.pk},
        lane_id=device.apple.lane_id,
    )


def push_device(work: Work) -> Result | partial[Result]:
    """Handles `apple.push`: wakes one phone, which then asks what changed."""
    devices = Device.objects.for_tenant(work.event.tenant_id).select_related("apple")
    device = devices.filter(pk=work.event.payload["device"]).first()
    if device is None:
        return ledger.ignored(say("The phone no longer holds a pass."))
    answer = _send(device, work)
    if answer.gone:
        return partial(_forget, device.pk, device.push_token, answer.gone_since, work.event)
    return partial(_pushed, device.pk)


def _send(device: Device, work: Work) -> PushAnswer:
    """Raises ApiError. A token of another topic is this phone's own fault where Apple takes those of others.

    A phone gives the token itself, so one stranger must not stop the pushes of a pass type.
    """
    try:
        return push.send(device.apple, device.push_token, trail=work.trail)
    except WrongTopic as problem:
        others = Device.objects.filter(apple=device.apple, pushed_at__gte=timezone.now() - TAKEN_LATELY)
        if others.exclude(pk=device.pk).exists():
            raise ApiError(problem.sentence, Decision.DEAD, status=problem.status) from problem
        raise


def _pushed(device_id: int) -> Result:
    Device.objects.filter(pk=device_id).update(pushed_at=timezone.now())
    return ledger.done(say("Apple accepted the push."))


def _forget(device_id: int, push_token: str, gone_since: datetime | None, event: Event) -> Result:
    """Drops the device, unless it has given a token after Apple saw the old one go."""
    # Locked, because the phone may be registering again this very moment.
    device = Device.objects.select_for_update(of=("self",)).select_related("apple").filter(pk=device_id).first()
    if device is None:
        return ledger.ignored(say("The phone no longer holds a pass."))
    if device.push_token != push_token:
        publish(device, event)
        return ledger.done(
            say("Apple no longer knows the token, but the phone has given a new one: it is pushed again.")
        )
    if gone_since and device.token_at > gone_since:
        return ledger.ignored(say("Apple saw this token go before the phone registered with it again."))
    held = Registration.objects.filter(device=device).select_related("wallet_pass")
    passes = [each.wallet_pass for each in held if not _held_otherwise(each)]
    device.delete()
    for wallet_pass in passes:
        announce(PASS_REMOVED, wallet_pass, say("Apple says that an iPhone no longer holds the pass."), cause=event,
                 wallet="apple")  # fmt: skip
    return ledger.done(say("Apple says that this phone no longer holds the pass. Its registrations were removed."))


def _held_otherwise(registration: Registration) -> bool:
    """Whether the same phone has it under another identifier: then nothing was removed."""
    others = Registration.objects.filter(wallet_pass=registration.wallet_pass).exclude(pk=registration.pk)
    return others.filter(device__push_token=registration.device.push_token).exists()
