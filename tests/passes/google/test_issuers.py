"""Google issuers in the admin: the key file goes in and never comes out; a test says what is missing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from passes.google.sandbox import GoogleSandbox
from passes.models import GoogleIssuer, PassTemplate
from portal.models import Lane
from portal.tenancy import Role
from tests.passes.google import world as wallet
from tests.passes.google.sandbox_kit import ISSUER, private_key
from tests.portal.admin_world import World, action, client_of, member, url

pytestmark = pytest.mark.django_db
SUBMIT = {"_form_submitted": "True"}


@pytest.fixture
def key_file(google: GoogleSandbox) -> dict[str, Any]:
    return google.issue_key(ISSUER, "Verdi", key=private_key())


def form(google: GoogleSandbox, **changes: Any) -> dict[str, Any]:
    given = {"name": "Verdi", "issuer_id": ISSUER, "api_url": google.url, "save_url": google.url, "key_file": ""}
    return {**given, **changes}


def test_an_owner_adds_one_by_its_key_file(world: World, google: GoogleSandbox, key_file: Any, owner: Client) -> None:
    file = SimpleUploadedFile("key.json", json.dumps(key_file).encode())
    answer = owner.post(url(GoogleIssuer, "add"), form(google, file=file))
    assert answer.status_code == 302
    made = GoogleIssuer.objects.get(tenant=world.tenant, issuer_id=ISSUER)
    assert (made.client_email, json.loads(made.key_file)["private_key_id"]) == (
        key_file["client_email"], key_file["private_key_id"],
    )  # fmt: skip
    shown = owner.get(url(GoogleIssuer, "change", made.pk)).content.decode()
    assert key_file["client_email"] in shown
    assert "PRIVATE KEY" not in shown
    assert made.lane.key == f"google:{ISSUER}"


@pytest.mark.parametrize(("given", "said"), [
    ("", "Choose the key file, or paste its text."),
    ("nonsense", "This is not a JSON file."),
    ("[]", "not the key of a service account"),
    ('{"type": "authorized_user"}', "not the key of a service account"),
    ('{"type": "service_account", "client_email": "a@b"}', "lacks private_key_id, private_key, token_uri"),
    ('{"type": "service_account", "client_email": "a@b", "private_key_id": "1", "private_key": "x", "token_uri": "y"}',
     "cannot be read"),
    ("[" * 5000, "This is not a JSON file."),
])  # fmt: skip
def test_what_is_no_key_file_is_told_and_nothing_is_stored(
    world: World, google: GoogleSandbox, owner: Client, given: str, said: str
) -> None:
    answer = owner.post(url(GoogleIssuer, "add"), form(google, key_file=given))
    assert said in answer.content.decode()
    assert not GoogleIssuer.objects.filter(issuer_id=ISSUER).exists()


@pytest.mark.parametrize("number", ["", "abc", "0123", "3388 0000", "-5", "3" * 20])
def test_an_issuer_id_is_a_number(
    world: World, google: GoogleSandbox, key_file: Any, owner: Client, number: str
) -> None:
    answer = owner.post(url(GoogleIssuer, "add"), form(google, issuer_id=number, key_file=json.dumps(key_file)))
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode() or "field is required" in answer.content.decode()


def test_another_address_takes_the_key_file_again(world: World, google: GoogleSandbox, owner: Client) -> None:
    row = world.rows[GoogleIssuer]
    given = {"name": "Verdi", "api_url": "https://elsewhere.example", "save_url": row.save_url, "key_file": ""}
    said = owner.post(url(GoogleIssuer, "change", row.pk), given).content.decode()
    assert "it would go to another address" in said
    assert GoogleIssuer.objects.get(pk=row.pk).api_url == row.api_url


class TestTesting:
    def outcome_of(self, client: Client, row: GoogleIssuer) -> str:
        return client.post(action(GoogleIssuer, row.pk, "test"), SUBMIT).content.decode()

    @pytest.fixture
    def row(self, world_issuer: GoogleIssuer) -> GoogleIssuer:
        return world_issuer

    @pytest.fixture
    def world_issuer(self, world: World, google: GoogleSandbox, settings: Any) -> GoogleIssuer:
        settings.SANDBOX = True
        return _issuer(google, world)

    def test_all_in_order(self, world: World, row: GoogleIssuer) -> None:
        """Marketers, who design the cards, may test as well."""
        said = self.outcome_of(client_of(member(world, Role.MARKETER)), row)
        assert "The connection works" in said
        assert said.count("portal-good") == 5
        assert "Google knows it as “Verdi”." in said

    def test_an_account_that_nobody_invited(self, google: GoogleSandbox, row: GoogleIssuer, owner: Client) -> None:
        google.store.issuers[ISSUER].permissions.clear()
        said = self.outcome_of(owner, row)
        assert "The connection does not work yet" in said
        assert "invite this address as a developer" in said

    def test_an_account_that_may_only_read(self, google: GoogleSandbox, row: GoogleIssuer, owner: Client) -> None:
        google.store.issuers[ISSUER].permissions[row.client_email] = "READER"
        assert "or may only read" in self.outcome_of(owner, row)

    def test_a_revoked_key(self, google: GoogleSandbox, row: GoogleIssuer, owner: Client) -> None:
        google.revoke_key(json.loads(row.key_file)["private_key_id"])
        said = self.outcome_of(owner, row)
        assert "does not accept the key" in said
        assert said.count("Not tried.") == 3

    def test_an_issuer_that_google_does_not_know(self, row: GoogleIssuer, owner: Client) -> None:
        row.issuer_id = "3388000000099999999"
        row.save()
        assert "The connection does not work yet" in self.outcome_of(owner, row)

    def test_operators_and_auditors_may_not(self, world: World, row: GoogleIssuer) -> None:
        for role in (Role.OPERATOR, Role.AUDITOR):
            client = client_of(member(world, role))
            assert client.post(action(GoogleIssuer, row.pk, "test"), SUBMIT).status_code == 403


def test_a_paused_issuer_is_shown_red_and_resumed(world: World, owner: Client) -> None:
    row = world.rows[GoogleIssuer]
    Lane.objects.filter(pk=row.lane_id).update(paused_at=row.created_at, pause_reason="Google said no.")
    assert "Google said no." in owner.get(url(GoogleIssuer, "change", row.pk)).content.decode()
    assert "Google said no." in owner.get("/admin/").content.decode()
    owner.post(action(GoogleIssuer, row.pk, "resume"), SUBMIT)
    assert Lane.objects.get(pk=row.lane_id).paused_at is None


def test_the_templates_form_offers_the_tenants_issuers(world: World, owner: Client) -> None:
    shown = owner.get(url(PassTemplate, "change", world.rows[PassTemplate].pk)).content.decode()
    assert world.rows[GoogleIssuer].name in shown


def _issuer(google: GoogleSandbox, of: World) -> GoogleIssuer:
    return wallet.issuer(google, of.tenant)
