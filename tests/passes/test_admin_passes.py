"""Passes in the admin."""

from __future__ import annotations

import pytest
from django.test import Client

from passes.links import link
from passes.models import WalletPass
from portal.models import Event
from portal.tenancy import Role
from tests.portal.admin_world import World, action, client_of, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


# Passes


def test_a_pass_page_shows_the_card_its_phones_and_its_link(world: World, owner: Client) -> None:
    text = owner.get(url(WalletPass, "change", world.rows[WalletPass].pk)).content.decode()
    for part in ("Verdi points", "iPhone device", "/p/", "On 1 phone", "Verdi failed"):
        assert part in text, part


def test_voiding_a_pass_renews_it_for_its_phones(world: World) -> None:
    wallet_pass = world.rows[WalletPass]
    client = client_of(member(world, Role.OPERATOR))
    address = action(WalletPass, wallet_pass.pk, "void")
    assert "Void this pass?" in client.get(address).content.decode()
    client.post(address, SUBMIT)
    wallet_pass.refresh_from_db()
    assert wallet_pass.voided
    assert wallet_pass.content["voided"]
    assert Event.objects.filter(kind="apple.push", parent__kind="pass.voided").count() == 1
    client.post(address, SUBMIT)
    assert Event.objects.filter(kind="pass.voided").count() == 1
    assert "No longer valid" in client.get(url(WalletPass, "change", wallet_pass.pk)).content.decode()


@pytest.mark.parametrize(
    ("role", "shown"), [(Role.OWNER, True), (Role.OPERATOR, True), (Role.MARKETER, True), (Role.AUDITOR, False)]
)
def test_only_people_who_may_act_get_the_public_page(world: World, role: Role, shown: bool) -> None:
    wallet_pass = world.rows[WalletPass]
    text = client_of(member(world, role)).get(url(WalletPass, "change", wallet_pass.pk)).content.decode()
    assert (link(wallet_pass) in text) is shown
