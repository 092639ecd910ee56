"""Pushing with a key of the team (.p8) in place of the certificate, over real HTTP/2."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from passes.apple import provider
from passes.apple.answers import PushAnswer
from passes.apple.provider import ProviderKey, Tokens, UnusableKey, key_pem
from passes.apple.push import send
from passes.apple.sandbox import ApnsSandbox
from passes.apple.sandbox.provider_keys import TeamKey
from portal.ledger.failure import Decision
from tests.passes import world
from tests.passes.apple.push_kit import credentials, failure
from tests.passes.world import PUSH_TOKEN, SilentTrail

KEY_ID = "ABC123DEFG"
GIFT = "pass.com.example.gift"


@cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(private: Any) -> str:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()  # type: ignore[no-any-return]


def public(private: Any) -> str:
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()  # type: ignore[no-any-return]


@pytest.fixture
def service(push_service: ApnsSandbox, monkeypatch: pytest.MonkeyPatch) -> ApnsSandbox:
    push_service.keys.add(KEY_ID, TeamKey(world.TEAM, public(key()), frozenset({world.PASS_TYPE, GIFT})))
    monkeypatch.setattr("passes.apple.push.tokens", Tokens())
    return push_service


def by_key(service: ApnsSandbox, **changes: Any) -> Any:
    """Credentials whose certificate nobody could push with."""
    own = {"team_identifier": world.TEAM, "push_key_id": KEY_ID, "push_key": pem(key()), "certificate": "none"}
    return credentials(service, **{**own, **changes})


def test_a_push_needs_no_certificate(service: ApnsSandbox) -> None:
    assert send(by_key(service), PUSH_TOKEN, trail=SilentTrail()) == PushAnswer()
    assert [push.topic for push in service.pushes] == [world.PASS_TYPE]


def test_one_line_and_one_token_serve_all_pass_types_and_threads_of_a_team(service: ApnsSandbox) -> None:
    types = [by_key(service), by_key(service, uid="gift", pass_type_identifier=GIFT)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: send(types[n % 2], PUSH_TOKEN, trail=SilentTrail()), range(40)))

    assert answers == [PushAnswer()] * 40
    assert service.connections_made == 1


def test_an_expired_token_is_renewed_once_and_the_push_goes_out(
    service: ApnsSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that was wrong when the token was made."""
    made: list[float] = []

    def signed(each: ProviderKey, issued_at: float) -> str:
        made.append(issued_at)
        return jwt.encode(
            {"iss": each.team, "iat": int(issued_at) - (7200 if len(made) == 1 else 0)}, each.private_key, "ES256",
            headers={"kid": each.key_id},
        )  # fmt: skip

    monkeypatch.setattr(provider, "signed", signed)

    assert send(by_key(service), PUSH_TOKEN, trail=SilentTrail()) == PushAnswer()
    assert [push.reason for push in service.pushes] == ["ExpiredProviderToken", ""]
    assert len(made) == 2


def test_too_many_new_tokens_defer(service: ApnsSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    service.keys._newest[KEY_ID] = int(time.time()) - 60

    problem = failure(by_key(service))

    assert (problem.decision, problem.status) == (Decision.DEFER, 429)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"push_key_id": "ZZZ123DEFG"}, "InvalidProviderToken"),
        ({"team_identifier": "OTHERTEAM1"}, "InvalidProviderToken"),
        ({"pass_type_identifier": "pass.com.example.other"}, "TopicDisallowed"),
        ({"push_key": "TOPSECRET"}, "The stored push key cannot be used"),
    ],
)
def test_what_is_configured_wrongly_pauses_and_quotes_no_key(
    service: ApnsSandbox, changes: dict[str, str], said: str
) -> None:
    problem = failure(by_key(service, **changes))

    assert problem.decision is Decision.PAUSE
    assert said in problem.sentence
    assert "TOPSECRET" not in repr((problem, problem.__cause__, problem.__context__))


class TestTokens:
    def key(self) -> ProviderKey:
        return ProviderKey(world.TEAM, KEY_ID, pem(key()))

    def test_say_who_and_when(self) -> None:
        token = Tokens().of(self.key())

        claims = jwt.decode(token, public(key()), algorithms=["ES256"], options={"verify_iat": False})
        assert claims["iss"] == world.TEAM
        assert abs(claims["iat"] - time.time()) < 5
        assert jwt.get_unverified_header(token)["kid"] == KEY_ID

    def test_are_kept_for_more_than_twenty_minutes_and_less_than_an_hour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tokens, now = Tokens(), time.monotonic()
        first = tokens.of(self.key())
        for minutes, same in ((21, True), (49, True), (51, False)):
            monkeypatch.setattr("passes.apple.provider.time.monotonic", lambda at=now + minutes * 60: at)
            assert (tokens.of(self.key()) == first) is same

    def test_one_that_was_refused_long_ago_renews_nothing(self) -> None:
        tokens = Tokens()
        first = tokens.of(self.key())

        assert tokens.of(self.key(), refused="an older one") == first

    def test_a_key_does_not_print_itself(self) -> None:
        assert "PRIVATE" not in repr(self.key())


@pytest.mark.parametrize(
    "text",
    ["", "no key", pem(ec.generate_private_key(ec.SECP384R1())), pem(rsa.generate_private_key(65537, 2048)),
     public(key()), "-----BEGIN PRIVATE KEY-----\nMIITOPSECRET\n-----END PRIVATE KEY-----"],
    ids=["empty", "text", "P-384", "RSA", "public", "damaged"],
)  # fmt: skip
def test_only_a_private_key_on_p_256_is_taken(text: str) -> None:
    with pytest.raises(UnusableKey) as caught:
        key_pem(text)

    assert "TOPSECRET" not in repr((caught.value, caught.value.__cause__))
