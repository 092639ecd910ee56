"""FETCH and CUSTOMER: from an arrival, through claim and run, to the customer and what is published."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.actito.models import ActitoConnection, AttributeMapping
from integrations.actito.sandbox import ActitoSandbox
from integrations.mapping import ValueType
from portal.models import Attempt, Customer, Event, Identity, Lane
from portal.sandbox import Fault
from tests.integrations.actito.double import Double, answer
from tests.world import (
    ENTITY,
    PAYLOADS,
    TABLE,
    arrive,
    make_connection,
    make_due,
    make_tenant,
    map_value,
    payload,
    run_due,
    run_one,
)

pytestmark = pytest.mark.django_db

Status = Event.Status
NEWS = "customer.changed"


def mapped(connection: ActitoConnection) -> ActitoConnection:
    map_value(connection, "firstName", "first_name")
    map_value(connection, "points", "points", ValueType.NUMBER)
    map_value(connection, "Newsletter", "newsletter", ValueType.YES_NO, part=AttributeMapping.Part.SUBSCRIPTION)
    return connection


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    return mapped(make_connection(make_tenant(), actito.url))


def published() -> list[dict[str, Any]]:
    return [event.payload for event in Event.objects.filter(kind__startswith=NEWS).order_by("pk")]


def change(actito: ActitoSandbox, name: str, value: Any, profile: int = 1) -> None:
    actito.set_attribute(ENTITY, TABLE, profile, name, value)


# A profile becomes a customer


def test_the_first_reading_makes_a_customer(verdi: ActitoConnection) -> None:
    event = run_one(verdi, 1, "CREATE")
    assert (event.status, event.outcome) == (Status.DONE, "A new customer.")
    customer = Customer.objects.get()
    assert customer.tenant == verdi.tenant
    assert customer.key == "anna.peeters@example.com"
    assert customer.language == "nl"
    assert customer.values == {"first_name": "Anna", "points": 420, "newsletter": True}
    assert customer.synced_at
    assert customer.changed_at
    assert {(one.namespace, one.value) for one in customer.identities.all()} == {
        (verdi.source, "1"),
        (f"{verdi.source}:key", "anna.peeters@example.com"),
    }
    for origin in customer.origins.values():
        assert (origin["source"], origin["number"]) == (verdi.source, event.pk)


def test_a_change_is_published_once_with_the_names_of_the_values_that_changed(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    run_one(verdi, 1)
    before = len(published())
    change(actito, "points", 450)
    event = run_one(verdi, 1)
    assert event.outcome == "points: 420 → 450."
    news = published()[before:]
    assert news
    assert {tuple(each["names"]) for each in news} == {("points",)}
    assert {each["customer"] for each in news} == {Customer.objects.get().pk}
    following = Event.objects.filter(kind__startswith=NEWS).latest("pk")
    assert (following.correlation_id, following.parent) == (event.correlation_id, event)


def test_an_unchanged_profile_publishes_nothing(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    run_one(verdi, 1)
    before, changed_at = len(published()), Customer.objects.get().changed_at
    change(actito, "lastName", "nobody maps this")
    event = run_one(verdi, 1)
    assert (event.status, event.outcome) == (Status.DONE, "No mapped value changed.")
    assert len(published()) == before
    assert Customer.objects.get().changed_at == changed_at


def test_the_same_values_as_strings_change_nothing(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    run_one(verdi, 1)
    actito.switches.values_as_strings = True
    actito.switches.profile_id_as_string = True
    assert run_one(verdi, 1).outcome == "No mapped value changed."
    assert Customer.objects.count() == 1


def test_a_value_that_was_emptied_becomes_empty_unless_the_mapping_keeps_it(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    map_value(verdi, "tier", "tier", keep_if_empty=True)
    change(actito, "tier", "Gold")
    run_one(verdi, 1)
    change(actito, "tier", None)
    change(actito, "points", None)
    assert run_one(verdi, 1).outcome == "points: 420 → empty."
    assert Customer.objects.get().values["tier"] == "Gold"


def test_a_new_mapping_without_a_value_is_no_change(verdi: ActitoConnection) -> None:
    run_one(verdi, 1)
    before = len(published())
    map_value(verdi, "tier", "tier")
    assert run_one(verdi, 1).outcome == "No mapped value changed."
    assert len(published()) == before
    assert Customer.objects.get().values["tier"] is None


def test_a_value_that_cannot_be_read_stays_and_the_others_apply(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    run_one(verdi, 1)
    change(actito, "points", "many")
    change(actito, "firstName", "Annabel")
    event = run_one(verdi, 1)
    assert event.status == Status.DONE
    assert event.outcome == "first_name: Anna → Annabel. “points” was kept as it was: “many” is not a number."
    assert Customer.objects.get().values == {"first_name": "Annabel", "points": 420, "newsletter": True}


@pytest.mark.parametrize(
    ("given", "kept"),
    [("FR", "fr"), ("nl_BE", "nl"), ("en-GB", "en"), (None, ""), ("Nederlands", ""), ("1", ""), ("français", "")],
)
def test_the_language_is_two_letters_or_none(
    verdi: ActitoConnection, actito: ActitoSandbox, given: Any, kept: str
) -> None:
    change(actito, "motherLanguage", given)
    run_one(verdi, 1)
    assert Customer.objects.get().language == kept


def test_a_new_language_or_address_is_published_without_a_changed_value(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    run_one(verdi, 1)
    before = len(published())
    change(actito, "motherLanguage", "FR")
    run_one(verdi, 1)
    assert {tuple(each["names"]) for each in published()[before:]} == {()}
    assert len(published()) > before


def test_one_read_covers_all_arrivals_that_wait(verdi: ActitoConnection) -> None:
    for _ in range(3):
        arrive(verdi, 1)
    (event,) = run_due()
    assert event.status == Status.DONE
    assert Event.objects.filter(kind="actito.profile", status=Status.MERGED).count() == 2
    assert Attempt.objects.filter(target="Actito").count() == 1
    assert Customer.objects.get().origins["points"]["number"] > event.pk


# Names move


def test_an_address_moves_with_the_newest_reading(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    run_one(verdi, 1)
    anna = Customer.objects.get()
    change(actito, "emailAddress", "anna.new@example.com")
    (bram_id,) = actito.seed(
        entity=ENTITY, table=TABLE, profiles=[{"emailAddress": "anna.peeters@example.com", "firstName": "Bram"}]
    ).profile_ids
    run_one(verdi, bram_id)
    bram = Customer.objects.exclude(pk=anna.pk).get()
    key = Identity.objects.get(namespace=f"{verdi.source}:key", value="anna.peeters@example.com")
    assert key.customer == bram
    run_one(verdi, 1)
    anna.refresh_from_db()
    assert anna.key == "anna.new@example.com"
    assert anna.values["first_name"] == "Anna"
    assert {one.value for one in anna.identities.all()} == {"1", "anna.new@example.com"}
    assert {one.value for one in bram.identities.all()} == {str(bram_id), "anna.peeters@example.com"}


def test_a_key_that_was_emptied_no_longer_finds_the_customer(double: Double) -> None:
    connection = make_connection(make_tenant(), double.url)
    double.profile = answer(200, {"attributes": {"profileId": 7, "emailAddress": "a@example.com"}})
    run_one(connection, 7)
    double.profile = answer(200, {"attributes": {"profileId": 7, "emailAddress": None}})
    run_one(connection, 7)
    customer = Customer.objects.get()
    assert customer.key == "7"
    assert [one.value for one in customer.identities.all()] == ["7"]


def test_the_same_profile_id_at_another_tenant_is_another_customer(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    rivale = mapped(make_connection(make_tenant("rivale"), actito.url))
    run_one(verdi, 1)
    change(actito, "points", 1)
    run_one(rivale, 1)
    assert Customer.objects.get(tenant=verdi.tenant).values["points"] == 420
    assert Customer.objects.get(tenant=rivale.tenant).values["points"] == 1


def test_the_same_profile_id_in_another_table_of_the_tenant_is_another_customer(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    actito.seed(entity=ENTITY, table="Partners", profiles=[{"emailAddress": "partner@example.com", "points": 5}])
    partners = mapped(make_connection(verdi.tenant, actito.url, name="Partners", table="Partners"))
    run_one(verdi, 1)
    run_one(partners, 1)
    assert set(Customer.objects.values_list("key", flat=True)) == {"anna.peeters@example.com", "partner@example.com"}


# 404


def test_an_unknown_profile_is_retried_twice_and_then_ignored(verdi: ActitoConnection) -> None:
    run_one(verdi, 1)
    event = run_one(verdi, 999, "CREATE")
    for _ in range(2):
        assert (event.status, event.outcome) == (Status.WAITING, "Actito does not know profile 999 yet.")
        make_due(event)
        (event,) = run_due()
    assert (event.status, event.outcome) == (Status.IGNORED, "Actito has no profile 999.")
    assert event.attempts == 3
    assert Customer.objects.count() == 1


def test_a_profile_that_appears_late_is_read_after_all(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    event = run_one(verdi, 2, "CREATE")
    assert event.status == Status.WAITING
    actito.seed(entity=ENTITY, table=TABLE, profiles=[{"emailAddress": "late@example.com"}])
    make_due(event)
    (event,) = run_due()
    assert (event.status, event.outcome) == (Status.DONE, "A new customer.")


def third_time(connection: ActitoConnection, profile: int) -> Event:
    event = run_one(connection, profile)
    for _ in range(2):
        make_due(event)
        (event,) = run_due()
    return event


def test_a_404_for_profiles_that_were_readable_pauses_the_lane(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    run_one(verdi, 1)
    actito.arm(Fault("status", "/profile/", times=20, status=404))
    event = third_time(verdi, 999)
    assert event.status == Status.WAITING
    assert event.outcome == "Actito hides profiles that it showed before. Check the rights of the API key."
    lane = Lane.objects.get(pk=verdi.lane_id)
    assert lane.paused_at
    assert lane.pause_reason == event.outcome
    arrive(verdi, 1)
    assert run_due() == []


def test_one_known_profile_that_was_deleted_does_not_pause_the_lane(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    people = [{"emailAddress": f"person{number}@example.com"} for number in range(2, 4)]
    actito.seed(entity=ENTITY, table=TABLE, profiles=people)
    for profile in (1, 2, 3):
        run_one(verdi, profile)
    table = actito._table(ENTITY, TABLE)
    for profile in (2, 3):
        table.delete(table.profiles[profile])
    assert third_time(verdi, 3).status == Status.DONE
    assert not Lane.objects.get(pk=verdi.lane_id).paused_at


def test_the_very_first_profile_may_be_absent(verdi: ActitoConnection) -> None:
    assert third_time(verdi, 999).status == Status.IGNORED


# What goes wrong


def test_a_connection_that_was_deleted_ends_what_waits(verdi: ActitoConnection) -> None:
    event = arrive(verdi, 1)
    verdi.mappings.all().delete()
    verdi.delete()
    (event,) = run_due()
    assert event.status == Status.IGNORED
    assert event.outcome == "The Actito connection that reported this was deleted."
    assert not Attempt.objects.exists()


def test_an_event_never_reads_through_another_tenants_connection(verdi: ActitoConnection) -> None:
    rivale = make_connection(make_tenant("rivale"))
    event = arrive(rivale, 1)
    Event.objects.filter(pk=event.pk).update(payload={"connection": verdi.pk, "profile": "1"})
    (event,) = run_due()
    assert event.status == Status.IGNORED
    assert not Customer.objects.exists()


def test_a_wrong_key_pauses_the_lane_and_costs_no_attempt(verdi: ActitoConnection) -> None:
    verdi.api_key = "withdrawn"
    verdi.save()
    event = run_one(verdi, 1)
    assert (event.status, event.attempts) == (Status.WAITING, 0)
    assert "Enter a valid one" in Lane.objects.get(pk=verdi.lane_id).pause_reason


@pytest.mark.parametrize("header", ["0", "Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2037 07:28:00"])
def test_an_odd_retry_after_never_leads_to_calls_without_end(
    verdi: ActitoConnection, actito: ActitoSandbox, header: str
) -> None:
    actito.arm(Fault("status", "/profile/", times=5, status=429, retry_after=header))
    run_one(verdi, 1)
    assert run_due() == []


def test_a_429_with_retry_after_holds_the_whole_lane_and_costs_no_attempt(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    actito.arm(Fault("status", "/profile/", status=429, retry_after="30"))
    event = run_one(verdi, 1)
    assert (event.status, event.attempts) == (Status.WAITING, 0)
    arrive(verdi, 2)
    assert run_due() == []


@pytest.mark.parametrize("case", ["not_a_profile", "profile_of_somebody_else"])
def test_an_answer_that_is_not_this_profile_leaves_the_customer_alone(double: Double, case: str) -> None:
    connection = make_connection(make_tenant(), double.url)
    map_value(connection, "loyaltyPoints", "points", ValueType.NUMBER)
    double.profile = answer(200, payload("profile_as_documented"))
    run_one(connection, 147471)
    before = Customer.objects.values().get()
    double.profile = answer(200, payload(case))
    assert run_one(connection, 147471).status == Status.WAITING
    assert Customer.objects.values().get() == before


def test_an_answer_without_subscriptions_leaves_those_values_alone(double: Double) -> None:
    connection = mapped(make_connection(make_tenant(), double.url))
    double.profile = answer(200, payload("profile_as_documented"))
    run_one(connection, 147471)
    double.profile = answer(200, {"attributes": payload("profile_as_documented")["attributes"]})
    assert run_one(connection, 147471).outcome == "No mapped value changed."
    assert Customer.objects.get().values["newsletter"] is True


def test_text_that_no_database_takes_is_replaced(double: Double) -> None:
    connection = make_connection(make_tenant(), double.url)
    map_value(connection, "firstName", "first_name")
    map_value(connection, "loyaltyPoints", "points", ValueType.NUMBER)
    double.profile = answer(200, (PAYLOADS / "profile_with_hostile_text.json").read_bytes())
    event = run_one(connection, 147471)
    assert event.status == Status.DONE
    customer = Customer.objects.get()
    assert customer.values["first_name"] == "An�na"
    assert customer.key == "anna�.peeters@example.com"
    assert "is not a number" in event.outcome


@pytest.mark.parametrize("key", ["x" * 256 + "@example.com", ["a", "b"], {"a": 1}, True, "   "])
def test_a_business_key_that_cannot_be_one_gives_way_to_the_profile_id(double: Double, key: Any) -> None:
    connection = make_connection(make_tenant(), double.url)
    double.profile = answer(200, {"attributes": {"profileId": 7, "emailAddress": key}})
    assert run_one(connection, 7).status == Status.DONE
    assert Customer.objects.get().key == "7"
