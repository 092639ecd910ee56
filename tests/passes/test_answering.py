"""What is known of a phone after a push, and what happens when it does not come."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from passes import answering
from passes.apple import push
from passes.apple.answers import PushAnswer
from passes.metrics import phones
from passes.models import Device, Registration, WalletPass
from portal.models import Event
from tests import factories as make
from tests.passes import world
from tests.passes.world import Phone, work
from tests.portal.admin_world import World, client_of, make_world, url

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> WalletPass:
    """A pass on a phone that was added long ago; Apple takes every push."""
    monkeypatch.setattr(push, "send", lambda *_, **__: PushAnswer())
    made = world.wallet_pass()
    Phone().register(made)
    Registration.objects.update(created_at=timezone.now() - 24 * HOUR)
    return made


def change(held: WalletPass, points: int = 60) -> None:
    world.change(held.customer, points=points)
    work()
    held.refresh_from_db()


def ages(hours: float) -> None:
    """The last pushes are so old now."""
    at = timezone.now() - hours * HOUR
    Device.objects.exclude(unheard_since=None).update(unheard_since=at, pushed_at=at)


class TestWhatIsKnown:
    def test_pushed_asked_fetched_and_shown_since(self, held: WalletPass) -> None:
        change(held)
        [before] = answering.seen(held)
        assert (before.asked_at, before.fetched_at, before.shown_since) == (None, None, None)
        assert before.phone.pushed_at

        Phone().updates()
        [after] = answering.seen(held)
        assert after.asked_at
        assert after.shown_since is None

        Phone().fetch(held)
        held.refresh_from_db()
        [last] = answering.seen(held)
        assert last.fetched_at == last.shown_since == held.fetched_at
        assert not last.shared

    def test_a_fetch_is_nobodys_while_the_phone_has_not_asked(self, held: WalletPass) -> None:
        change(held)

        Phone().fetch(held)

        held.refresh_from_db()
        [seen] = answering.seen(held)
        assert (held.fetched_at is None, seen.fetched_at, seen.shown_since) == (False, None, None)

    def test_of_two_phones_that_asked_it_is_not_known_which_one_fetched(self, held: WalletPass) -> None:
        other = Phone("device-2", "cd" * 32)
        other.register(held)
        Registration.objects.update(created_at=timezone.now() - 24 * HOUR)
        change(held)
        for phone in (Phone(), other):
            phone.updates()
        other.fetch(held)

        held.refresh_from_db()
        assert [(each.shared, each.shown_since) for each in answering.seen(held)] == [(True, None)] * 2

    def test_the_only_one_of_two_that_asked_is_the_one(self, held: WalletPass) -> None:
        Phone("device-2", "cd" * 32).register(held)
        Registration.objects.update(created_at=timezone.now() - 24 * HOUR)
        change(held)
        Phone().updates()
        Phone().fetch(held)

        held.refresh_from_db()
        assert [bool(each.shown_since) for each in answering.seen(held)] == [True, False]

    def test_a_phone_that_got_the_card_after_the_change_shows_it_since(self, held: WalletPass) -> None:
        Registration.objects.update(created_at=timezone.now() + HOUR)

        [seen] = answering.seen(held)

        assert seen.shown_since == seen.added_at

    def test_a_pass_without_content_shows_nothing(self) -> None:
        assert answering.judged([], None, None, timezone.now()) == []


class TestAPhoneThatDoesNotCome:
    def test_is_pushed_once_more_and_never_a_third_time(self, held: WalletPass) -> None:
        change(held)
        ages(5)

        for _ in range(3):
            answering.remind([held.tenant_id])
            work()

        assert [event.outcome for event in world.pushes()] == ["Apple accepted the push."] * 2
        assert answering.unheard().count() == 1
        assert world.news("apple.remind") == 1

    def test_that_asks_is_heard_and_may_be_reminded_of_the_next_change(self, held: WalletPass) -> None:
        change(held)
        ages(5)
        answering.remind([held.tenant_id])
        work()

        Phone().updates()
        assert answering.unheard().count() == 0
        change(held, 70)
        ages(5)
        answering.remind([held.tenant_id])

        assert work() == ["1 phone is pushed once more.", "Apple accepted the push."]

    def test_that_asked_before_its_push_was_noted_has_come(self, held: WalletPass) -> None:
        world.change(held.customer, points=60)
        Phone().updates()
        work()
        Device.objects.update(pushed_at=timezone.now() - 5 * HOUR)

        assert answering.unheard().count() == 0

    def test_that_apple_took_no_push_for_is_no_phone_that_does_not_come(self, held: WalletPass) -> None:
        world.change(held.customer, points=60)
        Device.objects.update(unheard_since=timezone.now() - 5 * HOUR, pushed_at=timezone.now() - 9 * HOUR)

        assert answering.unheard().count() == 0

    def test_counts_from_the_first_change_that_it_missed(self, held: WalletPass) -> None:
        change(held)
        ages(3)
        first = Device.objects.get().unheard_since

        change(held, 70)

        assert Device.objects.get().unheard_since == first

    def test_is_left_alone_before_its_time_and_where_the_setting_says_so(
        self, held: WalletPass, settings: Settings
    ) -> None:
        change(held)
        ages(3)
        answering.remind([held.tenant_id])
        assert work() == []

        ages(500)
        settings.PUSH_ANSWER_HOURS = 0
        answering.remind([held.tenant_id])
        assert work() == []

    def test_of_many_each_is_pushed_once(self, held: WalletPass, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(answering, "BATCH", 2)
        for number in range(4):
            Phone(f"more-{number}", f"{number:064x}").register(held)
        change(held)
        ages(5)
        Event.objects.all().delete()

        answering.remind([held.tenant_id])
        work()

        assert len(world.pushes()) == 5

    def test_costs_one_look_while_all_come(self, held: WalletPass) -> None:
        with CaptureQueriesContext(connection) as asked:
            answering.remind([held.tenant_id])

        assert len(asked) == 1


class TestWhereItShows:
    @pytest.fixture
    def brand(self) -> World:
        made = make_world("Verdi")
        Device.objects.update(unheard_since=timezone.now() - 6 * HOUR, pushed_at=timezone.now() - 6 * HOUR)
        Registration.objects.update(created_at=timezone.now() - 24 * HOUR)
        return made

    def test_on_the_pass_with_what_it_means(self, brand: World) -> None:
        page = client_of(brand.owner).get(url(WalletPass, "change", brand.rows[WalletPass].pk)).content.decode()

        assert "not since the change, 6\xa0hours ago" in page
        assert "It is pushed once more" in page

    def test_on_home(self, brand: World) -> None:
        assert "1 phone has not come after a push" in client_of(brand.owner).get("/admin/").content.decode()

    def test_in_the_figures_of_its_tenant(self, brand: World) -> None:
        make.TenantFactory.make(slug="quiet")
        [metric] = phones()

        assert {sample.labels["tenant"]: sample.value for sample in metric.samples} == {"verdi-brand": 1, "quiet": 0}


MISSED = "tenant_id = 1 AND unheard_since < %s AND pushed_at >= unheard_since"


@pytest.mark.parametrize("condition", [MISSED, f"{MISSED} AND NOT pushed_again"])
def test_an_index_holds_those_that_did_not_come(condition: str) -> None:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{explain} SELECT id FROM passes_device WHERE {condition}", [datetime(2026, 1, 1)])  # noqa: DTZ001
        plan = str(cursor.fetchall())
    assert "device_unheard" in plan or "device_to_remind" in plan
