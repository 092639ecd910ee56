"""Lists that are as quick with millions of rows: fixed numbers of queries, bounded counts, bounded searches."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.forms import BaseForm, ModelChoiceField
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from passes.models import Device, PassTemplate, PhoneNotice, Registration, WalletPass
from portal.admin import home, paging
from portal.admin.base import TenantAdmin
from portal.admin.paging import AtLeast, ManyRows, keys_in_order
from portal.admin.site import site
from portal.ledger.same import of_subject
from portal.models import Attempt, Customer, Event, Heart, Identity, Lane
from tests import factories as make
from tests.portal.admin_world import World, client_of, make_world, url

pytestmark = pytest.mark.django_db

# A tenant may have millions of them.
MANY = {Attempt, Customer, Device, Event, Identity, PhoneNotice, Registration, WalletPass}
LISTS = [Customer, Event, WalletPass]


@pytest.fixture
def root(django_user_model: type[User]) -> Client:
    return client_of(django_user_model.objects.create_superuser("root"))


def page(client: Client, model: type[Model], question: str = "") -> str:
    response = client.get(url(model, "changelist") + question)
    assert response.status_code == 200
    return response.content.decode()


def shown(client: Client, model: type[Model], question: str = "") -> list[Any]:
    response = client.get(url(model, "changelist") + question)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def grow(world: World, number: int) -> Event:
    """That many customers more, each with a name in Actito, a pass on a phone, and a chain of one Event with a call."""
    chain = uuid.uuid4()
    for count in range(number):
        customer = make.CustomerFactory.make(tenant=world.tenant, changed_at=timezone.now())
        make.IdentityFactory.make(customer=customer, namespace="actito:1", value=f"{chain}{count}")
        held = make.PassFactory.make(template=world.rows[PassTemplate], customer=customer)
        make.RegistrationFactory.make(wallet_pass=held)
        make.NoticeFactory.make(wallet_pass=held)
        event = make.EventFactory.make(
            tenant=world.tenant, correlation_id=chain, payload={"customer": customer.pk, "pass": held.pk},
            subject=f"actito:1:profile:{chain}{count}", status=Event.Status.FAILED,
        )  # fmt: skip
        make.AttemptFactory.make(event=event)
    return event


def queries(client: Client, address: str) -> int:
    client.get(address)  # what a process keeps after its first request is not the page's
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


# Fixed numbers of queries


@pytest.mark.parametrize(
    ("model", "question"),
    [(Customer, ""), (Customer, "?changed=today"), (Customer, "?q=customer"), (Event, ""), (Event, "?status=open"),
     (Event, "?kind=pass.refresh"), (Event, "?q=actito"), (WalletPass, ""), (WalletPass, "?q=customer")],
)  # fmt: skip
def test_a_list_asks_as_often_for_one_row_as_for_fifty(world: World, owner: Client, model: Any, question: str) -> None:
    address, counts = url(model, "changelist") + question, []
    for number in (1, 9, 40):
        grow(world, number)
        counts.append(queries(owner, address))
    assert len(set(counts)) == 1, counts
    assert counts[0] <= 20


HOME_QUERIES = 64  # of an owner


def test_home_asks_as_often_for_one_row_as_for_fifty(world: World, owner: Client) -> None:
    counts = []
    for number in (1, 9, 40):
        grow(world, number)
        counts.append(queries(owner, "/admin/"))
    assert len(set(counts)) == 1, counts
    assert counts[0] <= HOME_QUERIES


def test_a_customers_page_asks_as_often_for_one_event_as_for_fifty(world: World, owner: Client) -> None:
    customer, counts = world.rows[Customer], []
    for number in (1, 9, 40):
        for _ in range(number):
            make.EventFactory.make(tenant=world.tenant, subject=f"customer:{customer.pk}")
            make.RegistrationFactory.make(wallet_pass=world.rows[WalletPass])
        counts.append(queries(owner, url(Customer, "change", customer.pk)))
    assert len(set(counts)) == 1, counts


def test_a_trace_asks_as_often_for_one_step_as_for_fifty(world: World, owner: Client) -> None:
    counts = [queries(owner, url(Event, "change", grow(world, number).pk)) for number in (2, 10, 50)]
    assert len(set(counts)) == 1, counts


# Pages


def test_pages_follow_each_other_newest_first_over_all_tenants(world: World, root: Client) -> None:
    other = make_world("Other")
    made = [make.EventFactory.make(tenant=each.tenant).pk for _ in range(60) for each in (world, other)]
    seen = [event.pk for number in (1, 2, 3) for event in shown(root, Event, f"?p={number}")]
    assert seen[:120] == sorted(made, reverse=True)
    assert len(seen) == len(set(seen)) == 122


def test_with_very_many_tenants_the_list_is_the_same(
    world: World, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_world("Other")
    before = shown(root, Event, "?kind=pass.refresh")
    monkeypatch.setattr(paging, "BRANCH_LIMIT", 1)
    assert shown(root, Event, "?kind=pass.refresh") == before
    assert len(before) == 2


def test_the_last_page_is_what_a_page_beyond_it_shows(world: World, owner: Client) -> None:
    for _ in range(60):
        make.CustomerFactory.make(tenant=world.tenant)
    last = shown(owner, Customer, "?p=2")
    assert len(last) == 11
    assert last[-1] == world.rows[Customer]
    assert shown(owner, Customer, "?p=99999999999999999999") == last
    assert shown(owner, Customer, "?p=-3") == shown(owner, Customer)


def test_counting_stops_at_a_limit_and_says_so(world: World, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(70):
        make.CustomerFactory.make(tenant=world.tenant)
    assert "71" in page(owner, Customer)
    monkeypatch.setattr(paging, "COUNT_LIMIT", 60)
    assert "60+" in page(owner, Customer)
    assert len(shown(owner, Customer, "?p=2")) == 10
    assert str(AtLeast(10_000)) == "10\N{NARROW NO-BREAK SPACE}000+"


def test_a_short_page_is_asked_for_by_its_keys_too(world: World, owner: Client) -> None:
    grow(world, 3)
    with CaptureQueriesContext(connection) as seen:
        assert len(shown(owner, Event, "?status=failed")) == 4
    wide = [each["sql"] for each in seen if '"outcome"' in each["sql"]]
    assert len(wide) == 1
    assert "ORDER BY" not in wide[0]


@pytest.mark.parametrize("model", LISTS)
def test_no_address_and_no_header_sorts_a_big_list(world: World, owner: Client, model: Any) -> None:
    grow(world, 5)
    newest = [row.pk for row in shown(owner, model)]
    assert newest == sorted(newest, reverse=True)
    for asked in ("1", "-1", "2.-3", "0", "999", "-", "%00", "9" * 5000):
        assert [row.pk for row in shown(owner, model, f"?o={asked}")] == newest
    assert "?o=" not in page(owner, model)


@pytest.mark.parametrize("model", [model for model, each in site._registry.items() if isinstance(each, TenantAdmin)])
@pytest.mark.parametrize(
    "asked",
    ["p=abc", "p=-1", "p=0", "p=99999999999999999999", "p=" + "9" * 5000, "p=%00", "o=9.9.9", "o=-x", "o=%00", "e=1",
     "all=1", "all=%00", "_facets=1", "q=%00", "q=%27%22%5C", "q=%22", "_popup=1"],
)  # fmt: skip
def test_a_forged_address_is_answered(world: World, root: Client, model: Any, asked: str) -> None:
    assert root.get(f"{url(model, 'changelist')}?{asked}", follow=True).status_code == 200


# Searching


@pytest.mark.parametrize("model", LISTS)
@pytest.mark.parametrize(
    "term",
    [
        "%",
        "_",
        "%25%",
        "\\",
        "'",
        '"',
        "' OR 1=1 --",
        "\N{PILE OF POO}",
        "İ",
        "\N{RIGHT-TO-LEFT OVERRIDE}abc",
        "a" * 199,
    ],
)
def test_a_search_for_odd_text_finds_nothing(world: World, owner: Client, model: Any, term: str) -> None:
    response = owner.get(url(model, "changelist"), {"q": term})
    assert response.status_code == 200
    assert list(response.context["cl"].result_list) == []


@pytest.mark.parametrize("model", LISTS)
def test_a_search_of_a_million_characters_is_cut_and_says_so(world: World, owner: Client, model: Any) -> None:
    response = owner.get(url(model, "changelist"), {"q": "é" * 1_000_000, "p": "3"}, follow=True)
    assert response.status_code == 200
    assert len(response.redirect_chain) == 1
    assert "Only the first 200 characters are searched for." in response.content.decode()


@pytest.mark.parametrize("model", LISTS)
def test_a_search_with_a_nul_says_what_is_wrong(world: World, owner: Client, model: Any) -> None:
    assert "Null characters are not allowed." in page(owner, model, "?q=a%00b")


@pytest.mark.parametrize("term", ["anna.maes@", "ANNA.Maes@Example.com", "  Anna.MAES "])
def test_customers_are_found_however_their_key_is_spelt(world: World, owner: Client, term: str) -> None:
    for key in ("Anna.Maes@example.com", "anna.maes@EXAMPLE.com", "hanna.maes@example.com"):
        customer = make.CustomerFactory.make(tenant=world.tenant, key=key)
        make.PassFactory.make(template=world.rows[PassTemplate], customer=customer)
    for model in (Customer, WalletPass):
        response = owner.get(url(model, "changelist"), {"q": term})
        assert len(response.context["cl"].result_list) == 2


def test_a_search_that_finds_very_many_asks_for_more(
    world: World, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        make.CustomerFactory.make(tenant=world.tenant, key=f"bart{number}@example.com")
    assert "Type more of it" not in page(owner, Customer, "?q=bart")
    monkeypatch.setattr(paging, "SEARCH_LIMIT", 5)
    assert "More than 5 begin like this." in page(owner, Customer, "?q=bart")
    assert len(shown(owner, Customer, "?q=bart")) == 5


def test_a_search_stays_within_the_tenant_and_the_other_answers(world: World, owner: Client) -> None:
    make_world("Other")
    assert shown(owner, Event, "?q=pass:") == [world.rows[Event]]
    assert shown(owner, Event, "?q=pass:&status=done") == []
    assert shown(owner, Customer, "?q=other") == []


# Questions


def test_customers_that_changed_come_latest_change_first(world: World, owner: Client) -> None:
    now = timezone.now()
    ages = {"old": 40, "weeks": 20, "now": 0}
    made = {name: make.CustomerFactory.make(tenant=world.tenant, changed_at=now - timedelta(days=days))
            for name, days in ages.items()}  # fmt: skip
    earlier = make.CustomerFactory.make(tenant=world.tenant, changed_at=now - timedelta(seconds=5))
    assert shown(owner, Customer, "?changed=month") == [made["now"], earlier, made["weeks"]]
    assert made["weeks"] not in shown(owner, Customer, "?changed=week")


def test_passes_are_found_by_template_and_validity(world: World, owner: Client) -> None:
    template = make.TemplateFactory.make(tenant=world.tenant, name="Gold card")
    void = make.PassFactory.make(template=template, voided=True)
    other = make_world("Other").rows[PassTemplate]
    assert shown(owner, WalletPass, f"?template={template.pk}") == [void]
    assert shown(owner, WalletPass, "?void=yes") == [void]
    assert len(shown(owner, WalletPass, f"?template={other.pk}")) == 2
    assert "Other card" not in page(owner, WalletPass)


# Home


def test_home_counts_what_waits_too_long_lane_by_lane(world: World, owner: Client) -> None:
    long, short = (make.LaneFactory.make(tenant=world.tenant) for _ in range(2))
    for lane, minutes in ((long, 9), (short, 3)):
        due_at = timezone.now() - timedelta(minutes=minutes)
        make.EventFactory.make(tenant=world.tenant, lane_id=lane.pk, status="waiting", due_at=due_at)
    Heart.objects.create(cluster="a", process="1")
    assert "The oldest event has waited 9 minutes." in owner.get("/admin/").content.decode()
    Lane.objects.filter(pk=long.pk).update(paused_at=timezone.now())
    text = owner.get("/admin/").content.decode()
    assert "waited 9 minutes" not in text
    assert "The oldest event has waited 3 minutes." in text


def test_home_counts_the_newest_events_only(world: World, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    grow(world, 5)
    assert home._today(home._came_today([world.tenant.pk]))["total"] == "6"
    monkeypatch.setattr(home, "EVENTS_COUNTED", 4)
    today = home._today(home._came_today([world.tenant.pk]))
    assert today["total"] == "4+"
    assert sum(int(number) for _title, number, *_rest in today["parts"]) == 4


def test_a_large_count_is_the_one_of_the_last_hour(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Customer.objects.filter(tenant_id=world.tenant.pk)
    make.CustomerFactory.make(tenant=world.tenant)
    assert home.count_text(rows, stored=7) == "2"
    monkeypatch.setattr(home, "COUNT_LIMIT", 1)
    assert home.count_text(rows, stored=7) == "7"
    assert home.count_text(rows, stored=1) == home.count_text(rows) == "1+"


# Choices


@pytest.mark.parametrize("model", list(site._registry))
def test_no_form_and_no_filter_lists_what_there_may_be_millions_of(world: World, root: Client, model: Any) -> None:
    admin, request = site.get_model_admin(model), RequestFactory().get("/")
    request.user = User.objects.get(username="root")
    request.session = root.session
    fills_in = admin.has_add_permission(request) or admin.has_change_permission(request)
    forms: list[type[BaseForm]] = [admin.get_form(request)] if fills_in else []
    forms += [inline.get_formset(request).form for inline in admin.get_inline_instances(request)]
    chosen = [field.queryset.model for form in forms for field in form.base_fields.values()
              if isinstance(field, ModelChoiceField)]  # fmt: skip
    assert not MANY & set(chosen)
    assert all(not isinstance(each, tuple | str) or model is User for each in admin.list_filter)


def test_every_list_that_may_be_long_takes_its_pages_by_key() -> None:
    listed = {model for model in MANY if model in site._registry}
    assert listed == set(LISTS)
    assert all(isinstance(site.get_model_admin(model), ManyRows) for model in listed)


# Indexes. PostgreSQL chooses by what a table holds, so there the benchmark tells (python -m bench.admin).

EVENTS = Event.objects.filter(tenant_id=1)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL chooses by what a table holds")
@pytest.mark.parametrize(
    ("rows", "index"),
    [
        (of_subject(Event(tenant_id=1, kind="a", subject="b"), "failed"), "event_by_subject"),
        (keys_in_order(EVENTS), "event_newest"),
        (keys_in_order(EVENTS.filter(status="done")), "event_by_status"),
        (keys_in_order(EVENTS.filter(kind="a"), [Q(status="done"), Q(status="failed")]), "event_by_kind"),
        (keys_in_order(EVENTS.filter(parent=None)), "event_newest"),
        (keys_in_order(EVENTS, [Q(subject="a"), Q(subject="b")]), "event_by_subject"),
        (Event.objects.filter(parent_id=1), "event_children"),
        (Event.objects.filter(merged_into_id__in=[1, 2]), "event_covered"),
        (keys_in_order(Customer.objects.filter(tenant_id=1)), "customer_newest"),
        (keys_in_order(WalletPass.objects.filter(tenant_id=1)), "pass_newest"),
        (keys_in_order(WalletPass.objects.filter(tenant_id=1, template_id=1)), "pass_by_template"),
    ],
)
def test_what_workers_and_pages_ask_follows_the_index_made_for_it(rows: QuerySet[Any], index: str) -> None:
    plan = rows.explain()
    assert index in plan
    assert "SCAN" not in plan.replace("SCAN same", "")  # the rows that were found, not the table
    assert "TEMP B-TREE" not in plan or "event_c" in index
