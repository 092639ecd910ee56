"""Writing attributes to profiles: one after the other, the newest wins, and what comes back of it ends there."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.actito.models import ActitoConnection, WrittenProfile
from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.writeback import ECHO, Unwritable, write_attributes
from integrations.mapping import ValueType
from portal import ledger
from portal.models import Attempt, Customer, Event, Identity, Lane
from portal.sandbox import Fault
from tests import factories as make
from tests.integrations.actito.double import Double, answer
from tests.world import (
    ACTITO_KEY,
    ENTITY,
    TABLE,
    arrive,
    make_connection,
    make_due,
    make_tenant,
    map_value,
    run_due,
    run_one,
)

pytestmark = pytest.mark.django_db

Status = Event.Status
OWN = "Our own change: the profile has what the portal wrote to it, and nothing else."


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    connection = make_connection(make_tenant(), actito.url)
    map_value(connection, "points", "points", ValueType.NUMBER)
    return connection


@pytest.fixture
def anna(verdi: ActitoConnection) -> Customer:
    run_one(verdi, 1)
    return Customer.objects.get()


def connection_of(customer: Customer) -> ActitoConnection:
    return ActitoConnection.objects.get(tenant=customer.tenant_id)


def write(customer: Customer, **values: Any) -> Event:
    """What a rule does; the Event is not run yet."""
    cause = make.EventFactory.make(tenant=customer.tenant)
    write_attributes(customer, values, connection=connection_of(customer), cause=cause)
    return Event.objects.filter(kind="actito.write").latest("pk")


def written() -> Event:
    (event,) = run_due("actito.write")
    return event


def at_actito(actito: ActitoSandbox, name: str) -> Any:
    return actito.values(ENTITY, TABLE, 1).get(name)


def test_attributes_are_written_by_the_profiles_id_and_the_others_stay(actito: ActitoSandbox, anna: Customer) -> None:
    ordered = write(anna, tier="Gold", customerId="C-1")
    event = written()
    assert (event.status, event.outcome) == (Status.DONE, "Written to Actito: tier, customerId.")
    assert event.subject == f"{connection_of(anna).source}:profile:1"
    assert event.correlation_id == ordered.parent.correlation_id  # type: ignore[union-attr]
    assert (at_actito(actito, "tier"), at_actito(actito, "customerId")) == ("Gold", "C-1")
    assert at_actito(actito, "points") == 420
    assert actito.requests[-1]["path"].endswith("/profile/1")


def test_a_customer_without_a_profile_id_is_named_by_the_unique_key(actito: ActitoSandbox, anna: Customer) -> None:
    Identity.objects.filter(customer=anna, value="1").delete()
    write(anna, tier="Gold")
    assert written().status == Status.DONE
    assert at_actito(actito, "tier") == "Gold"


NO_NAME = "no attribute's name"


@pytest.mark.parametrize(("values", "said"), [
    ({"profileId": 8}, "made by Actito itself"), ({"no space": 1}, NO_NAME), ({"": 1}, NO_NAME),
    ({"x" * 51: 1}, NO_NAME), ({"a/b": 1}, NO_NAME), ({"tier": ["Gold"]}, "takes a text"),
    ({"tier": "x" * 2001}, "longer than 2000"), ({"points": float("nan")}, "takes a text"), ({}, "1 to 50"),
    ({f"a{n}": n for n in range(51)}, "1 to 50"),
])  # fmt: skip
def test_what_cannot_be_written_is_refused_before_anything_is_done(
    anna: Customer, values: dict[str, Any], said: str
) -> None:
    with pytest.raises(Unwritable, match=said):
        write(anna, **values)
    assert not Event.objects.filter(kind="actito.write").exists()


def test_nobody_is_written_through_a_connection_that_does_not_know_them(verdi: ActitoConnection) -> None:
    stranger = make.CustomerFactory.make(tenant=verdi.tenant)
    with pytest.raises(Unwritable, match="does not know this customer"):
        write(stranger, tier="Gold")


def test_nobody_is_written_through_another_tenants_connection(verdi: ActitoConnection, anna: Customer) -> None:
    rival = make_connection(make_tenant("rival"), verdi.host)
    make.IdentityFactory.make(customer=anna, namespace=rival.source, value="1")
    with pytest.raises(Unwritable):
        write_attributes(anna, {"tier": "Gold"}, connection=rival, cause=make.EventFactory.make(tenant=rival.tenant))


def test_an_older_write_that_is_retried_or_replayed_undoes_no_newer_one(actito: ActitoSandbox, anna: Customer) -> None:
    actito.arm(Fault("status", "/profile/", status=500, method="PUT"))
    older = write(anna, tier="Silver", customerId="C-1")
    assert written().status == Status.WAITING
    write(anna, tier="Gold")
    assert written().status == Status.DONE
    make_due(older)
    assert written().outcome == "Written to Actito: customerId."
    assert (at_actito(actito, "tier"), at_actito(actito, "customerId")) == ("Gold", "C-1")

    Event.objects.filter(pk=older.pk).update(payload={**older.payload, "attributes": {"tier": "Silver"}})
    ledger.replay(older.pk, by="anna")
    assert written().outcome == "A newer write brought these attributes already."
    assert at_actito(actito, "tier") == "Gold"


def test_a_write_and_a_reading_of_a_profile_take_turns(verdi: ActitoConnection, anna: Customer) -> None:
    write(anna, tier="Gold")
    arrive(verdi, 1)
    claimed = [event.kind for event in ledger.claim(8, "tests") if event.kind.startswith("actito.")]
    assert claimed == ["actito.write"]


# What comes back


def test_our_own_write_comes_back_and_ends_there(
    actito: ActitoSandbox, verdi: ActitoConnection, anna: Customer
) -> None:
    write(anna, tier="Gold", customerId=None)
    written()
    before = Event.objects.count()
    event = run_one(verdi, 1)
    assert (event.status, event.outcome) == (Status.DONE, OWN)
    assert Event.objects.count() == before + 1  # no pass touched, nothing written
    actito.switches.values_as_strings = True
    assert run_one(verdi, 1).outcome == OWN


def test_what_somebody_else_changed_is_not_taken_for_ours(
    actito: ActitoSandbox, verdi: ActitoConnection, anna: Customer
) -> None:
    write(anna, tier="Gold")
    written()
    actito.set_attribute(ENTITY, TABLE, 1, "points", 450)
    assert run_one(verdi, 1).outcome == "points: 420 → 450."
    actito.set_attribute(ENTITY, TABLE, 1, "tier", "Silver")
    assert run_one(verdi, 1).outcome == "No mapped value changed."


def test_what_comes_long_after_our_write_is_not_called_ours(verdi: ActitoConnection, anna: Customer) -> None:
    write(anna, tier="Gold")
    written()
    row = WrittenProfile.objects.get()
    WrittenProfile.objects.update(sent_at=row.sent_at - 2 * ECHO)
    assert run_one(verdi, 1).outcome == "No mapped value changed."


def test_a_value_that_was_written_and_is_mapped_reaches_the_customer(verdi: ActitoConnection, anna: Customer) -> None:
    write(anna, points=500)
    written()
    assert run_one(verdi, 1).outcome == "points: 420 → 500."


# What goes wrong


def test_an_attribute_that_is_not_there_ends_it_in_actitos_words(actito: ActitoSandbox, anna: Customer) -> None:
    write(anna, tier="Gold", walletStatus="apple")
    event = written()
    assert event.status == Status.FAILED
    assert "no attribute walletStatus" in event.outcome
    assert at_actito(actito, "tier") is None
    assert not WrittenProfile.objects.exists()


def test_a_missing_right_to_write_does_not_stop_what_is_read(
    actito: ActitoSandbox, verdi: ActitoConnection, anna: Customer
) -> None:
    actito.grant(ACTITO_KEY, {"profiles": "read"})
    write(anna, tier="Gold")
    event = written()
    assert (event.status, event.outcome.startswith("The API key may not change profiles.")) == (Status.FAILED, True)
    assert Lane.objects.get(pk=verdi.lane_id).paused_at is None
    assert run_one(verdi, 1).status == Status.DONE


def test_a_profile_that_is_gone_is_read_to_be_sure(double: Double) -> None:
    connection = make_connection(make_tenant(), double.url)
    customer = make.CustomerFactory.make(tenant=connection.tenant)
    make.IdentityFactory.make(customer=customer, namespace=connection.source, value="7")
    double.profile = answer(404, b"<html>Not found</html>", "text/html")
    write(customer, tier="Gold")
    event = written()
    assert event.status == Status.FAILED
    assert event.outcome == "Actito has no profile 7, or hides it. Nothing was written."
    assert Event.objects.get(kind="actito.profile").payload["event_type"] == "READ"


def test_a_success_without_a_body_is_kept_as_written(double: Double) -> None:
    connection = make_connection(make_tenant(), double.url)
    customer = make.CustomerFactory.make(tenant=connection.tenant)
    make.IdentityFactory.make(customer=customer, namespace=connection.source, value="7")
    double.profile = answer(201, b"")
    write(customer, tier="Gold")
    event = written()
    assert (event.status, Attempt.objects.filter(event=event, method="PUT", repeatable=True).count()) == (
        Status.DONE,
        1,
    )
    assert WrittenProfile.objects.get().attributes == {"tier": {"value": "Gold", "number": event.pk}}


def test_who_was_erased_meanwhile_is_not_written(anna: Customer) -> None:
    write(anna, tier="Gold")
    anna.delete()
    assert written().outcome == "The customer is no longer there."
