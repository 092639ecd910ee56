"""The team's push key in the admin: stored encrypted, never shown, and removed again."""

from __future__ import annotations

from io import StringIO

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import call_command
from django.test import Client

from passes.models import AppleCredentials
from portal.models import Change, ConsentHead
from portal.tenancy import Role
from tests.passes.apple.test_provider import pem
from tests.portal.admin_world import World, action, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


@pytest.fixture
def brand() -> World:
    return make_world("Verdi")


@pytest.fixture
def owner(brand: World) -> Client:
    return client_of(brand.owner)


def stored(brand: World) -> AppleCredentials:
    return AppleCredentials.objects.get(pk=brand.rows[AppleCredentials].pk)


def new_key() -> str:
    return pem(ec.generate_private_key(ec.SECP256R1()))


def put(client: Client, brand: World, key: str, key_id: str = "ABC123DEFG") -> str:
    address = action(AppleCredentials, brand.rows[AppleCredentials].pk, "push-key")
    return client.post(address, {**SUBMIT, "key": key, "key_id": key_id}, HTTP_HX_REQUEST="true").content.decode()


def test_a_key_is_stored_encrypted_and_never_shown(brand: World, owner: Client) -> None:
    key = new_key()
    secret = key.splitlines()[1]

    put(owner, brand, key, " abc123defg ")

    apple = stored(brand)
    assert (apple.push_key, apple.push_key_id) == (key, "ABC123DEFG")
    page = owner.get(url(AppleCredentials, "change", apple.pk)).content.decode()
    assert "With the team&#x27;s key ABC123DEFG" in page
    assert secret not in page
    assert secret not in owner.get(action(AppleCredentials, apple.pk, "push-key")).content.decode()
    assert secret not in repr(list(Change.objects.values_list("differences", flat=True)))
    assert secret not in repr(AppleCredentials.objects.values_list("push_key", flat=True).get(pk=apple.pk))
    assert "Push key stored." in owner.get(url(AppleCredentials, "history", apple.pk)).content.decode()


def test_rotating_the_secrets_covers_it(brand: World, owner: Client) -> None:
    key = new_key()
    put(owner, brand, key)
    ConsentHead.objects.all().delete()  # sealed with the mark of its world, which no key made

    call_command("rotate_secrets", stdout=StringIO())

    assert stored(brand).push_key == key


def test_it_is_removed_again(brand: World, owner: Client) -> None:
    put(owner, brand, new_key())

    address = action(AppleCredentials, brand.rows[AppleCredentials].pk, "remove-push-key")
    owner.post(address, SUBMIT, HTTP_HX_REQUEST="true")

    assert (stored(brand).push_key, stored(brand).push_key_id) == ("", "")


@pytest.mark.parametrize(
    ("key_id", "key", "said"),
    [
        ("ABC", "", "A key ID has ten letters and digits."),
        ("ABC123DEFG", "MIITOPSECRET", "This is not Apple&#x27;s .p8 key."),
    ],
)
def test_what_is_none_is_told_and_not_shown_again(
    brand: World, owner: Client, key_id: str, key: str, said: str
) -> None:
    given = key or new_key()

    answer = put(owner, brand, given, key_id)

    assert said in answer
    assert given.splitlines()[-2:][0] not in answer
    assert stored(brand).push_key_id == ""


@pytest.mark.parametrize("role", [Role.MARKETER, Role.OPERATOR, Role.AUDITOR])
def test_it_is_for_owners(brand: World, role: Role) -> None:
    put(client_of(member(brand, role)), brand, new_key())

    assert stored(brand).push_key_id == ""
