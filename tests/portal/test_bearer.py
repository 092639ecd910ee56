"""Bearer tokens: what is let in, for whom, what the refused hear, and how an issuer's outage is survived."""

from __future__ import annotations

import hmac
import logging
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from django.apps import apps
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from portal import bearer
from portal.bearer import TOKEN_LIMIT, check_token
from portal.checks import check_bearer_tokens
from portal.models import ApiKey, OAuthClient, RefusedCall, Tenant
from tests import factories as make
from tests.portal.issuer import (
    AUDIENCE,
    EC_KEY,
    ED_KEY,
    MINIMAL,
    OTHER_RSA_KEY,
    RSA_KEY,
    SCOPE,
    Clock,
    Issuer,
    jwk,
    part,
    reads,
    send,
)
from tests.world import Speaker, make_speaker, post

pytestmark = pytest.mark.django_db
INVALID = 'ApiKey realm="portal", header="X-API-KEY", Bearer realm="portal", error="invalid_token"'


@pytest.fixture
def speaker(issuer_clock: Clock) -> Speaker:
    """A tenant that lets the client "sender" in."""
    one = make_speaker()
    make.OAuthClientFactory.make(tenant=one.tenant, client_id="sender", bound_to=one.connection.source)
    return one


# Who is let in


def test_a_token_of_a_registered_client_is_let_in_and_its_use_noted(issuer: Issuer, speaker: Speaker) -> None:
    assert send(issuer.token()).status_code == 200
    client = OAuthClient.objects.get()
    assert client.last_used_at
    caller = check_token(issuer.token(), "verdi")
    assert (caller.tenant_id, caller.bound_to, caller.scopes) == (
        speaker.tenant.pk, speaker.connection.source, frozenset({SCOPE}),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"),
    [(RSA_KEY, "rsa-1", "RS256"), (RSA_KEY, "rsa-1", "RS512"), (RSA_KEY, "rsa-1", "PS256"), (EC_KEY, "ec-1", "ES256"),
     (ED_KEY, "ed-1", "EdDSA")],
)  # fmt: skip
def test_the_usual_signatures_are_known(issuer: Issuer, speaker: Speaker, key: Any, kid: str, algorithm: str) -> None:
    assert send(issuer.token(key, kid, algorithm)).status_code == 200


@pytest.mark.parametrize(
    "changed",
    [
        {"scope": SCOPE},
        {"scope": None, "permissions": ["other", SCOPE]},
        {"azp": None, "client_id": "sender"},
        {"client_id": "sender"},
        {"aud": ["other", AUDIENCE]},
        {"nbf": None, "iat": None},
        {"sub": 7, "jti": 7},
    ],
)
def test_issuers_differ_in_how_they_say_it(issuer: Issuer, speaker: Speaker, changed: dict[str, Any]) -> None:
    assert send(issuer.token(**changed)).status_code == 200


def test_clocks_may_differ_by_a_minute(issuer: Issuer, speaker: Speaker) -> None:
    now = int(time.time())
    assert send(issuer.token(exp=now - 50)).status_code == 200
    assert send(issuer.token(nbf=now + 50, iat=now + 50)).status_code in {200, 208}
    for changed in ({"exp": now - 70}, {"nbf": now + 90}, {"iat": now + 90}):
        assert send(issuer.token(**changed)).status_code == 401


def test_a_token_that_was_checked_a_moment_ago_still_expires(
    issuer: Issuer, speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = time.time() + 2
    token = issuer.token(exp=int(end))
    assert send(token).status_code == 200
    monkeypatch.setattr("portal.bearer.time.time", lambda: end + 61)
    assert "expired" in send(token).json()["detail"]


def test_a_key_decides_where_a_call_has_both(issuer: Issuer, speaker: Speaker) -> None:
    answer = post(MINIMAL, tenant="verdi", secret=speaker.secret, HTTP_AUTHORIZATION="Bearer nonsense")
    assert answer.status_code == 200
    answer = post(MINIMAL, tenant="verdi", secret="awp_wrong", HTTP_AUTHORIZATION=f"Bearer {issuer.token()}")
    assert answer.status_code == 401


# Scopes


def test_a_token_without_the_scope_hears_403(issuer: Issuer, speaker: Speaker) -> None:
    for changed in ({"scope": "openid"}, {"scope": None}, {"scope": [SCOPE]}, {"scope": None, "permissions": SCOPE}):
        answer = send(issuer.token(**changed))
        assert answer.status_code == 403
        assert f'error="insufficient_scope", scope="{SCOPE}"' in answer.headers["WWW-Authenticate"]
        assert SCOPE in answer.json()["detail"]


def test_a_client_never_may_more_than_its_tenant_lets_it(issuer: Issuer, speaker: Speaker) -> None:
    OAuthClient.objects.update(scopes=[])
    assert send(issuer.token()).status_code == 403


# For whom


def test_another_tenant_is_as_if_it_did_not_exist(issuer: Issuer, speaker: Speaker) -> None:
    make_speaker("rivale")
    theirs, nobodys = send(issuer.token(), "rivale"), send(issuer.token(), "nobody")
    assert theirs.status_code == nobodys.status_code == 401
    assert theirs.content == nobodys.content
    assert {**theirs.headers} == {**nobodys.headers}
    assert theirs.headers["WWW-Authenticate"] == INVALID


def test_two_tenants_of_one_client_each_hear_their_own(issuer: Issuer, speaker: Speaker) -> None:
    rival = make_speaker("rivale")
    make.OAuthClientFactory.make(tenant=rival.tenant, client_id="sender", bound_to=rival.connection.source)
    assert check_token(issuer.token(), "verdi").tenant_id == speaker.tenant.pk
    assert check_token(issuer.token(), "rivale").tenant_id == rival.tenant.pk


@pytest.mark.parametrize(
    "changed",
    [
        {"azp": None},
        {"azp": "Sender"},
        {"azp": ""},
        {"azp": ["sender"]},
        {"azp": {"sender": 1}},
        {"azp": "send\0er"},
        {"azp": "\ud800"},
        {"azp": "x" * 5000},
        {"client_id": "another"},
    ],
)
def test_a_client_that_nobody_registered_is_refused(issuer: Issuer, speaker: Speaker, changed: dict[str, Any]) -> None:
    assert send(issuer.token(**changed)).status_code == 401


@pytest.mark.parametrize("tenant", ["Verdi", "ver%00di", "%E2%80%A8", "verdi%20", "x" * 300])
def test_an_odd_tenant_in_the_address_is_refused(issuer: Issuer, speaker: Speaker, tenant: str) -> None:
    assert send(issuer.token(), tenant).status_code in {401, 404}


def test_a_configured_claim_names_tenants(issuer: Issuer, speaker: Speaker, settings: LazySettings) -> None:
    OAuthClient.objects.all().delete()
    token = issuer.token(**{"https://portal.example/tenants": ["verdi", 7, "none"]})
    assert send(token).status_code == 401
    settings.OAUTH_TENANT_CLAIM = "https://portal.example/tenants"
    bearer._checked.clear()
    assert send(token).status_code == 200
    assert check_token(token, "verdi").scopes >= {SCOPE}
    assert send(issuer.token(**{"https://portal.example/tenants": "verdi"})).status_code in {200, 208}
    make_speaker("rivale")
    for tenant in ("rivale", "none", "nobody"):
        assert send(token, tenant).status_code == 401


def test_a_revocation_outweighs_the_claim(issuer: Issuer, speaker: Speaker, settings: LazySettings) -> None:
    settings.OAUTH_TENANT_CLAIM = "tenants"
    OAuthClient.objects.update(revoked_at=timezone.now())
    assert send(issuer.token(tenants=["verdi"])).status_code == 401


def test_a_revoked_client_is_refused_within_five_seconds(
    issuer: Issuer, speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.token()
    assert send(token).status_code == 200
    OAuthClient.objects.update(revoked_at=timezone.now())
    now = time.monotonic()
    monkeypatch.setattr("portal.caching.time.monotonic", lambda: now + 5.01)
    assert send(token).status_code == 401


@pytest.mark.parametrize("by_claim", [False, True])
def test_a_suspended_tenant_is_told_only_to_whoever_acts_for_it(
    issuer: Issuer, speaker: Speaker, settings: LazySettings, by_claim: bool
) -> None:
    settings.OAUTH_TENANT_CLAIM = "tenants" if by_claim else ""
    if by_claim:
        OAuthClient.objects.all().delete()
    Tenant.objects.update(suspended_at=timezone.now())
    answer = send(issuer.token(tenants=["verdi"]))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert send(issuer.token(azp="stranger")).status_code == 401


# Forged and odd tokens


def hmac_with_the_public_key(issuer: Issuer) -> str:
    pem = RSA_KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'kid': 'rsa-1'})}.{part(issuer.claims())}"
    return f"{signed}.{part(hmac.new(pem, signed.encode(), sha256).digest())}"


def unsigned(algorithm: Any) -> Callable[[Issuer], str]:
    def made(issuer: Issuer) -> str:
        return f"{part({'alg': algorithm, 'kid': 'rsa-1'})}.{part(issuer.claims())}."

    return made


def with_its_own_key(issuer: Issuer) -> str:
    return issuer.token(OTHER_RSA_KEY, headers={"jwk": jwk(OTHER_RSA_KEY, "rsa-1")})


def with_an_address_of_its_own(issuer: Issuer) -> str:
    url = f"{issuer.url}/stolen.json"
    return issuer.token(OTHER_RSA_KEY, "mine", headers={"jku": url, "x5u": url, "x5c": ["MII"]})


def with_a_small_curve_under_another_name(issuer: Issuer) -> str:
    return issuer.token(ec.generate_private_key(ec.SECP256R1()), "rsa-1", "ES256")


def with_the_payload_exchanged(issuer: Issuer) -> str:
    head, _, signature = issuer.token().split(".")
    return f"{head}.{part(issuer.claims(azp='sender', exp=9_999_999_999))}.{signature}"


def signed(payload: Any = None, header: Any = None) -> Callable[[Issuer], str]:
    """Rightly signed, whatever stands in it."""

    def made(issuer: Issuer) -> str:
        head = {"alg": "RS256", "kid": "rsa-1"} if header is None else header
        text = f"{part(head)}.{part(issuer.claims() if payload is None else payload)}"
        return f"{text}.{part(RSA_KEY.sign(text.encode(), PKCS1v15(), SHA256()))}"

    return made


def changed(**claims: Any) -> Callable[[Issuer], str]:
    return lambda issuer: issuer.token(**claims)


def exactly(text: str) -> Callable[[Issuer], str]:
    return lambda issuer: text


FORGED: dict[str, Callable[[Issuer], str]] = {
    "hmac with the public key": hmac_with_the_public_key,
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg null": unsigned(None),
    "alg list": unsigned(["RS256"]),
    "alg of the key's kind, no signature": unsigned("RS256"),
    "its own jwk": with_its_own_key,
    "its own jku": with_an_address_of_its_own,
    "another kind of key": with_a_small_curve_under_another_name,
    "payload exchanged": with_the_payload_exchanged,
    "crit": signed(header={"alg": "RS256", "kid": "rsa-1", "crit": ["exp"], "exp": 1}),
    "crit b64": signed(header={"alg": "RS256", "kid": "rsa-1", "crit": ["b64"], "b64": True}),
    "b64 false": signed(header={"alg": "RS256", "kid": "rsa-1", "b64": False}),
    "kid number": signed(header={"alg": "RS256", "kid": 7}),
    "kid list": signed(header={"alg": "RS256", "kid": ["rsa-1"]}),
    "kid object": signed(header={"alg": "RS256", "kid": {"a": 1}}),
    "kid NUL": signed(header={"alg": "RS256", "kid": "rsa-1\0"}),
    "kid null among several": signed(header={"alg": "RS256", "kid": None}),
    "header list": signed(header=["RS256"]),
    "header deep": signed(header=b"[" * 2000 + b"]" * 2000),
    "payload no object": signed(b"[1]"),
    "payload no JSON": signed(b"\xff\xfe"),
    "payload huge number": signed(b'{"exp": 1e999}'),
    "payload long number": signed(b'{"exp": ' + b"9" * 5000 + b"}"),
    "iss missing": changed(iss=None),
    "iss another": changed(iss="https://evil.example"),
    "iss list": signed({"iss": ["https://id.example.com"], "aud": AUDIENCE, "exp": 9_999_999_999}),
    "iss number": signed({"iss": 7, "aud": AUDIENCE, "exp": 9_999_999_999}),
    "aud missing": changed(aud=None),
    "aud another": changed(aud="https://other.example"),
    "aud number": changed(aud=7),
    "aud part of ours": changed(aud=AUDIENCE[:-1]),
    "exp missing": changed(exp=None),
    "exp words": changed(exp="soon"),
    "exp infinite": changed(exp=float("inf")),
    "exp NaN": changed(exp=float("nan")),
    "exp past": changed(exp=1),
    "nbf words": changed(nbf="later"),
    "empty": exactly(""),
    "one part": exactly("x"),
    "two dots": exactly(".."),
    "five parts": exactly("eyJhbGciOiJSUzI1NiJ9.a.b.c.d"),
    "no letters": exactly("ä.ö.ü"),
    "two words": exactly("abc def"),
    "too long": exactly("e" * (TOKEN_LIMIT + 1)),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_or_odd_token_hears_401(
    issuer: Issuer, speaker: Speaker, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    token = FORGED[name](issuer)
    with caplog.at_level(logging.DEBUG):
        answer = send(token)
    assert answer.status_code == 401, answer.content
    assert answer.headers["WWW-Authenticate"] == INVALID
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not [request for request in issuer.requests if request["path"] != "/jwks.json"]
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("name", ["alg none", "crit", "kid number", "too long", "hmac with the public key", "empty"])
def test_nonsense_never_makes_us_ask_the_issuer(issuer: Issuer, speaker: Speaker, name: str) -> None:
    send(FORGED[name](issuer))
    assert reads(issuer) == 0


def test_a_token_of_more_than_8_kib_is_refused_before_it_is_read(issuer: Issuer, speaker: Speaker) -> None:
    assert send(issuer.token(more="x" * 9000)).status_code == 401
    assert reads(issuer) == 0
    assert send(issuer.token(more="x" * 5000)).status_code == 200


def test_a_missing_token_hears_of_both_ways_and_of_no_error(issuer: Issuer, speaker: Speaker) -> None:
    answer = send(None)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == INVALID.removesuffix(', error="invalid_token"')
    answer = send(None, HTTP_AUTHORIZATION="Basic dXNlcjpwYXNz")
    assert answer.headers["WWW-Authenticate"] == INVALID.removesuffix(', error="invalid_token"')


def test_the_scheme_is_taken_in_any_case(issuer: Issuer, speaker: Speaker) -> None:
    assert send(None, HTTP_AUTHORIZATION=f"bEARER  {issuer.token()}").status_code == 200


def test_no_token_and_no_claim_is_written_anywhere(
    issuer: Issuer, speaker: Speaker, caplog: pytest.LogCaptureFixture
) -> None:
    good, marks = issuer.token(sub="S-ubject", email="e-mail@example.com"), ["S-ubject", "e-mail@example.com"]
    bad = issuer.token(OTHER_RSA_KEY, sub="S-ubject")
    with caplog.at_level(logging.DEBUG):
        for token in (good, bad):
            send(token)
            send(token, "rivale")
            url = "/api/verdi/webhooks/listeners/actito/nothing"
            Client().post(url, {"token": token}, "application/json", headers={"authorization": f"Bearer {token}"})
            body = {"data": {"profileId": "x"}, "said": f"Bearer {token}"}
            post(body, tenant="verdi", secret=None, HTTP_AUTHORIZATION=f"Bearer {token}")
            post(body, tenant="verdi", secret=speaker.secret, HTTP_AUTHORIZATION=f"Bearer {token}")
    assert RefusedCall.objects.filter(key=ApiKey.objects.get()).exists()
    kept = caplog.text + "".join(repr(row) for model in apps.get_models() for row in model._base_manager.values())
    for secret in (*good.split("."), *bad.split("."), *marks):
        assert secret not in kept


def test_bearer_tokens_are_off_unless_they_are_set_up(issuer: Issuer, speaker: Speaker, settings: LazySettings) -> None:
    for name in ("OAUTH_ISSUER", "OAUTH_AUDIENCE", "OAUTH_JWKS_URL"):
        kept = getattr(settings, name)
        setattr(settings, name, "")
        answer = send(issuer.token())
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'ApiKey realm="portal", header="X-API-KEY"'
        setattr(settings, name, kept)
    assert reads(issuer) == 0
    assert send(issuer.token()).status_code == 200


# Settings


def configure(settings: LazySettings, **given: Any) -> list[Any]:
    good = {"OAUTH_ISSUER": "https://id.example.com/", "OAUTH_AUDIENCE": "portal", "OAUTH_TENANT_CLAIM": "",
            "OAUTH_JWKS_URL": "https://id.example.com/jwks", "SANDBOX": False}  # fmt: skip
    for name, value in {**good, **given}.items():
        setattr(settings, name, value)
    return [(message.id, bool(message.hint)) for message in check_bearer_tokens()]


def test_wrong_settings_are_told_with_a_hint(settings: LazySettings) -> None:
    off = {"OAUTH_ISSUER": "", "OAUTH_AUDIENCE": "", "OAUTH_JWKS_URL": ""}
    assert configure(settings) == []
    assert configure(settings, **off) == []
    assert configure(settings, **off, OAUTH_TENANT_CLAIM="tenants") == [("portal.E013", True)]
    for name in off:
        assert configure(settings, **{name: ""}) == [("portal.E013", True)]
    for address in ("http://id.example.com", "id.example.com", "https://user:pw@id.example.com", "https://"):
        assert configure(settings, OAUTH_JWKS_URL=address) == [("portal.E014", True)]
        assert configure(settings, OAUTH_ISSUER=address) == [("portal.E014", True)]
    assert configure(settings, OAUTH_JWKS_URL="http://127.0.0.1:9/jwks", SANDBOX=True) == []
