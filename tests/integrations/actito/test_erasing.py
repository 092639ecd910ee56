"""Erasing a customer: nothing of the person is left in any table, and nobody finds them again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.utils import timezone

from integrations.actito.models import ActitoConnection, WrittenProfile
from integrations.actito.sandbox import ActitoSandbox
from passes.content import ContentError
from passes.models import PassTemplate, WalletPass
from passes.refresh import issue
from passes.update import Update, arrive, order
from passes.values import Write
from portal import customers, erasure, ledger
from portal.consents.check import check
from portal.models import Change, Customer, Event, Identity
from portal.tenancy import Role
from tests import factories as make
from tests.passes import world
from tests.portal.admin_world import action, client_of, url
from tests.portal.consents_world import decide, entry
from tests.world import arrive as comes
from tests.world import make_connection, make_tenant

pytestmark = pytest.mark.django_db

Status = Event.Status
ANNA, PROFILE = "anna.peeters@example.com", "1"
MARKS = ("anna.peeters", "Anna", "Peeters", "C-77", "\u00dfonbon")
SUBMIT = {"_form_submitted": "True"}


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    return make_connection(make_tenant(), actito.url)


@pytest.fixture
def anna(verdi: ActitoConnection) -> Customer:
    """Known from Actito, with a card that has values of its own, and a history."""
    comes(verdi, PROFILE)
    work()
    customer = Customer.objects.get(key=ANNA)
    customer.values = {**customer.values, "first_name": "Anna", "last_name": "Peeters", "card_number": "C-77"}
    customer.save()
    held = world.wallet_pass(world.template(verdi.tenant), customer)
    WrittenProfile.objects.create(
        connection=verdi, customer=customer, sent_at=timezone.now(),
        attributes={"name": {"value": "Peeters", "number": 1}},
    )  # fmt: skip
    update = Update((Write("first_name", "\u00dfonbon"),))
    arrive(held, update, source="api", source_id=None, body_hash="")
    work()
    decide(customer, [entry(details={"who": "Anna Peeters"})], Event.objects.order_by("pk").first())
    work()
    return customer


@pytest.fixture
def owner(verdi: ActitoConnection) -> User:
    return make.MembershipFactory.make(tenant=verdi.tenant, role=Role.OWNER).user


@pytest.fixture
def boss(owner: User) -> Client:
    return client_of(owner)


def work() -> None:
    """Does all that is due."""
    while events := ledger.claim(8, "test"):
        for event in events:
            ledger.run(event)


def erased(customer: Customer, owner: User) -> Event:
    with transaction.atomic():
        erasure.erase(customer, owner)
    work()
    return Event.objects.get(kind=erasure.CUSTOMER_ERASE)


def tables() -> Iterator[tuple[str, str]]:
    """Every row of every table, as text."""
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            for row in cursor.fetchall():
                yield table, json.dumps(row, default=str, ensure_ascii=False)


def found() -> set[tuple[str, str]]:
    """Tables with a mark of the person, and the mark."""
    return {(table, mark) for table, row in tables() for mark in MARKS if mark.casefold() in row.casefold()}


def page(boss: Client, customer: Customer) -> str:
    return boss.get(url(Customer, "change", customer.pk)).content.decode()


# What goes


def test_nothing_of_the_person_is_left_in_any_table(anna: Customer, owner: User, boss: Client) -> None:
    assert boss.post(action(WalletPass, WalletPass.objects.get().pk, "void"), SUBMIT).status_code == 302
    work()
    before = {table for table, _ in found()}
    assert {
        "portal_customer", "portal_identity", "portal_event", "portal_attempt", "portal_change", "passes_walletpass",
        "actito_writtenprofile", "portal_consentrecord",
    } <= before  # fmt: skip

    done = erased(anna, owner)

    assert done.status == Status.DONE
    assert str(done.outcome).startswith(
        "Erased. 1 pass is void and empty. 1 consent record without contents. 2 names. "
    )
    assert found() == set()
    assert check(anna.tenant).emptied == 1
    assert not Event.objects.filter(subject__contains=":profile:").exists()


def test_what_stays_says_that_somebody_was_erased_and_by_whom(anna: Customer, owner: User, boss: Client) -> None:
    erased(anna, owner)
    left = Customer._base_manager.get(pk=anna.pk)
    assert (left.key, left.lowered_key, left.language, left.values, left.origins) == (
        f"erased-{anna.pk}", f"erased-{anna.pk}", "", {}, {},
    )  # fmt: skip
    assert left.erased_at
    change = Change.objects.filter(model="portal.customer").latest("pk")
    assert (change.user, change.sentence, change.name) == (owner, erasure.ASKED, "")
    text = page(boss, anna)
    assert f"{owner.username} asked for it" in text
    assert "Sync now" not in text
    assert "Give a pass" not in text


def test_a_template_that_needs_values_still_makes_an_empty_card(anna: Customer, owner: User) -> None:
    held = WalletPass.objects.get()
    PassTemplate.objects.update(published={**held.template.published, "expires": "never", "time_zone": "UTC"})
    erased(anna, owner)
    held.refresh_from_db()
    assert (held.voided, held.values, held.origins) == (True, {}, {})
    assert (held.content["fields"], held.content["barcode"], held.content["voided"]) == ([], None, True)
    assert held.content["organization_name"] == "Example Coffee"


def test_no_line_on_the_lock_screen_tells_of_it(anna: Customer, owner: User) -> None:
    erased(anna, owner)
    content = WalletPass.objects.get().content
    assert {each["key"] for each in content["fields"]} == {"points", "member"}
    assert {each["change_message"] for each in content["fields"]} == {""}


# What is on its way


def test_work_that_waits_ends_and_dead_letters_too(anna: Customer, owner: User) -> None:
    held = WalletPass.objects.get()
    cause = make.EventFactory.make(tenant=anna.tenant, status="done")
    retried = order(held, Update((Write("first_name", "Anna"),)), cause=cause, number=10**6)
    Event.objects.filter(pk=retried.pk).update(due_at=timezone.now() + timedelta(minutes=1))
    failed = make.EventFactory.make(
        tenant=anna.tenant, subject=f"pass:{held.pk}", status="failed", outcome="Anna", payload={"name": "Anna"}
    )
    erased(anna, owner)
    failed.refresh_from_db()
    assert (failed.status, str(failed.outcome), failed.payload) == (Status.IGNORED, "Erased.", {})
    retried.refresh_from_db()
    assert (retried.status, str(retried.outcome), retried.payload) == (Status.IGNORED, "Erased.", {})


def test_work_that_runs_is_waited_for(anna: Customer, owner: User) -> None:
    running = make.EventFactory.make(
        tenant=anna.tenant, subject=f"customer:{anna.pk}:messages", status="leased",
        lease_until=timezone.now() + timedelta(minutes=1),
    )  # fmt: skip
    event = erased(anna, owner)
    assert event.status == Status.WAITING
    assert str(event.outcome) == "Other work on this customer ends first."
    assert Customer.objects.filter(key=ANNA).exists()

    Event.objects.filter(pk=running.pk).update(status="done")
    Event.objects.filter(pk=event.pk).update(due_at=timezone.now())
    work()
    event.refresh_from_db()
    assert event.status == Status.DONE
    assert not Customer.objects.exists()


def test_what_comes_for_the_tombstone_later_changes_nothing(anna: Customer, owner: User) -> None:
    held = WalletPass.objects.get()
    erased(anna, owner)
    arrive(held, Update((Write("first_name", "Anna"),), message="Hello Anna"), source="api", source_id=None,
           body_hash="")  # fmt: skip
    work()
    held.refresh_from_db()
    assert held.values == {}
    assert "The customer was erased." in {str(each.outcome) for each in Event.objects.filter(kind="pass.update")}


def test_a_pass_is_not_made_for_somebody_who_was_erased_meanwhile(anna: Customer, owner: User) -> None:
    other = world.template(anna.tenant, name="Another")
    erased(anna, owner)
    with pytest.raises(ContentError, match="The customer was erased"), transaction.atomic():
        issue(other, anna, cause=world.cause(anna.tenant))
    assert WalletPass.objects.count() == 1


# Coming back


def test_who_is_told_of_again_is_a_new_customer(verdi: ActitoConnection, anna: Customer, owner: User) -> None:
    erased(anna, owner)
    comes(verdi, PROFILE)
    work()
    again = Customer.objects.get()
    assert (again.key, again.pk != anna.pk) == (ANNA, True)
    assert Identity.objects.filter(customer=again, namespace=verdi.source).get().value == PROFILE
    assert not again.passes.filter(pk=WalletPass.objects.earliest("pk").pk).exists()


def test_a_reading_that_found_somebody_just_before_they_were_erased_makes_a_new_customer(
    verdi: ActitoConnection, anna: Customer, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased(anna, owner)
    monkeypatch.setattr(customers, "find", lambda *_: anna)
    profile = customers.Profile(verdi.source, {verdi.source: PROFILE}, ANNA, "nl", {"first_name": "Anna"})
    with transaction.atomic():
        applied = customers.apply_profile(profile, cause=world.cause(anna.tenant), number=10**6)
    assert (applied.created, applied.customer.pk != anna.pk) == (True, True)
    assert Customer._base_manager.get(pk=anna.pk).values == {}


# The dialog


def test_the_dialog_shows_what_goes_and_asks_for_the_key(anna: Customer, boss: Client, owner: User) -> None:
    address = action(Customer, anna.pk, "erase")
    text = boss.get(address).content.decode()
    for said in ("1 pass becomes void and empty.", "0 phones hold one.", "2 names in other systems.",
                 "It cannot be undone.", ANNA):  # fmt: skip
        assert said in text
    refused = boss.post(address, {**SUBMIT, "key": "anna"})
    assert "This is not the key of this customer." in refused.content.decode()
    assert not Event.objects.filter(kind=erasure.CUSTOMER_ERASE).exists()

    assert boss.post(address, {**SUBMIT, "key": ANNA}).status_code == 302
    assert "Is being erased" in page(boss, anna)
    boss.post(address, {**SUBMIT, "key": ANNA})
    assert Event.objects.filter(kind=erasure.CUSTOMER_ERASE).count() == 1
    work()
    assert ANNA not in page(boss, anna)


@pytest.mark.parametrize("role", [Role.MARKETER, Role.OPERATOR, Role.AUDITOR])
def test_only_owners_erase(verdi: ActitoConnection, anna: Customer, role: Role) -> None:
    person = client_of(make.MembershipFactory.make(tenant=verdi.tenant, role=role).user)
    assert person.post(action(Customer, anna.pk, "erase"), {**SUBMIT, "key": ANNA}).status_code == 403
    assert not Event.objects.filter(kind=erasure.CUSTOMER_ERASE).exists()


def test_an_erased_customer_is_in_no_list_and_has_no_dialogs(anna: Customer, boss: Client, owner: User) -> None:
    erased(anna, owner)
    assert f"erased-{anna.pk}" not in boss.get(url(Customer, "changelist")).content.decode()
    assert not Customer.objects.for_tenant(anna.tenant_id).exists()
    for name in ("sync", "erase", "give-pass"):
        assert boss.post(action(Customer, anna.pk, name), SUBMIT).status_code == 404
