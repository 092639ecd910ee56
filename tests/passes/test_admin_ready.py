"""Where adding a template begins: a page of ready designs, and the dialog that makes a draft of one."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from passes.models import PassTemplate
from passes.ready.designs import DESIGNS
from portal.models import Change
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
BEGIN = "/admin/passes/passtemplate/begin/"
SUBMIT = {"_form_submitted": "True", "name": "Our card", "language": "en"}


def start(key: str) -> str:
    return reverse("admin:passes_passtemplate_start", args=[key])


def made() -> PassTemplate | None:
    return PassTemplate.objects.filter(name="Our card").first()


def test_adding_begins_with_the_designs(owner: Client) -> None:
    assert f'href="{BEGIN}' in owner.get(url(PassTemplate, "changelist")).content.decode()


def test_each_design_is_shown_in_both_wallets_with_what_it_needs(world: World, owner: Client) -> None:
    text = owner.get(BEGIN).content.decode()
    for ready in DESIGNS.values():
        assert start(ready.key) in text
        assert ready.name in text
        assert ready.sentence in text
        assert all(f"<code>{name}</code>" in text for name in ready.values)
    assert text.count('class="portal-pass"') == text.count('class="portal-gpass"') == len(DESIGNS)
    assert "portal-error" not in text
    assert world.tenant.name in text
    assert url(PassTemplate, "add") in text
    assert not PassTemplate.objects.exclude(tenant=world.tenant, pk=world.rows[PassTemplate].pk).exists()


def test_the_page_asks_the_database_no_more_for_eight_designs_than_for_none(
    owner: Client, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(20):  # type: ignore[operator]
        owner.get(BEGIN)


def test_the_cards_are_in_the_language_of_the_reader(world: World) -> None:
    client = client_of(world.owner, headers={"accept-language": "fr"})
    text = client.get(BEGIN).content.decode()
    assert "Numéro de carte" in text
    assert "Card number" not in text


@pytest.mark.parametrize("key", DESIGNS)
def test_a_marketer_makes_a_draft_through_the_dialog(world: World, key: str) -> None:
    client = client_of(member(world, Role.MARKETER))
    dialog = client.get(start(key)).content.decode()
    assert f'value="{DESIGNS[key].name}"' in dialog
    assert made() is None
    response = client.post(start(key), SUBMIT)
    draft = made()
    assert draft
    assert response["Location"] == url(PassTemplate, "change", draft.pk)
    assert draft.tenant == world.tenant
    assert draft.published is None
    assert draft.issue == PassTemplate.Issue.BY_HAND
    page = client.get(response["Location"]).content.decode()
    assert "As saved, with sample values." in page
    assert 'class="portal-pass"' in page
    assert 'class="portal-gpass"' in page
    assert Change.objects.filter(tenant=world.tenant, kind=Change.Kind.ADDED, object_key=str(draft.pk)).exists()


def test_without_a_name_nothing_is_made_and_the_dialog_says_so(owner: Client) -> None:
    text = owner.post(start("coupon"), {**SUBMIT, "name": " "}).content.decode()
    assert "This field is required." in text
    assert not PassTemplate.objects.filter(barcode_message="{{ coupon_code }}").exists()


def test_its_own_form_saves_a_draft_without_a_complaint(world: World, owner: Client) -> None:
    """Every ready text fits the field that it is in."""
    for key in DESIGNS:
        owner.post(start(key), {**SUBMIT, "name": key})
        draft = PassTemplate.objects.get(name=key)
        draft.full_clean()
        for part in (*draft.fields.all(), *draft.texts.all(), *draft.moments.all()):
            part.full_clean()


def test_a_design_that_there_is_not_is_not_found(owner: Client) -> None:
    assert owner.get(start("boarding")).status_code == 404
    assert owner.post(start("boarding"), SUBMIT).status_code == 404


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR])
def test_who_may_not_design_is_refused(world: World, role: Role) -> None:
    client = client_of(member(world, role))
    assert client.get(BEGIN).status_code == 403
    assert client.get(start("coupon")).status_code == 403
    assert client.post(start("coupon"), SUBMIT).status_code == 403
    assert made() is None


def test_another_tenant_cannot_be_named(world: World, owner: Client) -> None:
    other = make_world("Other")
    owner.post(start("coupon"), {**SUBMIT, "tenant": other.tenant.pk})
    draft = made()
    assert draft
    assert draft.tenant == world.tenant


def test_who_works_for_two_brands_makes_it_where_they_are(world: World) -> None:
    other = make_world("Other")
    user = member(world, Role.MARKETER)
    make.MembershipFactory.make(user=user, tenant=other.tenant, role=Role.AUDITOR)
    client = client_of(user)
    client.post("/admin/tenant/", {"tenant": other.tenant.pk})
    assert client.post(start("coupon"), SUBMIT).status_code == 403
    client.post("/admin/tenant/", {"tenant": world.tenant.pk})
    client.post(start("coupon"), SUBMIT)
    draft = made()
    assert draft
    assert draft.tenant == world.tenant
    assert draft.apple is None or draft.apple.tenant == world.tenant


def test_a_dialog_without_its_token_does_nothing(world: World) -> None:
    client = client_of(world.owner, enforce_csrf_checks=True)
    assert client.post(start("coupon"), SUBMIT).status_code == 403
    assert made() is None
