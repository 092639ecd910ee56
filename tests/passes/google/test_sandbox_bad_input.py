"""Whatever is sent, the sandbox answers as Google would: taken, or refused in words; never broken."""

from __future__ import annotations

import json
import threading
from typing import Any

import jwt
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passes.google.sandbox import GoogleSandbox
from passes.google.sandbox.wire import KINDS
from passes.google.schema import SCHEMAS
from portal.sandbox import Request
from tests.passes.google.sandbox_kit import ISSUER, Account, ask_token, assertion, body, points

NAMES = sorted({name for schema in SCHEMAS.values() for name in schema["properties"]})
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8) | st.just("ACTIVE"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


def sent(account: Account, method: str, path: str, given_body: Any) -> int:
    """The status of a call without a socket: thousands are made."""
    headers = {"authorization": str(account.session.headers["Authorization"])}
    request = Request(method, f"/walletobjects/v1/{path}", {}, headers, json.dumps(given_body).encode())
    return account.google.handle(request).status


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(KINDS), change=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3), method=st.booleans()
)
def test_any_change_of_a_body_is_taken_or_refused(
    google: GoogleSandbox, account: Account, kind: str, change: dict[str, Any], method: bool
) -> None:
    google.switches.refuse_unknown_keys = method
    for each in (f"{kind.removesuffix('Object').removesuffix('Class')}Class", kind):
        google.store.resources[each][body(each)["id"]] = body(each)

    wanted = {200, 400, 403, 404, 409}
    assert sent(account, "POST", kind, {**body(kind), **change}) in wanted
    assert sent(account, "PATCH", f"{kind}/{body(kind)['id']}", change) in wanted
    assert sent(account, "PUT", f"{kind}/{body(kind)['id']}", change) in wanted
    assert sent(account, "POST", f"{kind}/{body(kind)['id']}/addMessage", {"message": change}) in wanted


def signed(account: Account, claims: dict[str, Any]) -> str:
    """A token of any claims: PyJWT's own encoder refuses those that make no sense."""
    headers = {"kid": account.file["private_key_id"]}
    return jwt.PyJWS().encode(json.dumps(claims).encode(), account.file["private_key"], "RS256", headers)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(claims=st.dictionaries(st.sampled_from(["aud", "typ", "iat", "origins", "payload", "exp", "nbf"]), JSON))
def test_any_claims_of_a_link_are_taken_or_refused(google: GoogleSandbox, account: Account, claims: Any) -> None:
    good = {"iss": account.file["client_email"], "aud": "google", "typ": "savetowallet"}
    token = signed(account, {**good, "payload": {"loyaltyObjects": [{"id": f"{ISSUER}.none"}]}, **claims})
    assert google.handle(Request("GET", f"/gp/v/save/{token}", {}, {}, b"")).status == 400


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": ["a"]},
        {"iat": "now"},
        {"exp": []},
        {"scope": 7},
        {"aud": {}},
        {"iat": 10**30},
        {"exp": None},
        {"iss": None},
    ],
)
def test_an_assertion_of_strange_claims_gets_no_token(account: Account, claims: dict[str, Any]) -> None:
    good = jwt.decode(assertion(account.file), options={"verify_signature": False})
    answer = ask_token(account.file, signed(account, {**good, **claims}))
    assert (answer.status_code, set(answer.json())) == (400, {"error", "error_description"})


@pytest.mark.parametrize(
    "listed", [[{}], [{"emailAddress": "a@b.be"}], "all", [{"emailAddress": "a@b.be", "role": "KING"}], [7]]
)
def test_permissions_that_name_nobody_are_refused(account: Account, listed: Any) -> None:
    before = account.call("GET", f"permissions/{ISSUER}").json()
    assert account.call("PUT", f"permissions/{ISSUER}", {"permissions": listed}).status_code == 400
    assert account.call("GET", f"permissions/{ISSUER}").json() == before


def test_calls_at_the_same_time_are_all_kept(google: GoogleSandbox, account: Account) -> None:
    account.insert("loyaltyClass")
    cards = [str(account.insert("loyaltyObject", f"card-{number}")["id"]) for number in range(8)]

    def work(card: str) -> None:
        with requests.Session() as session:
            session.headers.update(account.session.headers)
            for value in range(10):
                session.patch(f"{google.api_url}/loyaltyObject/{card}", json=points(value), timeout=10)

    threads = [threading.Thread(target=work, args=(card,)) for card in cards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    stored = google.store.resources["loyaltyObject"]
    assert [stored[card]["loyaltyPoints"]["balance"]["int"] for card in cards] == [9] * 8
