"""Profiles that are gone from Actito: marked and told, never deleted; many at once only after somebody said so."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event as ThreadingEvent
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from integrations.actito import gone
from integrations.actito.models import ActitoConnection, GoneQuestion
from integrations.actito.naming import named
from integrations.actito.profile_calls import ProfileClient
from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.webhooks import ACTITO_PROFILE
from portal import customers
from portal.customer_batch import apply_profiles
from portal.customers import Profile
from portal.models import Customer, Event, Identity, Lane
from portal.sentences import say
from portal.tenancy import Role
from tests import factories as make
from tests.databases import ON_SQLITE
from tests.passes import world
from tests.portal.admin_world import action, client_of, url
from tests.world import ENTITY, TABLE, arrive, make_connection, make_due, make_tenant, run_due, run_one

pytestmark = pytest.mark.django_db

Status = Event.Status
ANNA = "anna.peeters@example.com"


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    """Anna and Bram are known."""
    actito.seed(entity=ENTITY, table=TABLE, profiles=[{"emailAddress": "bram@example.com"}])
    connection = make_connection(make_tenant(), actito.url, void_when_gone=True)
    Lane.objects.filter(pk=connection.lane_id).update(calls_per_minute=0)  # else one run would wait for the one before
    for profile in (2, 1):
        run_one(connection, profile)
    return connection


@pytest.fixture
def anna(verdi: ActitoConnection) -> Customer:
    return Customer.objects.get(key=ANNA)


def forget(actito: ActitoSandbox, *profiles: int) -> None:
    """Somebody deletes them in Actito."""
    table = actito._table(ENTITY, TABLE)
    for profile in profiles:
        table.delete(table.profiles[profile])


def marked(connection: ActitoConnection) -> set[str]:
    known = Identity.objects.filter(namespace=connection.source, gone_at__isnull=False)
    return set(known.values_list("value", flat=True))


def tried_again(event: Event) -> Event:
    """Its retries have come."""
    while event.status == Status.WAITING and event.retries:
        make_due(event)
        event = next(each for each in run_due() if each.pk == event.pk)
    return event


# One is gone


def test_a_delete_marks_the_customer_and_voids_the_passes_and_deletes_nothing(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    card = world.wallet_pass(world.template(anna.tenant), anna)
    forget(actito, 1)
    event = run_one(verdi, 1, "DELETE")
    assert event.status == Status.DONE
    assert event.outcome == "Actito deleted profile 1. The customer is marked as gone. 1 pass is void."
    card.refresh_from_db()
    assert (card.voided, card.voided_as_gone) == (True, True)
    assert marked(verdi) == {"1"}
    assert Customer.objects.count() == 2
    assert named(verdi, anna) is None  # nothing is written to, and no scenario started for, whoever bears the key now


def test_passes_stay_valid_where_the_tenant_did_not_choose_otherwise(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    verdi.void_when_gone = False
    verdi.save()
    card = world.wallet_pass(world.template(anna.tenant), anna)
    forget(actito, 1)
    assert run_one(verdi, 1, "DELETE").outcome == "Actito deleted profile 1. The customer is marked as gone."
    card.refresh_from_db()
    assert not card.voided


def test_a_delete_of_a_profile_that_is_still_there_marks_nobody(verdi: ActitoConnection) -> None:
    assert run_one(verdi, 1, "DELETE").outcome == "No mapped value changed."
    assert not marked(verdi)


def test_a_404_is_asked_again_and_counts_once_a_known_profile_was_read(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    forget(actito, 1)
    event = run_one(verdi, 1)
    assert (event.status, marked(verdi)) == (Status.WAITING, set())
    event = tried_again(event)
    assert (event.status, event.attempts) == (Status.DONE, 3)
    assert event.outcome == "Actito has no profile 1. The customer is marked as gone."
    again = run_one(verdi, 1)  # at night: one look is enough
    assert again.outcome == "Actito has no profile 1. Its customer is marked as gone already."


def test_a_404_with_nobody_else_to_compare_with_marks_nobody(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    forget(actito, 1, 2)
    run_one(verdi, 2, "DELETE")
    event = tried_again(run_one(verdi, 1))
    assert event.status == Status.IGNORED
    assert "nothing is marked" in event.outcome
    assert marked(verdi) == {"2"}


# Somebody comes back


def test_who_is_there_again_is_unmarked_and_their_passes_are_valid(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    card = world.wallet_pass(world.template(anna.tenant), anna)
    table = actito._table(ENTITY, TABLE)
    before = table.profiles[1]
    forget(actito, 1)
    run_one(verdi, 1, "DELETE")
    table.put(before)
    event = run_one(verdi, 1)
    assert event.outcome == "The customer is back. 1 pass is valid again. No mapped value changed."
    card.refresh_from_db()
    assert (card.voided, marked(verdi)) == (False, set())


def test_the_winner_of_a_merge_who_bears_the_key_is_the_same_customer(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    card = world.wallet_pass(world.template(anna.tenant), anna)
    forget(actito, 1)
    run_one(verdi, 1, "DELETE")
    actito.seed(entity=ENTITY, table=TABLE, profiles=[{"emailAddress": ANNA}])
    assert "The customer is back." in run_one(verdi, 3, "CREATE").outcome
    card.refresh_from_db()
    assert not card.voided
    names = Identity.objects.filter(customer=anna, namespace=verdi.source)
    assert [(each.value, each.gone_at) for each in names] == [("3", None)]


def test_a_file_marks_nobody_as_back_and_says_whom_to_read(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    exported = Event.objects.latest("pk").pk
    forget(actito, 1)
    event = run_one(verdi, 1, "DELETE")
    names = {verdi.source: "1", f"{verdi.source}:key": ANNA}
    line = Profile(verdi.source, names, ANNA, "nl", {})
    (old,) = apply_profiles([line], cause=event, number=exported)
    (new,) = apply_profiles([line], cause=event, number=event.pk)
    assert (old.back, new.back, marked(verdi)) == (False, True, {"1"})
    created = Profile(verdi.source, {**names, verdi.source: "9"}, ANNA, "nl", {})
    (renewed,) = apply_profiles([created], cause=event, number=event.pk)
    assert (renewed.customer, renewed.back, marked(verdi)) == (anna, True, set())


# Who is known by the key alone, and who was merged


def known_by_key(connection: ActitoConnection, key: str) -> Customer:
    """A customer of whom an action told the key, before any profile was read."""
    cause = Event.objects.latest("pk")
    return customers.known_by_key(key, cause=cause)


def deleted(connection: ActitoConnection, profile: int, **told: Any) -> Event:
    """A DELETE as Actito pushes it: with the unique attributes."""
    arrived = arrive(connection, profile, "DELETE")
    Event.objects.filter(pk=arrived.pk).update(
        payload={**arrived.payload, "body": json.dumps({"profileId": profile, **told})}
    )
    return next(event for event in run_due() if event.pk == arrived.pk)


@pytest.mark.parametrize("told", [{"emailAddress": "carl@example.com"},
                                  {"profileAttributes": {"emailAddress": "Carl@example.com"}}])  # fmt: skip
def test_a_customer_known_by_the_key_alone_is_marked_too(verdi: ActitoConnection, told: dict[str, Any]) -> None:
    carl = known_by_key(verdi, "carl@example.com")
    card = world.wallet_pass(world.template(carl.tenant), carl)
    event = deleted(verdi, 9, **told)
    assert event.outcome == "Actito deleted profile 9. The customer is marked as gone. 1 pass is void."
    card.refresh_from_db()
    assert (card.voided, marked(verdi)) == (True, {"9"})
    assert named(verdi, carl) is None


def test_who_was_known_by_the_key_alone_comes_back_with_a_profile(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    carl = known_by_key(verdi, "carl@example.com")
    deleted(verdi, 9, emailAddress="carl@example.com")
    actito.seed(entity=ENTITY, table=TABLE, profiles=[{"emailAddress": "carl@example.com"}])
    assert "The customer is back." in run_one(verdi, 3, "CREATE").outcome
    assert not marked(verdi)
    assert Customer.objects.get(key="carl@example.com") == carl


@pytest.mark.parametrize("body", ["", "[]", '{"emailAddress": ["x"]}', '{"emailAddress": "carl@exam', "7"])
def test_a_delete_that_does_not_tell_the_key_marks_nobody_by_it(verdi: ActitoConnection, body: str) -> None:
    known_by_key(verdi, "carl@example.com")
    arrived = arrive(verdi, 9, "DELETE")
    Event.objects.filter(pk=arrived.pk).update(payload={**arrived.payload, "body": body})
    assert run_due()[0].outcome == "Actito deleted profile 9."
    assert not marked(verdi)


def test_a_customer_known_by_a_key_that_another_profile_bears_is_that_profiles(
    verdi: ActitoConnection, actito: ActitoSandbox
) -> None:
    carl = known_by_key(verdi, "carl@example.com")
    actito.seed(entity=ENTITY, table=TABLE, profiles=[{"emailAddress": "carl@example.com"}])
    event = deleted(verdi, 9, emailAddress="carl@example.com")
    assert "Profile 3 bears its key now" in event.outcome
    run_due()
    assert not marked(verdi)
    assert Identity.objects.get(namespace=verdi.source, value="3").customer == carl


def test_the_loser_of_a_merge_is_told_so_and_goes_on_as_who_bears_the_key(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    card = world.wallet_pass(world.template(anna.tenant), anna)
    forget(actito, 1)
    actito.seed(entity=ENTITY, table=TABLE, profiles=[{"emailAddress": ANNA}])
    event = run_one(verdi, 1, "DELETE")
    assert event.outcome == (
        "Actito deleted profile 1. Profile 3 bears its key now: it was merged into it, or made anew. The customer is "
        "marked as gone. 1 pass is void."
    )
    (heir,) = run_due()
    assert (heir.subject, heir.parent) == (f"{verdi.source}:profile:3", event)
    assert "The customer is back. 1 pass is valid again." in heir.outcome
    card.refresh_from_db()
    assert (card.voided, card.customer, marked(verdi)) == (False, anna, set())


def test_of_two_known_customers_who_are_merged_the_loser_stays_marked_with_its_passes(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    """Bram's profile takes Anna's address: he has it from now on, and she keeps what is hers, marked."""
    bram = Customer.objects.get(key="bram@example.com")
    card = world.wallet_pass(world.template(anna.tenant), anna)
    forget(actito, 1)
    ProfileClient(verdi).update_profile("2", {"emailAddress": ANNA})
    event = run_one(verdi, 1, "DELETE")
    assert "Profile 2 bears its key now" in event.outcome
    run_due()
    card.refresh_from_db()
    assert (card.customer, card.voided, marked(verdi)) == (anna, True, {"1"})
    assert Identity.objects.get(namespace=f"{verdi.source}:key", value=ANNA).customer == bram
    assert Customer.objects.count() == 2


# Many at once


def went(connection: ActitoConnection, profiles: Iterable[int], ago: timedelta = timedelta(minutes=5)) -> None:
    """Customers who have been marked already."""
    for profile in profiles:
        customer = make.CustomerFactory.make(tenant=connection.tenant)
        make.IdentityFactory.make(
            customer=customer, namespace=connection.source, value=str(profile), gone_at=timezone.now() - ago
        )


def asked(connection: ActitoConnection) -> bool:
    return GoneQuestion.objects.filter(connection=connection, asked_at__isnull=False).exists()


@pytest.fixture
def asking(verdi: ActitoConnection, actito: ActitoSandbox) -> Event:
    """Twenty went within the hour, and Anna is the next; her event waits for an answer."""
    went(verdi, range(100, 120))
    forget(actito, 1)
    return run_one(verdi, 1, "DELETE")


def test_more_than_twenty_in_an_hour_pause_the_connection_and_ask(verdi: ActitoConnection, asking: Event) -> None:
    assert (asking.status, asking.attempts) == (Status.WAITING, 0)
    assert "More than 20 profiles went within an hour." in asking.outcome
    lane = Lane.objects.get(pk=verdi.lane_id)
    assert (lane.paused_at is not None, lane.pause_reason) == (True, asking.outcome)
    assert asked(verdi)
    assert "1" not in marked(verdi)
    arrive(verdi, 2)
    assert run_due() == []


def test_twenty_over_two_hours_ask_nobody(verdi: ActitoConnection, actito: ActitoSandbox) -> None:
    went(verdi, range(100, 110), timedelta(hours=2))
    went(verdi, range(110, 129))
    forget(actito, 1)
    assert run_one(verdi, 1, "DELETE").status == Status.DONE
    assert "1" in marked(verdi)
    assert not asked(verdi)


def signed_in(connection: ActitoConnection, role: Role) -> Client:
    return client_of(make.MembershipFactory.make(tenant=connection.tenant, role=role).user)


def dialog(connection: ActitoConnection) -> str:
    return action(ActitoConnection, connection.pk, "answer-gone")


def answer(client: Client, connection: ActitoConnection, given: str) -> Any:
    return client.post(dialog(connection), {"_form_submitted": "True", "answer": given})


def test_going_on_marks_who_waited_and_asks_no_more_for_a_day(
    verdi: ActitoConnection, actito: ActitoSandbox, asking: Event
) -> None:
    marketer = signed_in(verdi, Role.MARKETER)
    page = marketer.get(url(ActitoConnection, "change", verdi.pk)).content.decode()
    assert "20 customers were marked as gone within an hour" in page
    assert "/resume" not in page
    assert "their passes are void" in marketer.get(dialog(verdi)).content.decode()
    answer(marketer, verdi, "mark")
    assert not Lane.objects.get(pk=verdi.lane_id).paused_at
    (event,) = run_due()
    assert (event.pk, event.status) == (asking.pk, Status.DONE)
    forget(actito, 2)
    assert run_one(verdi, 2, "DELETE").status == Status.DONE
    GoneQuestion.objects.update(answered_at=timezone.now() - timedelta(hours=25))
    went(verdi, [200])
    actito.seed(entity=ENTITY, table=TABLE, profiles=[{"emailAddress": "carl@example.com"}])
    run_one(verdi, 3, "CREATE")
    forget(actito, 3)
    assert run_one(verdi, 3, "DELETE").status == Status.WAITING
    assert asked(verdi)


def test_keeping_them_unmarks_who_was_marked_and_makes_their_passes_valid(
    verdi: ActitoConnection, asking: Event
) -> None:
    one = Identity.objects.get(value="100")
    card = world.wallet_pass(world.template(verdi.tenant), one.customer)
    type(card).objects.filter(pk=card.pk).update(voided=True, voided_as_gone=True)
    answer(signed_in(verdi, Role.OPERATOR), verdi, "keep")
    Lane.objects.update(max_running=32)
    events = run_due(ACTITO_PROFILE)
    assert len(events) == 21
    assert {event.status for event in events} == {Status.IGNORED}
    assert all("The customer is kept as it is" in event.outcome for event in events)
    assert not marked(verdi)
    card.refresh_from_db()
    assert not card.voided


@pytest.mark.parametrize("role", [Role.AUDITOR])
def test_who_may_change_nothing_cannot_answer(verdi: ActitoConnection, asking: Event, role: Role) -> None:
    assert answer(signed_in(verdi, role), verdi, "mark").status_code == 403
    assert asked(verdi)


def test_an_answer_that_came_twice_is_told_so(verdi: ActitoConnection, asking: Event) -> None:
    owner = signed_in(verdi, Role.OWNER)
    answer(owner, verdi, "keep")
    page = owner.post(dialog(verdi), {"_form_submitted": "True", "answer": "mark"}, follow=True)
    assert "This was answered meanwhile." in page.content.decode()
    assert GoneQuestion.objects.get().answer == "keep"


def test_the_customer_and_the_list_say_since_when(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    forget(actito, 1)
    run_one(verdi, 1, "DELETE")
    client = signed_in(verdi, Role.AUDITOR)
    assert "Gone from Actito since" in client.get(url(Customer, "change", anna.pk)).content.decode()
    assert client.get(url(Customer, "changelist")).content.decode().count("Gone since") == 1


def test_the_list_shows_who_is_gone_of_ones_own_tenant_alone(
    verdi: ActitoConnection, actito: ActitoSandbox, anna: Customer
) -> None:
    forget(actito, 1)
    run_one(verdi, 1, "DELETE")
    theirs = make.IdentityFactory.make(
        customer=make.CustomerFactory.make(tenant=make.TenantFactory.make(), key="theirs@example.com"),
        namespace="actito:99", gone_at=timezone.now(),
    )  # fmt: skip
    other_system = make.CustomerFactory.make(tenant=verdi.tenant, key="elsewhere@example.com")
    make.IdentityFactory.make(customer=other_system, namespace="didomi:1", gone_at=timezone.now())
    client = signed_in(verdi, Role.AUDITOR)
    everybody = client.get(url(Customer, "changelist")).content.decode()
    gone_page = client.get(url(Customer, "changelist") + "?in_actito=gone").content.decode()
    assert "bram@example.com" in everybody
    assert ANNA in gone_page
    for other in ("bram@example.com", other_system.key, theirs.customer.key):
        assert other not in gone_page
    assert "bram@example.com" in client.get(url(Customer, "changelist") + "?in_actito=1 OR 1").content.decode()


@pytest.mark.skipif(ON_SQLITE, reason="SQLite has one writer")
@pytest.mark.django_db(transaction=True)
def test_of_two_workers_that_mark_at_once_one_asks(actito: ActitoSandbox) -> None:
    actito.seed(entity=ENTITY, table=TABLE, profiles=[{"emailAddress": "bram@example.com"}])
    verdi = make_connection(make_tenant(), actito.url)
    for profile in (2, 1):
        run_one(verdi, profile)
    went(verdi, range(100, 119))
    GoneQuestion.objects.create(connection=verdi)  # its first making would have them wait, too
    cause = Event.objects.latest("pk")
    marks, ended = ThreadingEvent(), ThreadingEvent()

    def first() -> str:
        with transaction.atomic():
            status = gone.mark(cause, verdi, "1", cause.pk, say("Gone.")).status
            marks.set()
            ended.wait(0.3)  # not committed yet: the second waits for it
        connections.close_all()
        return status

    def second() -> str:
        marks.wait(5)
        with transaction.atomic():
            status = gone.mark(cause, verdi, "2", cause.pk, say("Gone.")).status
        ended.set()
        connections.close_all()
        return status

    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(each) for each in (first, second)]
        assert [each.result(10) for each in found] == [Status.DONE, Status.WAITING]
    assert len(marked(verdi)) == 20
    assert asked(verdi)
