"""The pictures that Google fetches: public, named by what is in them, and nothing else of the brand."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from passes.apple.bundle import build
from passes.design import design_of
from passes.google.images import address_of
from passes.images import inspect_png
from passes.models import PassTemplate, TemplateImage
from tests import factories as make
from tests.passes import world

pytestmark = pytest.mark.django_db


def template(slug: str = "brand") -> PassTemplate:
    """A published one for Google Wallet, with pictures of the shades 1 to 3."""
    owner = world.tenant(slug)
    return world.template(owner, google=make.IssuerFactory.make(tenant=owner))


def sha1(shade: int) -> str:
    return inspect_png(world.png(shade)).sha1


def path(shade: int) -> str:
    return f"/wallet/google/images/{sha1(shade)}.png"


def test_google_fetches_a_picture_of_a_published_template_without_signing_in(client: Client) -> None:
    template()

    response = client.get(path(1))

    assert response.content == world.png(1)
    assert response["Content-Type"] == "image/png"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert not response.cookies


def test_its_address_is_the_portals_public_one(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://wallet.example.com"

    assert address_of(sha1(1)) == f"https://wallet.example.com{path(1)}"


def test_who_has_the_picture_is_not_sent_it_again(client: Client) -> None:
    template()

    response = client.get(path(1), headers={"If-None-Match": f'"{sha1(1)}"'})

    assert (response.status_code, response.content) == (304, b"")


def test_pictures_of_a_design_that_is_not_published_yet_are_nobodys(client: Client) -> None:
    design = template()
    TemplateImage.objects.create(template=design, role="googleLogo", data=world.png(9))
    assert client.get(path(9)).status_code == 404

    world.published(PassTemplate.objects.get(pk=design.pk))
    assert client.get(path(9)).status_code == 200

    PassTemplate.objects.update(published=None)
    assert client.get(path(9)).status_code == 404


def test_one_tenants_draft_does_not_hide_the_same_picture_of_another(client: Client) -> None:
    draft = template("draft")
    PassTemplate.objects.filter(pk=draft.pk).update(published=None)
    template("brand")

    assert client.get(path(1)).status_code == 200


def test_pictures_of_a_template_for_apple_alone_are_not_there(client: Client) -> None:
    world.template()

    assert client.get(path(1)).status_code == 404


@pytest.mark.parametrize("name", ["0" * 40, "x", "..%2f..%2fetc", "1' or '1'='1"])
def test_any_other_name_is_unknown(client: Client, name: str) -> None:
    template()

    assert client.get(f"/wallet/google/images/{name}.png").status_code == 404


def test_nothing_can_be_put_there(client: Client) -> None:
    template()

    assert client.post(path(1)).status_code == 405


def test_pictures_for_google_are_not_put_into_passes_for_apple() -> None:
    design = template()
    TemplateImage.objects.create(template=design, role="googleLogo", data=world.png(9))
    TemplateImage.objects.create(template=design, role="googleHero", data=world.png(10))
    held = world.wallet_pass(PassTemplate.objects.get(pk=design.pk))
    assert "googleLogo.png" in design_of(design)["images"]

    assert not [name for name in world.files(build(held)) if "google" in name]
