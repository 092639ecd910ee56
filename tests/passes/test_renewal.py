"""A certificate is renewed beside the one in use, and cards on phones go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from passes.apple.bundle import build
from passes.apple.sandbox import Credentials, inspect
from passes.models import AppleCredentials, SpareCertificate
from passes.renewal import switch
from portal import history
from portal.models import Tenant
from portal.tenancy import Role
from portal.watch.trouble import Kind, troubles_of
from tests import factories as make
from tests.passes import world as passes
from tests.passes.apple.certificates_kit import openssl
from tests.passes.test_admin_certificates import form, secret_line, text_of
from tests.passes.world import PASS_TYPE, TEAM, authority, credentials
from tests.portal.admin_world import World, action, client_of, make_world, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


@pytest.fixture
def apple(world: World) -> AppleCredentials:
    return passes.apple(world.tenant)


def present() -> Credentials:
    return credentials(PASS_TYPE)


def renewed() -> Credentials:
    return credentials(PASS_TYPE, 2)


def page_of(apple: AppleCredentials) -> str:
    return url(AppleCredentials, "change", apple.pk)


def upload(owner: Client, apple: AppleCredentials, issued: Credentials | None = None, **given: Any) -> str:
    """What the page says after the certificate was added to it."""
    posted = form(**{"name": apple.name, "text": text_of(issued or renewed()), **given})
    return owner.post(page_of(apple), posted, follow=True).content.decode()


def dialog(owner: Client, apple: AppleCredentials, name: str, spare: SpareCertificate) -> str:
    response = owner.post(action(AppleCredentials, apple.pk, name), {**SUBMIT, "spare": spare.pk}, follow=True)
    return response.content.decode()


def in_use(apple: AppleCredentials) -> str:
    return AppleCredentials.objects.get(pk=apple.pk).certificate


def signer_of(pkpass: bytes, folder: Path) -> str:
    """The serial number of the certificate that signed, by openssl."""
    (folder / "signature").write_bytes(passes.files(pkpass)["signature"])
    (folder / "manifest").write_bytes(passes.files(pkpass)["manifest.json"])
    (folder / "root.pem").write_text(authority().root_pem)
    openssl("cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "manifest", "-CAfile",
            "root.pem", "-purpose", "any", "-signer", "signer.pem", "-out", "/dev/null", folder=folder)  # fmt: skip
    return openssl("x509", "-in", "signer.pem", "-noout", "-serial", folder=folder).decode()


def serial_of(issued: Credentials) -> str:
    return openssl("x509", "-noout", "-serial", given=issued.certificate_pem.encode()).decode()


def test_the_next_certificate_waits_beside_the_one_in_use(owner: Client, apple: AppleCredentials) -> None:
    said = upload(owner, apple)
    assert "The new certificate waits beside the one in use" in said
    assert "Switch certificate" in owner.get(page_of(apple)).content.decode()
    assert in_use(apple) == present().certificate_pem
    assert apple.spares.get().private_key == renewed().private_key_pem
    assert secret_line(renewed()) not in said


def test_one_dialog_switches_and_another_time_back(owner: Client, apple: AppleCredentials) -> None:
    upload(owner, apple)
    spare = apple.spares.get()
    shown = owner.get(action(AppleCredentials, apple.pk, "switch")).content.decode()
    assert "you can switch back" in shown
    assert "In use now: until" in shown
    assert "The other certificate is in use now." in dialog(owner, apple, "switch", spare)
    spare.refresh_from_db()
    assert (in_use(apple), spare.certificate) == (renewed().certificate_pem, present().certificate_pem)
    assert (spare.private_key, spare.used_until is None) == (present().private_key_pem, False)
    dialog(owner, apple, "switch", spare)
    assert in_use(apple) == present().certificate_pem
    assert AppleCredentials.objects.get(pk=apple.pk).private_key == present().private_key_pem
    told = str(list(history.of(apple).values()))
    assert "Certificate switched." in told
    assert secret_line(renewed()) not in told


def test_cards_on_phones_go_on_over_the_switch(tmp_path: Path, settings: Settings) -> None:
    """The same pass with its serial and token, signed by the new certificate as openssl and the sandbox see it."""
    settings.PUBLIC_URL = "https://wallet.example.com"
    held = passes.wallet_pass()
    apple = held.template.apple
    before = build(held)
    assert signer_of(before, tmp_path) == serial_of(present())
    switch(apple, apple.spares.create(certificate=renewed().certificate_pem, private_key=renewed().private_key_pem,
                                      intermediate=renewed().intermediate_pem))  # fmt: skip
    after = build(type(held).objects.get(pk=held.pk))
    assert signer_of(after, tmp_path) == serial_of(renewed())
    assert passes.document(after) == passes.document(before)
    assert inspect(after, authority().root).document["serialNumber"] == str(held.serial_number)


def test_the_old_one_stays_until_it_is_removed(owner: Client, apple: AppleCredentials) -> None:
    upload(owner, apple)
    dialog(owner, apple, "switch", apple.spares.get())
    assert "The certificate is removed." in dialog(owner, apple, "remove", apple.spares.get())
    assert not apple.spares.exists()
    assert in_use(apple) == renewed().certificate_pem
    page = owner.get(page_of(apple)).content.decode()
    assert "Switch certificate" not in page


@pytest.mark.parametrize(
    ("pass_type", "team", "said"),
    [
        ("pass.com.example.other", TEAM, "The certificate is for pass.com.example.other, not for"),
        (PASS_TYPE, "TEAM999999", "The certificate is of team TEAM999999, not of TEAM123456"),
    ],
)
def test_another_pass_type_or_team_is_refused(
    owner: Client, apple: AppleCredentials, pass_type: str, team: str, said: str
) -> None:
    other = authority().issue_pass_certificate(pass_type, team, "Example Coffee")
    assert said in upload(owner, apple, other)
    assert not apple.spares.exists()


def test_one_that_is_there_already_is_refused(owner: Client, apple: AppleCredentials) -> None:
    assert "This certificate is stored already." in upload(owner, apple, present())
    upload(owner, apple)
    assert "This certificate is stored already." in upload(owner, apple)
    assert apple.spares.count() == 1


def test_nobody_switches_to_one_that_has_ended(owner: Client, apple: AppleCredentials) -> None:
    ended = authority().issue_pass_certificate(PASS_TYPE, TEAM, "Example Coffee", -2)
    spare = apple.spares.create(certificate=ended.certificate_pem, private_key=ended.private_key_pem,
                                intermediate=ended.intermediate_pem)  # fmt: skip
    assert "The certificate ended on" in dialog(owner, apple, "switch", spare)
    assert in_use(apple) == present().certificate_pem


def test_a_spare_certificate_of_another_tenant_is_no_choice(owner: Client, apple: AppleCredentials) -> None:
    theirs = make_world("Other").rows[SpareCertificate]
    for name in ("switch", "remove"):
        dialog(owner, apple, name, theirs)
    assert in_use(apple) == present().certificate_pem
    assert SpareCertificate.objects.filter(pk=theirs.pk).exists()


@pytest.mark.parametrize("role", [Role.MARKETER, Role.OPERATOR, Role.AUDITOR])
def test_only_owners_switch(world: World, owner: Client, apple: AppleCredentials, role: Role) -> None:
    upload(owner, apple)
    client = client_of(member(world, role))
    for name in ("switch", "remove"):
        answer = client.post(action(AppleCredentials, apple.pk, name), {**SUBMIT, "spare": apple.spares.get().pk})
        assert answer.status_code == 403
    assert in_use(apple) == present().certificate_pem


def test_whoever_is_warned_hears_that_the_next_one_waits(tenant: Tenant) -> None:
    ends = authority().issue_pass_certificate(PASS_TYPE, TEAM, "Example Coffee", 40)
    apple = make.CredentialsFactory.make(
        tenant=tenant, certificate=ends.certificate_pem, pass_type_identifier=PASS_TYPE
    )
    assert told(tenant) == ["Ask Apple for a new one of this pass type and put it in."]
    make.SpareCertificateFactory.make(apple=apple, certificate=renewed().certificate_pem, used_until=timezone.now())
    assert told(tenant) == ["A newer one is stored: switch to it."]


@pytest.fixture
def tenant() -> Tenant:
    return make.TenantFactory.make()


def told(tenant: Tenant) -> list[str]:
    return [each.to_do for each in troubles_of([tenant.pk]) if each.kind is Kind.CERTIFICATE]
