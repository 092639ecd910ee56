"""The issuer's keys: read seldom whatever arrives, kept through an outage, and nobody waits for them for long."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import LazySettings

from portal import bearer, jwks
from portal.bearer import check_token
from portal.sandbox import Fault
from tests import factories as make
from tests.portal.issuer import OTHER_RSA_KEY, RSA_KEY, Clock, Issuer, jwk, reads, send
from tests.world import Speaker, make_speaker

pytestmark = pytest.mark.django_db


@pytest.fixture
def speaker(issuer_clock: Clock) -> Speaker:
    """A tenant that lets the client "sender" in."""
    one = make_speaker()
    make.OAuthClientFactory.make(tenant=one.tenant, client_id="sender", bound_to=one.connection.source)
    return one


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.02)
    pytest.fail("it did not happen")


def test_the_keys_are_read_once(issuer: Issuer, speaker: Speaker) -> None:
    for _ in range(5):
        assert send(issuer.token()).status_code in {200, 208}
        bearer._checked.clear()
    assert reads(issuer) == 1


def test_unknown_key_ids_make_us_ask_once_a_minute_whatever_arrives(issuer: Issuer, speaker: Speaker) -> None:
    answers: list[int] = []

    def knock(start: int) -> None:
        for number in range(start, start + 20):
            try:
                check_token(issuer.token(OTHER_RSA_KEY, f"unknown-{number}"), "verdi")
            except bearer.InvalidToken:
                answers.append(401)

    threads = [Thread(target=knock, args=(100 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [401] * 160
    assert reads(issuer) == 1


def test_a_new_key_is_found_a_minute_after_the_last_look(issuer: Issuer, speaker: Speaker, issuer_clock: Clock) -> None:
    assert send(issuer.token()).status_code == 200
    issuer.members.append(jwk(OTHER_RSA_KEY, "rsa-2"))
    fresh = issuer.token(OTHER_RSA_KEY, "rsa-2")
    assert send(fresh).status_code == 401
    assert reads(issuer) == 1
    issuer_clock.ahead = 61
    assert send(fresh).status_code in {200, 208}
    assert reads(issuer) == 2


def test_a_withdrawn_key_ends_when_the_set_is_read_again(issuer: Issuer, speaker: Speaker, issuer_clock: Clock) -> None:
    assert send(issuer.token()).status_code == 200
    issuer.members = [jwk(OTHER_RSA_KEY, "rsa-2")]
    issuer_clock.ahead = jwks.FRESH_SECONDS + 1
    bearer._checked.clear()
    assert send(issuer.token()).status_code in {200, 208}  # the old set serves while the new one is read
    wait_for(lambda: reads(issuer) == 2 and jwks.issuer_keys._newest.done.is_set())
    bearer._checked.clear()
    assert send(issuer.token()).status_code == 401


@pytest.mark.parametrize("kind", ["status", "malformed", "drop"])
def test_known_keys_outlive_an_outage_for_a_day(
    issuer: Issuer, speaker: Speaker, issuer_clock: Clock, kind: str
) -> None:
    assert send(issuer.token()).status_code == 200
    issuer.arm(Fault(kind=kind, times=1000, path="/jwks.json"))
    for hours in (1, 12, 23.9):
        issuer_clock.ahead = hours * 3600
        bearer._checked.clear()
        assert send(issuer.token()).status_code in {200, 208}
        wait_for(jwks.issuer_keys._newest.done.is_set)
    issuer_clock.ahead = jwks.KEPT_SECONDS + 60
    bearer._checked.clear()
    answer = send(issuer.token())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    issuer.faults.clear()
    issuer_clock.ahead += 61
    assert send(issuer.token()).status_code in {200, 208}


def test_an_outage_before_anything_is_known_is_a_503(issuer: Issuer, speaker: Speaker, issuer_clock: Clock) -> None:
    issuer.stop()
    for _ in range(3):
        answer = send(issuer.token())
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "60"
        assert "WWW-Authenticate" not in answer.headers


def test_an_unknown_key_during_an_outage_is_a_503_and_a_known_one_is_good(
    issuer: Issuer, speaker: Speaker, issuer_clock: Clock
) -> None:
    assert send(issuer.token()).status_code == 200
    issuer.arm(Fault(kind="status", status=500, times=1000))
    issuer_clock.ahead = 61
    assert send(issuer.token(OTHER_RSA_KEY, "rsa-2")).status_code == 503
    bearer._checked.clear()
    assert send(issuer.token()).status_code in {200, 208}


def test_a_slow_issuer_holds_nobody_longer_than_a_moment(
    issuer: Issuer, speaker: Speaker, issuer_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "WAIT_SECONDS", 0.8)
    issuer.arm(Fault(kind="slow", seconds=4.0))
    started = time.monotonic()
    for _ in range(5):
        assert send(issuer.token()).status_code == 503
    assert time.monotonic() - started < 3.0  # the first waited, the others found that it is slow
    wait_for(jwks.issuer_keys._newest.done.is_set)
    assert send(issuer.token()).status_code == 200
    assert reads(issuer) == 1


def test_a_read_that_takes_longer_than_a_minute_stays_the_only_one(
    issuer: Issuer, speaker: Speaker, issuer_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "WAIT_SECONDS", 0.1)
    issuer.arm(Fault(kind="slow", seconds=2.0))
    assert send(issuer.token()).status_code == 503
    issuer_clock.ahead = 61
    assert send(issuer.token()).status_code == 503
    wait_for(jwks.issuer_keys._newest.done.is_set)
    assert reads(issuer) == 1


def test_a_slow_refresh_holds_nobody_who_has_a_known_key(issuer: Issuer, speaker: Speaker, issuer_clock: Clock) -> None:
    assert send(issuer.token()).status_code == 200
    issuer_clock.ahead = jwks.FRESH_SECONDS + 1
    issuer.arm(Fault(kind="slow", seconds=3.0))
    bearer._checked.clear()
    started = time.monotonic()
    assert send(issuer.token()).status_code in {200, 208}
    assert time.monotonic() - started < 2.0
    wait_for(jwks.issuer_keys._newest.done.is_set)


@pytest.mark.parametrize("document", [{}, [], "x", {"keys": {}}, {"keys": []}, {"keys": [7, None, {"kty": "oct"}]}])
def test_a_set_without_a_usable_key_counts_as_an_outage(
    issuer: Issuer, speaker: Speaker, issuer_clock: Clock, document: Any
) -> None:
    assert send(issuer.token()).status_code == 200
    issuer.document = document
    issuer_clock.ahead = jwks.FRESH_SECONDS + 1
    bearer._checked.clear()
    assert send(issuer.token()).status_code in {200, 208}
    wait_for(jwks.issuer_keys._newest.done.is_set)
    bearer._checked.clear()
    assert send(issuer.token()).status_code in {200, 208}


def test_a_set_larger_than_a_mebibyte_is_not_taken(issuer: Issuer, speaker: Speaker) -> None:
    issuer.document = {"keys": issuer.members, "more": "x" * 2_000_000}
    assert send(issuer.token()).status_code == 503


def test_odd_members_do_not_spoil_the_others() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    odd: list[Any] = [
        None, [], "x", {}, {"kty": "RSA"}, {"kty": "RSA", "n": 7, "e": []},
        {"kty": "EC", "crv": "P-256", "x": "", "y": ""},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "h"}, {"kty": ["RSA"]}, jwk(weak, "weak"),
        jwk(RSA_KEY, "enc", use="enc"), jwk(RSA_KEY, "ops", key_ops=["encrypt"]), jwk(RSA_KEY, "odd-ops", key_ops=7),
        {**jwk(RSA_KEY, None), "kid": 7}, jwk(RSA_KEY, "hs", alg="HS256"), jwk(RSA_KEY, "none", alg="none"),
        jwk(RSA_KEY, "mixed", alg="ES256"), {"kty": "RSA", "n": "AQAB", "e": "AQAB", "d": "AQAB", "kid": "private"},
    ]  # fmt: skip
    found = jwks.read_keys({"keys": [*odd, jwk(RSA_KEY, "good", alg="RS256", use="sig", key_ops=["verify"])]})
    assert [(key.kid, key.algorithms) for key in found] == [("good", ("RS256",))]


def test_a_token_without_a_key_id_is_good_where_the_issuer_has_one_key(issuer: Issuer, speaker: Speaker) -> None:
    issuer.members = [jwk(RSA_KEY, None)]
    assert send(issuer.token(kid=None)).status_code == 200


def test_plain_http_and_private_addresses_are_not_asked_without_the_sandbox(
    issuer: Issuer, speaker: Speaker, settings: LazySettings
) -> None:
    settings.SANDBOX = False
    assert send(issuer.token()).status_code == 503
    assert reads(issuer) == 0
