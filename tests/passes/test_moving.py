"""A pass that moves to another template stays the same card."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from passes.models import AppleCredentials, PassTemplate, WalletPass
from passes.moving import CannotMove, move
from portal.models import Change, Event
from portal.sentences import say
from portal.tenancy import Role
from tests.passes import world as passes
from tests.passes.world import Phone
from tests.portal.admin_world import World, action, client_of, make_world, member

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
GOLD = ("header", "points", "Gold points", "{{ points }}", "You now have %@ points")


def moved(held: WalletPass, design: PassTemplate) -> WalletPass:
    with transaction.atomic():
        move(held, design, say("Moved."))
    return WalletPass.objects.get(pk=held.pk)


def test_the_card_on_a_phone_keeps_its_number_and_shows_the_new_design() -> None:
    held, phone = passes.wallet_pass(), Phone()
    phone.register(held)
    assert "Points" in str(passes.document(phone.fetch(held).content))
    after = moved(held, passes.template(name="Gold card", fields=[GOLD]))
    assert (after.serial_number, after.authentication_token) == (held.serial_number, held.authentication_token)
    assert [event.kind for event in passes.pushes()] == ["apple.push"]
    assert "Gold points" in str(passes.document(phone.fetch(after).content))
    assert Event.objects.get(kind="pass.moved").outcome == "Moved."


def test_a_card_stays_with_its_pass_type() -> None:
    held = passes.wallet_pass()
    gold = passes.template(name="Gold card", apple=passes.apple(pass_type="pass.com.example.gold"))
    with pytest.raises(CannotMove, match="another Apple certificate"):
        moved(held, gold)
    assert WalletPass.objects.get(pk=held.pk).template != gold


def test_it_goes_neither_to_an_unpublished_template_nor_where_the_customer_has_a_pass_nor_to_others() -> None:
    held = passes.wallet_pass()
    unpublished = passes.template(name="Draft")
    unpublished.published = None
    unpublished.save()
    used = passes.template(name="Used")
    passes.wallet_pass(used, held.customer)
    foreign = passes.template(passes.tenant("other"), name="Foreign")
    for design in (unpublished, used, foreign, held.template):
        with pytest.raises(CannotMove):
            moved(held, design)


def test_an_operator_moves_it_on_its_page(world: World) -> None:
    held, client = world.rows[WalletPass], client_of(member(world, Role.OPERATOR))
    other, foreign = _template(world, "Gold card"), _template(make_world("Other"), "Foreign card")
    dialog = action(WalletPass, held.pk, "move")
    shown = client.get(dialog).content.decode()
    assert "Gold card" in shown
    assert "Foreign card" not in shown
    assert "Select a valid choice" in client.post(dialog, {**SUBMIT, "template": foreign.pk}).content.decode()
    said = client.post(dialog, {**SUBMIT, "template": other.pk}, follow=True).content.decode()
    assert "The pass has its new design." in said
    assert WalletPass.objects.get(pk=held.pk).template == other
    assert Change.objects.filter(sentence="Moved to another template.").count() == 1
    assert "moved the pass of Verdi@example.com" in Event.objects.get(kind="pass.moved").outcome


def test_marketers_may_not(world: World, owner: Client) -> None:
    held, design = world.rows[WalletPass], _template(world, "Gold card")
    client = client_of(member(world, Role.MARKETER))
    assert client.post(action(WalletPass, held.pk, "move"), {**SUBMIT, "template": design.pk}).status_code == 403


def test_a_design_that_cannot_be_worked_out_is_told_and_nothing_moves(world: World, owner: Client) -> None:
    odd = passes.template(
        world.tenant,
        name="Odd",
        apple=world.rows[AppleCredentials],
        fields=[("back", "o", "Odd", "{{ points|divisibleby:0 }}", "")],
    )
    held = world.rows[WalletPass]
    said = owner.post(action(WalletPass, held.pk, "move"), {**SUBMIT, "template": odd.pk}, follow=True).content.decode()
    assert "cannot be worked out" in said
    assert WalletPass.objects.get(pk=held.pk).template == held.template


def _template(owner: World, name: str, **changes: Any) -> PassTemplate:
    return passes.template(owner.tenant, name=name, apple=owner.rows[AppleCredentials], **changes)
