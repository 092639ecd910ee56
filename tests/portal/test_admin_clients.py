"""OAuth2 clients in the admin: owners add, revoke and restore them, auditors read them; they may be off altogether."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integrations.actito.models import ActitoConnection
from portal.models import Change, OAuthClient, Scope
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, client_of, make_world, member, url
from tests.portal.issuer import Clock, Issuer, send

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


def action(name: str, row: Any = None) -> str:
    return url(OAuthClient, "changelist") + (f"{row.pk}/{name}/" if row else f"{name}/")


def add(client: Client, **given: Any) -> Any:
    values = {**SUBMIT, "name": "Fresh", "client_id": "fresh-sender", "scopes": [Scope.ACTITO_LISTENER], **given}
    return client.post(action("add-client"), values)


def page(client: Client, row: Any = None) -> str:
    response = client.get(url(OAuthClient, "change", row.pk) if row else url(OAuthClient, "changelist"))
    assert response.status_code == 200
    return str(response.content.decode())


def test_a_client_that_is_added_is_let_in_and_the_history_tells(
    world: World, owner: Client, issuer: Issuer, issuer_clock: Clock
) -> None:
    token = issuer.token(azp="fresh-sender")
    assert send(token, world.tenant.slug).status_code == 401
    add(owner, bound_to=world.rows[ActitoConnection].source)
    assert send(token, world.tenant.slug).status_code == 200
    row = OAuthClient.objects.get(client_id="fresh-sender")
    assert (row.tenant, row.name, row.scopes) == (world.tenant, "Fresh", [Scope.ACTITO_LISTENER])
    change = Change.objects.get(model="portal.oauthclient", object_key=str(row.pk))
    assert (change.who, "fresh-sender" in str(change.differences)) == (world.owner.username, True)
    text = page(owner)
    for shown in ("Fresh", "fresh-sender", "Verdi connection", "Valid", "just now"):
        assert shown in text, shown


def test_a_client_is_revoked_and_let_in_again(world: World, owner: Client, issuer: Issuer, issuer_clock: Clock) -> None:
    row = world.rows[OAuthClient]
    assert action("restore", row) not in page(owner, row)
    assert owner.get(action("revoke", row)).status_code == 200
    assert OAuthClient.objects.get().revoked_at is None
    owner.post(action("revoke", row), SUBMIT)
    assert OAuthClient.objects.get().revoked_at
    assert send(issuer.token(azp=row.client_id), world.tenant.slug).status_code == 401
    text = page(owner, row)
    assert action("restore", row) in text
    assert action("revoke", row) not in text
    owner.post(action("restore", row), SUBMIT)
    assert OAuthClient.objects.get().revoked_at is None
    told = Change.objects.filter(model="portal.oauthclient", object_key=str(row.pk)).values_list("sentence", flat=True)
    assert set(told) == {"Revoked.", "Let in again."}


def test_a_client_is_added_once_a_tenant(world: World, owner: Client) -> None:
    other = make_world("Other")
    add(owner)
    add(client_of(other.owner))
    assert OAuthClient.objects.filter(client_id="fresh-sender").count() == 2
    OAuthClient.objects.update(name="Kept")
    response = add(owner, name="Second")
    assert "added already" in owner.get(response["Location"]).content.decode()
    assert set(OAuthClient.objects.filter(client_id="fresh-sender").values_list("name", flat=True)) == {"Kept"}


@pytest.mark.parametrize(
    "given",
    [{"client_id": ""}, {"client_id": "x" * 201}, {"client_id": "a\u2028b"}, {"client_id": "a\0b"}, {"name": ""},
     {"scopes": []}, {"scopes": ["Everything"]}, {"bound_to": "actito:999999"}],
)  # fmt: skip
def test_wrong_answers_add_nothing(owner: Client, given: dict[str, Any]) -> None:
    assert add(owner, **given).status_code == 200
    assert not OAuthClient.objects.filter(name="Fresh").exists()
    assert not OAuthClient.objects.filter(client_id="fresh-sender").exists()


def test_another_tenants_connection_is_no_choice(world: World, owner: Client) -> None:
    other = make_world("Other")
    add(owner, bound_to=other.rows[ActitoConnection].source)
    assert not OAuthClient.objects.filter(name="Fresh").exists()


def test_only_the_name_changes(world: World, owner: Client) -> None:
    row = world.rows[OAuthClient]
    owner.post(
        url(OAuthClient, "change", row.pk), {"name": "New name", "client_id": "x", "bound_to": "", "scopes": "[]"}
    )
    now = OAuthClient.objects.get()
    assert (now.name, now.client_id, now.bound_to, now.scopes) == (
        "New name", row.client_id, row.bound_to, row.scopes,
    )  # fmt: skip


def test_auditors_read_clients_and_change_nothing(world: World) -> None:
    auditor, row = client_of(member(world, Role.AUDITOR)), world.rows[OAuthClient]
    for text in (page(auditor), page(auditor, row)):
        assert "Verdi client" in text
        for name in ("add-client", "revoke", "restore"):
            assert f"/{name}/" not in text
    for address in (action("add-client"), action("revoke", row), action("restore", row)):
        assert auditor.get(address).status_code == 403
        assert auditor.post(address, SUBMIT).status_code == 403


@pytest.mark.parametrize("role", [Role.MARKETER, Role.OPERATOR])
def test_the_others_do_not_read_clients(world: World, role: Role) -> None:
    client = client_of(member(world, role))
    assert client.get(url(OAuthClient, "changelist")).status_code == 403
    assert client.get(url(OAuthClient, "change", world.rows[OAuthClient].pk)).status_code == 403


def test_the_menu_names_clients_only_where_bearer_tokens_are_on(
    world: World, owner: Client, settings: LazySettings
) -> None:
    settings.OAUTH_ISSUER = settings.OAUTH_AUDIENCE = settings.OAUTH_JWKS_URL = ""
    link = f'href="{url(OAuthClient, "changelist")}"'
    assert link not in owner.get("/admin/").content.decode()
    settings.OAUTH_ISSUER = settings.OAUTH_AUDIENCE = settings.OAUTH_JWKS_URL = "https://id.example.com"
    assert link in owner.get("/admin/").content.decode()


def test_the_list_takes_a_fixed_number_of_queries(world: World, owner: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as captured:
            page(owner)
        return len(captured)

    queries()
    few = queries()
    for _ in range(20):
        make.OAuthClientFactory.make(tenant=world.tenant)
    assert queries() == few
