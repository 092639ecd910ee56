"""“Get a certificate”: the key is made here and stays here; the certificate that Apple gives finds it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from passes.models import AppleCredentials, CertificateRequest
from portal import history
from portal.tenancy import Role
from tests.passes.apple.certificates_kit import certified, openssl
from tests.passes.test_admin_certificates import form, stored
from tests.passes.world import PASS_TYPE, TEAM, authority
from tests.portal.admin_world import World, action, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}
ADD, STEPS = url(AppleCredentials, "add"), url(CertificateRequest, "changelist")


def download(key: int) -> str:
    return url(CertificateRequest, "download", key)


@pytest.fixture
def waiting(world: World, owner: Client) -> CertificateRequest:
    owner.post(action(CertificateRequest, None, "make"), {**SUBMIT, "name": "Cartes fidélité"})
    return CertificateRequest.objects.get(name="Cartes fidélité")


def test_the_steps_are_told_to_everybody_and_taken_by_owners(world: World, owner: Client) -> None:
    page = owner.get(STEPS).content.decode()
    for said in ("Name the kind of pass at Apple", "Make a request", "Add the certificate", "Download"):
        assert said in page
    told = client_of(member(world, Role.MARKETER)).get(STEPS).content.decode()
    assert "Name the kind of pass at Apple" in told
    assert ADD not in told
    assert "/download/" not in told


def test_openssl_takes_the_request_for_good(owner: Client, waiting: CertificateRequest, tmp_path: Path) -> None:
    answer = owner.get(download(waiting.pk))
    assert answer["Content-Disposition"] == 'attachment; filename="cartes-fidelite.certSigningRequest"'
    printed = openssl("req", "-verify", "-noout", "-text", given=answer.content).decode()
    assert "Public-Key: (2048 bit)" in printed
    assert "sha256WithRSAEncryption" in printed
    (tmp_path / "key.pem").write_text(waiting.private_key)
    of_key = openssl("pkey", "-in", "key.pem", "-pubout", folder=tmp_path)
    assert openssl("req", "-pubkey", "-noout", given=answer.content) == of_key


def test_the_certificate_that_comes_back_finds_its_key(owner: Client, waiting: CertificateRequest) -> None:
    issued = authority().issue_for(waiting.request, PASS_TYPE, TEAM, "Verdi")
    given = form(file=certified(issued), intermediate_file=certified(authority().intermediate_pem, "wwdr.cer"))
    key = waiting.private_key
    assert owner.post(ADD, given).status_code == 302
    assert stored().private_key == key
    assert not CertificateRequest.objects.filter(pk=waiting.pk).exists()
    changes = list(history.of(waiting).values_list("kind", flat=True))
    assert len(changes) == 2


def test_a_certificate_for_another_request_is_told(owner: Client, waiting: CertificateRequest) -> None:
    other = authority().issue_pass_certificate(PASS_TYPE, TEAM, "Verdi")
    refused = owner.post(ADD, form(file=certified(other.certificate_pem))).content.decode()
    assert "no request made here waits for this certificate" in refused
    assert CertificateRequest.objects.filter(pk=waiting.pk).exists()


def test_the_request_itself_is_no_certificate(owner: Client, waiting: CertificateRequest) -> None:
    assert "This is the request that goes to Apple" in owner.post(ADD, form(text=waiting.request)).content.decode()


def test_a_request_of_another_tenant_gives_no_key(waiting: CertificateRequest) -> None:
    issued = authority().issue_for(waiting.request, PASS_TYPE, TEAM, "Verdi")
    stranger = client_of(make_world("Other").owner)
    refused = stranger.post(ADD, form(file=certified(issued))).content.decode()
    assert "no request made here waits for this certificate" in refused
    assert stranger.get(download(waiting.pk)).status_code == 404


def test_the_key_is_neither_shown_nor_written_down(owner: Client, waiting: CertificateRequest) -> None:
    line = waiting.private_key.splitlines()[1]
    raw = CertificateRequest.objects.filter(pk=waiting.pk).values_list("private_key", flat=True).get()
    assert raw.startswith("v1:")
    pages = [owner.get(address).content.decode() for address in (STEPS, download(waiting.pk))]
    page = url(CertificateRequest, "change", waiting.pk)
    assert line not in "".join([*pages, owner.get(page).content.decode(), str(list(history.of(waiting).values()))])


@pytest.mark.parametrize("role", [Role.MARKETER, Role.OPERATOR, Role.AUDITOR])
def test_only_owners_make_requests_and_get_them(world: World, waiting: CertificateRequest, role: Role) -> None:
    client = client_of(member(world, role))
    assert client.get(download(waiting.pk)).status_code == 404
    assert client.post(action(CertificateRequest, None, "make"), {**SUBMIT, "name": "Mine"}).status_code == 403
    assert not CertificateRequest.objects.filter(name="Mine").exists()
