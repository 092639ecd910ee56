"""The one writer of customers: what counts as a change, and which writing wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import customer_batch, customers
from portal.customers import Applied, Profile
from portal.merging import merge_values
from portal.models import Customer, Event, Identity, Tenant
from tests.world import arrive, make_connection, make_tenant

pytestmark = pytest.mark.django_db

SOURCE = "actito:1"


@pytest.fixture
def cause() -> Event:
    return arrive(make_connection(make_tenant()), 1)


def profile(values: Mapping[str, Any], key: str = "anna@example.com", name: str = "1") -> Profile:
    return Profile(SOURCE, {SOURCE: name, f"{SOURCE}:key": key}, key, "nl", values)


def apply(cause: Event, values: Mapping[str, Any], number: int, **more: Any) -> Applied:
    return customers.apply_profile(profile(values, **more), cause=cause, number=number)


def news() -> int:
    return Event.objects.filter(kind__startswith="customer.changed").count()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (1, True),
        (True, 1),
        (0, False),
        (1, "1"),
        ("1", 1),
        ("true", True),
        (None, 0),
        (0, None),
        (None, False),
        ("", None),
    ],
)
def test_values_of_another_type_differ(cause: Event, before: Any, after: Any) -> None:
    apply(cause, {"x": 5}, 1)
    apply(cause, {"x": before}, 2)
    assert apply(cause, {"x": after}, 3).changed == {"x": (before, after)}
    stored = Customer.objects.get().values["x"]
    assert (type(stored), stored) == (type(after), after)


@pytest.mark.parametrize("value", [1, 1.5, True, False, "1", "", None, [1, "a"], {"a": 1}])
def test_the_same_value_is_no_change_and_no_news(cause: Event, value: Any) -> None:
    apply(cause, {"x": value}, 1)
    before = news()
    assert apply(cause, {"x": value}, 2).changed == {}
    assert news() == before


def test_only_what_changed_is_told(cause: Event) -> None:
    apply(cause, {"a": 1, "b": 2, "c": 3}, 1)
    assert apply(cause, {"a": 1, "b": 5}, 2).changed == {"b": (2, 5)}
    assert Customer.objects.get().values == {"a": 1, "b": 5, "c": 3}
    assert Event.objects.filter(kind__startswith="customer.changed").latest("pk").payload["names"] == ["b"]


@pytest.mark.parametrize("at_once", [False, True], ids=["one", "many"])
def test_the_news_tell_before_and_after_of_what_was_known_before(cause: Event, at_once: bool) -> None:
    apply(cause, {"a": "x" * 300, "b": None, "c": 1}, 1)
    told = {"a": "y" * 300, "b": [1], "c": 1, "heard of first": 4}
    if at_once:
        customer_batch.apply_profiles([profile(told)], cause=cause, number=2)
    else:
        apply(cause, told, 2)
    payload = Event.objects.filter(kind__startswith="customer.changed").latest("pk").payload
    assert payload["names"] == ["a", "b", "heard of first"]
    assert payload["changes"] == {"a": ["x" * 250, "y" * 250], "b": [None, "[1]"]}


def test_an_older_number_never_overwrites_a_newer_one(cause: Event) -> None:
    apply(cause, {"a": "new", "b": "old"}, 10)
    assert apply(cause, {"a": "older", "b": "older"}, 9).changed == {}
    assert apply(cause, {"a": "newer"}, 11).changed == {"a": ("new", "newer")}
    assert Customer.objects.get().values == {"a": "newer", "b": "old"}


def test_a_value_that_was_read_again_is_as_new_as_that_reading(cause: Event) -> None:
    apply(cause, {"points": 5}, 10)
    first = Customer.objects.get().origins["points"]
    apply(cause, {"points": 5}, 30)
    assert Customer.objects.get().origins["points"] == {**first, "number": 30}
    assert apply(cause, {"points": 7}, 20).changed == {}
    assert Customer.objects.get().values == {"points": 5}


@given(st.permutations([1, 2, 3, 4, 5]))
def test_whatever_the_order_of_writing_the_newest_number_wins(django_db_blocker: Any, order: list[int]) -> None:
    customer = Customer(key="a")
    for number in order:
        merge_values(customer, profile({"x": number % 2}), number)
    assert customer.values == {"x": 1}
    assert customer.origins["x"]["number"] == 5


def test_the_same_name_at_another_tenant_is_another_person(cause: Event) -> None:
    apply(cause, {"x": 1}, 1)
    other = arrive(make_connection(make_tenant("rivale")), 1)
    assert apply(other, {"x": 2}, 2).created
    assert Customer.objects.get(tenant=cause.tenant).values == {"x": 1}
    for identity in Identity.objects.select_related("customer"):
        assert identity.tenant_id == identity.customer.tenant_id


def test_a_name_of_another_tenant_finds_nobody(cause: Event) -> None:
    found = apply(cause, {}, 1).customer
    assert customers.find(cause.tenant_id, SOURCE, "1") == found
    assert customers.find(Tenant.objects.create(slug="rivale", name="R").pk, SOURCE, "1") is None


def test_an_empty_name_is_no_identity(cause: Event) -> None:
    apply(cause, {}, 1, key="")
    apply(cause, {}, 2, key="", name="2")
    assert Customer.objects.count() == 2
    assert not Identity.objects.filter(value="").exists()


def test_an_address_that_changed_hands_stays_with_whom_the_newest_reading_names(cause: Event) -> None:
    apply(cause, {}, 1, key="shared@example.com", name="1")
    second = apply(cause, {}, 5, key="shared@example.com", name="2").customer
    apply(cause, {}, 3, key="shared@example.com", name="1")
    assert customers.find(cause.tenant_id, f"{SOURCE}:key", "shared@example.com") == second
