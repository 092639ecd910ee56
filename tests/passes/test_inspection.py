"""A template is looked at as it is saved: with its pictures, its certificate and the values that its customers have."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pytest_django import Settings

from passes.inspection import inspect_template
from passes.models import PassTemplate
from tests import factories as make
from tests.passes import world

pytestmark = pytest.mark.django_db


def told(template: PassTemplate) -> list[tuple[str, str]]:
    """(field, sentence)"""
    found = inspect_template(PassTemplate.objects.get(pk=template.pk))
    return [(finding.field, str(finding.sentence)) for finding in found]


def with_nfc(**options: Any) -> PassTemplate:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    encoded = base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    return world.template(nfc_message="{{ points }}", nfc_key=encoded, **options)


def test_a_good_template_has_nothing_to_tell() -> None:
    world.customer()

    assert told(world.template()) == []


def test_the_certificate_says_whether_terminals_may_read_the_pass() -> None:
    design = with_nfc()
    assert told(design) == [
        ("nfc_message", "The certificate is not made for NFC, so phones refuse the pass."),
    ]

    issued = world.authority().issue_pass_certificate(world.PASS_TYPE, world.TEAM, "Example Coffee", nfc=True)
    design.apple.certificate = issued.certificate_pem
    design.apple.save()
    assert told(design) == []


def test_a_certificate_that_cannot_be_read_is_told_elsewhere() -> None:
    design = with_nfc()
    design.apple.certificate = "PEM"
    design.apple.save()

    assert told(design) == []


def test_a_template_without_a_wallet_has_nothing_to_tell() -> None:
    assert told(world.template(apple=None, icon=False)) == []


def test_values_are_those_of_the_tenants_own_customers() -> None:
    design = world.template(fields=[("back", "stars", "Stars", "{{ stars }}", "")])
    world.customer(world.tenant("other"), stars=5)
    assert told(design) == []

    world.customer()
    [(field, sentence)] = told(design)
    assert field == "fields.expression"
    assert sentence.startswith(
        "No customer has these values, so they stay empty on the card: stars. Known: card_number,"
    )


def test_the_newest_customers_are_tried() -> None:
    design = world.template(fields=[])
    design.fields.create(place="back", key="points", label="Points", expression="{{ points }}", format="number")
    for points in (5, "many", "few"):
        world.customer(points=points)

    assert told(design) == [
        ("fields.expression", "It cannot be shown for 2 of 3 customers, who would keep the card that they have."),
    ]


def told_for_google(template: PassTemplate) -> list[tuple[str, str]]:
    template.google = make.IssuerFactory.make(tenant=template.tenant)
    template.save()
    found = inspect_template(PassTemplate.objects.get(pk=template.pk))
    return [(finding.field, str(finding.sentence)) for finding in found]


def test_a_template_for_google_is_looked_at_for_google_too() -> None:
    found = told_for_google(world.template(apple=None))

    assert (
        "fields",
        "No field has the format “Number”, so Google Wallet has no points to show and to announce.",
    ) in found
    assert any(field == "images.data" and "660" in sentence for field, sentence in found)


def test_what_both_wallets_would_say_is_said_once() -> None:
    world.customer()
    design = world.template(fields=[("header", "stars", "Stars", "{{ stars }}", "")])

    assert [field for field, _ in told_for_google(design)].count("fields.expression") == 1


def test_google_cannot_fetch_pictures_from_a_portal_without_https(settings: Settings) -> None:
    settings.SANDBOX = False
    settings.PUBLIC_URL = "http://wallet.example.com"
    design = world.template(apple=None)
    assert told_for_google(design)[0][0] == "images"

    settings.PUBLIC_URL = "https://wallet.example.com"
    assert inspect_template(PassTemplate.objects.get(pk=design.pk))[0].field != "images"
