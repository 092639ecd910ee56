"""Passes and Apple certificates in the admin."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from passes.apple.sandbox.authority import Authority, Credentials
from passes.models import AppleCredentials, WalletPass
from passes.pages import link
from portal import history
from portal.models import Event, Lane
from portal.tenancy import Role
from tests import factories as make
from tests.portal.admin_world import World, action, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
PASS_TYPE, TEAM = "pass.example.verdi", "TEAM123456"


@pytest.fixture(scope="module")
def issued() -> Credentials:
    return Authority().issue_pass_certificate(PASS_TYPE, TEAM, "Verdi")


# Passes


def test_a_pass_page_shows_the_card_its_phones_and_its_link(world: World, owner: Client) -> None:
    text = owner.get(url(WalletPass, "change", world.rows[WalletPass].pk)).content.decode()
    for part in ("Verdi points", "iPhone device", "/p/", "On 1 phone", "Verdi failed"):
        assert part in text, part


def test_voiding_a_pass_renews_it_for_its_phones(world: World) -> None:
    wallet_pass = world.rows[WalletPass]
    client = client_of(member(world, Role.OPERATOR))
    address = action(WalletPass, wallet_pass.pk, "void")
    assert "Void this pass?" in client.get(address).content.decode()
    client.post(address, SUBMIT)
    wallet_pass.refresh_from_db()
    assert wallet_pass.voided
    assert wallet_pass.content["voided"]
    assert Event.objects.filter(kind="apple.push", parent__kind="pass.voided").count() == 1
    client.post(address, SUBMIT)
    assert Event.objects.filter(kind="pass.voided").count() == 1
    assert "No longer valid" in client.get(url(WalletPass, "change", wallet_pass.pk)).content.decode()


# Apple certificates


def certificate_form(issued: Credentials, **changes: Any) -> dict[str, Any]:
    return {
        "name": "Loyalty", "pass_type_identifier": PASS_TYPE, "team_identifier": TEAM,
        "certificate": issued.certificate_pem, "private_key": issued.private_key_pem,
        "intermediate": issued.intermediate_pem, "apns_url": "https://api.push.apple.com", **changes,
    }  # fmt: skip


def test_a_certificate_is_checked_before_it_is_stored(world: World, owner: Client, issued: Credentials) -> None:
    wrong = owner.post(url(AppleCredentials, "add"), certificate_form(issued, team_identifier="OTHER"))
    assert "The certificate is of team" in wrong.content.decode()
    assert issued.private_key_pem.splitlines()[1] not in wrong.content.decode()
    assert owner.post(url(AppleCredentials, "add"), certificate_form(issued)).status_code == 302
    stored = AppleCredentials.objects.get(name="Loyalty")
    assert stored.private_key.strip() == issued.private_key_pem.strip()
    page = owner.get(url(AppleCredentials, "change", stored.pk)).content.decode()
    assert issued.private_key_pem.splitlines()[1] not in page
    assert "days left" in page


def test_certificates_may_be_files_and_the_key_stays_when_left_empty(
    world: World, owner: Client, issued: Credentials
) -> None:
    files = {
        f"{name}_file": SimpleUploadedFile(f"{name}.pem", text.encode())
        for name, text in (("certificate", issued.certificate_pem), ("private_key", issued.private_key_pem),
                           ("intermediate", issued.intermediate_pem))
    }  # fmt: skip
    empty = dict.fromkeys(("certificate", "private_key", "intermediate"), "")
    assert owner.post(url(AppleCredentials, "add"), certificate_form(issued, **empty, **files)).status_code == 302
    stored = AppleCredentials.objects.get(name="Loyalty")
    changed = certificate_form(issued, name="Renamed", private_key="")
    assert owner.post(url(AppleCredentials, "change", stored.pk), changed).status_code == 302
    stored = AppleCredentials.objects.get(pk=stored.pk)
    assert (stored.name, stored.private_key.strip()) == ("Renamed", issued.private_key_pem.strip())


def key_lines(issued: Credentials) -> str:
    return issued.private_key_pem.splitlines()[1]


def test_a_private_key_pasted_with_the_certificate_is_kept_as_the_secret_it_is(
    world: World, owner: Client, issued: Credentials
) -> None:
    """What `openssl pkcs12 -nodes` writes: names of bags, the key and the certificate in one text."""
    export = f"Bag Attributes\n{issued.private_key_pem}subject=Verdi\n{issued.certificate_pem}"
    given = certificate_form(issued, certificate=export, private_key="")
    assert owner.post(url(AppleCredentials, "add"), given).status_code == 302
    stored = AppleCredentials.objects.get(name="Loyalty")
    assert stored.certificate.strip() == issued.certificate_pem.strip()
    assert stored.private_key.strip() == issued.private_key_pem.strip()
    page = owner.get(url(AppleCredentials, "change", stored.pk)).content.decode()
    assert key_lines(issued) not in page
    assert key_lines(issued) not in str(list(history.of(stored).values()))


@pytest.mark.parametrize("name", ["certificate", "intermediate", "apns_authority"])
def test_a_private_key_where_certificates_belong_is_refused_and_not_shown_again(
    world: World, owner: Client, issued: Credentials, name: str
) -> None:
    whole = f"{issued.intermediate_pem}{issued.private_key_pem}"
    cut_off = whole.replace("-----END PRIVATE KEY-----", "")
    for text in (whole, cut_off):
        refused = owner.post(url(AppleCredentials, "add"), certificate_form(issued, **{name: text})).content.decode()
        assert "A private key stands in this text" in refused
        assert key_lines(issued) not in refused
    assert not AppleCredentials.objects.filter(name="Loyalty").exists()


def test_what_is_no_certificate_is_not_stored(world: World, owner: Client, issued: Credentials) -> None:
    secret = certificate_form(issued, apns_authority="password: swordfish")
    assert "no certificate in this text" in owner.post(url(AppleCredentials, "add"), secret).content.decode()
    around = certificate_form(issued, apns_authority=f"password: swordfish\n{issued.intermediate_pem}")
    assert owner.post(url(AppleCredentials, "add"), around).status_code == 302
    assert AppleCredentials.objects.get(name="Loyalty").apns_authority.strip() == issued.intermediate_pem.strip()


def test_a_name_taken_in_the_tenant_is_told_in_the_form(world: World, owner: Client, issued: Credentials) -> None:
    make.CredentialsFactory.make(tenant=world.tenant, pass_type_identifier=PASS_TYPE)
    assert owner.post(url(AppleCredentials, "add"), certificate_form(issued)).status_code == 200
    other = make_world("Other")
    assert client_of(other.owner).post(url(AppleCredentials, "add"), certificate_form(issued)).status_code == 302


def test_pushes_that_wait_go_out_under_the_new_pass_type(world: World, owner: Client, issued: Credentials) -> None:
    stored = world.rows[AppleCredentials]
    Lane.objects.filter(pk=stored.lane_id).update(paused_at=timezone.now(), pause_reason="Refused.")
    push = make.EventFactory.make(tenant=world.tenant, lane_id=stored.lane_id, status=Event.Status.WAITING)
    owner.post(url(AppleCredentials, "change", stored.pk), certificate_form(issued))
    push.refresh_from_db()
    assert str(push.lane) == f"apple:{PASS_TYPE}"
    assert push.lane_id != stored.lane_id
    assert not Lane.objects.filter(tenant=world.tenant).exclude(paused_at=None).exists()


def test_marketers_read_certificates_and_change_none(world: World, issued: Credentials) -> None:
    client = client_of(member(world, Role.MARKETER))
    page = url(AppleCredentials, "change", world.rows[AppleCredentials].pk)
    assert client.get(page).status_code == 200
    assert client.post(page, certificate_form(issued)).status_code == 403


@pytest.mark.parametrize(
    ("role", "shown"), [(Role.OWNER, True), (Role.OPERATOR, True), (Role.MARKETER, True), (Role.AUDITOR, False)]
)
def test_only_people_who_may_act_get_the_public_page(world: World, role: Role, shown: bool) -> None:
    wallet_pass = world.rows[WalletPass]
    text = client_of(member(world, role)).get(url(WalletPass, "change", wallet_pass.pk)).content.decode()
    assert (link(wallet_pass) in text) is shown
