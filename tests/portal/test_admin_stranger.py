"""What people see of another tenant through the admin: nothing. Every address of the site is found and walked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import FieldError
from django.db.models import Model
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

from passes.models import AppleCredentials, GoogleIssuer
from portal.admin.checks import check_site
from portal.admin.rights import CHOSEN_TENANT
from portal.admin.site import site
from portal.models import Membership, Tenant
from portal.tenancy import ROLE_ACTIONS, Role
from tests import factories as make
from tests.portal.admin_world import client_of, member
from tests.portal.stranger import Looker, Report
from tests.portal.stranger_people import choose, walk_after_leaving, walk_locked_out, walk_pages, walk_role
from tests.portal.stranger_rows import crossings, tenant_models
from tests.portal.stranger_walk import walk
from tests.portal.stranger_worlds import Worlds, two_worlds
from tests.portal.surfaces import Kind

pytestmark = [pytest.mark.django_db, pytest.mark.long]
MODELS = sorted(site._registry, key=lambda model: model._meta.label)
BY_LABEL = {"ids": lambda model: model._meta.label}


@pytest.fixture(scope="module")
def worlds(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Worlds]:
    with two_worlds(django_db_blocker) as made:
        yield made


@pytest.fixture
def owner(worlds: Worlds) -> Looker:
    return Looker(client_of(worlds[0].owner), *worlds, actions=ROLE_ACTIONS[Role.OWNER])


def assert_kept(report: Report, at_least: int) -> None:
    print(report)  # noqa: T201 - shown by pytest -rP
    assert not report.leaks, report
    assert len(report.visits) >= at_least, "Too little was visited for this to mean anything."


@pytest.mark.parametrize("model", MODELS, **BY_LABEL)
def test_a_stranger_finds_nothing(model: type[Model], owner: Looker) -> None:
    report = walk(site, owner, [model], site_pages=False)
    assert_kept(report, at_least=25)
    assert report.count()[Kind.LIST] >= 5
    assert report.count()[Kind.CHANGE] >= 4
    honest = report.statuses(Kind.SAVE)
    # Certificates and key files are read, and these worlds have none; no foreign key is in those forms.
    assert honest.keys() <= {302, 403} or model in {AppleCredentials, GoogleIssuer}, (
        "An honest form was refused, so forged ones say nothing."
    )


def test_pages_of_the_site_name_nobody_else(owner: Looker) -> None:
    assert_kept(walk(site, owner, []), at_least=60)


# Each role, and people who may not enter


@pytest.mark.slow
@pytest.mark.xdist_group("roles")
@pytest.mark.parametrize("role", list(Role))
def test_a_role_changes_what_its_actions_allow_and_nothing_else(role: Role, owner: Looker, worlds: Worlds) -> None:
    looker = Looker(client_of(member(worlds[0], role)), *worlds, actions=ROLE_ACTIONS[role])
    assert_kept(walk_role(site, looker, owner), at_least=40)


@pytest.mark.slow
@pytest.mark.xdist_group("roles")
@pytest.mark.parametrize("role", [Role.MARKETER, Role.OPERATOR, Role.AUDITOR])
def test_a_role_sees_what_its_actions_allow_and_nothing_else(role: Role, worlds: Worlds) -> None:
    looker = Looker(client_of(member(worlds[0], role)), *worlds, actions=ROLE_ACTIONS[role])
    assert_kept(walk_pages(site, looker), at_least=100)


def test_members_of_two_tenants_see_one_at_a_time(worlds: Worlds) -> None:
    ours, theirs = worlds
    both = member(ours, Role.OWNER)
    make.MembershipFactory.make(tenant=theirs.tenant, user=both, role=Role.OWNER)
    client = client_of(both)
    choose(client, ours.tenant)
    looker = Looker(client, *worlds, actions=ROLE_ACTIONS[Role.OWNER], knows=(theirs.tenant.name, theirs.tenant.slug))
    assert_kept(walk_pages(site, looker), at_least=100)


def test_superusers_see_the_tenant_that_they_look_at(worlds: Worlds) -> None:
    ours, theirs = worlds
    client = client_of(User.objects.create_superuser("root"))
    choose(client, ours.tenant)
    looker = Looker(client, *worlds, superuser=True, knows=(theirs.tenant.name, theirs.tenant.slug))
    tenants_own = [model for model in MODELS if model not in {Tenant, User}]  # of the whole installation
    assert_kept(walk_pages(site, looker, tenants_own), at_least=100)


def test_a_forged_session_cookie_or_header_names_no_tenant(worlds: Worlds) -> None:
    ours, theirs = worlds
    client = Client(headers={"X-Tenant": str(theirs.tenant.pk), "X-Tenant-Id": theirs.tenant.slug})
    client.force_login(ours.owner)
    choose(client, theirs.tenant)
    client.cookies["tenant"] = client.cookies[CHOSEN_TENANT] = str(theirs.tenant.pk)
    looker = Looker(client, *worlds, actions=ROLE_ACTIONS[Role.OWNER])
    assert_kept(walk_pages(site, looker), at_least=100)


@pytest.mark.parametrize("person", ["a former member", "an inactive user", "nobody's member", "nobody"])
def test_whoever_may_not_enter_is_led_to_the_sign_in_page(person: str, worlds: Worlds) -> None:
    client = Client()
    if person != "nobody":
        user = make.UserFactory.make(is_staff=True) if person == "nobody's member" else member(worlds[0], Role.OWNER)
        client.force_login(user)
        if person == "a former member":
            Membership.objects.filter(user=user).delete()
        if person == "an inactive user":
            User.objects.filter(pk=user.pk).update(is_active=False)
    assert_kept(walk_locked_out(site, Looker(client, *worlds)), at_least=100)


def test_the_palette_forgets_a_tenant_with_the_membership(worlds: Worlds) -> None:
    ours, theirs = worlds
    both = member(ours, Role.OWNER)
    lost = make.MembershipFactory.make(tenant=theirs.tenant, user=both, role=Role.OWNER)
    assert_kept(walk_after_leaving(client_of(both), lost, worlds), at_least=2)


# The worlds


def test_every_model_of_a_tenant_has_a_row_in_each_world(worlds: Worlds) -> None:
    for world in worlds:
        missing = [model._meta.label for model in tenant_models() if model not in world.rows]
        assert not missing, f"Add a row of each to make_world() in tests/portal/admin_world.py: {missing}"


def test_every_row_carries_its_mark(worlds: Worlds) -> None:
    for world in worlds:
        for model, row in world.rows.items():
            texts = [
                str(getattr(row, field.attname)) for field in model._meta.concrete_fields if field.attname != "data"
            ]
            told = [text for text in [str(row), *texts] if any(mark.lower() in text.lower() for mark in world.marks)]
            assert told or hasattr(row, "data"), f"Nothing in {model._meta.label} says whose it is."


def test_no_row_points_to_another_tenant(worlds: Worlds) -> None:
    assert crossings() == []


def test_no_filter_names_a_foreign_key() -> None:
    assert check_site(site) == []


# Secrets


@pytest.mark.parametrize("lookup", ["regex", "startswith", "contains", "gt", "in", "iexact", "length"])
def test_secrets_are_not_searched(lookup: str, worlds: Worlds) -> None:
    with pytest.raises((FieldError, TypeError)):
        AppleCredentials.objects.filter(**{f"private_key__{lookup}": "v1"}).exists()
    with pytest.raises(TypeError):
        AppleCredentials.objects.filter(private_key="v1").exists()
    assert AppleCredentials.objects.filter(private_key__isnull=False).exists()
