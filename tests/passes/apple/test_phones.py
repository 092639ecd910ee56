"""Virtual iPhones, which share no code with the product, against the web service over real sockets."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from passes import answering
from passes.apple.sandbox import AppleSandbox, VirtualIPhone
from passes.links import link, link_to_get
from passes.models import AppleCredentials, Device, PassTemplate, Registration, WalletPass
from passes.update import Update, arrive
from passes.values import Write
from portal.models import Attempt, Event
from tests.passes import world
from tests.passes.apple.test_sandbox_kit import wait_until
from tests.passes.world import work

pytestmark = pytest.mark.django_db(transaction=True)


def card(apple: AppleSandbox, name: str = "Loyalty card", owner: str = "brand", **values: Any) -> WalletPass:
    design = world.template(world.tenant(owner), name=name)
    AppleCredentials.objects.update(apns_url=apple.apns.url)
    return world.wallet_pass(design, world.customer(design.tenant, **values))


def points(phone: VirtualIPhone) -> list[int]:
    return sorted(each["document"]["storeCard"]["headerFields"][0]["value"] for each in phone.passes.values())


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "device log" in record.getMessage()]


def test_a_change_reaches_the_lock_screen(apple: AppleSandbox, caplog: pytest.LogCaptureFixture) -> None:
    held, phone = card(apple), apple.phone("anna")
    phone.add(f"{link(held)}/apple")
    assert [each["registered"] for each in phone.passes.values()] == [True]

    world.change(held.customer, points=60)

    assert work() == ["Apple accepted the push."]
    wait_until(lambda: phone.screen)
    assert [entry["text"] for entry in phone.screen] == ["You now have 60 points"]
    wait_until(lambda: Event.objects.filter(kind="pass.fetched").exists())
    assert [attempt.status for attempt in Attempt.objects.all()] == [200]
    held.refresh_from_db()
    [seen] = answering.seen(held)
    assert (seen.shown_since, seen.unheard) == (held.fetched_at, False)
    assert phone.notices == ["accepted http because this is a sandbox"]
    assert logged(caplog) == []


def test_a_customer_gets_a_card_through_their_link(apple: AppleSandbox) -> None:
    design = world.template(issue=PassTemplate.Issue.LINK)
    AppleCredentials.objects.update(apns_url=apple.apns.url)
    address, browser = link_to_get(design, world.customer(design.tenant)), requests.Session()
    browser.get(address)
    assert not WalletPass.objects.exists()

    page = browser.post(address)
    phone = apple.phone("anna")
    phone.add(f"{page.url}/apple")

    held = WalletPass.objects.get()
    assert page.url == browser.get(address).url == link(held)
    assert [each["registered"] for each in phone.passes.values()] == [True]
    world.change(held.customer, points=60)
    assert work() == ["Apple accepted the push."]
    wait_until(lambda: points(phone) == [60])


def test_two_changes_within_one_second_are_both_fetched(apple: AppleSandbox, caplog: pytest.LogCaptureFixture) -> None:
    held, phone = card(apple), apple.phone("anna")
    phone.add(f"{link(held)}/apple")

    for value in (60, 70):
        world.change(held.customer, points=value)
        phone.refresh()

    assert [entry["text"] for entry in phone.screen] == ["You now have 60 points", "You now have 70 points"]
    phone.refresh()
    assert logged(caplog) == []


def put(held: WalletPass, *, silent: bool, **values: Any) -> None:
    """A change by API, as a worker carries it out."""
    update = Update(tuple(Write(name, value) for name, value in values.items()), silent=silent)
    arrive(held, update, source="test", source_id=None, body_hash="")
    work()


def test_a_silent_update_changes_the_card_and_says_nothing(
    apple: AppleSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    held, phone = card(apple), apple.phone("anna")
    phone.add(f"{link(held)}/apple")

    put(held, silent=True, points=60)
    wait_until(lambda: points(phone) == [60])
    phone.refresh()
    assert phone.screen == []

    put(held, silent=False, points=70)
    wait_until(lambda: phone.screen)
    assert [entry["text"] for entry in phone.screen] == ["You now have 70 points"]
    assert logged(caplog) == []


def test_a_phone_that_was_off_hears_what_was_loud_and_nothing_else(apple: AppleSandbox) -> None:
    held, phone = card(apple), apple.phone("anna")
    phone.add(f"{link(held)}/apple")
    apple.apns.on_push = None

    put(held, silent=False, points=60)
    put(held, silent=True, points=70)
    phone.refresh()
    put(held, silent=True, points=80)
    phone.refresh()

    assert points(phone) == [80]
    assert [entry["text"] for entry in phone.screen] == ["You now have 70 points"]


def test_a_phone_with_cards_of_two_tenants_of_one_pass_type_gets_both(apple: AppleSandbox) -> None:
    passes = [card(apple, owner=owner) for owner in ("brand", "outlet")]
    phone, other = apple.phone("anna"), apple.phone("bram")
    for held in passes:
        phone.add(f"{link(held)}/apple")
    other.add(f"{link(card(apple, name='Other', owner='outlet'))}/apple")

    for number, held in enumerate(passes):
        world.change(held.customer, points=100 + number)
    phone.refresh()
    other.refresh()

    assert points(phone) == [100, 101]
    assert points(other) == [10]


def test_a_removed_card_is_unregistered(apple: AppleSandbox) -> None:
    held, phone = card(apple), apple.phone("anna")
    serial = phone.add(f"{link(held)}/apple")

    phone.remove(serial)

    assert (Registration.objects.count(), Device.objects.count()) == (0, 0)
    world.change(held.customer, points=60)
    assert work() == []


def test_a_lost_phone_is_forgotten_at_the_next_push(apple: AppleSandbox) -> None:
    held = card(apple)
    apple.phone("anna").add(f"{link(held)}/apple")
    apple.phone("bram").add(f"{link(held)}/apple")
    apple.wipe("anna")

    world.change(held.customer, points=60)

    assert sorted(work()) == [
        "Apple accepted the push.",
        "Apple says that this phone no longer holds the pass. Its registrations were removed.",
    ]
    assert [row.push_token for row in Device.objects.all()] == [apple.phone("bram").push_token]


def test_a_phone_reads_its_owners_language(apple: AppleSandbox) -> None:
    held = card(apple)
    for language, translation in (("nl", "U hebt nu %@ punten"), ("fr", "Vous avez maintenant %@ points")):
        held.template.texts.create(language=language, text="You now have %@ points", translation=translation)
    world.republish(held)
    phones = {language: apple.phone(language) for language in ("en", "fr", "nl")}
    for language, phone in phones.items():
        phone.language = language
        phone.add(f"{link(held)}/apple")

    world.change(held.customer, points=60)
    for phone in phones.values():
        phone.refresh()

    assert {language: [entry["text"] for entry in phone.screen] for language, phone in phones.items()} == {
        "en": ["You now have 60 points"],
        "fr": ["Vous avez maintenant 60 points"],
        "nl": ["U hebt nu 60 punten"],
    }


def test_a_voided_card_says_so_on_the_phone(apple: AppleSandbox) -> None:
    held, phone = card(apple), apple.phone("anna")
    phone.add(f"{link(held)}/apple")
    WalletPass.objects.update(voided=True)

    world.change(held.customer)
    phone.refresh()

    assert [each["voided"] for each in phone.summary()["passes"]] == [True]
