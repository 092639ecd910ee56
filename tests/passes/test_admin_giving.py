"""Giving a customer a pass by hand, and the links on the customer's page."""

from __future__ import annotations

import pytest
from django.test import Client

from passes.links import link_to_get
from passes.models import PassTemplate, WalletPass
from portal.models import Change, Customer, Event
from portal.tenancy import Role
from tests.passes import world as passes
from tests.portal.admin_world import World, action, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
Issue = PassTemplate.Issue


def voucher(world: World, **changes: object) -> PassTemplate:
    return passes.template(world.tenant, **{"name": "Voucher", "issue": Issue.BY_HAND, **changes})  # type: ignore[arg-type]


def dialog(world: World) -> str:
    return action(Customer, world.rows[Customer].pk, "give-pass")


def test_an_operator_gives_a_pass_and_is_led_to_it(world: World) -> None:
    design, client = voucher(world), client_of(member(world, Role.OPERATOR))
    assert "Voucher" in client.get(dialog(world)).content.decode()

    response = client.post(dialog(world), {**SUBMIT, "template": design.pk})

    made = WalletPass.objects.get(template=design)
    assert (made.customer, made.content["fields"][0]["value"]) == (world.rows[Customer], 120)
    assert response["Location"] == url(WalletPass, "change", made.pk)
    assert "gave “Voucher” to Verdi@example.com." in Event.objects.get(kind="pass.given").outcome
    assert Change.objects.filter(sentence="Gave a pass.").count() == 1


def test_only_templates_that_are_open_to_it_are_offered(world: World) -> None:
    other = make_world("Other")
    refused = [
        voucher(world, name="By rules", issue=Issue.RULE),
        voucher(world, name="By the till", issue=Issue.API),
        voucher(world, name="Switched off", active=False),
        voucher(world, name="For nobody", issue=Issue.CONDITION),
        voucher(other, name="Of somebody else"),
        world.rows[PassTemplate],  # held already
    ]
    client = client_of(member(world, Role.OPERATOR))

    text = client.get(dialog(world)).content.decode()

    assert "No template is open to this customer" in text
    assert not [design.name for design in refused if f'value="{design.pk}"' in text]
    for design in refused:
        said = client.post(dialog(world), {**SUBMIT, "template": design.pk}).content.decode()
        assert "Select a valid choice" in said
    assert WalletPass.objects.exclude(pk__in=[each.rows[WalletPass].pk for each in (world, other)]).count() == 0


@pytest.mark.parametrize("role", [Role.MARKETER, Role.AUDITOR])
def test_others_may_not(world: World, role: Role) -> None:
    design, client = voucher(world), client_of(member(world, role))
    assert client.post(dialog(world), {**SUBMIT, "template": design.pk}).status_code == 403
    assert "Give a pass" not in client.get(url(Customer, "change", world.rows[Customer].pk)).content.decode()


def test_a_pass_that_cannot_be_worked_out_is_told(world: World, owner: Client) -> None:
    design = voucher(world, fields=[("back", "odd", "Odd", "{{ points|divisibleby:0 }}", "")])
    said = owner.post(dialog(world), {**SUBMIT, "template": design.pk}, follow=True).content.decode()
    assert "cannot be worked out" in said
    assert not WalletPass.objects.filter(template=design).exists()


@pytest.mark.parametrize(("role", "shown"), [(Role.OPERATOR, True), (Role.MARKETER, True), (Role.AUDITOR, False)])
def test_the_customers_page_shows_the_links_on_which_they_get_a_pass(world: World, role: Role, shown: bool) -> None:
    design, customer = voucher(world, issue=Issue.LINK), world.rows[Customer]
    closed = voucher(world, name="Closed")
    text = client_of(member(world, role)).get(url(Customer, "change", customer.pk)).content.decode()
    assert (link_to_get(design, customer) in text) is shown
    assert link_to_get(closed, customer) not in text
