"""News of saves and removals: a verifier of its own opens every envelope of the sandbox, and none that is spoilt."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from passes.google.sandbox import GoogleSandbox
from portal.sandbox import Fault, Request, Response, Sandbox, route
from tests.passes.google.envelope_judge import Forged, open_envelope
from tests.passes.google.sandbox_kit import ISSUER, OTHER_ISSUER, Account


class Listener(Sandbox):
    """The portal's end: keeps what is posted."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        super().__init__()

    robots = ""

    @route("GET", "/robots.txt")
    def allowed(self, request: Request) -> Response:
        return Response(200, self.robots) if self.robots else Response(404)

    @route("POST", "/callbacks")
    def take(self, request: Request) -> Response:
        self.bodies.append(request.body)
        return Response(200)

    def opened(self, google: GoogleSandbox, issuer: str = ISSUER) -> list[dict[str, Any]]:
        google.callbacks.drain()
        keys = requests.get(google.keys_url, timeout=5).json()
        return [open_envelope(body, keys, issuer, time.time()) for body in self.bodies]


@pytest.fixture
def listener() -> Iterator[Listener]:
    server = Listener()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def card(account: Account, listener: Listener) -> str:
    return account.make("loyalty", f"{listener.url}/callbacks")


def test_a_save_and_a_removal_are_told_and_a_verifier_of_its_own_opens_both(
    google: GoogleSandbox, account: Account, listener: Listener, card: str
) -> None:
    phone = google.phone("anna")
    phone.add(account.link(card))
    phone.add(account.link(card))
    phone.remove(card)

    saved, removed = listener.opened(google)

    assert (saved["eventType"], removed["eventType"]) == ("save", "del")
    assert {saved["objectId"], removed["objectId"]} == {card}
    assert saved["classId"] == f"{ISSUER}.loyalty"
    assert saved["nonce"] != removed["nonce"]
    assert [row["status"] for row in requests.get(f"{google.url}/_sandbox/callbacks", timeout=5).json()] == [200, 200]


def test_equals_signs_are_escaped_within_what_is_signed(
    google: GoogleSandbox, account: Account, listener: Listener, card: str
) -> None:
    google.phone("anna").add(account.link(card))
    google.callbacks.drain()

    [envelope] = map(json.loads, listener.bodies)

    assert "\\u003d" in envelope["intermediateSigningKey"]["signedKey"]
    assert "=" not in envelope["intermediateSigningKey"]["signedKey"]


@pytest.mark.parametrize(
    ("switch", "why"),
    [
        ("bad_signature", "message"),
        ("expired_intermediate", "intermediate key expired"),
        ("expired_message", "message expired"),
        ("wrong_sender", "intermediate key"),
        ("wrong_issuer", "message"),
    ],
)
def test_a_spoilt_envelope_is_not_believed(
    google: GoogleSandbox, account: Account, listener: Listener, card: str, switch: str, why: str
) -> None:
    requests.put(f"{google.url}/_sandbox/switches", json={switch: True}, timeout=5)
    google.phone("anna").add(account.link(card))

    with pytest.raises(Forged, match=why):
        listener.opened(google)


def test_a_callback_for_one_issuer_is_none_for_another(
    google: GoogleSandbox, account: Account, listener: Listener, card: str
) -> None:
    google.phone("anna").add(account.link(card))

    with pytest.raises(Forged, match="message"):
        listener.opened(google, OTHER_ISSUER)


def test_a_new_root_key_leaves_the_old_envelopes_good_only_while_it_is_listed(
    google: GoogleSandbox, account: Account, listener: Listener, card: str
) -> None:
    google.phone("anna").add(account.link(card))
    requests.post(f"{google.url}/_sandbox/root-keys", timeout=5)
    google.phone("anna").remove(card)
    assert [each["eventType"] for each in listener.opened(google)] == ["save", "del"]

    requests.post(f"{google.url}/_sandbox/root-keys", json={"keep": False}, timeout=5)
    with pytest.raises(Forged, match="intermediate key"):
        listener.opened(google)


def test_a_callback_may_come_twice_and_out_of_order_and_of_a_type_of_its_own(
    google: GoogleSandbox, account: Account, listener: Listener, card: str
) -> None:
    google.switches.change({"duplicate": True, "out_of_order": True, "activate": True})
    google.phone("anna").add(account.link(card))

    told = listener.opened(google)

    assert [each["eventType"] for each in told] == ["activate", "activate", "save", "save"]
    assert told[0]["nonce"] == told[1]["nonce"]
    assert told[0]["objectIds"] == [card]
    assert "objectId" not in told[0]


def test_a_held_callback_comes_after_a_while_when_no_other_follows(
    google: GoogleSandbox, account: Account, listener: Listener, card: str
) -> None:
    google.switches.change({"out_of_order": True, "hold_seconds": 0.05})
    google.phone("anna").add(account.link(card))

    deadline = time.monotonic() + 5
    while not listener.bodies and time.monotonic() < deadline:
        time.sleep(0.01)

    assert [each["eventType"] for each in listener.opened(google)] == ["save"]


def test_a_portal_that_is_out_is_tried_again(
    google: GoogleSandbox, account: Account, listener: Listener, card: str
) -> None:
    listener.arm(Fault("status", status=503, times=2))
    google.phone("anna").add(account.link(card))
    google.callbacks.drain()

    assert [row["status"] for row in google.callbacks.log] == [503, 503, 200]


def test_a_portal_that_is_gone_is_noted(google: GoogleSandbox, account: Account) -> None:
    card = account.make("offer", "http://127.0.0.1:9/callbacks")
    google.switches.retries = 0
    google.phone("anna").add(account.link(card, sort="offer"))
    google.callbacks.drain()

    [row] = google.callbacks.log
    assert row["status"] is None
    assert "ConnectionError" in row["error"]


@pytest.mark.parametrize(
    ("robots", "told"),
    [
        ("", 1),
        ("User-agent: *\nAllow: /callbacks\nDisallow: /", 1),
        ("User-agent: Googlebot\nDisallow: /", 0),
        ("User-agent: *\nDisallow: /", 0),
    ],
)
def test_a_robots_txt_that_keeps_google_out_is_heeded_when_the_switch_is_on(
    google: GoogleSandbox, account: Account, listener: Listener, card: str, robots: str, told: int
) -> None:
    google.switches.change({"heed_robots": True, "retries": 0})
    listener.robots = robots
    google.phone("anna").add(account.link(card))

    assert len(listener.opened(google)) == told
    assert ("robots.txt" in google.callbacks.log[0]["error"]) is (told == 0)


def test_a_class_without_an_address_tells_nobody(google: GoogleSandbox, account: Account) -> None:
    card = account.make("generic")
    google.phone("anna").add(account.link(card, sort="generic"))
    google.callbacks.drain()

    assert list(google.callbacks.log) == []
    asked = requests.post(f"{google.url}/_sandbox/callbacks", json={"object": card, "event": "del"}, timeout=5)
    assert asked.status_code == 404


def test_a_callback_can_be_sent_by_hand(google: GoogleSandbox, account: Account, listener: Listener, card: str) -> None:
    asked = requests.post(f"{google.url}/_sandbox/callbacks", json={"object": card, "event": "del"}, timeout=5)

    assert asked.status_code == 202
    assert [each["eventType"] for each in listener.opened(google)] == ["del"]
