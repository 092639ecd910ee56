"""Rules that wait for a date: each day once, in the tenant's zone, in parts, and also for days that were missed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integrations.rules import days
from integrations.rules.models import Rule, RuleFiring
from integrations.rules.order import switch_off, switch_on
from integrations.rules.triggers import Calendar
from portal import ledger
from portal.models import Customer, Event, Tenant
from tests import factories as make
from tests.integrations.rules.rules_world import fired, rule, run_due

pytestmark = pytest.mark.django_db
BRUSSELS = ZoneInfo("Europe/Brussels")


def at(day: int, hour: int = 10) -> datetime:
    return datetime(2027, 3, day, hour, tzinfo=BRUSSELS)


def waiting(brand: Tenant, **values: Any) -> Rule:
    return rule(brand, **{"trigger": "date", "value_name": "ends", "days": 3, "side": "before", **values})


def customer(brand: Tenant, ends: Any) -> Customer:
    return make.CustomerFactory.make(tenant=brand, values={"ends": ends})


def tick(brand: Tenant, now: datetime) -> list[Event]:
    days.begin([brand.pk], now)
    return run_due("rule.day", "rule.due")


@pytest.mark.parametrize(
    ("rule_values", "stated", "day", "due"),
    [
        ({"days": 3, "side": "before"}, "2027-03-31", (2027, 3, 28), True),
        ({"days": 3, "side": "before"}, "2027-03-31", (2027, 3, 29), False),
        ({"days": 2, "side": "after"}, "2027-03-31", (2027, 4, 2), True),
        ({"days": 0}, "2027-03-31T22:30:00+00:00", (2027, 4, 1), True),  # half past midnight in Brussels
        ({"days": 0, "yearly": True}, "9999-12-31T23:30:00+00:00", (2027, 12, 31), False),
        ({"days": 0}, "soon", (2027, 3, 31), False),
        ({"days": 0}, None, (2027, 3, 31), False),
        ({"days": 0}, "1990-03-31", (2027, 3, 31), False),
        ({"days": 0, "yearly": True}, "1990-03-31", (2027, 3, 31), True),
        ({"days": 7, "yearly": True}, "1990-01-03", (2026, 12, 27), True),
        ({"days": 0, "yearly": True}, "2028-02-29", (2027, 2, 28), False),  # not born yet
        ({"days": 0, "yearly": True}, "2024-02-29", (2027, 2, 28), True),
        ({"days": 0, "yearly": True}, "2024-02-29", (2028, 2, 28), False),
        ({"days": 3650, "side": "after"}, "0009-01-01", (9, 1, 1), False),
    ],
)
def test_when_a_date_is_due(rule_values: dict[str, Any], stated: Any, day: tuple[int, int, int], due: bool) -> None:
    found = Calendar(Rule(**rule_values), [date(*day)], BRUSSELS).due(stated)
    assert (found is not None) == due


def test_customers_whose_date_has_come_are_met_once_a_day(brand: Tenant) -> None:
    anna, _bram = customer(brand, "2027-03-31"), customer(brand, "2027-04-01")
    customer(make.TenantFactory.make(), "2027-03-31")
    waiting(brand)
    assert tick(brand, at(28, hour=8)) == []
    walked, due = tick(brand, at(28, hour=9))
    assert (walked.outcome, due.payload["customer"]) == ("1 customer whose date has come.", anna.pk)
    assert tick(brand, at(28, hour=23)) == []
    (firing_of_anna,) = RuleFiring.objects.all()
    assert (firing_of_anna.customer, firing_of_anna.occasion) == (anna, "2027-03-31")
    assert firing_of_anna.chain == due.correlation_id != walked.correlation_id


def test_days_that_were_missed_are_made_up_for_and_no_week_that_is_over(brand: Tenant) -> None:
    late, today, long_over = (customer(brand, day) for day in ("2027-03-21", "2027-03-23", "2027-03-10"))
    made = waiting(brand)
    tick(brand, at(17))
    tick(brand, at(20))
    assert sorted(RuleFiring.objects.values_list("customer", flat=True)) == [late.pk, today.pk]
    Rule.objects.filter(pk=made.pk).update(looked_until=date(2027, 1, 1))
    assert days.days_to_look_for(Rule.objects.get(), at(20)) == (date(2027, 3, 13), date(2027, 3, 20))
    tick(brand, at(20))
    assert long_over.pk not in RuleFiring.objects.values_list("customer", flat=True)
    assert len(fired()) == 2  # the same date again, after the clock was set back


def test_the_walk_goes_on_part_by_part_and_a_part_twice_makes_none_twice(
    brand: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(days, "LOOKED_AT", 3)
    monkeypatch.setattr(days, "DUE_AT_ONCE", 2)
    for number in range(10):
        customer(brand, "2027-03-31" if number % 4 else None)
    waiting(brand)
    days.begin([brand.pk], at(28))
    runs = 0
    while walked := [event for event in run_due_once() if event.kind == "rule.day" and event.status == "waiting"]:
        runs += 1
        if runs == 2:  # as if it had been killed before its cursor was kept
            Event.objects.filter(pk=walked[0].pk).update(payload={**walked[0].payload, "after": 0})
    run_due()
    assert runs >= 5
    assert len(fired()) == 7
    assert Event.objects.filter(kind="rule.due").count() == 7


def run_due_once() -> list[Event]:
    ran = ledger.claim(64, "tests")
    for event in ran:
        ledger.run(event)
    return list(Event.objects.filter(pk__in=[event.pk for event in ran]))


def test_a_date_that_changed_meanwhile_and_a_rule_that_is_off_do_nothing(brand: Tenant) -> None:
    anna = customer(brand, "2027-03-31")
    made = waiting(brand)
    days.begin([brand.pk], at(28))
    run_due_once()
    Customer.objects.filter(pk=anna.pk).update(values={"ends": "2027-05-31"})
    (due,) = run_due("rule.due")
    assert "The date has changed" in due.outcome
    Rule.objects.filter(pk=made.pk).update(active=False)
    ledger.replay(due.pk, by="anna@example.com")
    (due,) = run_due("rule.due")
    assert (due.status, fired()) == ("ignored", [])


def test_a_rule_that_is_switched_on_anew_after_a_correction_looks_at_its_day_again(brand: Tenant) -> None:
    anna = customer(brand, "2027-03-31")
    made = waiting(brand, value_name="misspelt")
    for name in ("misspelt", "ends"):
        Rule.objects.filter(pk=made.pk).update(value_name=name)
        made.refresh_from_db()
        switch_on(made)
        tick(brand, at(28))
        switch_off(made)
    assert [each.customer for each in RuleFiring.objects.all()] == [anna]


def test_a_name_that_reads_like_a_question_to_the_database_is_a_name(brand: Tenant) -> None:
    anna = make.CustomerFactory.make(tenant=brand, values={"a__isnull": "2027-03-31"})
    waiting(brand, value_name="a__isnull")
    tick(brand, at(28))
    assert [each.customer for each in RuleFiring.objects.all()] == [anna]


def test_each_tenant_has_its_own_day(brand: Tenant) -> None:
    brand.time_zone = "Pacific/Auckland"
    brand.save()
    customer(brand, "2027-03-31")
    waiting(brand)
    evening_in_europe = datetime(2027, 3, 27, 20, 30, tzinfo=UTC)  # the 28th, half past nine, in Auckland
    assert len(tick(brand, evening_in_europe - timedelta(hours=1))) == 0
    assert len(tick(brand, evening_in_europe)) == 2
