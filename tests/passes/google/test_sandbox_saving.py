"""From the link on a page to the pass in the wallet: what a save link must be, and what Google makes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import requests

from passes.google.sandbox import GoogleSandbox, LinkRefused
from portal.sandbox import Request, Response, Sandbox, route
from tests.passes.google.sandbox_kit import ISSUER, OTHER_ISSUER, Account, body, private_key, reason, save_token

CLASS, CARD = f"{ISSUER}.loyalty", f"{ISSUER}.loyalty-card"


class Landing(Sandbox):
    """A page with both wallets' buttons, as the portal has it."""

    link = ""

    @route("GET", "/card")
    def page(self, request: Request) -> Response:
        return Response(200, f'<a href="/card/apple">Apple</a> <a href="{self.link or "/card/google"}">Google</a>')

    @route("GET", "/card/google")
    def away(self, request: Request) -> Response:
        return Response(302, None, {"Location": self.target})

    @route("GET", "/nothing")
    def nothing(self, request: Request) -> Response:
        return Response(200, "<p>No buttons here.</p>")

    target = ""

    @route("GET", "/card/soon")
    def soon(self, request: Request) -> Response:
        """The pass is on its way to Google."""
        return Response(200, "<p>One moment…</p>", {"Refresh": "0.01; url=/card/google"})


@pytest.fixture
def landing() -> Iterator[Landing]:
    server = Landing()
    server.start()
    yield server
    server.stop()


def test_the_link_of_a_landing_page_is_followed_and_saved(
    google: GoogleSandbox, account: Account, landing: Landing, card: str
) -> None:
    landing.link = account.link(card)

    assert google.phone("anna").add(f"{landing.url}/card") == [card]

    read = account.call("GET", f"loyaltyObject/{card}").json()
    assert read["hasUsers"] is True


def test_a_page_whose_button_redirects_is_followed_too(
    google: GoogleSandbox, account: Account, landing: Landing, card: str
) -> None:
    landing.target = account.link(card)
    assert google.phone("anna").add(f"{landing.url}/card") == [card]


def test_a_page_that_comes_back_by_itself_is_waited_for(
    google: GoogleSandbox, account: Account, landing: Landing, card: str
) -> None:
    landing.target = account.link(card)
    assert google.phone("anna").add(f"{landing.url}/card/soon") == [card]


def test_a_page_that_leads_in_circles_is_given_up(google: GoogleSandbox, landing: Landing) -> None:
    landing.target = f"{landing.url}/card/google"
    with pytest.raises(LinkRefused, match="No save link within 20 steps"):
        google.phone("anna").add(f"{landing.url}/card")


@pytest.mark.parametrize(
    ("path", "words"),
    [("/nothing", "no link to Google Wallet"), ("/gone", "answered 404"), ("/card", "pay.google.com")],
)
def test_a_page_that_does_not_lead_here_is_told(google: GoogleSandbox, landing: Landing, path: str, words: str) -> None:
    landing.link = "https://pay.google.com/gp/v/save/x.y.z"
    with pytest.raises(LinkRefused, match=words):
        google.phone("anna").add(f"{landing.url}{path}")


def test_save_links_of_the_sandbox_are_what_pyjwt_takes(account: Account, card: str) -> None:
    """The kit's own links, as a landing page would carry them: the shape that the product's are compared with."""
    token = account.link(card).rsplit("/", 1)[1]
    claims = jwt.decode(token, private_key().public_key(), algorithms=["RS256"], audience="google")
    assert claims["payload"] == {"loyaltyObjects": [{"id": card, "classId": CLASS}]}
    assert len(token) < 1800


def test_the_button_works_without_scripts_and_takes_the_pass_out_again(
    google: GoogleSandbox, account: Account, card: str
) -> None:
    link = account.link(card)
    page = requests.get(link, timeout=5)
    assert "Add to Google Wallet" in page.text
    assert "<script" not in page.text
    assert "Verdi Club" in page.text

    saved = requests.post(link, data={"do": "save"}, timeout=5)
    assert saved.url.startswith(link)
    assert "Remove from Google Wallet" in saved.text
    assert google.store.holders[card].keys() == {"Somebody"}

    removed = requests.post(link, data={"do": "remove"}, timeout=5)
    assert "Add to Google Wallet" in removed.text
    assert account.call("GET", f"loyaltyObject/{card}").json()["hasUsers"] is False


def test_another_sites_form_does_not_press_the_button(google: GoogleSandbox, account: Account, card: str) -> None:
    answer = requests.post(account.link(card), headers={"Origin": "https://evil.example"}, timeout=5)
    assert reason(answer) == (403, "forbidden")
    assert google.store.holders == {}


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"aud": "apple"}, "aud must be 'google'"),
        ({"typ": "JWT"}, "typ must be 'savetowallet'"),
        ({"iss": "nobody@example.com"}, "iss must be the e-mail address"),
        ({"iat": "now"}, "iat must be"),
        ({"origins": "https://wallet.example"}, "origins must be a list"),
        ({"payload": {}}, "payload must name"),
        ({"payload": {"LoyaltyObjects": [{"id": CARD}]}}, "payload has no LoyaltyObjects"),
        ({"payload": {"loyaltyObjects": {"id": CARD}}}, "must be a list"),
        ({"payload": {"loyaltyObjects": [{"classId": CLASS}]}}, "each needs an id"),
        ({"payload": {"loyaltyClasses": [{"id": CLASS}]}}, "names no object"),
        ({"payload": {"loyaltyObjects": [{"id": f"{ISSUER}.none"}]}}, "insert it first"),
        ({"payload": {"offerObjects": [{"id": CARD}]}}, "is a loyaltyObject"),
        ({"payload": {"loyaltyObjects": [{"id": f"{OTHER_ISSUER}.x"}]}}, "Invalid resource ID"),
        ({"payload": {"loyaltyObjects": [{"id": f"{ISSUER}.new", "state": "GONE"}]}}, "classId is required"),
    ],
)
def test_a_link_that_google_would_not_take_says_why(
    google: GoogleSandbox, account: Account, card: str, claims: dict[str, Any], words: str
) -> None:
    token = save_token(account.file, {"loyaltyObjects": [{"id": card}]}, **claims)

    with pytest.raises(LinkRefused, match=words):
        google.phone("anna").add(f"{google.save_url}/{token}")
    page = requests.get(f"{google.save_url}/{token}", timeout=5)
    assert page.status_code == 400
    assert "Something went wrong" in page.text
    refused = account.call("POST", "jwt/validate", {"jwtResource": {"jwt": token}})
    assert refused.status_code == 400


def test_a_forged_link_is_refused(google: GoogleSandbox, account: Account, card: str) -> None:
    secret = jwt.encode({"iss": account.file["client_email"], "aud": "google"}, "s" * 32, "HS256")
    none = jwt.encode({"iss": account.file["client_email"]}, None, "none")
    for token in ("x", secret, none, account.link(card).rsplit("/", 1)[1][:-6] + "AAAAAA"):
        with pytest.raises(LinkRefused):
            google.phone("anna").add(f"{google.save_url}/{token}")
    assert google.store.holders == {}


def test_a_fat_link_makes_what_is_new_and_leaves_what_exists(google: GoogleSandbox, account: Account) -> None:
    fat = {"loyaltyObjects": [body("loyaltyObject")], "loyaltyClasses": [body("loyaltyClass")]}
    google.phone("anna").add(f"{google.save_url}/{save_token(account.file, fat)}")
    assert account.call("GET", f"loyaltyObject/{CARD}").json()["accountName"] == "Anna Peeters"

    fat["loyaltyObjects"][0]["accountName"] = "Bram"
    google.phone("bram").add(f"{google.save_url}/{save_token(account.file, fat)}")
    assert account.call("GET", f"loyaltyObject/{CARD}").json()["accountName"] == "Anna Peeters"


def test_a_long_link_is_warned_of(google: GoogleSandbox, account: Account) -> None:
    module = {"id": "a", "header": "Terms", "body": "x" * 1800}
    fat = {
        "loyaltyClasses": [body("loyaltyClass")],
        "loyaltyObjects": [body("loyaltyObject", textModulesData=[module])],
    }
    token = save_token(account.file, fat, origins=None)

    page = requests.get(f"{google.save_url}/{token}", timeout=5)

    assert f"The token has {len(token)} characters." in page.text
    assert "The token has no origins." in page.text


def test_a_class_may_allow_one_holder_only(google: GoogleSandbox, account: Account) -> None:
    account.insert("loyaltyClass", multipleDevicesAndHoldersAllowedStatus="ONE_USER_ALL_DEVICES")
    card = str(account.insert("loyaltyObject")["id"])
    google.phone("anna").add(account.link(card))

    with pytest.raises(LinkRefused, match="held by somebody else"):
        google.phone("bram").add(account.link(card))


def test_the_json_of_a_pass_is_validated_before_it_is_signed(account: Account) -> None:
    def ask(**sent: Any) -> int:
        return account.call("POST", "jwt/validate", sent).status_code

    account.insert("loyaltyClass")
    good = json.dumps({"loyaltyObjects": [{"id": CARD, "classId": CLASS, "state": "ACTIVE", "accountId": "1"}]})
    assert ask(jsonResource={"json": good}) == 200
    assert ask(jsonResource={"json": good.replace("ACTIVE", "GONE")}) == 400
    assert ask(jsonResource={"json": "{"}) == 400
    assert ask() == 400
    assert ask(jsonResource={"json": good}, jwtResource={"jwt": "x"}) == 400
