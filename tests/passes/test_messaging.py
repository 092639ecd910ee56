"""Messages to many: whom they reach, when they rest, and what stands on the cards afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from passes.admin import messages
from passes.messaging import audience, sending
from passes.messaging.limits import Limits
from passes.models import (
    MessageCondition,
    MessageLimits,
    MessageReceipt,
    MessageText,
    MessageValue,
    PassMessage,
    PassTemplate,
    WalletPass,
)
from passes.refresh import values_of
from portal.models import Event, Job
from portal.tenancy import Role
from tests import factories as make
from tests.passes import world
from tests.portal.admin_world import World, action, client_of, member, url
from tests.portal.jobs_world import Worker

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
BRUSSELS = ZoneInfo("Europe/Brussels")
NIGHTS = Limits(time(21), time(8), 3, BRUSSELS)


@pytest.fixture(autouse=True)
def _no_quiet_hours() -> None:
    MessageLimits.objects.create(tenant=world.tenant(), quiet_from=None, quiet_until=None, weekly_cap=2)


@pytest.fixture
def design() -> PassTemplate:
    return world.template(carries_messages=True)


def card(design: PassTemplate, key: str, **values: Any) -> WalletPass:
    holder = world.customer(**values)
    holder.key = key
    holder.save()
    return world.wallet_pass(design, holder)


def message(text: str = "Double points", **more: Any) -> PassMessage:
    return PassMessage.objects.create(
        **{"tenant": world.tenant(), "name": "Spring", "text": text, "on_phones": False, **more}
    )


def where(told: PassMessage, name: str, operator: str, value: str = "") -> None:
    MessageCondition.objects.create(message=told, name=name, operator=operator, value=value)


def sender() -> User:
    return make.UserFactory.make(username=f"mia{User.objects.count()}@example.com")


def sent(told: PassMessage, worker: Worker | None = None, **more: Any) -> Job:
    sending.plan(told, by=sender(), **more)
    worker = worker or Worker()
    while not (told.job and told.job.finished_at):
        assert worker.turn()
        told.refresh_from_db()
    return told.job


def shown(held: WalletPass) -> Any:
    return values_of(WalletPass.objects.select_related("customer").get(pk=held.pk)).get("message")


def outcomes() -> list[str]:
    return [str(each.outcome) for each in Event.objects.filter(kind="message.pass").order_by("pk")]


class TestWhomItReaches:
    def test_those_who_match_and_nobody_else(self, design: PassTemplate) -> None:
        gold, silver = card(design, "gold@example.com", tier="Gold"), card(design, "silver@example.com", tier="Silver")
        void = card(design, "void@example.com", tier="Gold")
        WalletPass.objects.filter(pk=void.pk).update(voided=True)
        told = message(template=design)
        where(told, "tier", "equals", "gold")
        assert audience.audience_of(told) == audience.Audience(1, True, ["gold@example.com"])
        assert sent(told).total == 1
        assert (shown(gold), shown(silver), shown(void)) == ("Double points", None, None)
        assert [each.customer.key for each in told.receipts.all()] == ["gold@example.com"]

    def test_cards_on_a_phone_alone_where_that_is_wanted(self, design: PassTemplate) -> None:
        installed, other = card(design, "anna@example.com"), card(design, "bram@example.com")
        world.Phone().register(installed)
        sent(message(on_phones=True))
        assert (shown(installed), shown(other)) == ("Double points", None)

    def test_every_card_of_a_customer_where_no_template_is_named_and_the_cap_counts_once(
        self, design: PassTemplate
    ) -> None:
        one = card(design, "anna@example.com")
        other = world.wallet_pass(world.template(name="Gift card", carries_messages=True), one.customer)
        sent(message())
        assert (shown(one), shown(other)) == ("Double points", "Double points")
        assert MessageReceipt.objects.count() == 1

    def test_a_card_that_shows_no_message_reaches_nobody(self, design: PassTemplate) -> None:
        other = world.template(name="Gift card", carries_messages=False)
        held = world.wallet_pass(other, world.customer())
        sent(message(template=other))
        assert (shown(held), MessageReceipt.objects.exists()) == ("Double points", False)

    def test_each_in_their_language(self, design: PassTemplate) -> None:
        dutch, french = card(design, "bram@example.com"), card(design, "chloe@example.com")
        for held, language in ((dutch, "nl"), (french, "fr")):
            held.customer.language = language
            held.customer.save()
        told = message()
        MessageText.objects.create(message=told, language="fr", text="Points doublés")
        sent(told)
        assert (shown(dutch), shown(french)) == ("Double points", "Points doublés")

    def test_values_go_on_the_cards_typed_and_are_taken_back_by_an_empty_one(self, design: PassTemplate) -> None:
        held = card(design, "anna@example.com", points=10)
        told = message(text="")
        MessageValue.objects.create(message=told, name="points", value="12.5")
        MessageValue.objects.create(message=told, name="shop", value="Gent")
        sent(told)
        held.refresh_from_db()
        assert held.values == {"points": 12.5, "shop": "Gent"}
        assert not MessageReceipt.objects.exists()
        back = message(text="")
        MessageValue.objects.create(message=back, name="points", value="")
        sent(back)
        assert values_of(WalletPass.objects.get(pk=held.pk))["points"] == 10

    def test_who_no_longer_matches_when_it_is_their_turn_is_left_out(self, design: PassTemplate) -> None:
        held = card(design, "anna@example.com", tier="Gold")
        told = message()
        where(told, "tier", "equals", "Gold")
        sending.test(told, [held])
        event = Event.objects.get(kind="message.pass")
        Event.objects.filter(pk=event.pk).update(payload={**event.payload, "test": False})
        held.customer.values = {"tier": "Silver"}
        held.customer.save()
        Worker().turn()
        assert outcomes() == ["The customer does not match any more."]

    def test_of_very_many_the_number_is_reckoned(self, design: PassTemplate, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audience, "LOOKED_AT", 2)
        for number in range(4):
            card(design, f"c{number}@example.com", tier="Gold" if number > 2 else "Silver")
        told = message()
        where(told, "tier", "equals", "Gold")
        assert audience.audience_of(told) == audience.Audience(2, False, ["c3@example.com"])


class TestWhenItRests:
    @pytest.mark.parametrize(
        ("now", "end"),
        [
            ((2026, 11, 22, 20, 59), None),
            ((2026, 11, 22, 21, 0), (2026, 11, 23, 8, 0)),
            ((2026, 11, 23, 7, 59), (2026, 11, 23, 8, 0)),
            ((2026, 11, 23, 8, 0), None),
            ((2026, 3, 28, 23, 0), (2026, 3, 29, 8, 0)),  # clocks go forward that night
        ],
    )
    def test_quiet_hours_end_by_the_brands_clock(self, now: Any, end: Any) -> None:
        moment = datetime(*now, tzinfo=BRUSSELS).astimezone(UTC)
        assert NIGHTS.quiet_end(moment) == (end and datetime(*end, tzinfo=BRUSSELS))

    def test_an_hour_that_comes_twice_is_no_wait_for_the_past(self) -> None:
        limits = Limits(time(1), time(2, 30), 0, BRUSSELS)
        second = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)  # 02:15 for the second time
        assert limits.quiet_end(second) == second + timedelta(minutes=1)

    def test_none_where_none_are_set(self) -> None:
        assert Limits(None, None, 0, BRUSSELS).quiet_end(timezone.now()) is None

    def test_it_waits_for_their_end_and_then_goes(self, design: PassTemplate) -> None:
        held = card(design, "anna@example.com")
        begin = timezone.localtime(timezone=BRUSSELS)
        hours = {"quiet_from": begin - timedelta(hours=1), "quiet_until": begin + timedelta(hours=1)}
        MessageLimits.objects.update(**{name: moment.time() for name, moment in hours.items()})
        told = message()
        sending.plan(told, by=sender())
        worker = Worker()
        worker.turn()
        assert shown(held) is None
        assert str(Event.objects.get(kind="message.planned").outcome) == "It waits for the end of the quiet hours."
        worker.now += timedelta(hours=1, minutes=1)
        MessageLimits.objects.update(quiet_from=None, quiet_until=None)  # the test's clock is not the handler's
        told.refresh_from_db()
        while told.job is None or not told.job.finished_at:
            assert worker.turn()
            told.refresh_from_db()
        assert shown(held) == "Double points"

    def test_who_had_enough_within_a_week_is_left_out(self, design: PassTemplate) -> None:
        held = card(design, "anna@example.com")
        for text in ("One", "Two", "Three"):
            sent(message(text))
        assert shown(held) == "Two"
        assert outcomes()[-1] == "The customer had 2 messages within a week."
        MessageReceipt.objects.update(sent_at=timezone.now() - timedelta(days=8))
        sent(message("Four"))
        assert shown(held) == "Four"


class TestAPlan:
    def test_begins_at_its_time_and_not_when_it_was_taken_back(self, design: PassTemplate) -> None:
        held = card(design, "anna@example.com")
        told, worker = message(), Worker()
        sending.plan(told, by=sender(), starts_at=timezone.now() + timedelta(hours=2))
        worker.turn()
        assert shown(held) is None
        sending.take_back(told)
        worker.now += timedelta(hours=3)
        worker.turn()
        told.refresh_from_db()
        assert (shown(held), told.state) == (None, PassMessage.State.DRAFT)
        with pytest.raises(sending.NotNow):
            sending.take_back(told)

    def test_is_sent_once_however_often_it_is_asked_for(self, design: PassTemplate) -> None:
        card(design, "anna@example.com")
        told = message()
        sent(told)
        with pytest.raises(sending.NotNow):
            sending.plan(told, by=sender())
        Event.objects.filter(kind="message.planned").update(status=Event.Status.WAITING, finished_at=None)
        Worker().turn()
        assert Job.objects.count() == 1

    def test_of_somebody_who_is_gone_is_a_draft_again(self, design: PassTemplate) -> None:
        card(design, "anna@example.com")
        told, by = message(), sender()
        sending.plan(told, by=by)
        by.delete()
        Worker().turn()
        told.refresh_from_db()
        assert told.state == PassMessage.State.DRAFT

    def test_a_test_reaches_one_customer_whatever_the_limits(self, design: PassTemplate) -> None:
        held, other = card(design, "anna@example.com"), card(design, "bram@example.com")
        MessageLimits.objects.update(weekly_cap=1, quiet_from=time(0), quiet_until=time(23, 59, 59))
        told = message()
        where(told, "tier", "equals", "Gold")
        sending.test(told, [held])
        Worker().turn()
        assert (shown(held), shown(other)) == ("Double points", None)
        assert not MessageReceipt.objects.exists()


class TestInTheAdmin:
    @pytest.fixture
    def marketer(self, world: World) -> Client:
        return client_of(member(world, Role.MARKETER))

    def test_one_is_written_tried_and_sent(self, world: World, marketer: Client) -> None:
        held = world.rows[WalletPass]
        WalletPass.objects.filter(pk=held.pk).update(voided=False)
        told = PassMessage.objects.create(tenant=world.tenant, name="Autumn", text="Hello", on_phones=False)
        dialog = marketer.get(action(PassMessage, told.pk, "send")).content.decode()
        assert "Whom it is for is looked at again" in dialog
        marketer.post(action(PassMessage, told.pk, "send-test"), {**SUBMIT, "key": held.customer.key})
        assert Event.objects.filter(kind="message.pass", payload__test=True).count() == 1
        marketer.post(action(PassMessage, told.pk, "send"), {**SUBMIT, "starts_at": ""})
        told.refresh_from_db()
        assert told.state == PassMessage.State.PLANNED
        page = marketer.get(url(PassMessage, "change", told.pk)).content.decode()
        assert "Until then you can take it back." in page
        assert 'name="text"' not in page
        marketer.post(action(PassMessage, told.pk, "take-back"), SUBMIT)
        assert 'name="text"' in marketer.get(url(PassMessage, "change", told.pk)).content.decode()

    @pytest.mark.parametrize(
        ("name", "given", "said"),
        [
            ("send", {"starts_at": "2020-01-01T10:00"}, "This moment is over."),
            ("send-test", {"key": "nobody@example.com"}, "Nobody with this key"),
        ],
    )
    def test_what_is_wrong_stands_in_the_dialog(
        self, world: World, marketer: Client, name: str, given: dict[str, str], said: str
    ) -> None:
        told = world.rows[PassMessage]
        assert said in marketer.post(action(PassMessage, told.pk, name), {**SUBMIT, **given}).content.decode()

    def test_an_empty_one_is_not_sent(self, world: World, marketer: Client) -> None:
        told = PassMessage.objects.create(tenant=world.tenant, name="Nothing")
        answer = marketer.post(action(PassMessage, told.pk, "send"), SUBMIT).content.decode()
        assert "Write a message or a value first" in answer
        told.refresh_from_db()
        assert told.state == PassMessage.State.DRAFT

    def test_quiet_hours_are_both_or_none(self, world: World, marketer: Client) -> None:
        address = f"{url(PassMessage, 'changelist')}set-limits/"
        given = {**SUBMIT, "quiet_from": "20:00", "quiet_until": "", "weekly_cap": "5"}
        assert "Give both times" in marketer.post(address, given).content.decode()
        marketer.post(address, {**given, "quiet_until": "09:30"})
        kept = MessageLimits.objects.get(tenant=world.tenant)
        assert (kept.quiet_from, kept.quiet_until, kept.weekly_cap) == (time(20), time(9, 30), 5)

    @pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
    def test_only_who_may_configure_sends(self, world: World, role: Role) -> None:
        told = world.rows[PassMessage]
        client_of(member(world, role)).post(action(PassMessage, told.pk, "send"), SUBMIT)
        told.refresh_from_db()
        assert told.state == PassMessage.State.DRAFT

    def test_of_values_alone_nobody_is_said_to_have_been_reached_or_not(self, world: World, marketer: Client) -> None:
        told = PassMessage.objects.create(tenant=world.tenant, name="Values", state=PassMessage.State.SENT)
        page = marketer.get(url(PassMessage, "change", told.pk)).content.decode()
        assert "Customers reached" not in page

    def test_the_list_counts_no_further_than_it_must(
        self, world: World, marketer: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told = PassMessage.objects.create(tenant=world.tenant, name="All", text="x", state=PassMessage.State.SENT)
        for _ in range(2):
            someone = make.CustomerFactory.make(tenant=world.tenant)
            MessageReceipt.objects.create(tenant=world.tenant, message=told, customer=someone)
        monkeypatch.setattr(messages, "COUNT_LIMIT", 1)
        assert ">1+<" in marketer.get(url(PassMessage, "changelist")).content.decode()
        assert "<td>2</td>" in marketer.get(url(PassMessage, "change", told.pk)).content.decode()

    def test_who_looks_at_all_tenants_is_offered_no_limits(self, world: World, marketer: Client) -> None:
        boss = client_of(make.UserFactory.make(is_superuser=True, is_staff=True))
        for client, offered in ((marketer, True), (boss, False)):
            assert ("set-limits" in client.get(url(PassMessage, "changelist")).content.decode()) == offered

    def test_a_copy_has_everything_and_is_a_draft(self, world: World, marketer: Client) -> None:
        told = world.rows[PassMessage]
        PassMessage.objects.filter(pk=told.pk).update(state=PassMessage.State.SENT)
        marketer.post(action(PassMessage, told.pk, "copy"), SUBMIT)
        made = PassMessage.objects.filter(tenant=world.tenant).latest("pk")
        assert made.pk != told.pk
        assert (made.state, made.texts.count(), made.values.count(), made.conditions.count()) == ("draft", 1, 1, 1)
