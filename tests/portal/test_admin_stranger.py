"""What an owner sees of another tenant through the admin: nothing. Every registered admin is walked by itself."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import FieldError
from django.db.models import Model
from django.forms.models import model_to_dict

from passes.models import AppleCredentials, PassTemplate, WalletPass
from portal.admin.site import site
from portal.models import ApiKey, Customer, Event, Lane, Membership, Tenant
from portal.tenancy import Role
from tests.portal.admin_world import World, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
MODELS = sorted(site._registry, key=lambda model: model._meta.label)
OURS, THEIRS = "OurMark", "TheirMark"
BY_LABEL = {"ids": lambda model: model._meta.label}


@pytest.fixture
def ours() -> World:
    return make_world(OURS)


@pytest.fixture
def theirs() -> World:
    return make_world(THEIRS)


def actions(model: type[Model], kind: str) -> list[str]:
    admin = site.get_model_admin(model)
    return [action.action_name for action in getattr(admin, f"_get_base_actions_{kind}")()]


def pages_of(model: type[Model], key: Any) -> list[str]:
    """Every address of a model's admin that names a row."""
    base = url(model, "changelist")
    own = [f"{base}{key}/{page}/" for page in ("change", "history", "delete", "password")]
    admin = site.get_model_admin(model)
    kinds = [*admin._get_base_actions_detail(), *admin._get_base_actions_row()]
    return [*own, *(f"{base}{key}/{action.path}/" for action in kinds)]


def snapshot() -> dict[str, Any]:
    """All rows that a dialog could change."""
    kept = (Event, Customer, ApiKey, Membership, Tenant, WalletPass, PassTemplate, AppleCredentials, Lane, User)
    return {
        model.__name__: [model_to_dict(row) | {"pk": row.pk} for row in model.objects.order_by("pk")] for model in kept
    }


def assert_unmarked(response: Any, mark: str = THEIRS) -> None:
    assert response.status_code < 500, response.content[:500]
    assert mark.lower() not in response.content.decode("utf-8", "replace").lower()


@pytest.mark.parametrize("model", MODELS, **BY_LABEL)
def test_every_admin_is_walked(model: type[Model], ours: World) -> None:
    assert model in ours.rows, f"tests/portal/admin_world.py makes no {model._meta.label}"


@pytest.mark.parametrize("model", MODELS, **BY_LABEL)
def test_a_stranger_finds_no_row(model: type[Model], ours: World, theirs: World) -> None:
    client = client_of(ours.owner)
    key = theirs.rows[model].pk
    for address in pages_of(model, key):
        response = client.get(address)
        assert response.status_code in {302, 403, 404}, address
        assert_unmarked(response)
    for address in (url(model, "changelist"), url(model, "changelist") + "?q=Their", url(model, "add")):
        assert_unmarked(client.get(address))


@pytest.mark.parametrize("model", MODELS, **BY_LABEL)
def test_a_strangers_own_pages_offer_nothing_of_others(model: type[Model], ours: World, theirs: World) -> None:
    """Choices of foreign keys, inlines, filters, history and dialogs."""
    client = client_of(ours.owner)
    for address in pages_of(model, ours.rows[model].pk):
        assert_unmarked(client.get(address, follow=True))
    base = url(model, "changelist")
    for action in site.get_model_admin(model)._get_base_actions_list():
        assert_unmarked(client.get(f"{base}{action.path}/"))


@pytest.mark.parametrize("model", MODELS, **BY_LABEL)
def test_a_stranger_changes_nothing(model: type[Model], ours: World, theirs: World) -> None:
    client = client_of(ours.owner)
    before = snapshot()
    key = theirs.rows[model].pk
    for address in pages_of(model, key):
        response = client.post(address, {"_form_submitted": "True", "post": "yes", "profile": "", "name": "x"})
        assert response.status_code in {302, 403, 404}, address
        assert_unmarked(response)
    assert snapshot() == before


@pytest.mark.parametrize("model", MODELS, **BY_LABEL)
def test_home_and_other_site_pages_name_nobody_else(model: type[Model], ours: World, theirs: World) -> None:
    client = client_of(ours.owner)
    label = model._meta.app_label
    for address in ("/admin/", f"/admin/{label}/", "/admin/search/?s=their&extended=1", "/admin/search/?s=a"):
        assert_unmarked(client.get(address))


@pytest.mark.parametrize("model", MODELS, **BY_LABEL)
@pytest.mark.parametrize("role", list(Role))
def test_each_role_gets_pages_or_a_plain_no(model: type[Model], role: Role, ours: World, theirs: World) -> None:
    client = client_of(member(ours, role))
    admin = site.get_model_admin(model)
    seen = admin.view_action if hasattr(admin, "view_action") else None
    response = client.get(url(model, "changelist"))
    assert response.status_code in {200, 403}
    if role == Role.OWNER and model not in {Tenant, User}:
        assert response.status_code == 200, seen
    assert client.get(url(model, "add")).status_code in {200, 403}
    assert client.get(url(model, "change", ours.rows[model].pk)).status_code in {200, 302, 403}
    assert_unmarked(response)


@pytest.mark.parametrize("model", MODELS, **BY_LABEL)
def test_an_auditor_changes_nothing(model: type[Model], ours: World) -> None:
    client = client_of(member(ours, Role.AUDITOR))
    before = snapshot()
    pages = [page for page in pages_of(model, ours.rows[model].pk) if not page.endswith("/history/")]
    for address in [*pages, url(model, "add")]:
        response = client.post(address, {"_form_submitted": "True", "post": "yes", "name": "x", "profile": ""})
        assert response.status_code in {302, 403, 404, 405}, address
    assert snapshot() == before


@pytest.mark.parametrize("model", MODELS, **BY_LABEL)
def test_superusers_see_everything_and_members_of_nothing_see_nothing(
    model: type[Model], ours: World, django_user_model: type[User]
) -> None:
    root = django_user_model.objects.create_superuser("root")
    client = client_of(root)
    for page in (url(model, "changelist"), url(model, "change", ours.rows[model].pk)):
        assert client.get(page).status_code == 200, page
    outsider = client_of(django_user_model.objects.create_user("outsider", is_staff=True))
    assert outsider.get(url(model, "changelist")).status_code == 302


@pytest.mark.parametrize("model", MODELS, **BY_LABEL)
def test_secrets_are_never_shown(model: type[Model], ours: World, django_user_model: type[User]) -> None:
    root = django_user_model.objects.create_superuser("root")
    for user in (ours.owner, member(ours, Role.AUDITOR), root):
        client = client_of(user)
        for address in [url(model, "changelist"), *pages_of(model, ours.rows[model].pk)]:
            text = client.get(address, follow=True).content.decode()
            assert "SECRET-" not in text, address
            assert "v1:" not in text, address


@pytest.mark.parametrize("lookup", ["__isnull=1", "__startswith=a", "__regex=(a%2B)%2B$", "__gt=%00", "="])
@pytest.mark.parametrize("model", [model for model in MODELS if model is not User], **BY_LABEL)
def test_no_list_is_filtered_by_a_forged_address(
    model: type[Model], lookup: str, ours: World, django_user_model: type[User]
) -> None:
    root = django_user_model.objects.create_superuser("root")
    clients = [client_of(root), *([client_of(ours.owner)] if model is not Tenant else [])]
    for client in clients:
        for field in model._meta.concrete_fields:
            asked = field.name + lookup
            response = client.get(f"{url(model, 'changelist')}?{asked}")
            filters = {one.parameter_name for one in site.get_model_admin(model).list_filter}
            assert response.status_code == (200 if asked.removesuffix("=") in filters else 400), asked


@pytest.mark.parametrize("lookup", ["regex", "startswith", "contains", "gt", "in", "iexact", "length"])
def test_secrets_are_not_searched(lookup: str, ours: World) -> None:
    with pytest.raises((FieldError, TypeError)):
        AppleCredentials.objects.filter(**{f"private_key__{lookup}": "v1"}).exists()
    with pytest.raises(TypeError):
        AppleCredentials.objects.filter(private_key="v1").exists()
    assert AppleCredentials.objects.filter(private_key__isnull=False).exists()


def test_a_person_without_a_role_is_out_at_once(ours: World) -> None:
    client = client_of(ours.owner)
    assert client.get("/admin/").status_code == 200
    Membership.objects.filter(user=ours.owner).delete()
    assert client.get("/admin/").status_code == 302
    assert client.get(url(Customer, "changelist")).status_code == 302


def test_filters_name_no_rows() -> None:
    for model, admin in site._registry.items():
        for entry in admin.list_filter:
            named = entry if isinstance(entry, str) else ""
            assert not named or not model._meta.get_field(named).is_relation, (model, entry)
