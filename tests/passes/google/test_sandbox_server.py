"""The sandbox's own calls, its page, and what a restart keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from passes.google.sandbox import GoogleSandbox
from tests.passes.google.sandbox_kit import ISSUER, OTHER_ISSUER, Account, points

CLASS, CARD = f"{ISSUER}.loyalty", f"{ISSUER}.loyalty-card"


def test_phones_are_steered_over_http(google: GoogleSandbox, account: Account, card: str) -> None:
    def call(method: str, path: str, sent: Any = None) -> requests.Response:
        return requests.request(method, f"{google.url}{path}", json=sent, timeout=5)

    assert call("PUT", "/phones/anna", {"language": "nl"}).json()["language"] == "nl"
    assert call("POST", "/phones/anna/passes", {"url": account.link(card)}).json() == {"ids": [card]}
    assert call("POST", "/phones/anna/passes", {"url": f"{google.save_url}/x"}).status_code == 422
    assert [each["id"] for each in call("GET", "/phones/anna").json()["passes"]] == [card]
    assert [each["name"] for each in call("GET", "/phones").json()] == ["anna"]
    assert call("DELETE", f"/phones/anna/passes/{card}").status_code == 204
    assert call("DELETE", f"/phones/anna/passes/{card}").status_code == 404
    call("POST", "/phones/anna/passes", {"url": account.link(card)})
    assert call("DELETE", "/phones/anna").status_code == 204
    assert google.store.holders[card] == {}
    assert call("GET", "/phones/anna").status_code == 404
    assert call("DELETE", "/phones/anna").status_code == 404
    made = call("POST", "/_sandbox/keys", {"issuer_id": OTHER_ISSUER, "name": "Nero", "account": "nero"}).json()
    assert google.store.issuers[OTHER_ISSUER].permissions == {made["client_email"]: "OWNER"}
    assert call("DELETE", f"/_sandbox/keys/{made['private_key_id']}").status_code == 204
    assert call("DELETE", f"/_sandbox/keys/{made['private_key_id']}").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("PUT", "/phones/anna", {"language": "xx"}),
        ("PUT", "/phones/..%2Fetc", {"language": "en"}),
        ("POST", "/phones/anna/passes", {}),
        ("POST", "/phones/anna/passes", {"url": 1}),
        ("POST", "/phones/anna/passes", []),
        ("PUT", "/_sandbox/switches", {"review": "MAYBE"}),
        ("PUT", "/_sandbox/switches", {"duplicate": 1}),
        ("PUT", "/_sandbox/switches", {"unknown": True}),
        ("POST", "/_sandbox/keys", {"issuer_id": "verdi"}),
        ("POST", "/_sandbox/callbacks", {}),
    ],
)
def test_a_call_that_makes_no_sense_is_400(google: GoogleSandbox, method: str, path: str, sent: Any) -> None:
    assert requests.request(method, f"{google.url}{path}", json=sent, timeout=5).status_code == 400


def test_the_page_shows_phones_issuers_and_news_and_escapes_what_passes_say(
    google: GoogleSandbox, account: Account
) -> None:
    account.insert("loyaltyClass", programName="<script>alert(1)</script>")
    card = str(account.insert("loyaltyObject")["id"])
    google.phone("anna").add(account.link(card))
    account.patch(card, **points(170))

    page = requests.get(f"{google.url}/", timeout=5)

    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "Points: 170" in page.text
    assert ISSUER in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert" not in page.text


def test_a_restart_keeps_everything_but_access_tokens(tmp_path: Path) -> None:
    before = GoogleSandbox(tmp_path / "google.json")
    before.switches.rate_limit = 0
    before.start()
    account = Account(before)
    card = account.make("loyalty")
    before.phone("anna").add(account.link(card))
    account.patch(card, **points(170))
    keys = before.callbacks.keys()["keys"][0]["keyValue"]
    before.stop()

    after = GoogleSandbox(tmp_path / "google.json")
    after.stop()

    assert (tmp_path / "google.json").stat().st_mode & 0o777 == 0o600
    [phone] = after.phones()
    assert phone.summary()["passes"][0]["fields"]["Points"] == "170"
    assert len(phone.screen) == 1
    assert after.callbacks.keys()["keys"][0]["keyValue"] == keys
    assert account.file["private_key_id"] in after.store.keys
