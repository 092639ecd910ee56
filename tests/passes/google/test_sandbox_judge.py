"""Google's own Python client drives the sandbox, and cannot tell it from Google."""

from __future__ import annotations

from typing import Any

import pytest
from google.auth.exceptions import RefreshError
from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from passes.google.sandbox import GoogleSandbox
from passes.google.sandbox.wire import TYPES
from portal.sandbox import Fault
from tests.passes.google.sandbox_kit import ISSUER, SCOPE, Account, body, private_key, save_token


def client_of(google: GoogleSandbox, file: Any) -> Any:
    credentials = service_account.Credentials.from_service_account_info(file, scopes=[SCOPE])
    return build(
        "walletobjects", "v1", credentials=credentials, static_discovery=True,
        client_options={"api_endpoint": google.url}, cache_discovery=False,
    )  # fmt: skip


@pytest.fixture
def client(google: GoogleSandbox, account: Account) -> Any:
    return client_of(google, account.file)


@pytest.mark.parametrize("sort", TYPES)
def test_the_life_of_each_type_of_pass(client: Any, sort: str) -> None:
    classes, objects = getattr(client, f"{sort.lower()}class")(), getattr(client, f"{sort.lower()}object")()
    parent = classes.insert(body=body(f"{sort}Class")).execute()
    card = objects.insert(body=body(f"{sort}Object")).execute()
    assert parent["id"] == f"{ISSUER}.{sort}"
    assert card["hasUsers"] is False

    patched = objects.patch(resourceId=card["id"], body={"state": "EXPIRED"}).execute()
    assert patched["state"] == "expired"
    whole = objects.update(resourceId=card["id"], body={**body(f"{sort}Object"), "state": "ACTIVE"}).execute()
    assert whole["state"] == "active"
    read = objects.get(resourceId=card["id"]).execute()
    assert read.get("classReference", {}).get("id") == (None if sort == "generic" else parent["id"])

    told = objects.addmessage(resourceId=card["id"], body={"message": {"header": "Hello", "body": "there"}}).execute()
    assert [each["body"] for each in told["resource"]["messages"]] == ["there"]
    assert [each["id"] for each in classes.list(issuerId=ISSUER).execute()["resources"]] == [parent["id"]]
    assert [each["id"] for each in objects.list(classId=parent["id"]).execute()["resources"]] == [card["id"]]


def test_a_long_list_comes_in_pages(client: Any, account: Account) -> None:
    account.insert("loyaltyClass")
    names = [f"card-{number}" for number in range(5)]
    for name in names:
        account.insert("loyaltyObject", name)

    found, token = [], None
    while True:
        page = client.loyaltyobject().list(classId=f"{ISSUER}.loyalty", maxResults=2, token=token).execute()
        found.append([each["id"].split(".")[1] for each in page["resources"]])
        if not (token := page["pagination"].get("nextPageToken")):
            break

    assert found == [names[:2], names[2:4], names[4:]]


def test_errors_come_with_their_reason(client: Any, account: Account) -> None:
    account.insert("loyaltyClass")
    with pytest.raises(HttpError) as twice:
        client.loyaltyclass().insert(body=body("loyaltyClass")).execute()
    assert (twice.value.status_code, twice.value.reason) == (
        409,
        f"Wallet Object Class {ISSUER}.loyalty already exists.",
    )
    assert twice.value.error_details == [
        {"message": twice.value.reason, "domain": "walletobjects", "reason": "existingResource"}
    ]


def test_an_account_that_nobody_invited_is_denied(google: GoogleSandbox, account: Account) -> None:
    stranger = client_of(google, google.issue_key(account="stranger", key=private_key()))

    with pytest.raises(HttpError) as refused:
        stranger.loyaltyclass().list(issuerId=ISSUER).execute()

    assert (refused.value.status_code, refused.value.error_details[0]["reason"]) == (403, "permissionDenied")


def test_a_token_that_ended_is_fetched_anew_and_a_revoked_key_gets_none(client: Any, account: Account) -> None:
    account.insert("loyaltyClass")
    account.google.arm(Fault("status", path="/loyaltyClass", status=401))
    assert client.loyaltyclass().get(resourceId=f"{ISSUER}.loyalty").execute()["id"] == f"{ISSUER}.loyalty"

    account.google.revoke_key(account.file["private_key_id"])
    with pytest.raises(RefreshError, match="invalid_grant"):
        client_of(account.google, account.file).loyaltyclass().list(issuerId=ISSUER).execute()


def test_permissions_issuers_and_tokens_of_save_links(client: Any, account: Account) -> None:
    held = client.permissions().get(resourceId=ISSUER).execute()
    assert held["permissions"] == [{"emailAddress": account.file["client_email"], "role": "owner"}]
    assert client.issuer().get(resourceId=ISSUER).execute() == {"issuerId": ISSUER, "name": "Verdi"}

    token = save_token(
        account.file, {"loyaltyClasses": [body("loyaltyClass")], "loyaltyObjects": [body("loyaltyObject")]}
    )
    assert client.jwt().validate(body={"jwtResource": {"jwt": token}}).execute() == {}
    made = client.jwt().insert(body={"jwt": token}).execute()
    assert [each["id"] for each in made["resources"]["loyaltyObjects"]] == [f"{ISSUER}.loyalty-card"]
    assert client.loyaltyobject().get(resourceId=f"{ISSUER}.loyalty-card").execute()["accountId"] == "V10000"
    assert account.google.phone("anna").add(made["saveUri"]) == [f"{ISSUER}.loyalty-card"]
