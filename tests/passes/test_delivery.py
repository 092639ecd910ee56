from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from passes import delivery
from passes.apple import push
from passes.apple.answers import PushAnswer, WrongTopic
from passes.models import Device, Registration, WalletPass
from portal import ledger
from portal.http import ApiError
from portal.ledger import Work
from portal.ledger.failure import Decision
from portal.models import Event, Lane
from tests.passes import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def held() -> WalletPass:
    made = world.wallet_pass()
    device = Device.objects.create(
        tenant=made.tenant, apple=made.template.apple, library_identifier="device-1", push_token=world.PUSH_TOKEN,
        token_at=timezone.now() - timedelta(days=1),
    )  # fmt: skip
    Registration.objects.create(device=device, wallet_pass=made)
    return made


def answered(monkeypatch: pytest.MonkeyPatch, answer: Any) -> list[str]:
    """Apple answers so from now on; gives the tokens that are pushed."""
    tokens: list[str] = []

    def send(apple: Any, push_token: str, *, trail: Any) -> PushAnswer:
        tokens.append(push_token)
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    monkeypatch.setattr(push, "send", send)
    return tokens


def deliver(held: WalletPass, points: int = 11) -> Event:
    """A change of the pass, and the push that follows, as a worker does it."""
    world.change(held.customer, points=points)
    Event.objects.exclude(kind="apple.push").delete()
    [event] = ledger.claim(1, "test")
    ledger.run(event)
    event.refresh_from_db()
    return event


def test_a_push_that_apple_takes_is_done(held: WalletPass, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answered(monkeypatch, PushAnswer()) == []

    event = deliver(held)

    assert (event.status, event.outcome) == ("done", "Apple accepted the push.")
    assert Device.objects.get().pushed_at


@pytest.mark.parametrize("gone_since", [None, datetime.now(UTC)])
def test_a_phone_that_is_gone_is_dropped_with_its_registrations(
    held: WalletPass, monkeypatch: pytest.MonkeyPatch, gone_since: datetime | None
) -> None:
    answered(monkeypatch, PushAnswer(gone=True, gone_since=gone_since))

    assert deliver(held).status == "done"
    assert (Device.objects.count(), Registration.objects.count()) == (0, 0)
    assert WalletPass.objects.count() == 1


def test_a_phone_that_registered_after_apple_saw_its_token_go_is_kept(
    held: WalletPass, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(monkeypatch, PushAnswer(gone=True, gone_since=datetime.now(UTC) - timedelta(days=2)))

    assert deliver(held).status == "ignored"
    assert Registration.objects.count() == 1


def test_a_phone_that_gave_a_new_token_meanwhile_is_kept_and_pushed_again(
    held: WalletPass, monkeypatch: pytest.MonkeyPatch
) -> None:
    def registers_meanwhile() -> PushAnswer:
        Device.objects.update(push_token="cd" * 32, token_at=timezone.now())
        return PushAnswer(gone=True)

    answered(monkeypatch, registers_meanwhile)
    assert deliver(held).status == "done"

    tokens = answered(monkeypatch, PushAnswer())
    [again] = ledger.claim(1, "test")
    ledger.run(again)

    assert tokens == ["cd" * 32]
    assert Registration.objects.count() == 1


def test_a_phone_that_left_before_the_push_is_no_error(held: WalletPass, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = answered(monkeypatch, PushAnswer())
    world.change(held.customer, points=11)
    [event] = world.pushes()
    Device.objects.all().delete()

    result = delivery.push_device(Work(event, world.SilentTrail()))

    assert result == ledger.ignored("The phone no longer holds a pass.")
    assert tokens == []


def test_a_push_never_reaches_another_tenants_phone(held: WalletPass, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = answered(monkeypatch, PushAnswer())
    event = world.cause(world.tenant("other"), device=Device.objects.get().pk)

    delivery.push_device(Work(event, world.SilentTrail()))

    assert tokens == []


def test_a_certificate_that_apple_refuses_pauses_its_pass_type_and_drops_nobody(
    held: WalletPass, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(monkeypatch, ApiError("Apple push answered 403.", Decision.PAUSE, status=403))

    event = deliver(held)

    assert event.status == "waiting"
    lane = Lane.objects.get(pk=held.template.apple.lane_id)
    assert lane.pause_reason == "Apple push answered 403."
    assert Registration.objects.count() == 1


def test_a_token_of_another_app_stops_all_pushes_only_while_apple_takes_none(
    held: WalletPass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any phone may give any token: one alone must not silence the others."""
    answered(monkeypatch, WrongTopic("Apple push answered 400.", Decision.PAUSE, status=400))
    lane = Lane.objects.get(pk=held.template.apple.lane_id)
    Device.objects.create(
        tenant=held.tenant, apple=held.template.apple, library_identifier="device-2", push_token="cd" * 32,
        token_at=timezone.now(), pushed_at=timezone.now() - timedelta(hours=1),
    )  # fmt: skip

    assert deliver(held).status == "failed"
    lane.refresh_from_db()
    assert lane.paused_at is None

    Device.objects.update(pushed_at=timezone.now() - timedelta(days=2))
    assert deliver(held, points=12).status == "waiting"
    lane.refresh_from_db()
    assert lane.pause_reason == "Apple push answered 400."
    assert Registration.objects.count() == 1
