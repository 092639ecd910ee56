"""Wallet news back to Actito: the last state of a customer's wallets stands in the profile, once, and ends there."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from integrations.actito import wallet_news
from integrations.actito.models import ActitoConnection, WalletNews
from integrations.actito.sandbox import ActitoSandbox, Attribute
from integrations.actito.sandbox.store import DEFAULT_ATTRIBUTES
from passes.links import link, link_to_get
from passes.models import PassTemplate, Registration, WalletPass
from passes.voiding import void
from portal import jobs, ledger
from portal.models import Attempt, Customer, Event
from portal.sandbox import Fault
from portal.sentences import say
from tests import factories as make
from tests.integrations.actito.test_writeback import OWN
from tests.passes import world
from tests.portal.jobs_world import Worker
from tests.world import ACTITO_KEY, ENTITY, make_connection, make_due, make_tenant, map_value, run_due, run_one

pytestmark = pytest.mark.django_db

Status = Event.Status
NAMES = {
    "walletStatus", "walletAppleInstalledAt", "walletGoogleInstalledAt", "walletLastChange", "walletLastEvent",
    "walletPassLink",
}  # fmt: skip
CARDS = "Cards"


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    """A table with the attributes for wallet news, and Anna and Bram in it."""
    people = [{"emailAddress": "anna@example.com"}, {"emailAddress": "bram@example.com"}]
    attributes = [*DEFAULT_ATTRIBUTES, *map(Attribute, sorted(NAMES))]
    actito.seed(entity=ENTITY, table=CARDS, api_key=ACTITO_KEY, attributes=attributes, profiles=people)
    connection = make_connection(make_tenant(), actito.url, table=CARDS)
    map_value(connection, "points", "points")
    WalletNews.objects.create(connection=connection, active=True)
    return connection


@pytest.fixture
def anna(verdi: ActitoConnection) -> Customer:
    run_one(verdi, 1)
    return Customer.objects.get()


@pytest.fixture
def card(anna: Customer) -> WalletPass:
    """Anna's pass, whose making has been told."""
    made = world.wallet_pass(world.template(anna.tenant), anna)
    assert told().status == Status.DONE
    return made


def told() -> Event:
    """News go their way, and one write is made of them."""
    spread()
    (event,) = run_due("actito.wallet")
    return event


def spread() -> None:
    """News of passes reach the connection."""
    Event.objects.filter(kind__in=["customer.changed/passes", "apple.push"]).delete()
    for event in ledger.claim(32, "tests"):
        assert event.kind.endswith("/actito"), event.kind
        ledger.run(event)


def at_actito(actito: ActitoSandbox, profile: int = 1) -> dict[str, Any]:
    """What stands in the attributes; None in those that were never filled."""
    return {name: actito.values(ENTITY, CARDS, profile).get(name) for name in NAMES}


def writes() -> int:
    return Attempt.objects.filter(method="PUT").count()


def settings_of(connection: ActitoConnection) -> WalletNews:
    return WalletNews.objects.get(connection=connection)


def test_a_new_pass_gives_the_profile_its_link(actito: ActitoSandbox, card: WalletPass) -> None:
    seen = at_actito(actito)
    assert seen["walletPassLink"] == link(card)
    assert (seen["walletStatus"], seen["walletLastEvent"]) == ("none", "issued")
    assert seen["walletAppleInstalledAt"] is None


def test_a_phone_that_adds_and_removes_the_pass_is_told_each_time(actito: ActitoSandbox, card: WalletPass) -> None:
    phone = world.Phone()
    assert phone.register(card).status_code == 201
    event = told()
    assert event.status == Status.DONE
    seen = at_actito(actito)
    assert (seen["walletStatus"], seen["walletLastEvent"]) == ("apple", "installed")
    added = Registration.objects.get().created_at.astimezone(ZoneInfo("Europe/Brussels"))
    assert seen["walletAppleInstalledAt"] == f"{added:%Y-%m-%d %H:%M:%S}"
    assert seen["walletGoogleInstalledAt"] is None

    assert phone.unregister(card).status_code == 200
    told()
    seen = at_actito(actito)
    assert (seen["walletStatus"], seen["walletLastEvent"], seen["walletAppleInstalledAt"]) == ("none", "removed", None)
    assert seen["walletPassLink"] == link(card)


def test_much_news_of_one_customer_is_one_write_of_the_last_state(actito: ActitoSandbox, card: WalletPass) -> None:
    before = writes()
    for number in range(3):
        world.Phone(f"device-{number}", f"{number}" * 64).register(card)
    world.Phone("device-0", "0" * 64).unregister(card)
    event = told()
    assert writes() == before + 1
    assert event.status == Status.DONE
    assert (at_actito(actito)["walletStatus"], at_actito(actito)["walletLastEvent"]) == ("apple", "removed")


def test_what_actito_has_already_is_not_written_again(card: WalletPass, verdi: ActitoConnection) -> None:
    before = writes()
    wallet_news.publish(card.customer, cause=make.EventFactory.make(tenant=verdi.tenant))
    (event,) = run_due("actito.wallet")
    assert (event.status, event.outcome, writes()) == (Status.IGNORED, "Actito has this already.", before)


def test_our_own_write_comes_back_and_ends_there(
    actito: ActitoSandbox, verdi: ActitoConnection, card: WalletPass
) -> None:
    world.Phone().register(card)
    told()
    before = Event.objects.count(), writes(), WalletPass.objects.get().content_hash
    event = run_one(verdi, 1)
    assert (event.status, event.outcome) == (Status.DONE, OWN)
    assert (Event.objects.count() - 1, writes(), WalletPass.objects.get().content_hash) == before


def test_a_void_pass_is_in_no_wallet_and_has_no_link(actito: ActitoSandbox, card: WalletPass) -> None:
    world.Phone().register(card)
    told()
    void(WalletPass.objects.select_related("template__apple", "customer").get(), say("Voided."))
    told()
    seen = at_actito(actito)
    assert (seen["walletStatus"], seen["walletLastEvent"], seen["walletPassLink"]) == ("none", "voided", None)


def test_a_pass_that_is_made_when_its_link_is_opened_gives_that_link(
    actito: ActitoSandbox, verdi: ActitoConnection, anna: Customer
) -> None:
    design = world.template(anna.tenant, issue=PassTemplate.Issue.LINK)
    WalletNews.objects.update(template=design)
    job = wallet_news.prepared(verdi)
    assert job.total == 1
    wallet_news.publish(anna, cause=make.EventFactory.make(tenant=verdi.tenant))
    run_due("actito.wallet")
    assert at_actito(actito)["walletPassLink"] == link_to_get(design, anna)


def test_only_attributes_that_are_named_are_written_in_the_form_that_was_chosen(
    actito: ActitoSandbox, verdi: ActitoConnection, card: WalletPass
) -> None:
    WalletNews.objects.update(changed_at="", event="", link="", google_since="", status="tier", date_form="day")
    world.Phone().register(card)
    told()
    assert actito.values(ENTITY, CARDS, 1)["tier"] == "apple"
    assert at_actito(actito)["walletAppleInstalledAt"] == f"{timezone.now():%d/%m/%Y}"
    assert at_actito(actito)["walletLastEvent"] == "issued"  # as it was


def test_nobody_hears_of_passes_while_no_connection_writes(verdi: ActitoConnection, anna: Customer) -> None:
    WalletNews.objects.update(active=False)
    made = world.wallet_pass(world.template(anna.tenant), anna)
    world.Phone().register(made)
    assert not Event.objects.filter(kind__endswith="/actito").exists()


def test_a_customer_without_a_pass_is_left_alone(verdi: ActitoConnection, anna: Customer) -> None:
    wallet_news.publish(anna, cause=make.EventFactory.make(tenant=verdi.tenant))
    (event,) = run_due("actito.wallet")
    assert (event.status, writes()) == (Status.IGNORED, 0)


# Those who are there already


def test_those_who_have_a_pass_already_are_filled_in_by_a_job(
    actito: ActitoSandbox, verdi: ActitoConnection, anna: Customer
) -> None:
    WalletNews.objects.update(active=False)
    run_one(verdi, 2)
    world.wallet_pass(world.template(anna.tenant), anna)
    Event.objects.filter(kind="customer.changed/passes").delete()
    WalletNews.objects.update(active=True)
    job = wallet_news.prepared(verdi)
    assert job.total == 1  # Bram has no pass
    Worker().until_ended(jobs.start(job, by=User.objects.create(username="anna")))
    assert at_actito(actito)["walletStatus"] == "none"
    assert at_actito(actito)["walletPassLink"]
    assert at_actito(actito, 2)["walletPassLink"] is None


# What goes wrong


def test_attributes_that_are_not_there_stop_the_news_after_three_profiles(
    verdi: ActitoConnection, card: WalletPass
) -> None:
    WalletNews.objects.update(status="walletState")
    for number in range(3):
        assert settings_of(verdi).stopped == ""
        wallet_news.publish(card.customer, cause=make.EventFactory.make(tenant=verdi.tenant))
        (event,) = run_due("actito.wallet")
        assert (event.status, number) == (Status.FAILED, number)
    assert "has no attribute walletState" in settings_of(verdi).stopped
    assert event.outcome.endswith("Wallet news is stopped until somebody switches it on again.")
    assert wallet_news.wanted(verdi.tenant_id) is False
    ledger.replay(event.pk, by="anna")
    (event,) = run_due("actito.wallet")
    assert event.outcome.startswith("Wallet news is stopped.")


def test_a_key_that_may_not_write_stops_the_news_at_once(
    actito: ActitoSandbox, verdi: ActitoConnection, card: WalletPass
) -> None:
    actito.grant(ACTITO_KEY, {"profiles": "read"})
    world.Phone().register(card)
    assert told().status == Status.FAILED
    assert settings_of(verdi).stopped.startswith("The API key may not change profiles.")
    assert run_one(verdi, 1).status == Status.DONE


def test_one_profile_that_refuses_stops_nobody_else(
    actito: ActitoSandbox, verdi: ActitoConnection, card: WalletPass
) -> None:
    actito.arm(Fault("status", "/profile/", status=400, method="PUT"))
    world.Phone().register(card)
    assert told().status == Status.FAILED
    assert settings_of(verdi).refusals == 1
    wallet_news.publish(card.customer, cause=make.EventFactory.make(tenant=verdi.tenant))
    (event,) = run_due("actito.wallet")
    assert (event.status, settings_of(verdi).refusals) == (Status.DONE, 0)


def test_an_outage_is_waited_for_and_then_the_last_state_is_written(actito: ActitoSandbox, card: WalletPass) -> None:
    actito.arm(Fault("status", "/profile/", status=503, method="PUT"))
    phone = world.Phone()
    phone.register(card)
    event = told()
    assert event.status == Status.WAITING
    phone.unregister(card)
    spread()
    make_due(event)
    run_due("actito.wallet")
    assert at_actito(actito)["walletLastEvent"] == "removed"
