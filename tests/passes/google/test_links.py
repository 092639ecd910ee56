"""Save links: short, signed, without anything personal; read here with another library than signed them."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from django.test import Client

from passes.google.links import LENGTH_LIMIT, save_address
from passes.google.sandbox import GoogleSandbox
from passes.models import GoogleIssuer, GoogleObject
from tests.passes import world as passes
from tests.passes.google import world
from tests.passes.google.sandbox_kit import private_key

pytestmark = pytest.mark.django_db


@pytest.fixture
def issuer(google: GoogleSandbox, settings: Any) -> GoogleIssuer:
    settings.SANDBOX, settings.PUBLIC_URL = True, "https://wallet.example.com"
    return world.issuer(google)


def claims_of(address: str) -> dict[str, Any]:
    token = address.rpartition("/")[2]
    found: dict[str, Any] = jwt.decode(token, private_key().public_key(), algorithms=["RS256"], audience="google")
    return found


def test_a_link_names_the_object_and_its_class_and_nothing_else(issuer: GoogleIssuer) -> None:
    held = world.asked(world.wallet_pass(issuer))
    address = save_address(held)
    claims = claims_of(address)
    assert claims["payload"] == {"loyaltyObjects": [{"id": held.object_id, "classId": held.class_id}]}
    assert (claims["iss"], claims["typ"]) == (issuer.client_email, "savetowallet")
    assert claims["origins"] == ["https://wallet.example.com"]
    assert set(claims) == {"iss", "aud", "typ", "iat", "origins", "payload"}
    assert len(address) < LENGTH_LIMIT
    assert "anna" not in json.dumps(claims).lower()


@pytest.mark.parametrize("kind", ["customerCard", "offer", "giftCard", "eventTicket", "generic"])
def test_every_kind_has_its_own(google: GoogleSandbox, issuer: GoogleIssuer, kind: str) -> None:
    held = world.asked(world.wallet_pass(issuer, kind=kind))
    assert held.sent, world.outcomes("google.pass") + world.outcomes("google.class")
    assert google.phone("anna").add(save_address(held)) == [held.object_id]


def test_the_longest_ids_leave_it_short(issuer: GoogleIssuer) -> None:
    held = world.asked(world.wallet_pass(issuer))
    GoogleIssuer.objects.update(client_email="a" * 64 + "@" + "b" * 63 + ".iam.gserviceaccount.com")
    held.object_id, held.class_id = f"{'9' * 19}.{'x' * 130}", f"{'9' * 19}.{'y' * 130}"
    assert len(save_address(held)) < LENGTH_LIMIT


def test_the_page_offers_google_on_android_and_the_api_names_the_way(issuer: GoogleIssuer) -> None:
    held = world.wallet_pass(issuer)
    way = world.address(held)
    android = Client().get(way.removesuffix("/google"), headers={"User-Agent": "Mozilla/5.0 (Linux; Android 16)"})
    assert f'href="{way}">Add to Google Wallet</a>' in android.content.decode()
    iphone = Client().get(way.removesuffix("/google"), headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU)"})
    assert way not in iphone.content.decode()
    computer = Client().get(way.removesuffix("/google"), headers={"User-Agent": "Mozilla/5.0 (X11; Linux)"})
    assert f'href="{way}"' in computer.content.decode()
    assert not GoogleObject.objects.exists()


def test_a_card_for_google_alone_says_so_on_an_iphone(issuer: GoogleIssuer) -> None:
    held = passes.wallet_pass(world.template(issuer, apple=None), passes.customer(issuer.tenant, tier="Silver"))
    page = world.address(held).removesuffix("/google")
    shown = Client().get(page, headers={"User-Agent": "Mozilla/5.0 (iPhone; CPU)"}).content.decode()
    assert "Open this page on an Android phone" in shown
    assert "Apple Wallet" not in shown
