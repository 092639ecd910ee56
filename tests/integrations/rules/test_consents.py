"""Rules wait for consents and ask for them: those that a vendor brings as values, of whichever vendor."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.actito.models import ActitoConnection, AttributeMapping
from integrations.mapping import ValueType
from integrations.pairing.models import ConsentMapping
from integrations.rules.holding import answered
from integrations.rules.models import Rule, RuleCondition
from integrations.rules.order import problem
from integrations.rules.trial import trial
from integrations.rules.words import sentence
from portal.models import Customer, Tenant
from portal.tenancy import Role
from tests import factories as make
from tests.integrations.rules.rules_world import card, fired, reading, rule, run_due
from tests.integrations.rules.test_admin import add
from tests.portal.admin_world import World, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
GIVEN, WITHDRAWN = "consent.given", "consent.withdrawn"


def subscription(tenant: Tenant, name: str = "newsletter", **values: Any) -> AttributeMapping:
    connection = ActitoConnection.objects.filter(tenant=tenant).first() or make.ConnectionFactory.make(tenant=tenant)
    wanted = {"connection": connection, "part": AttributeMapping.Part.SUBSCRIPTION, "attribute": "Newsletter",
              "value_type": ValueType.YES_NO, "value_name": name, **values}  # fmt: skip
    found: AttributeMapping = make.MappingFactory.make(**wanted)
    return found


@pytest.mark.parametrize(
    ("value", "said"),
    [(True, True), (False, False), ("true", True), (" False ", False), (None, None), ("", None), ("maybe", None),
     (1, None), (0, None), ([True], None)],
)  # fmt: skip
def test_only_a_yes_or_a_no_is_an_answer(value: Any, said: bool | None) -> None:
    assert answered(value) is said


@pytest.mark.parametrize(
    ("waits", "before", "after", "fires"),
    [
        (GIVEN, False, True, True),
        (GIVEN, None, True, True),
        (GIVEN, True, False, False),
        (GIVEN, True, None, False),
        (WITHDRAWN, True, False, True),
        (WITHDRAWN, None, False, False),  # nobody took anything back
        (WITHDRAWN, True, None, False),  # an empty value says nothing
        (WITHDRAWN, False, True, False),
    ],
)
def test_a_rule_waits_for_consent_given_or_withdrawn(
    brand: Tenant, waits: str, before: Any, after: Any, fires: bool
) -> None:
    anna = make.CustomerFactory.make(tenant=brand, values={"newsletter": before, "points": 1})
    rule(brand, trigger=waits, value_name="newsletter", compared="")
    reading(anna, points=2)
    reading(anna, newsletter=after)
    run_due()
    assert bool(fired()) == fires


def test_the_first_reading_of_a_subscription_is_no_consent_given(brand: Tenant, anna: Customer) -> None:
    rule(brand, trigger=GIVEN, value_name="newsletter", compared="")
    reading(anna, newsletter=True)
    run_due()
    assert not fired()


@pytest.mark.parametrize(
    ("operator", "holding"),
    [("consent_given", [True]), ("consent_not_given", [False, None, "?"]), ("consent_refused", [False])],
)
def test_a_condition_asks_for_consent(brand: Tenant, operator: str, holding: list[Any]) -> None:
    rule(brand, {"operator": operator, "name": "newsletter"})
    for value in (True, False, None, "?"):
        values = {"points": 1} if value == "?" else {"points": 1, "newsletter": value}
        customer = make.CustomerFactory.make(tenant=brand, key=f"{value}", values=values)
        reading(customer, points=600)
        run_due()
    firings = Rule.objects.get().firings.filter(state="fired").order_by("pk")
    assert [each.customer.key for each in firings] == [f"{value}" for value in holding]


def test_a_trial_counts_consents_that_were_withdrawn(brand: Tenant, anna: Customer) -> None:
    for answer in (True, False, True, False):
        reading(anna, newsletter=answer)
    made = rule(brand, trigger=WITHDRAWN, value_name="newsletter", compared="", active=False, cooldown=0)
    assert (trial(made).times, trial(made).customers) == (2, 1)
    RuleCondition.objects.create(rule=made, operator="consent_given", name="newsletter")
    assert trial(made).times == 0  # as it was then, and not as it is now


def test_a_rule_about_consent_is_entered_from_a_list_and_reads_as_a_sentence(world: World, owner: Client) -> None:
    subscription(world.tenant)
    subscription(world.tenant, "partners", attribute="Partners", connection=make.ConnectionFactory.make(
        tenant=world.tenant, name="Shop"))  # fmt: skip
    page = owner.get(url(Rule, "add")).content.decode()
    assert "Newsletter in “" in page
    assert "Partners in “Shop”" in page
    gold = card(world.tenant)
    answer = add(owner, trigger=WITHDRAWN, consent="newsletter", value_name="left_over", create_pass__template=gold.pk,
                 **{"conditions-TOTAL_FORMS": "1", "conditions-0-operator": "consent_given",
                    "conditions-0-consent": "partners", "conditions-0-name": "left over"})  # fmt: skip
    made = Rule.objects.get(name="Gold")
    assert (answer.status_code, made.value_name, made.compared) == (302, "newsletter", "")
    assert [*made.conditions.values_list("operator", "name", "value")] == [("consent_given", "partners", "")]
    assert sentence(made) == (
        "When the consent “newsletter” is withdrawn and consent is given (“partners”), then make a pass of “Gold "
        "card”; for one customer once a day."
    )
    again = owner.get(answer.url).content.decode()
    assert again.count('value="newsletter" selected') == 1
    assert again.count('value="partners" selected') == 1
    reader = client_of(member(world, Role.AUDITOR)).get(answer.url)
    assert reader.status_code == 200
    assert "partners" in reader.content.decode()


def test_without_a_mapped_subscription_the_page_leads_to_the_mapping(world: World, owner: Client) -> None:
    connection = ActitoConnection.objects.get(tenant=world.tenant)
    ConsentMapping.objects.all().delete()
    page = owner.get(url(Rule, "add")).content.decode()
    assert "There is none yet" in page
    assert f'href="{url(ActitoConnection, "change", connection.pk)}#mappings-group"' in page
    gold = card(world.tenant)
    for values in (
        {"trigger": GIVEN, "consent": ""},
        {"trigger": GIVEN, "consent": "points"},
        {"conditions-TOTAL_FORMS": "1", "conditions-0-operator": "consent_given", "conditions-0-name": "points"},
        {"conditions-TOTAL_FORMS": "1", "conditions-0-operator": "consent_given", "conditions-0-consent": "points"},
    ):
        answer = add(owner, create_pass__template=gold.pk, **values)
        assert answer.status_code == 200
        assert "Choose a consent." in answer.content.decode() or "Select a valid choice." in answer.content.decode()
    assert not Rule.objects.filter(name="Gold").exists()


def test_consents_of_others_and_what_is_no_yes_or_no_are_not_offered(world: World, owner: Client) -> None:
    subscription(make_world("Rossi").tenant, "rossi_news")
    ConsentMapping.objects.filter(pairing__tenant=world.tenant).delete()
    subscription(world.tenant, "as_text", value_type=ValueType.TEXT)
    subscription(world.tenant, "an_attribute", part=AttributeMapping.Part.ATTRIBUTE)
    page = owner.get(url(Rule, "add")).content.decode()
    assert "rossi_news" not in page
    assert "as_text" not in page
    assert "an_attribute" not in page
    assert "There is none yet" in page


def test_a_consent_that_is_mapped_no_more_is_told_and_stops_the_switch(brand: Tenant) -> None:
    mapped = subscription(brand)
    made = rule(brand, {"operator": "consent_refused", "name": "newsletter"}, trigger=GIVEN, value_name="newsletter")
    assert not problem(made)
    mapped.delete()
    assert "Nothing fills the consent “newsletter” any more." in problem(made)
