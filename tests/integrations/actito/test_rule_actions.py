"""What rules do in Actito: scenarios are started once for a firing, attributes are written, and circles are seen."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.actito.models import ActitoConnection, AttributeMapping, ScenarioEntry
from integrations.actito.profile_calls import ProfileClient
from integrations.actito.sandbox import ActitoSandbox
from integrations.actito.scenarios import ask
from integrations.mapping import ValueType
from integrations.rules.models import Rule, RuleFiring
from integrations.rules.order import circle_of, problem
from portal import ledger
from portal.models import Customer, Event
from tests import factories as make
from tests.integrations.rules.rules_world import RULES, fired, reading, rule
from tests.integrations.rules.rules_world import run_due as run_all
from tests.world import ENTITY, TABLE, arrive, make_connection, make_tenant, map_value

pytestmark = pytest.mark.django_db


@pytest.fixture
def verdi(actito: ActitoSandbox) -> ActitoConnection:
    actito.seed(entity=ENTITY, table=TABLE, scenarios=[{"name": "Welcome"}, {"name": "Autumn", "isActive": False}])
    connection = make_connection(make_tenant(), actito.url)
    map_value(connection, "points", "points", ValueType.NUMBER)
    map_value(connection, "firstName", "first_name")
    ask(connection)
    arrive(connection, 1)
    run_all()
    return connection


@pytest.fixture
def anna(verdi: ActitoConnection) -> Customer:
    return Customer.objects.get()


def starting(verdi: ActitoConnection, scenario_name: str = "Welcome", **values: Any) -> Rule:
    scenario = verdi.scenarios.get(display_name=scenario_name)
    return rule(verdi.tenant, action="start_scenario", params={"scenario": scenario.pk}, **values)


def test_a_firing_starts_a_scenario_once_and_shows_what_became_of_it(verdi: ActitoConnection, anna: Customer) -> None:
    starting(verdi, name="Gold welcome")
    reading(anna, points=520)
    (considered, started) = run_all(RULES, "actito.start")
    (entry,) = ScenarioEntry.objects.all()
    assert (entry.customer, entry.who, entry.event) == (anna, "Gold welcome", started)
    assert RuleFiring.objects.get().effect == started
    for event in (considered, started):
        ledger.replay(event.pk, by="anna@example.com")
    run_all()
    assert ScenarioEntry.objects.count() == 1


def test_a_scenario_that_was_stopped_meanwhile_fails_and_starts_nothing(
    verdi: ActitoConnection, anna: Customer
) -> None:
    made = starting(verdi, "Autumn")
    assert problem(made) == "“Autumn” is not active in Actito."
    reading(anna, points=520)
    (considered,) = run_all(RULES)
    assert (considered.status, fired(), fired(state="refused")) == ("failed", [], [str(made)])
    assert not Event.objects.filter(kind="actito.start").exists()


def test_a_customer_whom_actito_does_not_know_is_noted(verdi: ActitoConnection) -> None:
    starting(verdi)
    reading(make.CustomerFactory.make(tenant=verdi.tenant), points=520)
    (considered,) = run_all(RULES)
    assert (considered.status, fired(state="refused")) == ("ignored", ["Rule 1"])
    assert "“Actito” does not know this customer." in considered.outcome


def writing(verdi: ActitoConnection, attributes: str, **values: Any) -> Rule:
    return rule(verdi.tenant, action="write_attributes", params={"connection": verdi.pk, "attributes": attributes},
                **values)  # fmt: skip


def test_what_a_rule_writes_arrives_in_actito(verdi: ActitoConnection, anna: Customer) -> None:
    writing(verdi, "firstName = Goldie")
    reading(anna, points=520)
    run_all()
    arrive(verdi, 1)
    run_all()
    anna.refresh_from_db()
    assert anna.values["first_name"] == "Goldie"
    assert "Being written to Actito: firstName." in RuleFiring.objects.get().outcome


@pytest.mark.parametrize(
    ("waits", "attributes", "circles"),
    [
        ({"trigger": "value.changed"}, "points = 1", True),
        ({"trigger": "value.crossed", "compared": "500"}, "points = 600", True),
        ({"trigger": "value.crossed", "compared": "500"}, "points = 0", False),  # spent
        ({"trigger": "value.crossed", "compared": "500"}, "points =", False),
        ({"trigger": "value.crossed", "compared": "500", "direction": "down"}, "points = 0", True),
        ({"trigger": "value.equals", "compared": "7"}, "points = 7", True),
        ({"trigger": "value.equals", "compared": "7"}, "points = 8", False),
        ({"trigger": "value.changed"}, "firstName = Anna", False),
        ({"trigger": "pass.installed"}, "points = 1", False),
    ],
)
def test_a_rule_that_would_set_itself_off_is_seen(
    verdi: ActitoConnection, waits: dict[str, Any], attributes: str, circles: bool
) -> None:
    assert bool(circle_of(writing(verdi, attributes, **waits), [])) == circles


def test_a_circle_through_other_rules_names_them(verdi: ActitoConnection) -> None:
    there = writing(verdi, "firstName = Anna", name="there", trigger="value.changed", value_name="points")
    back = writing(verdi, "points = 1", name="back", trigger="value.changed", value_name="first_name")
    aside = writing(verdi, "points = 2", name="aside", trigger="value.changed", value_name="other")
    assert "it sets off “back”, which sets it off again" in circle_of(there, [aside, back])
    assert not circle_of(aside, [there])


def test_who_unsubscribes_in_actito_sets_off_the_rule_that_waits_for_it(verdi: ActitoConnection) -> None:
    map_value(verdi, "Newsletter", "newsletter", ValueType.YES_NO, part=AttributeMapping.Part.SUBSCRIPTION)
    arrive(verdi, 1)
    run_all()
    starting(verdi, name="Goodbye", trigger="consent.withdrawn", value_name="newsletter", compared="")
    ProfileClient(verdi).subscribe("1", "Newsletter", False)
    arrive(verdi, 1, "UPDATED_SUBSCRIPTION")
    run_all()
    assert fired() == ["Goodbye"]
    assert ScenarioEntry.objects.get().who == "Goodbye"


@pytest.mark.parametrize(
    ("waits", "attributes", "circles"),
    [("consent.given", "optIn = true", True), ("consent.given", "optIn = false", False),
     ("consent.withdrawn", "optIn = false", True), ("consent.withdrawn", "optIn =", False)],
)  # fmt: skip
def test_a_rule_that_would_give_the_consent_it_waits_for_is_seen(
    verdi: ActitoConnection, waits: str, attributes: str, circles: bool
) -> None:
    """One table keeps as an attribute what another has as a subscription, and both fill one value."""
    map_value(verdi, "optIn", "newsletter", ValueType.YES_NO)
    made = writing(verdi, attributes, trigger=waits, value_name="newsletter", compared="")
    assert bool(circle_of(made, [])) == circles
