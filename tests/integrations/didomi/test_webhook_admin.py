"""The webhook's address in the admin: what to enter in Didomi, with a key that is shown once."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from integrations.didomi.models import DidomiConnection
from portal.models import ApiKey, Event, Scope, TokenSigningKey
from portal.tenancy import Role
from tests.integrations.didomi.arrivals_world import payload, post, token_of
from tests.portal.admin_world import World, action, client_of, member

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


def dialog(world: World) -> str:
    return action(DidomiConnection, world.rows[DidomiConnection].pk, "webhook-address")


def test_an_owner_gets_all_that_didomi_asks_for_and_it_works(world: World, owner: Client) -> None:
    TokenSigningKey.objects.all().delete()  # the world's is no real one
    before = owner.get(dialog(world)).content.decode()
    address = f"http://127.0.0.1:8000/api/{world.tenant.slug}"
    assert f"{address}/webhooks/listeners/didomi/events" in before
    assert f"{address}/oauth/token" in before
    made = owner.post(dialog(world), SUBMIT)
    html = made.content.decode()
    (secret,) = re.findall(r'value="(awp_[^"]+)"', html)
    key = ApiKey.objects.order_by("-pk")[0]
    connection: DidomiConnection = world.rows[DidomiConnection]
    assert (key.bound_to, key.scopes, key.tenant) == (connection.source, [Scope.DIDOMI_LISTENER], world.tenant)
    assert f"awp_{key.prefix}</code>" in html
    assert "no-store" in made.headers["Cache-Control"]
    assert f"awp_{key.prefix}" in owner.get(dialog(world)).content.decode()
    slug = world.tenant.slug
    for body, sent in (("event_created_as_documented", {"secret": secret}),
                       ("user_updated", {"token": token_of(slug, f"awp_{key.prefix}", secret)})):  # fmt: skip
        assert post(payload(body), tenant=slug, **sent).status_code == 200
    assert Event.objects.filter(kind="didomi.event", source=connection.source).count() == 2


def test_the_secret_is_shown_once_and_stands_nowhere(world: World, owner: Client) -> None:
    (secret,) = re.findall(r'value="(awp_[^"]+)"', owner.post(dialog(world), SUBMIT).content.decode())
    assert secret not in owner.get(dialog(world)).content.decode()
    assert secret not in repr([*ApiKey.objects.values(), *Event.objects.values()])


@pytest.mark.parametrize("role", [Role.MARKETER, Role.OPERATOR, Role.AUDITOR])
def test_only_owners_make_one(world: World, role: Role) -> None:
    keys = ApiKey.objects.count()
    somebody = client_of(member(world, role))
    assert somebody.get(dialog(world)).status_code == 403
    assert somebody.post(dialog(world), SUBMIT).status_code == 403
    assert ApiKey.objects.count() == keys
