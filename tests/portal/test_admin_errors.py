"""Refusals inside the admin say what is wrong, in the portal's own pages."""

from __future__ import annotations

import pytest
from django.test import Client

from passes.models import PassTemplate
from portal.tenancy import Role
from tests.portal.admin_world import World, client_of, member, url

pytestmark = pytest.mark.django_db


def test_what_a_role_may_not_do_is_told_inside_the_portal(world: World) -> None:
    response = client_of(member(world, Role.AUDITOR)).get(url(PassTemplate, "add"))
    text = response.content.decode()
    assert response.status_code == 403
    assert "Ask an owner of your team" in text
    assert "Verdi brand" in text


def test_an_address_that_does_not_exist_is_told_inside_the_portal(world: World) -> None:
    for address in ("/admin/nothing/here/", "/admin/portal/event/7/replay/"):
        response = client_of(world.owner).get(address)
        assert response.status_code == 404
        assert "There is nothing here" in response.content.decode()


def test_a_page_without_a_valid_token_changes_nothing_and_says_what_to_do(world: World) -> None:
    client = client_of(world.owner, enforce_csrf_checks=True)
    response = client.post(url(PassTemplate, "change", world.rows[PassTemplate].pk), {"name": "X"})
    assert response.status_code == 403
    assert "reload it and try once more" in response.content.decode()


def test_strangers_get_a_plain_refusal(world: World) -> None:
    response = Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "x"})
    assert response.status_code == 403
    assert "Verdi" not in response.content.decode()
    assert Client().get("/nowhere/").status_code == 404
