"""One tenant at a time: going over to another, suspending one, its name, colour and clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import given
from hypothesis import strategies as some

from passes.models import PassTemplate
from portal.admin.colours import (
    DARK,
    READABLE,
    _luminance,
    _parse,
    _readable_on_dark,
    _readable_under_white,
    contrast_with_white,
    shades,
)
from portal.models import Change, Customer, Event, Membership, Tenant
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
CHOOSE = "/admin/tenant/"


@pytest.fixture
def verdi() -> World:
    return make_world("Verdi")


@pytest.fixture
def other() -> World:
    return make_world("Other")


@pytest.fixture
def both(verdi: World, other: World) -> Client:
    """Somebody who is a marketer at Verdi and an auditor at Other."""
    user = member(verdi, Role.MARKETER)
    make.MembershipFactory.make(user=user, tenant=other.tenant, role=Role.AUDITOR)
    return client_of(user)


@pytest.fixture
def root(django_user_model: type[User]) -> Client:
    return client_of(django_user_model.objects.create_superuser("root"))


def customers(client: Client) -> str:
    return client.get(url(Customer, "changelist")).content.decode()


def test_a_person_of_two_tenants_sees_one_at_a_time_and_goes_over(both: Client, verdi: World, other: World) -> None:
    assert "Other@example.com" in customers(both)  # the first by name
    assert "Verdi@example.com" not in customers(both)
    response = both.post(CHOOSE, {"tenant": verdi.tenant.pk}, HTTP_HX_REQUEST="true")
    assert response["HX-Redirect"] == "/admin/"
    assert "Verdi@example.com" in customers(both)
    assert "Other@example.com" not in customers(both)


def test_the_role_is_that_of_the_tenant_that_is_looked_at(both: Client, verdi: World, other: World) -> None:
    assert both.get(url(PassTemplate, "add")).status_code == 403
    both.post(CHOOSE, {"tenant": verdi.tenant.pk})
    assert both.get(url(PassTemplate, "add")).status_code == 200


def test_the_header_offers_only_the_persons_own_tenants(both: Client, verdi: World) -> None:
    make_world("Third")
    text = both.get("/admin/").content.decode()
    assert "Verdi brand" in text
    assert "Other brand" in text
    assert "Third" not in text
    alone = client_of(verdi.owner).get("/admin/").content.decode()
    assert "hx-post" not in alone
    assert "Verdi brand" in alone


def test_nobody_goes_over_to_a_tenant_that_is_not_theirs(both: Client) -> None:
    third = make_world("Third")
    for key in (third.tenant.pk, "999999", "all", "", "1 OR 1=1", "9" * 40, "\x00"):
        assert both.post(CHOOSE, {"tenant": key}).status_code == 404, key
    assert "Third" not in both.get(CHOOSE).content.decode()
    assert "Third" not in both.get(CHOOSE, {"q": "Third"}).content.decode().replace('value="Third"', "")


def test_going_over_needs_a_post_with_a_token(verdi: World) -> None:
    client = client_of(verdi.owner, enforce_csrf_checks=True)
    assert client.post(CHOOSE, {"tenant": verdi.tenant.pk}).status_code == 403
    assert client.get(CHOOSE, {"tenant": verdi.tenant.pk}).status_code == 200
    assert client.delete(CHOOSE).status_code in {403, 405}


def test_a_superuser_sees_all_tenants_or_one(root: Client, verdi: World, other: World) -> None:
    assert "Verdi@example.com" in customers(root)
    assert "Other@example.com" in customers(root)
    root.post(CHOOSE, {"tenant": other.tenant.pk})
    assert "Verdi@example.com" not in customers(root)
    assert "Verdi brand" in root.get(url(Tenant, "changelist")).content.decode()
    root.post(CHOOSE, {"tenant": "all"})
    assert "Verdi@example.com" in customers(root)


def test_who_leaves_the_team_they_look_at_is_back_in_their_other_one(both: Client, verdi: World, other: World) -> None:
    both.post(CHOOSE, {"tenant": verdi.tenant.pk})
    Membership.objects.filter(tenant=verdi.tenant, role=Role.MARKETER).delete()
    assert "Other@example.com" in customers(both)
    assert "Verdi" not in customers(both)


def test_who_is_added_to_another_team_stays_where_they_are(verdi: World) -> None:
    client = client_of(verdi.owner)
    assert "Verdi@example.com" in customers(client)
    make.MembershipFactory.make(user=verdi.owner, tenant=make_world("Acme").tenant)
    assert "Verdi@example.com" in customers(client)


def test_a_page_of_another_tenant_than_the_one_that_was_gone_over_to_does_nothing(both: Client, verdi: World) -> None:
    """Two windows: the first shows Verdi, the second goes over to Other."""
    draft = {"name": "Coupon", "organization_name": "Verdi", "description": "Coupon", "_tenant": str(verdi.tenant.pk)}
    response = both.post(url(PassTemplate, "add"), draft, follow=True)
    assert "in another window" in response.content.decode()
    dialog = url(Event, "changelist") + f"{verdi.rows[Event].pk}/replay/"
    told = both.get(dialog, headers={"X-Portal-Tenant": str(verdi.tenant.pk), "HX-Request": "true"})
    assert told["HX-Redirect"] == "/admin/"
    assert not PassTemplate.objects.filter(name="Coupon").exists()


def test_a_link_into_another_of_ones_tenants_says_where_it_leads(both: Client, verdi: World) -> None:
    page = url(Customer, "change", verdi.rows[Customer].pk)
    text = both.get(page, follow=True).content.decode()
    assert "This belongs to Verdi brand." in text
    third = make_world("Third")
    assert "Third brand" not in both.get(url(Customer, "change", third.rows[Customer].pk), follow=True).content.decode()


def test_many_tenants_are_searched_by_name(root: Client) -> None:
    for number in range(130):
        make.TenantFactory.make(slug=f"brand-{number}", name=f"Brand {number:03}")
    text = root.get("/admin/").content.decode()
    assert "More tenants" in text
    page = root.get(CHOOSE).content.decode()
    assert "And 30 more" in page
    found = root.get(CHOOSE, {"q": "brand 129"}).content.decode()
    assert "Brand 129" in found
    assert "Brand 001" not in found.split("portal-choices")[1]
    assert root.get(CHOOSE, {"q": "x" * 1_000_000 + "\x00"}).status_code == 200


# Suspended


def suspended(world: World, root: Client) -> None:
    page = url(Tenant, "changelist") + f"{world.tenant.pk}/suspend/"
    assert "Suspend this tenant?" in root.get(page).content.decode()
    root.post(page, {**SUBMIT, "reason": "Unpaid since May"})
    world.tenant.refresh_from_db()


def test_a_superuser_suspends_a_tenant_and_lets_it_run_again(root: Client, verdi: World) -> None:
    suspended(verdi, root)
    assert verdi.tenant.suspended_at is not None
    page = root.get(url(Tenant, "change", verdi.tenant.pk)).content.decode()
    assert "/restart/" in page
    assert "/suspend/" not in page
    root.post(url(Tenant, "changelist") + f"{verdi.tenant.pk}/restart/", SUBMIT)
    verdi.tenant.refresh_from_db()
    assert (verdi.tenant.suspended_at, verdi.tenant.suspended_reason) == (None, "")
    kept = Change.objects.filter(model="portal.tenant").values_list("sentence", flat=True)
    assert [*kept] == ["Let run again.", "Suspended."]


def test_a_superuser_who_works_in_one_tenant_suspends_another(root: Client, verdi: World, other: World) -> None:
    root.post(CHOOSE, {"tenant": other.tenant.pk})
    suspended(verdi, root)
    assert verdi.tenant.suspended_at is not None


def test_owners_neither_suspend_nor_restart(verdi: World, other: World, root: Client) -> None:
    suspended(verdi, root)
    owner = client_of(verdi.owner)
    for name in ("suspend", "restart"):
        assert owner.post(url(Tenant, "changelist") + f"{verdi.tenant.pk}/{name}/", SUBMIT).status_code in {403, 404}
    verdi.tenant.refresh_from_db()
    assert verdi.tenant.suspended_at is not None


def test_the_people_of_a_suspended_tenant_are_told_and_only_read(verdi: World, root: Client) -> None:
    suspended(verdi, root)
    owner = client_of(verdi.owner)
    text = owner.get("/admin/").content.decode()
    assert "Verdi brand is suspended" in text
    assert "Unpaid since May" in text
    assert owner.get(url(PassTemplate, "change", verdi.rows[PassTemplate].pk)).status_code == 200
    assert owner.get(url(PassTemplate, "add")).status_code == 403
    replay = url(Event, "changelist") + f"{verdi.rows[Event].pk}/replay/"
    assert owner.post(replay, SUBMIT).status_code == 403


# Its looks


def test_pages_carry_the_tenants_colour_and_clock(verdi: World) -> None:
    Tenant.objects.filter(pk=verdi.tenant.pk).update(colour="#1F6F54", time_zone="Pacific/Auckland")
    Event.objects.update(created_at=datetime(2026, 1, 31, 11, 30, tzinfo=UTC))
    owner = client_of(verdi.owner)
    assert "--color-primary-600: rgb(31 111 84)" in owner.get("/admin/").content.decode()
    text = owner.get(url(Event, "changelist")).content.decode()
    assert "00:30:00" in text
    assert "1 Feb 2026" in text


def test_a_tenants_form_refuses_odd_slugs_zones_and_colours(root: Client) -> None:
    wrong = {"name": "X", "slug": "a b/ü", "time_zone": "Mars/Base", "language": "xx", "colour": "red"}
    text = root.post(url(Tenant, "add"), wrong).content.decode()
    assert not Tenant.objects.exists()
    assert "is not a time zone" in text
    assert "Enter a colour such as" in text
    right = {"name": "X", "slug": "x", "time_zone": "Europe/Paris", "language": "fr", "colour": "#ABCDEF"}
    assert root.post(url(Tenant, "add"), right).status_code == 302
    assert Tenant.objects.get().colour == "#ABCDEF"


@given(some.from_regex(r"#[0-9A-Fa-f]{6}", fullmatch=True))
def test_words_can_be_read_on_any_tenants_buttons_and_on_dark_pages(colour: str) -> None:
    assert contrast_with_white(_readable_under_white(_parse(colour))) >= READABLE
    assert (_luminance(_readable_on_dark(_parse(colour))) + 0.05) / (_luminance(DARK) + 0.05) >= READABLE
    assert set(shades(colour)) == {"50", *(str(each) for each in range(100, 1000, 100)), "950"}
