"""A pass at Google: its class first, then the object; only what changed is sent, and the last change wins."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from passes.google.sandbox import GoogleSandbox
from passes.links import token_of
from passes.models import GoogleClass, GoogleIssuer, GoogleNotification, GoogleObject, WalletPass
from portal.models import Attempt, Event, Lane
from portal.sandbox import Fault
from tests.passes import world as passes
from tests.passes.google import world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def issuer(google: GoogleSandbox, portal: str) -> GoogleIssuer:
    return world.issuer(google)


def calls(kind: str = "google.pass") -> list[str]:
    """Method and path of the calls of the Wallet API, without tokens."""
    found = Attempt.objects.filter(event__kind=kind, target="Google Wallet").order_by("pk")
    return [f"{each.method} {each.url.rpartition('/v1/')[2]}" for each in found]


def test_nothing_goes_to_google_until_its_owner_asks(google: GoogleSandbox, issuer: GoogleIssuer) -> None:
    held = world.wallet_pass(issuer)
    passes.change(held.customer, points=20)
    assert not Event.objects.filter(kind="google.pass").exists()
    assert google.store.resources["loyaltyObject"] == {}


def test_who_asks_is_led_on_as_soon_as_google_has_the_pass(google: GoogleSandbox, issuer: GoogleIssuer) -> None:
    held, browser = world.wallet_pass(issuer), Client()
    address = f"/p/{token_of(held)}/google"
    waiting = browser.get(address)
    assert (waiting.status_code, waiting["Refresh"]) == (200, f"1; url={address}?tried=1")
    assert browser.get(waiting["Refresh"].partition("url=")[2])["Refresh"].endswith("tried=2")
    said = world.work()
    assert "Google has the pass." in said
    assert Event.objects.filter(kind="google.pass").count() == 1
    leads = browser.get(address)
    assert leads.status_code == 302
    assert leads["Location"].startswith(f"{google.save_url}/")
    assert len(leads["Location"]) < 1800
    row = GoogleObject.objects.get(wallet_pass=held)
    assert row.object_id == f"{issuer.issuer_id}.{held.serial_number.hex}"
    assert world.body(google, held)["classId"] == row.class_id


def test_nobody_waits_for_ever(issuer: GoogleIssuer) -> None:
    held = world.wallet_pass(issuer)
    assert Client().get(f"/p/{token_of(held)}/google?tried=15").status_code == 409


def test_a_pass_of_a_template_for_apple_alone_leads_nowhere(issuer: GoogleIssuer) -> None:
    held = world.wallet_pass(issuer)
    held.template.google = None
    held.template.save()
    assert Client().get(f"/p/{token_of(held)}/google").status_code == 409
    assert not GoogleObject.objects.exists()


def test_the_class_is_sent_once_for_all_its_passes(google: GoogleSandbox, issuer: GoogleIssuer) -> None:
    first = world.wallet_pass(issuer)
    second = passes.wallet_pass(first.template, passes.customer(issuer.tenant, tier="Silver"))
    world.asked(first)
    world.asked(second)
    assert calls("google.class") == ["POST loyaltyClass"]
    assert GoogleClass.objects.count() == 1
    assert len(google.store.resources["loyaltyObject"]) == 2


def test_only_what_changed_is_sent(google: GoogleSandbox, issuer: GoogleIssuer) -> None:
    held = world.wallet_pass(issuer)
    world.asked(held)
    passes.change(held.customer, tier="Gold")
    assert "Google has the new content." in world.work()
    assert calls()[-1].startswith("PATCH loyaltyObject/")
    sent = Attempt.objects.filter(event__kind="google.pass").latest("pk").request_excerpt
    assert "Gold" in sent
    assert "barcode" not in sent
    assert "Gold" in str(world.body(google, held))


def test_content_that_google_has_is_not_sent_again(google: GoogleSandbox, issuer: GoogleIssuer) -> None:
    held = world.wallet_pass(issuer)
    world.asked(held)
    before = len(calls())
    Event.objects.filter(kind="google.pass").update(status="waiting", attempts=0)
    assert world.work() == ["Google has this content already."]
    assert len(calls()) == before


def test_a_void_pass_is_inactive(google: GoogleSandbox, issuer: GoogleIssuer) -> None:
    held = world.wallet_pass(issuer)
    world.asked(held)
    world.voided(held)
    world.work()
    assert world.body(google, held)["state"].upper() == "INACTIVE"


def test_what_exists_already_is_taken_over(google: GoogleSandbox, issuer: GoogleIssuer) -> None:
    """As after a restore of an older backup, or from another vendor under the same issuer."""
    held = world.wallet_pass(issuer)
    world.asked(held)
    world.body(google, held)["accountName"] = "Of the other vendor"
    GoogleObject.objects.all().delete()
    GoogleClass.objects.all().delete()
    world.asked(held)
    assert calls()[-2:] == ["POST loyaltyObject", f"PATCH loyaltyObject/{issuer.issuer_id}.{held.serial_number.hex}"]
    assert "accountName" not in world.body(google, held)


def test_an_object_and_a_class_that_google_lost_are_made_again(google: GoogleSandbox, issuer: GoogleIssuer) -> None:
    held = world.wallet_pass(issuer)
    world.asked(held)
    google.store.resources["loyaltyObject"].clear()
    google.store.resources["loyaltyClass"].clear()
    passes.change(held.customer, tier="Gold")
    world.work()
    assert "Gold" in str(world.body(google, held))
    assert len(google.store.resources["loyaltyClass"]) == 1


def test_a_new_design_renews_the_class_and_an_older_pass_does_not_bring_it_back(
    google: GoogleSandbox, issuer: GoogleIssuer
) -> None:
    first = world.wallet_pass(issuer)
    second = passes.wallet_pass(first.template, passes.customer(issuer.tenant, tier="Silver"))
    world.asked(first)
    world.asked(second)
    first.template.background_colour = "#AA0000"
    first.template.save()
    passes.published(first.template)
    passes.change(first.customer, points=11)
    world.work()
    (class_,) = google.store.resources["loyaltyClass"].values()
    assert class_["hexBackgroundColor"] == "#AA0000"
    row = GoogleObject.objects.get(wallet_pass=second)
    row.sent_hash = ""
    row.save()
    Event.objects.filter(kind="google.pass", subject=row.subject).update(status="waiting", attempts=0)
    world.work()
    assert class_["hexBackgroundColor"] == "#AA0000"


class TestMoving:
    """To another template: the same object where Google allows it, else another one."""

    def move(self, held: WalletPass, **changes: Any) -> None:
        account = held.template.google
        assert account
        other = world.template(account, name="Gold card", logo_text="Gold", apple=held.template.apple, **changes)
        world.moved(held, other)
        world.work()

    def test_within_a_type_it_changes_its_class(self, google: GoogleSandbox, issuer: GoogleIssuer) -> None:
        held = world.wallet_pass(issuer)
        before = world.asked(held)
        self.move(held)
        row = GoogleObject.objects.get(wallet_pass=held)
        assert row.object_id == before.object_id
        assert world.body(google, row)["classId"] == row.class_id != before.class_id

    def test_where_google_refuses_that_it_becomes_another_object(
        self, google: GoogleSandbox, issuer: GoogleIssuer
    ) -> None:
        google.switches.class_change = False
        held = world.wallet_pass(issuer)
        before = world.asked(held)
        self.move(held)
        row = GoogleObject.objects.get(wallet_pass=held)
        assert row.object_id == f"{before.object_id}-2"
        assert world.body(google, before)["state"].upper() == "INACTIVE"
        assert world.body(google, row)["state"].upper() == "ACTIVE"

    def test_to_another_kind_it_becomes_another_object(self, google: GoogleSandbox, issuer: GoogleIssuer) -> None:
        held = world.wallet_pass(issuer)
        before = world.asked(held)
        self.move(held, kind="offer")
        row = GoogleObject.objects.get(wallet_pass=held)
        assert (row.type, row.object_id) == ("offer", f"{before.object_id}-2")
        assert world.body(google, before)["state"].upper() == "INACTIVE"
        assert world.body(google, row)["state"].upper() == "ACTIVE"

    def test_a_template_that_leaves_google_takes_its_cards_along(
        self, google: GoogleSandbox, issuer: GoogleIssuer
    ) -> None:
        held = world.wallet_pass(issuer)
        before = world.asked(held)
        held.template.google = None
        held.template.save()
        passes.change(held.customer, points=99)
        assert "The template is not for Google Wallet any more." in world.work()
        assert world.body(google, before)["state"].upper() == "INACTIVE"


class TestTelling:
    """Google's own notification where it has one, a message otherwise, three of each in 24 hours."""

    def test_points_are_told_by_google_and_a_tier_by_a_message(
        self, google: GoogleSandbox, issuer: GoogleIssuer
    ) -> None:
        held = world.wallet_pass(
            issuer, fields=(("header", "points", "Points", "{{ points }}", "You have %@"), world.TIER)
        )
        phone = world.added(google, held)
        passes.change(held.customer, tier="Gold")
        world.work()
        assert [each["text"] for each in phone.screen] == ["Welcome to Gold"]
        assert GoogleNotification.objects.get().sort == "message"

    def test_the_fourth_message_in_a_day_stays_silent_and_the_card_is_up_to_date(
        self, google: GoogleSandbox, issuer: GoogleIssuer
    ) -> None:
        held = world.wallet_pass(issuer)
        phone = world.added(google, held)
        for tier in ("Gold", "Platinum", "Silver", "Black"):
            passes.change(held.customer, tier=tier)
            said = world.work()
        assert [each["text"] for each in phone.screen] == [
            f"Welcome to {each}" for each in ("Gold", "Platinum", "Silver")
        ]
        assert "Black" in str(world.body(google, held))
        assert "three notifications of this sort" in " ".join(said)

    def test_nobody_is_told_of_a_card_that_nobody_has(self, google: GoogleSandbox, issuer: GoogleIssuer) -> None:
        held = world.wallet_pass(issuer)
        world.asked(held)
        passes.change(held.customer, tier="Gold")
        world.work()
        assert not GoogleNotification.objects.exists()
        assert calls("google.message") == []

    def test_a_message_whose_answer_got_lost_is_looked_for_and_not_sent_twice(
        self, google: GoogleSandbox, issuer: GoogleIssuer
    ) -> None:
        held = world.wallet_pass(issuer)
        phone = world.added(google, held)
        passes.change(held.customer, tier="Gold")
        google.arm(Fault("drop", "addMessage"))
        world.work()
        assert len(phone.screen) == 1
        assert world.outcomes("google.message") == ["Google has the message."]

    def test_google_keeps_ten_messages_and_the_oldest_make_room(
        self, google: GoogleSandbox, issuer: GoogleIssuer
    ) -> None:
        held = world.wallet_pass(issuer)
        world.added(google, held)
        for number in range(12):
            GoogleNotification.objects.all().delete()
            google.store.pushed.clear()
            passes.change(held.customer, tier=f"Tier {number}")
            world.work()
        assert set(world.outcomes("google.message")) == {"Google has the message."}
        assert len(world.body(google, held)["messages"]) <= 10
        assert "Tier 11" in str(world.body(google, held)["messages"][-1])


class TestTrouble:
    def test_a_missing_invitation_pauses_the_issuer_and_says_what_to_do(
        self, google: GoogleSandbox, issuer: GoogleIssuer
    ) -> None:
        google.store.issuers[issuer.issuer_id].permissions.clear()
        held = world.wallet_pass(issuer)
        world.asked(held)
        lane = Lane.objects.get(pk=issuer.lane_id)
        assert lane.paused_at
        assert "invite this address as a developer" in lane.pause_reason
        google.store.issuers[issuer.issuer_id].permissions[issuer.client_email] = "OWNER"
        Lane.objects.update(paused_at=None, pause_reason="")
        world.work()
        assert GoogleObject.objects.get().sent

    def test_a_revoked_key_pauses_the_issuer(self, google: GoogleSandbox, issuer: GoogleIssuer) -> None:
        google.revoke_key(json.loads(issuer.key_file)["private_key_id"])
        world.asked(world.wallet_pass(issuer))
        assert "does not accept the key" in Lane.objects.get(pk=issuer.lane_id).pause_reason

    def test_a_refused_body_is_a_dead_letter_in_googles_words(
        self, google: GoogleSandbox, issuer: GoogleIssuer
    ) -> None:
        held = world.wallet_pass(issuer)
        google.arm(Fault("status", "loyaltyObject", status=400))
        world.asked(held)
        event = Event.objects.get(kind="google.pass")
        assert (event.status, event.outcome[:26]) == (Event.Status.FAILED, "Google refused it (400). A")

    def test_a_class_that_google_refuses_is_asked_for_once_and_then_with_each_retry(
        self, google: GoogleSandbox, issuer: GoogleIssuer
    ) -> None:
        google.arm(Fault("status", "loyaltyClass", status=400, times=2))
        held = world.wallet_pass(issuer)
        world.asked(held)
        event = Event.objects.get(kind="google.pass")
        assert (event.status, event.retries) == (Event.Status.WAITING, 1)
        assert "has no class" in event.outcome
        assert "Armed fault" in event.outcome
        assert Event.objects.filter(kind="google.class").count() == 1
        for _ in range(2):
            Event.objects.filter(kind="google.class").update(created_at="2020-01-01T00:00:00Z")
            Event.objects.filter(status="waiting").update(due_at="2020-01-01T00:00:00Z")
            world.work()
        assert GoogleObject.objects.get().sent
        assert Event.objects.filter(kind="google.class").count() == 3

    def test_a_class_that_google_forgets_at_once_makes_no_calls_without_end(
        self, google: GoogleSandbox, issuer: GoogleIssuer
    ) -> None:
        google.arm(Fault("status", "loyaltyObject", status=404, reason="classNotFound", times=50))
        world.asked(world.wallet_pass(issuer))
        assert Event.objects.get(kind="google.pass").retries == 1
        assert len(calls()) < 6

    def test_a_picture_that_google_cannot_fetch_is_told_in_its_words(
        self, google: GoogleSandbox, issuer: GoogleIssuer, settings: Settings
    ) -> None:
        google.switches.fetch_images = True
        settings.PUBLIC_URL = "http://127.0.0.1:9"
        world.asked(world.wallet_pass(issuer))
        assert "image" in world.outcomes("google.class")[0].lower()
        assert "has no class" in world.outcomes("google.pass")[0]

    def test_a_class_that_google_rejects_is_told(self, google: GoogleSandbox, issuer: GoogleIssuer) -> None:
        google.switches.review = "REJECTED"
        held = world.wallet_pass(issuer)
        world.asked(held)
        assert Event.objects.get(kind="google.pass").status in {Event.Status.FAILED, Event.Status.WAITING}
        assert world.outcomes("google.class")[0].startswith("Google rejected the class")
        assert "Google rejected the class" in world.outcomes("google.pass")[0]
        assert Client().get(world.address(held)).status_code == 200  # its owner is asked to wait

    def test_an_outage_is_tried_again(self, google: GoogleSandbox, issuer: GoogleIssuer) -> None:
        held = world.wallet_pass(issuer)
        google.arm(Fault("status", "loyaltyClass", status=503))
        world.asked(held)
        Event.objects.filter(status="waiting").update(due_at="2020-01-01T00:00:00Z")
        Lane.objects.update(not_before="2020-01-01T00:00:00Z", failing_since=None, failures=0)
        world.work()
        assert GoogleObject.objects.get().sent
