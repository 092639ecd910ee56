"""In which wallets a customer has a valid pass, and what happened there last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from passes.apple.answers import PushAnswer
from passes.models import WalletPass
from passes.voiding import revive_all, void_all
from passes.wallets import APPLE, GOOGLE, state_of, status_of
from portal.models import Event
from tests.passes import world

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("wallets", "status"), [([], "none"), ([APPLE], "apple"), ([GOOGLE], "google"), ([GOOGLE, APPLE], "both")]
)
def test_the_status_names_the_wallets(wallets: list[str], status: str) -> None:
    assert status_of(wallets) == status


def test_a_pass_is_issued_installed_and_removed() -> None:
    card = world.wallet_pass()
    assert (state_of(card.customer).status, state_of(card.customer).event) == ("none", "issued")
    first, second = world.Phone(), world.Phone("device-2", "cd" * 32)
    first.register(card)
    since = state_of(card.customer).since
    second.register(card)
    assert (state_of(card.customer).status, state_of(card.customer).event) == ("apple", "installed")
    assert state_of(card.customer).since == since
    first.unregister(card)
    assert (state_of(card.customer).status, state_of(card.customer).event) == ("apple", "removed")
    second.unregister(card)
    assert (state_of(card.customer).status, state_of(card.customer).since) == ("none", {})


def test_a_phone_that_apple_no_longer_knows_has_removed_its_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    card = world.wallet_pass()
    world.Phone().register(card)
    world.change(card.customer, points=11)
    gone = PushAnswer(gone=True, gone_since=datetime.now(UTC) + timedelta(minutes=1))
    monkeypatch.setattr("passes.apple.push.send", lambda *_, **__: gone)
    world.work()
    assert (state_of(card.customer).status, state_of(card.customer).event) == ("none", "removed")
    assert world.news("pass.removed") == 1


def test_what_happened_too_long_ago_is_not_made_up(settings: Settings) -> None:
    card = world.wallet_pass()
    world.Phone().register(card)
    Event.objects.filter(kind="pass.installed").delete()
    assert state_of(card.customer).event == "installed"  # a registration tells it, too
    card.registrations.all().delete()
    old = timezone.now() - timedelta(days=settings.RETENTION_EVENTS_DAYS + 1)
    WalletPass.objects.update(created_at=old)
    assert (state_of(card.customer).event, state_of(card.customer).at) == ("", None)
    settings.RETENTION_EVENTS_DAYS = 0  # kept for good: nothing else can have happened
    assert state_of(card.customer).event == "issued"


def test_passes_of_a_customer_who_is_gone_are_void_until_they_come_back() -> None:
    card = world.wallet_pass()
    other = world.wallet_pass(world.template(name="Second card"), card.customer)
    WalletPass.objects.filter(pk=other.pk).update(voided=True)  # by hand, for a reason of its own
    world.Phone().register(card)
    cause = world.cause()
    assert void_all(card.customer, cause=cause) == 1
    card.refresh_from_db()
    assert (card.voided, card.content["voided"]) == (True, True)
    assert state_of(card.customer).status == "none"
    assert len(world.pushes()) == 1

    assert revive_all(card.customer, cause=cause) == 1
    card.refresh_from_db()
    other.refresh_from_db()
    assert (card.voided, card.content["voided"], other.voided) == (False, False, True)
    assert (state_of(card.customer).status, state_of(card.customer).event) == ("apple", "revived")
