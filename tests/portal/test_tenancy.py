"""Tenants and roles: one table says who may do what, and rows are reached through it."""

from __future__ import annotations

import itertools

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.utils import timezone

from integrations.actito.models import ActitoConnection, AttributeMapping
from portal.models import Customer, Identity, Membership, Tenant
from portal.tenancy import ROLE_ACTIONS, Action, Role, TenantQuerySet, check_same_tenant, may, tenant_id_of
from tests.world import make_connection, make_tenant, map_value

pytestmark = pytest.mark.django_db

ALLOWED = {
    Role.OWNER: {"view", "audit", "export", "configure", "operate", "connect", "team", "erase"},
    Role.MARKETER: {"view", "export", "configure"},
    Role.OPERATOR: {"view", "operate"},
    Role.AUDITOR: {"view", "audit"},
}


def member(tenant: Tenant, role: Role, name: str = "anna") -> object:
    user = get_user_model().objects.create(username=name)
    Membership.objects.create(tenant=tenant, user=user, role=role)
    return user


def test_the_table_of_roles_and_actions_is_the_one_that_was_agreed() -> None:
    assert {role: {str(action) for action in actions} for role, actions in ROLE_ACTIONS.items()} == ALLOWED


@pytest.mark.parametrize(("role", "action"), [*itertools.product(Role, Action)])
def test_a_role_allows_its_actions_in_its_own_tenant_only(role: Role, action: Action) -> None:
    verdi, rivale = make_tenant(), make_tenant("rivale")
    user = member(verdi, role)
    for tenant in (verdi, rivale):
        Customer.objects.create(tenant=tenant, key=tenant.slug)
    allowed = action in ALLOWED[role]
    assert may(user, action, verdi.pk) is allowed  # type: ignore[arg-type]
    assert may(user, action) is allowed  # type: ignore[arg-type]
    assert may(user, action, rivale.pk) is False  # type: ignore[arg-type]
    assert [one.key for one in Customer.objects.for_user(user, action)] == (["verdi"] if allowed else [])


def test_the_people_of_a_suspended_tenant_only_read() -> None:
    verdi = make_tenant()
    owner = member(verdi, Role.OWNER)
    Tenant.objects.update(suspended_at=timezone.now())
    allowed = {action for action in Action if may(owner, action, verdi.pk)}  # type: ignore[arg-type]
    assert allowed == {Action.VIEW, Action.AUDIT}


def test_nobody_sees_anything_without_a_membership() -> None:
    make_connection(make_tenant())
    stranger = get_user_model().objects.create(username="stranger", is_staff=True)
    dismissed = get_user_model().objects.create(username="dismissed", is_active=False, is_superuser=True)
    for user in (AnonymousUser(), stranger, dismissed):
        assert not ActitoConnection.objects.for_user(user).exists()
        assert not Tenant.objects.for_user(user).exists()
        assert not any(may(user, action) for action in Action)


def test_a_member_who_was_deactivated_sees_nothing() -> None:
    tenant = make_tenant()
    user = member(tenant, Role.OWNER)
    get_user_model().objects.update(is_active=False)
    user.refresh_from_db()  # type: ignore[attr-defined]
    assert not may(user, Action.VIEW, tenant.pk)  # type: ignore[arg-type]


def test_a_superuser_sees_all_tenants() -> None:
    make_tenant(), make_tenant("rivale")
    user = get_user_model().objects.create(username="root", is_superuser=True)
    assert Tenant.objects.for_user(user).count() == 2
    assert all(may(user, action) for action in Action)


def test_rows_are_reached_through_their_parents() -> None:
    verdi, rivale = make_tenant(), make_tenant("rivale")
    for tenant in (verdi, rivale):
        map_value(make_connection(tenant), "points", "points")
    mapping = AttributeMapping.objects.for_tenant(verdi).get()
    assert tenant_id_of(mapping) == verdi.pk
    assert Tenant.objects.for_tenant(verdi).get() == verdi
    assert AttributeMapping.objects.for_user(member(rivale, Role.AUDITOR)).get() != mapping  # type: ignore[arg-type]


def test_a_row_without_a_tenant_is_for_superusers_only() -> None:
    hearts = TenantQuerySet(apps.get_model("portal.Heart"))
    assert hearts.for_user(member(make_tenant(), Role.OWNER)).query.is_empty()  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        hearts.for_tenant(1)


def test_a_foreign_key_into_another_tenant_is_refused() -> None:
    verdi, rivale = make_tenant(), make_tenant("rivale")
    theirs = Customer.objects.create(tenant=rivale, key="x")
    identity = Identity(tenant=verdi, customer=theirs, namespace="actito:1", value="1")
    with pytest.raises(ValidationError, match="from your own list"):
        check_same_tenant(identity)
    with pytest.raises(ValidationError):
        identity.full_clean()
    identity.tenant = rivale
    identity.full_clean()
