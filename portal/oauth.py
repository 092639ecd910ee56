"""`POST /api/{tenant}/oauth/token`: an access token for the holder of an API key (RFC 6749, 4.4 and 5).

For senders that know OAuth2 client credentials only. The client id is the key's beginning, the client secret the whole
key: so there is no second kind of secret to make, replace and revoke.
"""

from __future__ import annotations

import binascii
import hmac
import re
from base64 import b64decode
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote_plus

from django.http import HttpResponse, JsonResponse
from django.urls import path
from rest_framework.request import Request

from portal import refused
from portal.access import SUSPENDED_RETRY_SECONDS, Suspended, let_in, recognise
from portal.body import read_body
from portal.models import RefusedCall
from portal.own_tokens import CLIENT, make_token
from portal.rate import TooMany, count_call
from portal.secrets import SecretError
from portal.webhook import Webhook

BODY_LIMIT = 8 * 1024
PARAMETERS = frozenset({"grant_type", "client_id", "client_secret", "scope"})
PARAMETERS_LIMIT = 20
FORM = "application/x-www-form-urlencoded"
UNKNOWN = "The client is not known to this tenant, or its secret is wrong."
_SCOPES = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*\Z")  # RFC 6749, 3.3


class Refusal(Exception):
    """An error in the words of RFC 6749, 5.2."""

    def __init__(self, error: str, said: str, status: int = 400, *, wait: int = 0) -> None:
        super().__init__(said)
        self.error, self.said, self.status, self.wait = error, said, status, wait


@dataclass(frozen=True)
class _Credentials:
    client: str
    secret: str


class TokenView(Webhook):
    """Authenticates by itself: what it takes is no header of the other endpoints."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def post(self, request: Request, tenant: str) -> HttpResponse:
        try:
            form = _form(request)
            given = _credentials(request, form)
        except Refusal as refusal:
            return _refused(refusal)
        try:
            return _granted(given, form, tenant)
        except Refusal as refusal:
            if known := recognise(given.secret):
                code = RefusedCall.Reason.SCOPE if refusal.error == "invalid_scope" else ""
                refused.note_key(request, known, refusal.status, refusal.said, code)
            return _refused(refusal)


def _granted(given: _Credentials, form: dict[str, str], tenant: str) -> HttpResponse:
    known = recognise(given.secret)
    try:
        # Compared whole, so that whoever has a secret under another name learns nothing.
        named = known is not None and hmac.compare_digest(given.client.encode(), f"{CLIENT}{known.prefix}".encode())
        caller = let_in(known, tenant) if named else None
        if known is None or caller is None:
            raise Refusal("invalid_client", UNKNOWN, 401)
        count_call(caller)
        scopes = _narrowed(caller.scopes, form)
        token, seconds = make_token(known, scopes)
    except Suspended as error:
        raise Refusal("temporarily_unavailable", str(error.detail), 503, wait=SUSPENDED_RETRY_SECONDS) from error
    except TooMany as error:
        raise Refusal("temporarily_unavailable", str(error.detail), 429, wait=error.wait) from error
    except SecretError as error:
        said = "The tenant's signing key cannot be read right now. Try again later."
        raise Refusal("server_error", said, 503, wait=60) from error
    told = {"access_token": token, "token_type": "Bearer", "expires_in": seconds, "scope": " ".join(sorted(scopes))}
    return _answer(told, 200)


def _narrowed(allowed: frozenset[str], form: dict[str, str]) -> frozenset[str]:
    """Raises Refusal."""
    if form["grant_type"] != "client_credentials":
        raise Refusal("unsupported_grant_type", "The grant type is client_credentials.")
    asked = form.get("scope", "")
    if not asked:
        return allowed
    wanted = frozenset(asked.split(" ")) if _SCOPES.match(asked) else frozenset()
    if not wanted or not wanted <= allowed:
        raise Refusal(
            "invalid_scope", "The API key does not have this scope. Without `scope`, the token has all of it."
        )
    return wanted


def _form(request: Request) -> dict[str, str]:
    """The parameters of the body, without empty ones (RFC 6749, 3.2). Raises Refusal."""
    media_type = str(request.META.get("CONTENT_TYPE", "")).split(";")[0].strip().lower()
    if media_type != FORM:
        raise Refusal("invalid_request", f"Send {FORM}.")
    length = str(request.META.get("CONTENT_LENGTH", ""))
    body = b"" if _is_more(length) else read_body(request._request, BODY_LIMIT + 1)
    if _is_more(length) or len(body) > BODY_LIMIT:
        raise Refusal("invalid_request", "The body is larger than 8 KiB.")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=PARAMETERS_LIMIT,
                          errors="strict")  # fmt: skip
    except ValueError as error:
        raise Refusal("invalid_request", "The body is no form that can be read.") from error
    pairs = [(name, value) for name, value in pairs if name in PARAMETERS]  # others are ignored (RFC 6749, 3.2)
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Refusal("invalid_request", "A parameter stands in the body twice.")
    form = {name: value for name, value in form.items() if value}
    if "grant_type" not in form:
        raise Refusal("invalid_request", "grant_type is missing. It is client_credentials.")
    return form


def _is_more(length: str) -> bool:
    return length.isascii() and length.isdigit() and (len(length) > 9 or int(length) > BODY_LIMIT)


def _credentials(request: Request, form: dict[str, str]) -> _Credentials:
    """From HTTP Basic or from the body, never from both (RFC 6749, 2.3). Raises Refusal."""
    scheme, _, sent = str(request.META.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if not scheme:
        if not form.get("client_secret"):
            raise Refusal("invalid_client", "Send client_id and client_secret, or HTTP Basic.", 401)
        return _Credentials(form.get("client_id", ""), form["client_secret"])
    if "client_secret" in form:
        raise Refusal("invalid_request", "Send the client's secret once: in the body, or by HTTP Basic.")
    given = _basic(sent) if scheme.lower() == "basic" else None
    if given is None:
        raise Refusal("invalid_client", "Authenticate by HTTP Basic, or in the body.", 401)
    if form.get("client_id", given.client) != given.client:
        raise Refusal("invalid_request", "The body names another client than HTTP Basic.")
    return given


def _basic(sent: str) -> _Credentials | None:
    try:
        name, colon, secret = b64decode(sent.strip(), validate=True).decode().partition(":")
        # Both are form-encoded before they are joined (RFC 6749, 2.3.1).
        return _Credentials(unquote_plus(name), unquote_plus(secret)) if colon else None
    except (binascii.Error, ValueError):
        return None


def _refused(refusal: Refusal) -> HttpResponse:
    response = _answer({"error": refusal.error, "error_description": refusal.said}, refusal.status)
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="portal", charset="UTF-8"'
    if refusal.wait:
        response.headers["Retry-After"] = str(refusal.wait)
    return response


def _answer(told: dict[str, object], status: int) -> HttpResponse:
    return JsonResponse(told, status=status, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


urlpatterns = [path("token", TokenView.as_view(), name="oauth-token")]
