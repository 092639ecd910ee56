"""The portal's own pages: home, events and their trace, customers, keys and people."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from passes.models import PassTemplate, WalletPass
from portal.access import check_key
from portal.models import ApiKey, Customer, Event, Heart, Lane
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, action, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


# Home


def test_home_says_what_to_do_first(django_user_model: type[User]) -> None:
    fresh = make.MembershipFactory.make()
    text = client_of(fresh.user).get("/admin/").content.decode()
    assert "Nothing is connected yet" in text
    assert text.index("Connect Actito") < text.index("Add your certificate") < text.index("Design a template")
    make.MembershipFactory.make(user=(auditor := make.UserFactory.make()), tenant=fresh.tenant, role=Role.AUDITOR)
    assert "Connect Actito" not in client_of(auditor).get("/admin/").content.decode()


def test_home_tells_whether_everything_moves(world: World, owner: Client) -> None:
    assert "The worker is not running" in owner.get("/admin/").content.decode()
    Heart.objects.create(cluster="a", process="1")
    assert "Everything is moving" in owner.get("/admin/").content.decode()
    make.EventFactory.make(tenant=world.tenant, status="waiting", due_at=timezone.now() - timedelta(minutes=5))
    assert "waited 5 minutes" in owner.get("/admin/").content.decode()
    Lane.objects.filter(key__startswith="actito:").update(paused_at=timezone.now(), pause_reason="The key is refused.")
    text = owner.get("/admin/").content.decode()
    assert "Something stands still" in text
    assert "The key is refused." in text
    assert "/resume/" in text
    assert "/resume/" not in client_of(member(world, Role.MARKETER)).get("/admin/").content.decode()


def test_home_lists_what_failed(world: World, owner: Client) -> None:
    assert "Verdi failed" in owner.get("/admin/").content.decode()


# Events


def test_the_trace_shows_a_whole_chain_in_order(world: World, owner: Client) -> None:
    chain = uuid.uuid4()
    arrival = make.EventFactory.make(
        tenant=world.tenant, correlation_id=chain, kind="actito.profile", outcome="points: 1 → 2."
    )
    make.AttemptFactory.make(event=arrival, status=503, error="Actito answered 503.", response_excerpt="busy")
    follow = make.EventFactory.make(
        tenant=world.tenant, correlation_id=chain, parent=arrival, kind="apple.push",
        outcome="Apple accepted the push.", created_at=arrival.created_at + timedelta(milliseconds=250),
    )  # fmt: skip
    make.EventFactory.make(tenant=world.tenant, status="merged", merged_into=arrival, kind="actito.profile")
    for event in (arrival, follow):
        text = owner.get(url(Event, "change", event.pk)).content.decode()
        assert (
            text.index("points: 1 → 2.") < text.index("Actito answered 503.") < text.index("Apple accepted the push.")
        )
        assert "+250 ms" in text
        assert "covers one more arrival" in text


def test_the_trace_of_a_covered_event_leads_to_what_covers_it(world: World, owner: Client) -> None:
    covering = make.EventFactory.make(tenant=world.tenant)
    covered = make.EventFactory.make(tenant=world.tenant, status="merged", merged_into=covering)
    assert url(Event, "change", covering.pk) in owner.get(url(Event, "change", covered.pk)).content.decode()


def test_the_trace_links_only_to_the_tenants_own_rows(world: World, owner: Client) -> None:
    other = make_world("Other")
    forged = {"customer": other.rows[Customer].pk, "pass": other.rows[WalletPass].pk}
    event = make.EventFactory.make(tenant=world.tenant, payload=forged)
    text = owner.get(url(Event, "change", event.pk)).content.decode()
    assert "Other@example.com" not in text
    assert "Other card" not in text


def test_a_very_long_chain_is_cut(world: World, owner: Client) -> None:
    chain = uuid.uuid4()
    event = make.EventFactory.make(tenant=world.tenant, correlation_id=chain)
    more = [Event(tenant=world.tenant, lane=event.lane, kind="pass.refresh", subject=str(n), source="portal",
                  correlation_id=chain) for n in range(230)]  # fmt: skip
    Event.objects.bulk_create(more)
    assert "And 31 more steps." in owner.get(url(Event, "change", event.pk)).content.decode()


@pytest.mark.parametrize("role", [Role.OWNER, Role.OPERATOR])
def test_replay(world: World, role: Role) -> None:
    event = world.rows[Event]
    client = client_of(member(world, role))
    address = action(Event, event.pk, "replay")
    assert "Run this event again?" in client.get(address).content.decode()
    event.refresh_from_db()
    assert event.status == Event.Status.FAILED
    response = client.post(address, SUBMIT, HTTP_HX_REQUEST="true")
    assert response["HX-Refresh"] == "true"
    event.refresh_from_db()
    assert event.status == Event.Status.WAITING
    assert Event.objects.filter(kind="portal.replayed", parent=event).exists()


@pytest.mark.parametrize("role", [Role.MARKETER, Role.AUDITOR])
def test_replay_is_not_for_everybody(world: World, role: Role) -> None:
    client = client_of(member(world, role))
    address = action(Event, world.rows[Event].pk, "replay")
    assert client.get(address).status_code == 403
    assert client.post(address, SUBMIT).status_code == 403
    assert "Replay" not in client.get(url(Event, "change", world.rows[Event].pk)).content.decode()


def test_what_cannot_be_replayed_says_so(world: World, owner: Client) -> None:
    noted = make.EventFactory.make(tenant=world.tenant, kind="pass.fetched")
    response = owner.post(action(Event, noted.pk, "replay"), SUBMIT, follow=True)
    assert "only notes what happened" in response.content.decode()


@pytest.mark.parametrize(
    ("question", "shown"),
    [("?status=open", True), ("?status=done", False), ("?kind=pass.refresh", True), ("?part=first", True),
     ("?q=pass:", True), ("?q=nothing", False)],
)  # fmt: skip
def test_events_are_found_by_questions(world: World, owner: Client, question: str, shown: bool) -> None:
    text = owner.get(url(Event, "changelist") + question).content.decode()
    assert ("Verdi failed" in text) is shown


@pytest.mark.parametrize("asked", ["status=%00", "kind=%00", "part=%00", "kind=no.such.kind"])
def test_answers_that_no_filter_offers_are_ignored(world: World, owner: Client, asked: str) -> None:
    response = owner.get(f"{url(Event, 'changelist')}?{asked}")
    assert response.status_code == 200
    assert "Verdi failed" in response.content.decode()


# Customers


def test_a_customer_page_says_what_is_known_and_from_where(world: World, owner: Client) -> None:
    customer = world.rows[Customer]
    source = world.rows[ApiKey].bound_to
    Customer.objects.filter(pk=customer.pk).update(
        origins={"points": {"source": source, "number": 1, "at": "2026-01-31T10:00:00+00:00"}}
    )
    text = owner.get(url(Customer, "change", customer.pk)).content.decode()
    for part in ("Verdi Anna", "Verdi connection", "31 Jan 2026, 11:00", "Verdi-147471", "Verdi card", "Verdi failed"):
        assert part in text, part


def test_sync_reads_the_customer_again(world: World, owner: Client) -> None:
    owner.post(action(Customer, world.rows[Customer].pk, "sync"), SUBMIT)
    read = Event.objects.get(kind="actito.profile")
    assert read.payload["profile"] == "Verdi-147471"
    assert read.tenant_id == world.tenant.pk


# Keys and people


def test_a_key_is_shown_once(world: World, owner: Client) -> None:
    address = action(ApiKey, None, "make")
    assert "Verdi connection" in owner.get(address).content.decode()
    given = {**SUBMIT, "name": "Actito", "scopes": ["ActitoListener.Write"], "bound_to": world.rows[ApiKey].bound_to}
    response = owner.post(address, given)
    made = ApiKey.objects.get(name="Actito")
    text = response.content.decode().split('value="')[1].split('"')[0]
    assert check_key(text, world.tenant.slug)
    assert "no-store" in response["Cache-Control"]
    assert text not in owner.get(url(ApiKey, "change", made.pk)).content.decode()


def test_a_key_is_not_bound_to_somebody_elses_connection(world: World, owner: Client) -> None:
    other = make_world("Other")
    given = {**SUBMIT, "name": "x", "scopes": ["ActitoListener.Write"], "bound_to": other.rows[ApiKey].bound_to}
    owner.post(action(ApiKey, None, "make"), given)
    assert not ApiKey.objects.filter(name="x").exists()


def test_a_key_is_revoked(world: World, owner: Client) -> None:
    key = world.rows[ApiKey]
    owner.post(action(ApiKey, key.pk, "revoke"), SUBMIT)
    key.refresh_from_db()
    assert key.revoked_at


# What every dialog and list promises

DIALOGS = [
    (Event, "replay"),
    (Customer, "sync"),
    (ApiKey, "revoke"),
    (WalletPass, "void"),
    (PassTemplate, "publish"),
]


@pytest.mark.parametrize(("model", "name"), DIALOGS)
def test_dialogs_refuse_a_post_without_a_token(world: World, model: Any, name: str) -> None:
    client = client_of(world.owner, enforce_csrf_checks=True)
    address = action(model, world.rows[model].pk, name)
    assert client.get(address).status_code == 200
    assert client.post(address, SUBMIT).status_code == 403


@pytest.mark.parametrize("model", [Event, Customer, WalletPass, ApiKey, PassTemplate])
def test_lists_take_a_fixed_number_of_queries(world: World, owner: Client, model: Any) -> None:
    def grow(count: int) -> None:
        for _ in range(count):
            wallet_pass = make.PassFactory.make(template=world.rows[PassTemplate])
            make.EventFactory.make(tenant=world.tenant, payload={"pass": wallet_pass.pk})
            make.ApiKeyFactory.make(tenant=world.tenant, bound_to=world.rows[ApiKey].bound_to)
            make.TemplateFactory.make(tenant=world.tenant, apple=world.rows[PassTemplate].apple)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert owner.get(url(model, "changelist")).status_code == 200
        return len(captured)

    grow(3)
    queries()
    few = queries()
    grow(30)
    assert queries() == few
    assert few <= 25
