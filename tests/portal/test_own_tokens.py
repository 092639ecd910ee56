"""The portal's own tokens: given for an API key, for an hour, at one tenant, and for no longer than the key is good."""

from __future__ import annotations

import hmac
import logging
import time
import uuid
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.apps import apps
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from portal import own_tokens
from portal.bearer import check_token
from portal.models import ApiKey, RefusedCall, Scope, Tenant, TokenSigningKey
from tests.factories import OAuthClientFactory
from tests.portal.issuer import EC_KEY, MINIMAL, OTHER_RSA_KEY, SCOPE, Clock, Issuer, part, reads, send
from tests.world import Speaker, make_speaker, make_tenant, post

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def speaker() -> Speaker:
    return make_speaker()


def ask(given: Any, tenant: str = "verdi", content_type: str = FORM, **headers: str) -> Any:
    body = given if isinstance(given, bytes) else urlencode(given).encode()
    client = Client(raise_request_exception=False)
    return client.post(f"/api/{tenant}/oauth/token", body, content_type=content_type, headers=headers)


def form(speaker: Speaker, **changed: str | None) -> dict[str, str]:
    """What a good request says; None takes a parameter away."""
    told = {"grant_type": "client_credentials", "client_id": f"awp_{speaker.key.prefix}",
            "client_secret": speaker.secret, **changed}  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def basic(name: str, secret: str) -> str:
    return "Basic " + b64encode(f"{quote(name, safe='')}:{quote(secret, safe='')}".encode()).decode()


def token_of(speaker: Speaker, **changed: str | None) -> str:
    answer = ask(form(speaker, **changed), speaker.tenant.slug)
    assert answer.status_code == 200, answer.content
    return str(answer.json()["access_token"])


def hears(answer: Any, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.monotonic()
    monkeypatch.setattr("portal.caching.time.monotonic", lambda: now + seconds)


# Given


def test_a_key_gets_a_token_that_lets_it_in(speaker: Speaker) -> None:
    answer = ask(form(speaker))
    told = answer.json()
    assert (answer.status_code, told["token_type"], told["expires_in"], told["scope"]) == (200, "Bearer", 3600, SCOPE)
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert send(told["access_token"]).status_code == 200
    caller = check_token(told["access_token"], "verdi")
    assert (caller.tenant_id, caller.bound_to, caller.key_id) == (
        speaker.tenant.pk, speaker.connection.source, speaker.key.pk,
    )  # fmt: skip
    assert ApiKey.objects.get().last_used_at


def test_http_basic_is_as_good_as_the_body(speaker: Speaker) -> None:
    by_header = basic(f"awp_{speaker.key.prefix}", speaker.secret)
    answer = ask({"grant_type": "client_credentials"}, authorization=by_header)
    assert answer.status_code == 200
    assert send(answer.json()["access_token"]).status_code == 200
    named_twice = {"grant_type": "client_credentials", "client_id": f"awp_{speaker.key.prefix}"}
    assert ask(named_twice, authorization=by_header).status_code == 200


def test_the_token_names_its_tenant_and_nothing_personal(speaker: Speaker, settings: LazySettings) -> None:
    claims = jwt.decode(token_of(speaker), options={"verify_signature": False})
    address = f"{settings.PUBLIC_URL}/api/verdi"
    assert (claims["iss"], claims["aud"]) == (address, address)
    assert claims["client_id"] == claims["sub"] == f"awp_{speaker.key.prefix}"
    assert claims["exp"] - claims["iat"] == 3600
    assert set(claims) == {"iss", "aud", "sub", "client_id", "scope", "iat", "exp", "jti"}


def test_scopes_can_be_narrowed_and_never_widened() -> None:
    speaker = make_speaker(scopes=[Scope.ACTITO_LISTENER, Scope.PASS_READ])
    both = ask(form(speaker)).json()
    assert both["scope"] == "ActitoListener.Write Pass.Read"
    narrow = token_of(speaker, scope="Pass.Read")
    assert check_token(narrow, "verdi").scopes == {"Pass.Read"}
    answer = send(narrow)
    assert answer.status_code == 403
    assert f'error="insufficient_scope", scope="{SCOPE}"' in answer.headers["WWW-Authenticate"]
    for scope in ("Pass.Write", "Pass.Read Pass.Write", " Pass.Read", "Pass.Read  Pass.Read", "ä", '"'):
        hears(ask(form(speaker, scope=scope)), 400, "invalid_scope")
    assert RefusedCall.objects.filter(reason="scope", status=400).exists()


def test_a_scope_that_the_key_lost_is_lost_to_its_tokens(speaker: Speaker, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of(speaker)
    ApiKey.objects.update(scopes=[Scope.PASS_READ])
    later(monkeypatch, 5.01)
    assert send(token).status_code == 403


def test_each_tenant_signs_with_a_key_of_its_own_made_once_and_stored_encrypted(speaker: Speaker) -> None:
    assert not TokenSigningKey.objects.exists()
    for each in (speaker, speaker, make_speaker("rivale")):
        token_of(each)
    ours, theirs = TokenSigningKey.objects.order_by("pk")
    assert (ours.tenant, theirs.tenant.slug) == (speaker.tenant, "rivale")
    assert ours.private_key != theirs.private_key
    stored = TokenSigningKey.objects.filter(pk=ours.pk).values_list("private_key", flat=True).get()
    assert "PRIVATE" in ours.private_key
    assert "PRIVATE" not in stored


def test_the_issuer_of_the_installation_and_our_own_stand_side_by_side(
    speaker: Speaker, issuer: Issuer, issuer_clock: Clock
) -> None:
    assert send(token_of(speaker)).status_code == 200
    assert send(token_of(speaker), "rivale").status_code == 401
    assert reads(issuer) == 0
    assert send(issuer.token()).status_code == 401
    OAuthClientFactory.make(tenant=speaker.tenant, client_id="sender", bound_to=speaker.connection.source)
    assert send(issuer.token()).status_code in {200, 208}


# Ended


def test_a_token_ends_after_an_hour_also_where_it_was_checked_a_moment_ago(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, began = token_of(speaker), time.time()
    assert send(token).status_code == 200
    monkeypatch.setattr("portal.own_tokens.time.time", lambda: began + 3601)
    answer = send(token)
    assert "expired" in answer.json()["detail"]
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert not RefusedCall.objects.exists()  # the sender fetches a new one: nothing is wrong


def test_no_token_outlives_its_key(speaker: Speaker) -> None:
    ApiKey.objects.update(expires_at=timezone.now() + timedelta(seconds=90))
    answer = ask(form(speaker))
    assert 80 < answer.json()["expires_in"] <= 90


def revoked(speaker: Speaker) -> None:
    ApiKey.objects.update(revoked_at=timezone.now())


def expired(speaker: Speaker) -> None:
    ApiKey.objects.update(expires_at=timezone.now())


def deleted(speaker: Speaker) -> None:
    ApiKey.objects.all().delete()


@pytest.mark.parametrize("end", [revoked, expired, deleted])
def test_when_the_key_ends_its_tokens_end_within_five_seconds(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch, end: Callable[[Speaker], None]
) -> None:
    token = token_of(speaker)
    assert send(token).status_code == 200
    end(speaker)
    later(monkeypatch, 5.01)
    answer = send(token)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    hears(ask(form(speaker)), 401, "invalid_client")


def test_what_a_revoked_key_still_sends_is_shown_to_its_tenant(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_of(speaker)
    revoked(speaker)
    later(monkeypatch, 5.01)
    send(token)
    ask(form(speaker))
    rows = RefusedCall.objects.order_by("pk")
    assert {row.reason for row in rows} == {"revoked"}
    assert [row.path for row in rows] == [
        "/api/verdi/webhooks/listeners/actito/profile/Update", "/api/verdi/oauth/token",
    ]  # fmt: skip


def test_a_suspended_tenant_is_told_only_to_whoever_holds_its_key(
    speaker: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_of(speaker)
    Tenant.objects.update(suspended_at=timezone.now())
    later(monkeypatch, 5.01)
    assert send(token).status_code == 503
    answer = ask(form(speaker))
    assert (answer.status_code, bool(answer.headers["Retry-After"])) == (503, True)
    hears(ask(form(speaker, client_secret="awp_wrong")), 401, "invalid_client")


# Elsewhere


def test_another_tenant_is_as_if_it_did_not_exist(speaker: Speaker) -> None:
    make_speaker("rivale")
    token = token_of(speaker)
    theirs, nobodys = send(token, "rivale"), send(token, "nobody")
    assert theirs.status_code == nobodys.status_code == 401
    assert theirs.content == nobodys.content
    assert {**theirs.headers} == {**nobodys.headers}
    theirs, nobodys = ask(form(speaker), "rivale"), ask(form(speaker), "nobody")
    hears(theirs, 401, "invalid_client")
    assert (theirs.content, {**theirs.headers}) == (nobodys.content, {**nobodys.headers})
    assert set(RefusedCall.objects.values_list("reason", "tenant")) == {("elsewhere", speaker.tenant.pk)}


def test_the_key_of_one_tenant_signs_nothing_for_another(speaker: Speaker) -> None:
    rival = make_speaker("rivale")
    token_of(rival)
    theirs = TokenSigningKey.objects.get()
    address = own_tokens.issuer_of("verdi")
    told = claims(speaker)
    for kid in (theirs.uid, token_key(speaker).uid):
        forged = jwt.encode(told, theirs.private_key, "ES256", headers={"kid": str(kid)})
        assert send(forged).status_code == 401
    # Rightly signed by the rival for itself, in the name of our key.
    own = {**told, "iss": address.replace("verdi", "rivale"), "aud": address.replace("verdi", "rivale")}
    stolen = jwt.encode(own, theirs.private_key, "ES256", headers={"kid": str(theirs.uid)})
    assert send(stolen, "rivale").status_code == send(stolen).status_code == 401


# Forged


def token_key(speaker: Speaker) -> TokenSigningKey:
    token_of(speaker)
    found: TokenSigningKey = TokenSigningKey.objects.get(tenant=speaker.tenant)
    return found


def claims(speaker: Speaker, **changed: Any) -> dict[str, Any]:
    address, now = own_tokens.issuer_of("verdi"), int(time.time())
    told = {"iss": address, "aud": address, "client_id": f"awp_{speaker.key.prefix}", "scope": SCOPE, "iat": now,
            "exp": now + 600, **changed}  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def encoded(**changed: Any) -> Callable[[Speaker], str]:
    """Rightly signed, whatever stands in it."""

    def made(speaker: Speaker) -> str:
        key = token_key(speaker)
        return jwt.encode(claims(speaker, **changed), key.private_key, "ES256", headers={"kid": str(key.uid)})

    return made


def headed(**headers: Any) -> Callable[[Speaker], str]:
    def made(speaker: Speaker) -> str:
        key = token_key(speaker)
        head = {"alg": "ES256", "kid": str(key.uid), **headers}
        text = f"{part(head)}.{part(claims(speaker))}"
        private: Any = serialization.load_pem_private_key(key.private_key.encode(), None)
        return (
            f"{text}.{part(jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(text.encode(), private))}"
        )

    return made


def hmac_with_the_public_key(speaker: Speaker) -> str:
    key = token_key(speaker)
    private: Any = serialization.load_pem_private_key(key.private_key.encode(), None)
    pem = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    signed = f"{part({'alg': 'HS256', 'kid': str(key.uid)})}.{part(claims(speaker))}"
    return f"{signed}.{part(hmac.new(pem, signed.encode(), sha256).digest())}"


def unsigned(speaker: Speaker) -> str:
    return f"{part({'alg': 'none', 'kid': str(token_key(speaker).uid)})}.{part(claims(speaker))}."


def with_another_key(speaker: Speaker) -> str:
    return jwt.encode(claims(speaker), EC_KEY, "ES256", headers={"kid": str(token_key(speaker).uid)})


def with_another_kind_of_key(speaker: Speaker) -> str:
    return jwt.encode(claims(speaker), OTHER_RSA_KEY, "RS256", headers={"kid": str(token_key(speaker).uid)})


def with_its_own_key(speaker: Speaker) -> str:
    own = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(own.public_key(), as_dict=True)
    return jwt.encode(claims(speaker), own, "ES256", headers={"jwk": jwk, "kid": str(token_key(speaker).uid)})


def with_the_payload_exchanged(speaker: Speaker) -> str:
    head, _, signature = token_of(speaker).split(".")
    return f"{head}.{part(claims(speaker, exp=9_999_999_999))}.{signature}"


FORGED: dict[str, Callable[[Speaker], str]] = {
    "hmac with the public key": hmac_with_the_public_key,
    "alg none": unsigned,
    "another key": with_another_key,
    "another kind of key": with_another_kind_of_key,
    "its own jwk": with_its_own_key,
    "payload exchanged": with_the_payload_exchanged,
    "crit": headed(crit=["exp"]),
    "b64": headed(b64=False),
    "kid missing": headed(kid=None),
    "kid list": headed(kid=["x"]),
    "kid NUL": headed(kid="\0"),
    "aud another": encoded(aud="https://other.example"),
    "aud missing": encoded(aud=None),
    "aud of another tenant": encoded(aud=own_tokens.issuer_of("rivale")),
    "iss with a NUL": encoded(iss=own_tokens.issuer_of("ver\0di")),
    "iss with a path": encoded(iss=own_tokens.issuer_of("verdi/../rivale")),
    "iss very long": encoded(iss=own_tokens.issuer_of("x" * 3000)),
    "iss of nobody": encoded(iss=own_tokens.issuer_of("nobody")),
    "exp missing": encoded(exp=None),
    "exp past": encoded(exp=1),
    "exp infinite": encoded(exp=float("inf")),
    "exp words": encoded(exp="soon"),
    "client missing": encoded(client_id=None),
    "client number": encoded(client_id=7),
    "client list": encoded(client_id=["awp_12345678"]),
    "client NUL": encoded(client_id="awp_1234\x00678"),
    "client unknown": encoded(client_id="awp_zzzzzzzz"),
    "client odd": encoded(client_id="zzzzzzzz"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_or_odd_token_hears_401(speaker: Speaker, caplog: pytest.LogCaptureFixture, name: str) -> None:
    token = FORGED[name](speaker)
    with caplog.at_level(logging.DEBUG):
        answer = send(token)
    assert answer.status_code == 401, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "Traceback" not in caplog.text
    assert send(encoded()(speaker)).status_code in {200, 208}  # so it is the oddity that was refused


def test_scopes_that_are_no_text_are_none(speaker: Speaker) -> None:
    for scope in (None, [SCOPE], 7, {"a": SCOPE}):
        assert send(encoded(scope=scope)(speaker)).status_code == 403


# Bad requests


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"grant_type": None}, 400, "invalid_request"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "CLIENT_CREDENTIALS"}, 400, "unsupported_grant_type"),
        ({"client_id": None}, 401, "invalid_client"),
        ({"client_id": "awp_zzzzzzzz"}, 401, "invalid_client"),
        ({"client_id": "ä\0"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_secret": ""}, 401, "invalid_client"),
        ({"client_secret": "awp_zzzzzzzz_" + "x" * 43}, 401, "invalid_client"),
        ({"client_secret": "\0ä"}, 401, "invalid_client"),
    ],
)
def test_a_bad_request_hears_what_the_standard_says(
    speaker: Speaker, changed: dict[str, Any], status: int, error: str
) -> None:
    hears(ask(form(speaker, **changed)), status, error)


def test_parameters_that_nobody_knows_are_ignored_however_often_they_stand_there(speaker: Speaker) -> None:
    assert ask(urlencode(form(speaker)).encode() + b"&x=1&x=2").status_code == 200


def test_bodies_that_are_no_form_are_refused(speaker: Speaker) -> None:
    good = urlencode(form(speaker)).encode()
    for body in (good + b"&grant_type=client_credentials", good + b"&a=%ff", good + b"\xff", b"", b"&" * 50,
                 good + b"&x=1" * 50, good + b"&x=" + b"y" * 9000):  # fmt: skip
        hears(ask(body), 400, "invalid_request")
    for media_type in ("application/json", "multipart/form-data; boundary=x", "text/plain", ""):
        hears(ask(good, content_type=media_type), 400, "invalid_request")
    assert ask(good, content_type=f"{FORM}; charset=UTF-8").status_code == 200


def test_one_way_of_authenticating_at_a_time(speaker: Speaker) -> None:
    name = f"awp_{speaker.key.prefix}"
    hears(ask(form(speaker), authorization=basic(name, speaker.secret)), 400, "invalid_request")
    other = {"grant_type": "client_credentials", "client_id": "awp_other000"}
    hears(ask(other, authorization=basic(name, speaker.secret)), 400, "invalid_request")


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic eA==", "Basic /w==", "Bearer x", "Digest x", "Basic Ojo=", "Basic AAA6AAA="]
)
def test_an_odd_authorization_hears_invalid_client(speaker: Speaker, header: str) -> None:
    hears(ask({"grant_type": "client_credentials"}, authorization=header), 401, "invalid_client")


def test_secrets_in_the_address_are_not_looked_at(speaker: Speaker) -> None:
    answer = Client().post(f"/api/verdi/oauth/token?{urlencode(form(speaker))}", b"", content_type=FORM)
    hears(answer, 400, "invalid_request")


@pytest.mark.parametrize("method", ["get", "put", "delete", "options"])
def test_only_posts_are_taken(method: str) -> None:
    answer = getattr(Client(), method)("/api/verdi/oauth/token")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize("tenant", ["Verdi", "ver%00di", "%E2%80%A8", "verdi%20", "x" * 300])
def test_an_odd_tenant_in_the_address_is_refused(speaker: Speaker, tenant: str) -> None:
    assert ask(form(speaker), tenant).status_code in {401, 404}
    assert send(token_of(speaker), tenant).status_code in {401, 404}


def test_a_flood_of_one_key_is_told_to_wait(speaker: Speaker, settings: LazySettings) -> None:
    settings.WEBHOOK_RATE = settings.WEBHOOK_BURST = 1
    assert ask(form(speaker)).status_code == 200
    answer = ask(form(speaker))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert RefusedCall.objects.get().reason == "rate"


def test_a_signing_key_that_cannot_be_read_is_told_as_our_fault(speaker: Speaker) -> None:
    token = token_of(speaker)
    TokenSigningKey.objects.update(uid=uuid.uuid4())  # it is bound to another
    own_tokens._keys.clear()
    own_tokens._checked.clear()
    hears(ask(form(speaker)), 503, "server_error")
    assert send(token).status_code == 503


def test_no_signing_key_is_made_for_whoever_is_refused(speaker: Speaker) -> None:
    make_tenant("empty")
    assert ask(form(speaker), "empty").status_code == 401
    send(encoded(iss=own_tokens.issuer_of("empty"))(speaker), "empty")
    assert not TokenSigningKey.objects.filter(tenant__slug="empty").exists()


def test_no_secret_and_no_token_is_written_anywhere(speaker: Speaker, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        token = token_of(speaker)
        ask(form(speaker, grant_type="password"))
        ask(form(speaker, scope="Pass.Write"))
        send(token, "rivale")
        post({"data": {"profileId": "x"}, "said": token}, tenant="verdi", secret=None,
             HTTP_AUTHORIZATION=f"Bearer {token}")  # fmt: skip
        post(MINIMAL, tenant="verdi", secret=None, content_type="text/plain", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert RefusedCall.objects.count() == 5
    kept = caplog.text + "".join(repr(row) for model in apps.get_models() for row in model._base_manager.values())
    for secret in (*token.split(".")[1:], speaker.secret):
        assert secret not in kept
