from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from passes import refresh
from passes.models import Device, PassTemplate, Registration, TemplateField, UpdateCounter, WalletPass
from portal import ledger
from portal.models import Customer, Event, Tenant
from tests.passes import world

BROKEN = ("back", "odd", "Lucky", "{{ points|divisibleby:divisor }}", "")
pytestmark = pytest.mark.django_db


def hold(held: WalletPass, device: str = "device-1", push_token: str = world.PUSH_TOKEN) -> Device:
    """The pass is on a phone."""
    row, _ = Device.objects.get_or_create(
        tenant=held.tenant, apple=held.template.apple, library_identifier=device,
        defaults={"push_token": push_token, "token_at": timezone.now()},
    )  # fmt: skip
    Registration.objects.create(device=row, wallet_pass=held)
    return row


def renew(held: WalletPass, owner: Tenant | None = None) -> ledger.Result:
    return world.effects(refresh.refresh_pass, world.cause(owner or held.tenant, **{"pass": held.pk}))


class TestIssuing:
    def test_a_new_customer_gets_a_pass_of_every_template_that_is_for_every_customer_once(self) -> None:
        world.template(name="Card")
        world.template(name="Gift", kind="giftCard")
        world.template(name="By hand", issue=PassTemplate.Issue.BY_HAND)
        world.template(name="Retired", active=False)
        world.template(world.tenant("other"), name="Foreign")
        anna = world.customer()

        assert world.change(anna) == ledger.done("Made Card, Gift.")
        assert world.change(anna) == ledger.ignored("No pass shows anything that changed.")
        assert sorted(str(held.template) for held in anna.passes.all()) == ["Card", "Gift"]

    def test_a_new_pass_has_content_a_tag_and_a_time(self) -> None:
        held = world.wallet_pass()
        held.refresh_from_db()

        assert held.content["fields"][0]["value"] == 10
        assert held.update_tag == 1
        assert held.changed_at
        assert world.pushes() == []

    def test_issuing_twice_makes_one_pass(self) -> None:
        design, anna = world.template(), world.customer()

        assert refresh.issue(design, anna, cause=world.cause())
        assert refresh.issue(design, anna, cause=world.cause()) is None

    def test_a_pass_is_never_issued_across_tenants(self) -> None:
        with pytest.raises(ValueError, match="different tenants"):
            refresh.issue(world.template(), world.customer(world.tenant("other")), cause=world.cause())

    def test_a_template_that_cannot_be_worked_out_makes_no_pass_and_the_others_are_made(self) -> None:
        world.template(name="Card")
        world.template(name="Broken", fields=[BROKEN])
        anna = world.customer(divisor=0)

        result = world.change(anna)

        assert result.status == Event.Status.FAILED
        assert result.outcome.startswith("Made Card. Broken was not made: “Lucky”: ")
        assert [str(held.template) for held in anna.passes.all()] == ["Card"]
        assert world.change(anna, divisor=5) == ledger.done("Made Broken.")

    def test_a_customer_who_is_gone_is_no_error(self) -> None:
        event = world.cause(customer=4711)

        assert world.effects(refresh.refresh_customer, event).status == Event.Status.IGNORED


class TestRefreshing:
    def test_equal_content_means_no_push_no_time_and_no_tag(self) -> None:
        held = world.wallet_pass()
        hold(held)
        before = WalletPass.objects.values().get(pk=held.pk)

        result = world.change(held.customer, shoe_size=42, points=10.0)

        assert result.status == Event.Status.IGNORED
        assert WalletPass.objects.values().get(pk=held.pk) == before
        assert UpdateCounter.objects.get().value == 1
        assert world.pushes() == []

    def test_new_content_is_stored_tagged_timed_and_pushed(self) -> None:
        held = world.wallet_pass()
        device = hold(held)
        WalletPass.objects.update(fetched_at=timezone.now())

        assert world.change(held.customer, points=60) == ledger.done("New content for Loyalty card.")

        held.refresh_from_db()
        assert held.content["fields"][0]["value"] == 60
        assert (held.update_tag, held.fetched_at) == (2, None)
        assert [(event.subject, event.payload) for event in world.pushes()] == [
            (f"device:{device.pk}", {"device": device.pk})
        ]

    def test_last_modified_grows_by_whole_seconds_even_within_one_second(self) -> None:
        held = world.wallet_pass()
        seen = [held.changed_at]
        for points in (1, 2, 3):
            world.change(held.customer, points=points)
            held.refresh_from_db()
            seen.append(held.changed_at)

        assert all(later - earlier >= timedelta(seconds=1) for earlier, later in pairwise(seen))
        assert {moment.microsecond for moment in seen} == {0}

    def test_last_modified_grows_when_the_clock_was_set_back(self) -> None:
        held = world.wallet_pass()
        future = datetime(2099, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
        WalletPass.objects.update(changed_at=future)

        world.change(held.customer, points=11)

        held.refresh_from_db()
        assert held.changed_at == datetime(2099, 1, 1, 12, 0, 1, tzinfo=UTC)

    def test_one_push_per_device_runs_however_many_passes_changed(self) -> None:
        anna = world.customer()
        passes = [world.wallet_pass(world.template(name=name), anna) for name in ("Card", "Gift", "Offer")]
        devices = {hold(held) for held in passes}
        assert len(devices) == 1

        world.change(anna, points=11)

        Event.objects.exclude(kind="apple.push").delete()
        claimed = ledger.claim(8, "test")
        assert len(claimed) == 1
        assert sorted(event.status for event in world.pushes()) == ["leased", "merged", "merged"]

    def test_a_phone_with_several_identifiers_gets_one_push_at_its_newest(self) -> None:
        held = world.wallet_pass()
        hold(held, "old identifier")
        newest = hold(held, "new identifier")
        other = hold(held, "another phone", "cd" * 32)

        world.change(held.customer, points=11)

        assert {event.payload["device"] for event in world.pushes()} == {newest.pk, other.pk}

    def test_a_pass_is_never_refreshed_across_tenants(self) -> None:
        held = world.wallet_pass()
        Customer.objects.update(values={"points": 999})

        assert renew(held, world.tenant("other")).status == Event.Status.IGNORED
        event = world.cause(world.tenant("other"), customer=held.customer_id)
        assert world.effects(refresh.refresh_customer, event).status == Event.Status.IGNORED

        held.refresh_from_db()
        assert held.content["fields"][0]["value"] == 10

    def test_a_template_that_cannot_be_worked_out_leaves_its_passes_alone_and_renews_the_others(self) -> None:
        anna = world.customer(divisor=2)
        card = world.wallet_pass(world.template(name="Card"), anna)
        broken = world.wallet_pass(world.template(name="Broken", fields=[BROKEN]), anna)
        hold(broken)
        before = WalletPass.objects.values().get(pk=broken.pk)

        result = world.change(anna, points=11, divisor=0)

        card.refresh_from_db()
        assert card.content["fields"][0]["value"] == 11
        assert WalletPass.objects.values().get(pk=broken.pk) == before
        assert result.status == Event.Status.FAILED
        assert result.outcome == (
            "New content for Card. Broken keeps its old content: "
            "“Lucky”: {{ points|divisibleby:divisor }} cannot be worked out (ZeroDivisionError)."
        )
        assert world.pushes() == []

    def test_a_mended_template_gives_the_kept_pass_its_content_again(self) -> None:
        design = world.template(fields=[BROKEN])
        held = world.wallet_pass(design, world.customer(divisor=2))
        world.change(held.customer, divisor=0)
        TemplateField.objects.update(expression="{{ points }}")
        world.published(design)

        assert renew(held) == ledger.done("New content for Loyalty card.")

    def test_a_pass_can_be_voided_though_its_template_cannot_be_worked_out(self) -> None:
        held = world.wallet_pass(world.template(fields=[BROKEN]), world.customer(divisor=2))
        before = held.content
        held.customer.values["divisor"] = 0
        held.voided = True

        assert refresh.refresh(held, cause=world.cause())

        held.refresh_from_db()
        assert held.content == {**before, "voided": True}

    def test_a_saved_change_reaches_no_card_before_it_is_published(self) -> None:
        held = world.wallet_pass()
        held.template.fields.filter(key="points").update(label="DRAFT", expression="{{ pointz }}")

        world.change(held.customer, points=77)
        held.refresh_from_db()
        assert (held.content["fields"][0]["label"], held.content["fields"][0]["value"]) == ("Points", 77)

        world.republish(held)
        held.refresh_from_db()
        assert (held.content["fields"][0]["label"], held.content["fields"][0]["value"]) == ("DRAFT", "")

    def test_a_template_that_was_never_published_makes_no_passes(self) -> None:
        design = world.template()
        PassTemplate.objects.update(published=None)
        holder = world.customer(design.tenant)

        assert world.change(holder, points=1).status == Event.Status.IGNORED
        assert not WalletPass.objects.exists()

    def test_a_voided_pass_is_pushed_as_such(self) -> None:
        held = world.wallet_pass()
        hold(held)
        held.voided = True

        refresh.refresh(held, cause=world.cause())

        held.refresh_from_db()
        assert (held.voided, held.content["voided"]) == (True, True)
        assert len(world.pushes()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_refresh_that_waited_for_the_lock_sees_the_values_of_after() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    held = world.wallet_pass()
    event = world.cause(held.tenant, **{"pass": held.pk})
    waiting = threading.Event()

    def wait_and_renew() -> None:
        waiting.set()
        world.effects(refresh.refresh_pass, event)
        connections.close_all()

    other = threading.Thread(target=wait_and_renew)
    with transaction.atomic():
        WalletPass.objects.select_for_update().get(pk=held.pk)
        other.start()
        waiting.wait(5)
        _until_blocked()
        Customer.objects.update(values={**held.customer.values, "points": 77})
    other.join(10)

    held.refresh_from_db()
    assert held.content["fields"][0]["value"] == 77


def _until_blocked() -> None:
    for _ in range(500):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits for the lock")
