"""Many customers at once become what they become one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import customer_batch, customers
from portal.customers import Profile
from portal.models import Customer, Event, Identity, Tenant
from tests.world import arrive, make_connection, make_tenant

pytestmark = pytest.mark.django_db

SOURCE = "actito:1"
Told = tuple[int, str, str, dict[str, Any]]  # profile id, key, card, values
VALUES = st.dictionaries(st.sampled_from(["points", "tier", "born"]), st.sampled_from([None, 0, 1, True, "gold", 1.5]))


def profile(told: Told) -> Profile:
    number, key, card, values = told
    return Profile(SOURCE, {SOURCE: str(number), f"{SOURCE}:key": key, f"{SOURCE}:card": card}, key, "nl", values)


def state(tenant: Tenant) -> tuple[Any, ...]:
    """All that is known of the tenant's people, without keys and moments of the database."""
    names = Identity.objects.filter(tenant=tenant).order_by("namespace", "value")
    people = {
        each.pk: (each.key, each.language, each.values, {name: _plain(origin) for name, origin in each.origins.items()})
        for each in Customer.objects.filter(tenant=tenant)
    }
    held = [(each.namespace, each.value, each.number, people[each.customer_id]) for each in names]
    news = Event.objects.filter(tenant=tenant, kind__startswith="customer.changed").order_by("pk")
    told = [(each.kind, each.status, each.coalesces, {**each.payload, "customer": 0}) for each in news]
    return held, sorted(map(repr, people.values())), told


def _plain(origin: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in origin.items() if name != "at"}


def lines(first: int, count: int) -> st.SearchStrategy[list[Told]]:
    """Lines of a file about different people; some of them are met again in the next file."""
    ids = st.lists(st.integers(first, first + 6), min_size=count, max_size=count, unique=True)
    return ids.flatmap(
        lambda numbers: st.tuples(
            *(st.tuples(st.just(each), st.just(f"c{each}@example.com"), st.just(f"card {each}"), VALUES)
              for each in numbers)
        ).map(list)
    )  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=lines(1, 4), second=lines(3, 4), numbers=st.permutations([10, 20]))
def test_many_at_once_are_what_they_are_one_by_one(
    db: None, first: Sequence[Told], second: Sequence[Told], numbers: Sequence[int]
) -> None:
    one = arrive(make_connection(make_tenant(f"one{Tenant.objects.count()}")), 1)
    many = arrive(make_connection(make_tenant(f"many{Tenant.objects.count()}")), 1)
    for told, number in zip((first, second), sorted(numbers), strict=True):
        for each in told:
            customers.apply_profile(profile(each), cause=one, number=number)
        customer_batch.apply_profiles([profile(each) for each in told], cause=many, number=number)
    assert state(many.tenant) == state(one.tenant)


def test_comparing_stores_nothing_and_says_what_applying_would() -> None:
    cause = arrive(make_connection(make_tenant()), 1)
    customers.apply_profile(profile((1, "anna@example.com", "7", {"points": 1})), cause=cause, number=1)
    told = [profile((1, "anna@example.com", "7", {"points": 2})), profile((2, "bram@example.com", "8", {}))]
    before = state(cause.tenant)
    compared = customer_batch.compare_profiles(told, tenant_id=cause.tenant_id, number=2)
    assert state(cause.tenant) == before
    applied = customer_batch.apply_profiles(told, cause=cause, number=2)
    assert [each[1:] for each in compared] == [each[1:] for each in applied]
    assert [(each.created, each.changed) for each in applied] == [(False, {"points": (1, 2)}), (True, {})]


def test_two_new_people_of_one_batch_with_the_same_card_stay_two() -> None:
    cause = arrive(make_connection(make_tenant()), 1)
    told = [profile((1, "anna@example.com", "7", {})), profile((2, "bram@example.com", "7", {}))]
    customer_batch.apply_profiles(told, cause=cause, number=1)
    assert sorted(Customer.objects.values_list("key", flat=True)) == ["anna@example.com", "bram@example.com"]
    found = customers.find(cause.tenant_id, f"{SOURCE}:card", "7")
    assert found is not None
    assert found.key == "anna@example.com"


def test_a_card_that_moves_within_a_batch_takes_nobody_along() -> None:
    cause = arrive(make_connection(make_tenant()), 1)
    customers.apply_profile(profile((1, "anna@example.com", "7", {})), cause=cause, number=1)
    told = [profile((each, f"c{each}@example.com", "7", {})) for each in (2, 3)]
    customer_batch.apply_profiles(told, cause=cause, number=2)
    assert Customer.objects.count() == 3
    found = customers.find(cause.tenant_id, f"{SOURCE}:card", "7")
    assert found is not None
    assert found.key == "c3@example.com"
