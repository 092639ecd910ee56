"""Access tokens are for what a registered key signed, and for nothing else."""

from __future__ import annotations

import time
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from passes.google.sandbox import GoogleSandbox
from portal.sandbox import Fault
from tests.passes.google.sandbox_kit import ISSUER, Account, ask_token, assertion, private_key


@pytest.fixture(scope="module")
def stolen() -> str:
    """A key that Google has never seen."""
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def test_a_key_file_is_what_the_console_gives(google: GoogleSandbox) -> None:
    file = google.issue_key(ISSUER, key=private_key())

    assert file["type"] == "service_account"
    assert file["token_uri"] == f"{google.url}/token"
    assert file["client_email"].endswith(".iam.gserviceaccount.com")
    assert set(file) >= {"project_id", "private_key_id", "private_key", "client_id", "auth_uri", "universe_domain"}


def test_a_token_lasts_an_hour(account: Account) -> None:
    answer = ask_token(account.file, assertion(account.file))

    assert answer.status_code == 200
    assert (answer.json()["expires_in"], answer.json()["token_type"]) == (3599, "Bearer")


@pytest.mark.parametrize(
    ("claims", "error", "words"),
    [
        ({"aud": "https://sandbox.example/token"}, "invalid_grant", "audience"),
        ({"exp": int(time.time()) - 3600}, "invalid_grant", "short-lived"),
        ({"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200}, "invalid_grant", "short-lived"),
        ({"exp": int(time.time()) + 86400}, "invalid_grant", "short-lived"),
        ({"iss": "nobody@example.iam.gserviceaccount.com"}, "invalid_grant", "account not found"),
        ({"scope": "https://www.googleapis.com/auth/drive"}, "invalid_scope", "scope"),
    ],
)
def test_an_assertion_that_claims_otherwise_gets_none(
    account: Account, claims: dict[str, Any], error: str, words: str
) -> None:
    answer = ask_token(account.file, assertion(account.file, **claims))

    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert words in answer.json()["error_description"]


def test_what_another_key_signed_gets_none(account: Account, stolen: str) -> None:
    forged = {**account.file, "private_key": stolen}

    answer = ask_token(account.file, assertion(forged))

    assert answer.json() == {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}


def test_an_account_cannot_speak_for_another(google: GoogleSandbox, account: Account) -> None:
    other = google.issue_key(account="other", key=private_key())

    answer = ask_token(other, assertion({**other, "client_email": account.file["client_email"]}))

    assert answer.json()["error"] == "invalid_grant"


@pytest.mark.parametrize("grant", ["", "password", "client_credentials"])
def test_no_other_grant_is_known(account: Account, grant: str) -> None:
    answer = ask_token(account.file, assertion(account.file), grant_type=grant)
    assert answer.json()["error"] == "unsupported_grant_type"


def test_a_token_service_that_fails_says_so_in_its_own_form(google: GoogleSandbox, account: Account) -> None:
    google.arm(Fault("status", path="/token", status=500))
    answer = ask_token(account.file, assertion(account.file))
    assert (answer.status_code, answer.json()["error"]) == (500, "internal_failure")


def test_what_is_no_token_is_a_bad_request(account: Account) -> None:
    assert ask_token(account.file, "x.y.z").json() == {"error": "invalid_grant", "error_description": "Bad Request"}


def test_a_revoked_key_ends_the_tokens_that_are_out(google: GoogleSandbox, account: Account) -> None:
    assert account.call("GET", "issuer").status_code == 200
    google.revoke_key(account.file["private_key_id"])

    assert account.call("GET", "issuer").status_code == 401
    assert ask_token(account.file, assertion(account.file)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("issuer", ["verdi", "1" * 20, "12.3"])
def test_an_issuers_id_is_a_number(google: GoogleSandbox, issuer: str) -> None:
    with pytest.raises(ValueError, match="19 digits"):
        google.issue_key(issuer, key=private_key())
