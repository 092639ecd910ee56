"""One flow in both wallets: a card is added, changes, moves, becomes void, and its owner is erased.

The phones are virtual and share no code with the product; they meet the portal over real sockets.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
import requests
from django.db import transaction

from passes.apple.sandbox import AppleSandbox
from passes.google.sandbox import GoogleSandbox
from passes.links import link
from passes.models import AppleCredentials, GoogleObject, PassTemplate, WalletPass
from passes.wallets import state_of
from portal import erasure
from portal.models import Customer, Event
from tests import factories as make
from tests.passes import world as passes
from tests.passes.apple.conftest import apple  # noqa: F401 - a fixture
from tests.passes.apple.test_sandbox_kit import wait_until
from tests.passes.google import world
from tests.passes.google.conftest import google, portal  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db(transaction=True)

RANK = ("primary", "rank", "Rank", "{{ tier }}", "")


class Wallet(Protocol):
    """A phone with a card in it."""

    name: str

    def add(self, held: WalletPass) -> None: ...

    def text(self, held: WalletPass) -> str:
        """All that the card shows, or could."""

    def valid(self, held: WalletPass) -> bool: ...

    def told(self) -> list[str]:
        """The lines on the lock screen."""


@dataclass
class InApple:
    apple: AppleSandbox
    name: str = "apple"

    def add(self, held: WalletPass) -> None:
        AppleCredentials.objects.update(apns_url=self.apple.apns.url)
        self.apple.phone("anna").add(f"{link(held)}/apple")

    def text(self, held: WalletPass) -> str:
        return json.dumps(self._document())

    def valid(self, held: WalletPass) -> bool:
        return not self._document().get("voided")

    def told(self) -> list[str]:
        return [each["text"] for each in self.apple.phone("anna").screen]

    def _document(self) -> dict[str, Any]:
        [card] = self.apple.phone("anna").passes.values()
        return dict(card["document"])


@dataclass
class InGoogle:
    google: GoogleSandbox
    name: str = "google"

    def add(self, held: WalletPass) -> None:
        world.added(self.google, held)

    def text(self, held: WalletPass) -> str:
        body = world.body(self.google, held)
        return json.dumps([body, self.google.store.resources["loyaltyClass"][body["classId"]]])

    def valid(self, held: WalletPass) -> bool:
        [card] = self.google.phone("anna").cards()
        assert card
        return world.body(self.google, held)["state"].upper() == "ACTIVE"

    def told(self) -> list[str]:
        return [f"{each['title']} {each['text']}" for each in self.google.phone("anna").screen]


@pytest.fixture(params=["apple", "google"])
def wallet(request: pytest.FixtureRequest, apple: AppleSandbox, google: GoogleSandbox, portal: str) -> Wallet:  # noqa: F811
    return InApple(apple) if request.param == "apple" else InGoogle(google)


@pytest.fixture
def held(google: GoogleSandbox, portal: str) -> WalletPass:  # noqa: F811
    return world.wallet_pass(world.issuer(google))


@pytest.fixture
def added(wallet: Wallet, held: WalletPass) -> WalletPass:
    wallet.add(held)
    return held


def test_a_card_is_added(wallet: Wallet, added: WalletPass) -> None:
    assert "Anna Peeters" in wallet.text(added)
    assert wallet.valid(added)
    assert state_of(added.customer).status == wallet.name
    assert Event.objects.filter(kind="pass.installed").count() == 1


def test_a_change_arrives_and_is_told(wallet: Wallet, added: WalletPass) -> None:
    passes.change(added.customer, tier="Gold")
    world.work()
    wait_until(lambda: "Gold" in wallet.text(added))
    wait_until(wallet.told)
    assert "Silver" not in wallet.text(added)
    assert "Gold" in wallet.told()[-1]


def test_a_void_card_stays_and_is_no_longer_valid(wallet: Wallet, added: WalletPass) -> None:
    world.voided(added)
    world.work()
    wait_until(lambda: not wallet.valid(added))
    assert "Anna Peeters" in wallet.text(added)
    assert state_of(added.customer).status == "none"


def test_a_card_moves_to_another_template_and_stays(wallet: Wallet, added: WalletPass) -> None:
    other = _other_template(added)
    world.moved(added, other)
    world.work()
    wait_until(lambda: "Rank" in wallet.text(added))
    assert wallet.valid(added)
    assert "Tier" not in wallet.text(added)


def test_who_is_erased_leaves_an_empty_void_card(wallet: Wallet, added: WalletPass) -> None:
    before, told = wallet.text(added), wallet.told()
    for mark in ("Anna", "Peeters", "Silver"):
        assert mark in before
    erase(added.customer)
    wait_until(lambda: not wallet.valid(added))
    for mark in ("Anna", "Peeters", "Silver", "C-1"):
        assert mark not in wallet.text(added)
    assert wallet.told() == told
    assert "Example Coffee" in wallet.text(added)
    row = GoogleObject.objects.filter(wallet_pass=added).first()
    assert "Anna" not in json.dumps([row.sent, row.told] if row else [])


def test_google_forgets_a_card_that_its_template_no_longer_gives(google: GoogleSandbox, held: WalletPass) -> None:  # noqa: F811
    """The card was on its way out when its owner was erased."""
    world.added(google, held)
    PassTemplate.objects.update(google=None)
    erase(held.customer)
    body = world.body(google, held)
    assert body["state"].upper() == "INACTIVE"
    assert "Anna" not in json.dumps(body)


def test_a_card_whose_change_google_never_got_is_emptied_all_the_same(google: GoogleSandbox, held: WalletPass) -> None:  # noqa: F811
    """What waited for Google ends with the erasure; the empty card is sent in its place."""
    world.added(google, held)
    passes.change(held.customer, tier="Platinum")
    Event.objects.filter(kind="google.pass", status="waiting").update(status="failed")
    erase(held.customer)
    assert "Platinum" not in json.dumps(world.body(google, held))
    assert not Event.objects.filter(status="failed").exists()


def test_a_phone_that_asks_later_is_given_the_empty_card(apple: AppleSandbox, held: WalletPass) -> None:  # noqa: F811
    """One that was off for weeks, or that never registered: the protocol goes on."""
    erase(held.customer)
    assert held.template.apple
    kind = held.template.apple.pass_type_identifier
    answer = requests.get(
        f"{link(held).partition('/p/')[0]}/wallet/apple/v1/passes/{kind}/{held.serial_number}",
        headers={"Authorization": f"ApplePass {held.authentication_token}"}, timeout=10,
    )  # fmt: skip
    assert answer.status_code == 200
    document = passes.document(answer.content)
    assert document["voided"] is True
    assert "Anna" not in json.dumps(document)


def erase(customer: Customer) -> None:
    with transaction.atomic():
        erasure.erase(customer, make.UserFactory.make())
    world.work()


def _other_template(held: WalletPass) -> PassTemplate:
    account = held.template.google
    assert account
    return world.template(account, name="Rank card", apple=held.template.apple, fields=(RANK, passes.NAME))
