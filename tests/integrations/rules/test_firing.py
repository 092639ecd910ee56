"""Rules meet what happens: once for one happening, in their order, with their cooldown, and never in circles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.rules.firing import FIRINGS_A_DAY
from integrations.rules.models import Rule, RuleFiring
from passes.models import WalletPass
from portal import ledger
from portal.models import Customer, Event, Tenant
from tests import factories as make
from tests.integrations.rules.rules_world import RULES, card, fired, installed, reading, rule, run_due

pytestmark = pytest.mark.django_db


def test_a_value_that_crosses_a_line_makes_a_pass_and_leads_to_its_trace(brand: Tenant, anna: Customer) -> None:
    gold = rule(brand, name="Gold")
    arrival = reading(anna, points=520)
    (considered,) = run_due(RULES)
    (firing,) = RuleFiring.objects.all()
    assert (firing.rule, firing.customer, firing.state, firing.event) == (gold, anna, "fired", considered)
    assert firing.chain == arrival.correlation_id
    assert "Made Card of Gold." in considered.outcome
    assert WalletPass.objects.get(customer=anna).template_id == gold.params["template"]


@pytest.mark.parametrize(
    ("waits", "before", "after", "fires"),
    [
        ({"trigger": "value.crossed", "compared": "500"}, 499, 500, True),
        ({"trigger": "value.crossed", "compared": "500"}, "499.5", "1200", True),
        ({"trigger": "value.crossed", "compared": "500"}, 500, 501, False),
        ({"trigger": "value.crossed", "compared": "500"}, None, 501, True),
        ({"trigger": "value.crossed", "compared": "500"}, "many", 501, False),
        ({"trigger": "value.crossed", "compared": "500", "direction": "down"}, 500, 499, True),
        ({"trigger": "value.crossed", "compared": "500", "direction": "down"}, 499, 400, False),
        ({"trigger": "value.crossed", "compared": "500", "direction": "down"}, 500, None, False),
        ({"trigger": "value.equals", "compared": "gold"}, "Silver", "Gold", True),
        ({"trigger": "value.equals", "compared": "gold"}, "GOLD", "Gold", False),
        ({"trigger": "value.equals", "compared": "gold"}, "Gold", "Silver", False),
        ({"trigger": "value.changed"}, "a", "b", True),
        ({"trigger": "value.changed"}, "a" * 3000, "a" * 2999 + "b", True),
        ({"trigger": "value.changed", "value_name": "other"}, "a", "b", False),
    ],
)
def test_what_a_rule_waits_for(brand: Tenant, waits: dict[str, Any], before: Any, after: Any, fires: bool) -> None:
    anna = make.CustomerFactory.make(tenant=brand, values={"points": before, "other": 1})
    rule(brand, **waits)
    reading(anna, points=after)
    run_due()
    assert RuleFiring.objects.exists() == fires


def test_what_is_heard_of_for_the_first_time_is_no_change(brand: Tenant, anna: Customer) -> None:
    """A first reading of everybody, or a new line of the mapping, would otherwise start a rule for each customer."""
    rule(brand, trigger="value.changed", value_name="visits")
    reading(anna, visits=3)
    run_due()
    assert not fired()
    reading(anna, visits=4)
    run_due()
    assert fired() == ["Rule 1"]


def test_a_pass_on_a_phone_starts_the_rules_of_its_template(brand: Tenant, anna: Customer) -> None:
    loyalty = card(brand, "Loyalty")
    rule(brand, name="of this", trigger="pass.installed", template=loyalty)
    rule(brand, name="of any", trigger="pass.installed")
    rule(brand, name="of another", trigger="pass.installed", template=card(brand, "Coupon"))
    rule(brand, name="other news", trigger="pass.removed")
    installed(make.PassFactory.make(template=loyalty, customer=anna))
    run_due()
    assert fired() == ["of this", "of any"]


def test_rules_answer_in_their_order_and_see_what_earlier_ones_did(brand: Tenant, anna: Customer) -> None:
    gold = card(brand)
    without = {"operator": "none", "template": gold}
    rule(brand, without, name="second", position=2, params={"template": gold.pk})
    rule(brand, without, name="first", position=1, params={"template": gold.pk})
    changed = rule(brand, name="third", position=3, action="update_pass",
                   params={"template": gold.pk, "values": "tier = Gold\nbonus = 12.5"})  # fmt: skip
    reading(anna, points=600)
    (considered, _changed) = run_due(RULES, "pass.update")
    assert fired() == ["first", "third"]
    assert "“second”: its conditions do not hold." in considered.outcome
    assert WalletPass.objects.get().values == {"tier": "Gold", "bonus": 12.5}
    assert RuleFiring.objects.get(rule=changed).effect.status == Event.Status.DONE


@pytest.mark.parametrize(("any_is_enough", "fires"), [(True, True), (False, False)])
def test_all_conditions_must_hold_unless_one_is_enough(
    brand: Tenant, anna: Customer, any_is_enough: bool, fires: bool
) -> None:
    rule(brand, {"name": "tier", "operator": "equals", "value": "silver"}, {"operator": "on_phone"},
         any_condition=any_is_enough)  # fmt: skip
    reading(anna, points=600)
    run_due()
    assert bool(fired()) == fires


def test_a_customer_rests_for_the_cooldown_and_nobody_else_does(brand: Tenant, anna: Customer) -> None:
    bram = make.CustomerFactory.make(tenant=brand, values={"tier": "Silver"})
    # Changing a pass that one has can be done again and again.
    passes = [make.PassFactory.make(template=card(brand, "Loyalty"), customer=each) for each in (anna,)]
    make.PassFactory.make(template=passes[0].template, customer=bram)
    rule(brand, trigger="value.changed", value_name="tier", action="update_pass",
         params={"template": passes[0].template_id, "message": "Hello"}, cooldown=Rule.Cooldown.WEEK)  # fmt: skip
    for customer, tier in ((anna, "Gold"), (anna, "Silver"), (bram, "Gold")):
        reading(customer, tier=tier)
        run_due()
    assert list(RuleFiring.objects.values_list("customer", flat=True).order_by("pk")) == [anna.pk, bram.pk]
    RuleFiring.objects.update(fired_at=timezone.now() - timedelta(days=8))
    reading(anna, tier="Platinum")
    run_due()
    assert RuleFiring.objects.filter(customer=anna).count() == 2


def test_a_replay_fires_nothing_again_and_nothing_that_rested_then(brand: Tenant, anna: Customer) -> None:
    wallet_pass = make.PassFactory.make(template=card(brand, "Loyalty"), customer=anna)
    rule(brand, trigger="value.changed", value_name="tier", action="update_pass",
         params={"template": wallet_pass.template_id, "message": "Hello"})  # fmt: skip
    for tier in ("Gold", "Silver"):
        reading(anna, tier=tier)
        run_due()
    RuleFiring.objects.update(chain="00000000-0000-0000-0000-000000000000")
    # Long afterwards: the cooldown is over by today's clock, and was not when it happened.
    Event.objects.update(created_at=timezone.now() - timedelta(days=20))
    Rule.objects.update(on_since=timezone.now() - timedelta(days=40))
    RuleFiring.objects.update(fired_at=timezone.now() - timedelta(days=20, minutes=5))
    for event in Event.objects.filter(kind=RULES):
        ledger.replay(event.pk, by="anna@example.com")
    run_due()
    assert fired() == ["Rule 1"]


def test_a_rule_answers_one_chain_once_and_ten_times_a_day_at_most(brand: Tenant, anna: Customer) -> None:
    wallet_pass = make.PassFactory.make(template=card(brand, "Loyalty"), customer=anna)
    rule(brand, trigger="value.changed", value_name="points", action="update_pass", cooldown=Rule.Cooldown.NONE,
         params={"template": wallet_pass.template_id, "message": "Hello"})  # fmt: skip
    arrival = reading(anna, points=1)
    run_due()
    reading(anna, points=2)
    again = Event.objects.get(kind=RULES, status="waiting")
    Event.objects.filter(pk=again.pk).update(correlation_id=arrival.correlation_id)
    (again,) = run_due(RULES)
    assert "It has fired in this chain before." in again.outcome
    for points in range(3, 15):
        reading(anna, points=points)
        run_due()
    assert len(fired()) == FIRINGS_A_DAY
    last = Event.objects.filter(kind=RULES).latest("pk")
    assert (last.status, "it looks like a circle" in last.outcome) == ("ignored", True)


def test_what_cannot_be_done_for_a_customer_is_noted_and_uses_no_cooldown(brand: Tenant, anna: Customer) -> None:
    gold = card(brand)
    make.PassFactory.make(template=gold, customer=anna)
    rule(brand, params={"template": gold.pk}, cooldown=Rule.Cooldown.ONCE)
    reading(anna, points=600)
    (considered,) = run_due(RULES)
    assert (considered.status, fired(), fired(state="refused")) == ("ignored", [], ["Rule 1"])
    WalletPass.objects.all().delete()
    reading(anna, points=1)
    reading(anna, points=700)
    run_due()
    assert fired() == ["Rule 1"]


def test_a_rule_that_can_do_nothing_fails_until_it_is_mended_and_then_replayed(brand: Tenant, anna: Customer) -> None:
    gold = card(brand)
    broken = rule(brand, name="broken", params={"template": 0})
    rule(brand, name="sound", params={"template": gold.pk})
    reading(anna, points=600)
    (considered,) = run_due(RULES)
    assert considered.status == "failed"
    assert "The template of this rule is no longer there." in considered.outcome
    assert fired() == ["sound"]
    Rule.objects.filter(pk=broken.pk).update(params={"template": card(brand, "Silver card").pk})
    ledger.replay(considered.pk, by="anna@example.com")
    run_due()
    assert sorted(fired()) == ["broken", "sound"]
    assert WalletPass.objects.filter(customer=anna).count() == 2


def test_an_error_leaves_nothing_half_done(brand: Tenant, anna: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    rule(brand, name="first")
    rule(brand, name="second", action="update_pass", params={"template": 0})
    monkeypatch.setattr("integrations.rules.passes.UpdatePass.do", lambda *_: 1 / 0)
    reading(anna, points=600)
    (considered,) = run_due(RULES)
    assert (considered.status, fired(), WalletPass.objects.count()) == ("waiting", [], 0)


def test_a_tenant_without_rules_pays_nothing_for_them(brand: Tenant, anna: Customer) -> None:
    rule(brand, active=False)
    rule(brand, trigger="pass.installed")
    rule(make.TenantFactory.make())
    reading(anna, points=600)
    assert not Event.objects.filter(kind=RULES).exists()


def test_what_happened_before_a_rule_was_on_is_no_business_of_its(brand: Tenant, anna: Customer) -> None:
    rule(brand, name="was on")
    reading(anna, points=600)
    rule(brand, name="came later", on_since=timezone.now() + timedelta(seconds=1))
    run_due()
    assert fired() == ["was on"]


def test_a_customer_who_is_gone_takes_the_firings_along(brand: Tenant, anna: Customer) -> None:
    rule(brand)
    reading(anna, points=600)
    run_due()
    reading(anna, points=1)
    anna.delete()
    assert not RuleFiring.objects.exists()
    (considered,) = run_due(RULES)
    assert considered.status == "ignored"
