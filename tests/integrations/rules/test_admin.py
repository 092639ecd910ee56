"""Rules in the browser: what is entered, tried, switched, put in order, and what is said of mistakes."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations.rules.models import Rule, RuleCondition, RuleFiring
from integrations.rules.order import RULES_MOST
from passes.models import PassTemplate
from portal.models import Change, Customer
from portal.tenancy import Role
from tests import factories as make
from tests.integrations.rules.rules_world import card, reading, rule, run_due
from tests.portal.admin_world import World, action, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
CHANGE = {"action": "update_pass", "update_pass__template": "ours"}


def filled(**values: Any) -> dict[str, Any]:
    """The form of a rule, as the page sends it: hidden fields too."""
    return {
        "name": "Gold", "trigger": "value.crossed", "template": "", "value_name": "points", "direction": "up",
        "compared": "500", "days": "0", "side": "before", "hour": "9", "cooldown": "24", "action": "create_pass",
        "conditions-TOTAL_FORMS": "0", "conditions-INITIAL_FORMS": "0", **values,
    }  # fmt: skip


@pytest.fixture
def gold(world: World) -> PassTemplate:
    return card(world.tenant)


def add(client: Client, **values: Any) -> Any:
    return client.post(url(Rule, "add"), filled(**values))


def test_a_rule_is_entered_off_and_reads_as_a_sentence(world: World, owner: Client, gold: PassTemplate) -> None:
    conditions = {
        "conditions-TOTAL_FORMS": "2", "conditions-0-operator": "equals", "conditions-0-name": "tier",
        "conditions-0-value": "Silver", "conditions-1-operator": "none", "conditions-1-template": gold.pk,
        "conditions-1-name": "left over",
    }  # fmt: skip
    answer = add(owner, create_pass__template=gold.pk, template=gold.pk, yearly="on", **conditions)
    made = Rule.objects.get(name="Gold")
    assert (answer.status_code, answer.url) == (302, url(Rule, "change", made.pk))
    assert (made.active, made.params, made.template, made.yearly) == (False, {"template": gold.pk}, None, False)
    assert made.position > world.rows[Rule].position
    assert RuleCondition.objects.get(rule=made, operator="none").name == ""
    page = owner.get(answer.url).content.decode()
    assert ("When “points” rises to 500 or more and (“tier” is “Silver” and pass was never made (“Gold card”)), then "
            "make a pass of “Gold card”; for one customer once a day.") in page  # fmt: skip
    assert "The rule is off. Try it, then switch it on." in page


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"trigger": ""}, "This field is required."),
        ({"trigger": "value.removed"}, "Select a valid choice."),
        ({"value_name": ""}, "Say which value."),
        ({"value_name": "no name"}, "Use letters, digits and _ only"),
        ({"compared": ""}, "Say what to compare with."),
        ({"compared": "many"}, "Enter a number such as 500 or 12.5."),
        ({"compared": "x" * 201}, "Ensure this value has at most 200 characters"),
        ({"trigger": "date", "days": "-1"}, "Ensure this value is greater than or equal to 0"),
        ({"trigger": "date", "days": "99999"}, "Ensure this value is less than or equal to 3650"),
        ({"trigger": "date", "hour": "24"}, "Ensure this value is less than or equal to 23"),
        ({"action": "erase"}, "Select a valid choice."),
        ({"create_pass__template": ""}, "This field is required."),
        ({"create_pass__template": "theirs"}, "Select a valid choice."),
        ({"create_pass__template": "by hand"}, "Select a valid choice."),
        ({"action": "update_pass"}, "This field is required."),
        (CHANGE, "Say what is to change"),
        ({**CHANGE, "update_pass__values": "tier: Gold"}, "Line 1: write a name"),
        ({**CHANGE, "update_pass__values": "a = 1\na = 2"}, "Line 2: “a” stands there twice."),
        ({**CHANGE, "update_pass__values": "a b = 1"}, "Use letters, digits and _ only"),
        ({"name": "taken"}, "already exists"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_stored(
    world: World, owner: Client, gold: PassTemplate, values: dict[str, str], said: str
) -> None:
    by_hand = card(world.tenant, "By hand", PassTemplate.Issue.BY_HAND)
    theirs = make_world("Rossi").rows[PassTemplate]
    rule(world.tenant, name="taken")
    keys = {"ours": gold.pk, "theirs": theirs.pk, "by hand": by_hand.pk}
    known = Rule.objects.count()
    answer = add(
        owner, **{"create_pass__template": gold.pk, **{name: keys.get(each, each) for name, each in values.items()}}
    )
    assert answer.status_code == 200
    assert said in answer.content.decode().replace("&#x27;", "'")
    assert Rule.objects.count() == known


def test_a_date_of_another_trigger_is_no_mistake_and_what_is_hidden_goes_back(
    owner: Client, gold: PassTemplate
) -> None:
    add(owner, trigger="pass.installed", compared="x" * 300, days="99999", hour="", create_pass__template=gold.pk,
        update_pass__values="no sign")  # fmt: skip
    made = Rule.objects.get(name="Gold")
    assert (made.value_name, made.compared, made.days, made.hour) == ("", "", 0, 9)


def test_the_hundredth_and_first_rule_is_too_many(world: World, owner: Client, gold: PassTemplate) -> None:
    Rule.objects.bulk_create(
        Rule(tenant=world.tenant, name=f"{number}", trigger="value.changed") for number in range(RULES_MOST - 1)
    )
    assert "There are 100 rules already." in add(owner, create_pass__template=gold.pk).content.decode()


def test_a_rule_is_switched_on_and_off_and_a_broken_one_is_not(world: World, owner: Client) -> None:
    made = rule(world.tenant, active=False, on_since=None)
    owner.post(action(Rule, made.pk, "turn-on"), SUBMIT)
    made.refresh_from_db()
    assert made.active
    assert made.on_since
    owner.post(action(Rule, made.pk, "turn-off"), SUBMIT)
    Rule.objects.filter(pk=made.pk).update(params={})
    page = owner.post(action(Rule, made.pk, "turn-on"), SUBMIT, follow=True).content.decode()
    made.refresh_from_db()
    assert not made.active
    assert "The template of this rule is no longer there. Choose another one." in page
    sentences = Change.objects.filter(object_key=str(made.pk)).values_list("sentence", flat=True)
    assert [*sentences] == ["Switched off.", "Switched on."]


def test_the_order_is_changed_by_a_place(world: World, owner: Client) -> None:
    world.rows[Rule].delete()
    for number in range(1, 5):
        rule(world.tenant, name=f"{number}")
    for name, place in (("4", 2), ("1", 99)):
        owner.post(action(Rule, Rule.objects.get(name=name).pk, "change-place"), {**SUBMIT, "place": place})
    assert "".join(Rule.objects.filter(tenant=world.tenant).values_list("name", flat=True)) == "4231"


def test_the_trial_names_the_first_customers(world: World, owner: Client) -> None:
    anna = world.rows[Customer]
    reading(anna, points=600)
    made = rule(world.tenant, active=False)
    page = owner.post(action(Rule, made.pk, "try-out"), SUBMIT).content.decode()
    assert "It would have fired 1 time for 1 customer." in page
    assert anna.key in page


def test_what_a_rule_did_shows_on_its_page_and_on_the_customers(world: World, owner: Client) -> None:
    anna = world.rows[Customer]
    made = rule(world.tenant, name="Gold maker")
    reading(anna, points=600)
    run_due()
    firing = RuleFiring.objects.get(rule=made)
    rules_page = owner.get(url(Rule, "change", made.pk)).content.decode()
    customers_page = owner.get(url(Customer, "change", anna.pk)).content.decode()
    assert "Made Card of Gold maker." in rules_page
    assert f"/admin/portal/event/{firing.event_id}/change/" in rules_page
    assert "Gold maker" in customers_page
    assert owner.get(url(Rule, "delete", made.pk)).status_code == 403  # who got what must still be told


def test_roles_may_what_the_table_says(world: World) -> None:
    made = rule(world.tenant, active=False)
    for role, may in ((Role.MARKETER, True), (Role.OPERATOR, False), (Role.AUDITOR, False)):
        client = client_of(member(world, role))
        assert client.get(url(Rule, "change", made.pk)).status_code == 200
        assert client.get(url(Rule, "add")).status_code == (200 if may else 403)
        client.post(action(Rule, made.pk, "turn-on"), SUBMIT)
        made.refresh_from_db()
        assert made.active == may
        Rule.objects.filter(pk=made.pk).update(active=False)


def test_superusers_who_look_at_all_tenants_mix_none(world: World, gold: PassTemplate) -> None:
    superuser = make.UserFactory.make(is_staff=True, is_superuser=True)
    rossi = make_world("Rossi").tenant
    answer = add(client_of(superuser), tenant=rossi.pk, create_pass__template=gold.pk)
    assert "Choose one from your own list." in answer.content.decode()
    assert not Rule.objects.filter(name="Gold").exists()
