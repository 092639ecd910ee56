"""A trial says what a rule would have done in the last 30 days, and does nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.rules import trial as trials
from integrations.rules.models import Rule, RuleFiring
from integrations.rules.trial import trial
from portal.models import Customer, Event, Tenant
from tests import factories as make
from tests.integrations.rules.rules_world import card, installed, reading, rule, run_due

pytestmark = pytest.mark.django_db


def happened(customer: Customer, days_ago: float, **values: Any) -> None:
    """A reading of then: all that the ledger has of it is as old."""
    last = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    reading(customer, **values)
    Event.objects.filter(pk__gt=last).update(created_at=timezone.now() - timedelta(days=days_ago))


def test_it_counts_what_the_ledger_tells_with_conditions_and_cooldown(brand: Tenant, anna: Customer) -> None:
    bram = make.CustomerFactory.make(tenant=brand, values={"points": 1, "tier": "Bronze"})
    for days_ago, points in ((40, 600), (35, 1), (20, 600), (19, 1), (18, 700), (17, 1), (2, 500)):
        happened(anna, days_ago, points=points)
    happened(bram, 3, points=600)
    made = rule(brand, active=False, cooldown=Rule.Cooldown.WEEK)
    run_due()
    before = Event.objects.count()
    found = trial(made)
    assert (found.times, found.customers, found.complete) == (3, 2, True)
    assert [customer for customer, _at in found.first] == [anna, bram, anna]
    made.conditions.create(name="tier", operator="equals", value="Silver")
    assert (trial(made).times, trial(made).customers) == (2, 1)
    assert (RuleFiring.objects.count(), Event.objects.count()) == (0, before)


def test_it_stops_after_some_seconds_and_says_since_when_it_looked(
    brand: Tenant, anna: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "EVENTS_AT_ONCE", 2)
    for days_ago, points in ((20, 600), (10, 1), (9, 600), (8, 1)):
        happened(anna, days_ago, points=points)
    found = trial(rule(brand), seconds=-1)
    assert (found.times, found.complete) == (1, False)
    assert timezone.now() - found.since < timedelta(days=9.1)


def test_it_looks_at_phones_and_at_dates(brand: Tenant, anna: Customer) -> None:
    installed(make.PassFactory.make(template=card(brand, "Loyalty"), customer=anna))
    assert trial(rule(brand, trigger="pass.installed")).times == 1
    assert trial(rule(brand, trigger="pass.removed")).times == 0
    for days_ago in (-3, 3, 29, 33):
        ends = timezone.localdate() - timedelta(days=days_ago)
        make.CustomerFactory.make(tenant=brand, values={"ends": ends.isoformat()})
    found = trial(rule(brand, trigger="date", value_name="ends", days=2, side="after"))
    assert (found.times, found.customers, found.complete) == (2, 2, True)
    cut = trial(rule(brand, trigger="date", value_name="ends", days=2, side="after"), seconds=-1)
    assert (cut.people, cut.complete) == (5, False)


def test_contents_that_are_gone_count_nothing(brand: Tenant, anna: Customer) -> None:
    happened(anna, 3, points=600)
    Event.objects.filter(kind="customer.changed/passes").update(payload={"customer": anna.pk, "_removed": {}})
    assert trial(rule(brand)).times == 0
