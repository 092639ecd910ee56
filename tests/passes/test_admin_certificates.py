"""Apple certificates in the admin: uploaded in any form, checked before they are stored, never shown again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from passes.apple.sandbox.authority import Authority, Credentials
from passes.models import AppleCredentials
from portal import history
from portal.models import Event, Lane
from portal.tenancy import Role
from tests import factories as make
from tests.passes.apple.certificates_kit import p12
from tests.portal.admin_world import World, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
PASS_TYPE, TEAM = "pass.example.verdi", "TEAM123456"
ADD = url(AppleCredentials, "add")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def issued(authority: Authority) -> Credentials:
    return authority.issue_pass_certificate(PASS_TYPE, TEAM, "Verdi")


def form(**given: Any) -> dict[str, Any]:
    no_lines = {"spares-TOTAL_FORMS": 0, "spares-INITIAL_FORMS": 0}
    return {"name": "Loyalty", "apns_url": "https://api.push.apple.com", **no_lines, **given}


def text_of(issued: Credentials) -> str:
    return f"{issued.certificate_pem}{issued.private_key_pem}{issued.intermediate_pem}"


def file(data: str | bytes, name: str = "certificate.p12") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data.encode() if isinstance(data, str) else data)


def stored() -> AppleCredentials:
    return AppleCredentials.objects.get(name="Loyalty")


def secret_line(issued: Credentials) -> str:
    return issued.private_key_pem.splitlines()[1]


def test_the_keychains_p12_is_all_it_takes(owner: Client, issued: Credentials, tmp_path: Path) -> None:
    data = p12(issued, tmp_path, "-legacy", password="geheim", chain=True)
    refused = owner.post(ADD, form(file=file(data), password="wrong")).content.decode()
    assert "The password does not open this .p12 file" in refused
    assert owner.post(ADD, form(file=file(data), password="geheim")).status_code == 302
    assert (stored().pass_type_identifier, stored().team_identifier) == (PASS_TYPE, TEAM)
    assert (stored().certificate, stored().private_key) == (issued.certificate_pem, issued.private_key_pem)
    assert stored().intermediate == issued.intermediate_pem


def test_what_a_stored_certificate_is_stands_on_its_page(owner: Client, issued: Credentials) -> None:
    owner.post(ADD, form(text=text_of(issued)))
    page = owner.get(url(AppleCredentials, "change", stored().pk)).content.decode()
    for said in (
        PASS_TYPE,
        TEAM,
        "days left",
        "Sandbox WWDR",
        "Opens Apple&#x27;s push service",
        "Not for passes with",
    ):
        assert said in page
    assert "days left" in owner.get(url(AppleCredentials, "changelist")).content.decode()


def test_files_may_be_apart(owner: Client, issued: Credentials) -> None:
    files = {"file": issued.certificate_pem, "key_file": issued.private_key_pem,
             "intermediate_file": issued.intermediate_pem}  # fmt: skip
    assert owner.post(ADD, form(**{name: file(text) for name, text in files.items()})).status_code == 302
    assert stored().private_key == issued.private_key_pem


def test_all_that_is_wrong_is_told_and_nothing_is_stored(owner: Client, issued: Credentials) -> None:
    other = Authority().issue_pass_certificate(PASS_TYPE, TEAM, "Verdi")
    given = form(text=issued.certificate_pem + other.private_key_pem, team_identifier="OTHER")
    page = owner.post(ADD, given).content.decode()
    assert "The private key does not belong to the certificate" in page
    assert "The certificate is of team TEAM123456, not of OTHER" in page
    assert secret_line(other) not in page
    assert not AppleCredentials.objects.filter(name="Loyalty").exists()


def test_a_file_that_is_no_certificate_or_none_at_all_is_told(owner: Client) -> None:
    assert "Choose the file of the certificate" in owner.post(ADD, form()).content.decode()
    assert "too large" in owner.post(ADD, form(file=file(b"x" * 100_000))).content.decode()
    assert "This is neither a .p12 file" in owner.post(ADD, form(file=file(b"\x89PNG"))).content.decode()


def test_a_key_is_stored_as_the_secret_it_is(owner: Client, issued: Credentials) -> None:
    """What `openssl pkcs12 -nodes` writes: names of bags, the key and the certificate in one text."""
    owner.post(ADD, form(text=f"Bag Attributes\n{text_of(issued)}"))
    page = owner.get(url(AppleCredentials, "change", stored().pk)).content.decode()
    assert secret_line(issued) not in page
    assert secret_line(issued) not in str(list(history.of(stored()).values()))
    raw = AppleCredentials.objects.filter(pk=stored().pk).values_list("private_key", flat=True).get()
    assert raw.startswith("v1:")


def test_outside_of_rehearsals_a_foreign_certificate_is_refused(
    owner: Client, issued: Credentials, settings: Settings
) -> None:
    settings.SANDBOX = False
    refused = owner.post(ADD, form(text=text_of(issued))).content.decode()
    assert "not by Apple: iPhones would refuse the passes" in refused
    settings.APPLE_INTERMEDIATES = issued.intermediate_pem
    assert owner.post(ADD, form(text=issued.certificate_pem + issued.private_key_pem)).status_code == 302


def test_a_certificate_that_ends_soon_is_taken_and_said(
    owner: Client, authority: Authority, issued: Credentials
) -> None:
    short = authority.issue_pass_certificate(PASS_TYPE, TEAM, "Verdi", 41)
    page = owner.post(ADD, form(text=text_of(short)), follow=True).content.decode()
    assert "It ends in 40 days: ask Apple for the next one soon." in page
    assert "40 days left" in page


@pytest.mark.parametrize("cut_off", [False, True])
def test_a_private_key_where_the_push_servers_authority_belongs_is_refused(
    owner: Client, issued: Credentials, cut_off: bool
) -> None:
    whole = f"{issued.intermediate_pem}{issued.private_key_pem}"
    text = whole.replace("-----END PRIVATE KEY-----", "") if cut_off else whole
    refused = owner.post(ADD, form(text=text_of(issued), apns_authority=text)).content.decode()
    assert "A private key stands in this text" in refused
    assert secret_line(issued) not in refused
    assert not AppleCredentials.objects.filter(name="Loyalty").exists()


def test_nothing_but_certificates_is_stored_as_the_push_servers_authority(owner: Client, issued: Credentials) -> None:
    secret = form(text=text_of(issued), apns_authority="password: swordfish")
    assert "no certificate in this text" in owner.post(ADD, secret).content.decode()
    around = form(text=text_of(issued), apns_authority=f"password: swordfish\n{issued.intermediate_pem}")
    assert owner.post(ADD, around).status_code == 302
    assert stored().apns_authority == issued.intermediate_pem


def test_a_pass_type_is_there_once_in_a_tenant(world: World, owner: Client, issued: Credentials) -> None:
    make.CredentialsFactory.make(tenant=world.tenant, pass_type_identifier=PASS_TYPE)
    assert owner.post(ADD, form(text=text_of(issued))).status_code == 200
    other = make_world("Other")
    assert client_of(other.owner).post(ADD, form(text=text_of(issued))).status_code == 302


def test_the_pass_type_of_installed_passes_stays(world: World, owner: Client, issued: Credentials) -> None:
    apple = world.rows[AppleCredentials]
    page = url(AppleCredentials, "change", apple.pk)
    given = form(text=text_of(issued), pass_type_identifier=PASS_TYPE)
    refused = owner.post(page, given).content.decode()
    assert f"The certificate is for {PASS_TYPE}, not for {apple.pass_type_identifier}" in refused
    assert owner.post(page, form(name="Renamed", pass_type_identifier=PASS_TYPE)).status_code == 302
    renamed = AppleCredentials.objects.get(pk=apple.pk)
    assert (renamed.name, renamed.pass_type_identifier) == ("Renamed", apple.pass_type_identifier)
    assert renamed.private_key == apple.private_key


def test_pushes_that_wait_go_out_under_another_pass_type(world: World) -> None:
    apple = world.rows[AppleCredentials]
    Lane.objects.filter(pk=apple.lane_id).update(paused_at=timezone.now(), pause_reason="Refused.")
    push = make.EventFactory.make(tenant=world.tenant, lane_id=apple.lane_id, status=Event.Status.WAITING)
    apple.pass_type_identifier = PASS_TYPE
    apple.save()
    push.refresh_from_db()
    assert str(push.lane) == f"apple:{PASS_TYPE}"
    assert not Lane.objects.filter(tenant=world.tenant).exclude(paused_at=None).exists()


def test_marketers_read_certificates_and_change_none(world: World, issued: Credentials) -> None:
    client = client_of(member(world, Role.MARKETER))
    page = url(AppleCredentials, "change", world.rows[AppleCredentials].pk)
    shown = client.get(page)
    assert shown.status_code == 200
    assert "Renew the certificate" not in shown.content.decode()
    assert client.post(page, form(text=text_of(issued))).status_code == 403
