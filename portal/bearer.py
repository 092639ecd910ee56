"""OAuth2 bearer tokens: DRF authentication for the webhooks, beside API keys.

Who issued it decides: a token of the portal's own (portal/own_tokens.py) acts for its tenant; one of the installation's
issuer only for tenants that registered its client, or that a configured claim names. For all others it is as if the
tenant did not exist. No token and no claim is written anywhere.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import jwt
from django.conf import settings
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.request import Request

from portal import jwks, own_tokens
from portal.access import CACHE_SECONDS, LAST_USED_SECONDS, ApiKeyAuthentication, Caller, Suspended, let_in
from portal.caching import BriefCache
from portal.models import OAuthClient, Tenant
from portal.own_tokens import TOKEN_LIMIT
from portal.secrets import SecretError

LEEWAY_SECONDS = 60
NAME_LIMIT = 200  # of a key id, a client or a tenant
_CHECKS: Any = {"require": ["exp", "iss", "aud"], "verify_sub": False, "verify_jti": False}

UNREADABLE = "The bearer token cannot be read, or is not signed with one of the issuer's keys."
EXPIRED = "The bearer token has expired."
NOT_YET = "The bearer token is not valid yet: compare the issuer's clock with this server's."
NOT_OURS = "The bearer token was made by another issuer, or for another audience."
NO_TENANT = "The bearer token does not act for this tenant: register its client there."
NOT_OWN = "The bearer token is not one of this tenant's, or the key that it was given for is no longer valid."


class InvalidToken(AuthenticationFailed):
    """401. The sentence tells what is wrong with the token, never whether the tenant exists."""


class IssuerOutOfReach(APIException):
    """503: whether the token is good cannot be said now. Nothing is stored; the sender may try again."""

    status_code = 503
    default_detail = "The issuer of bearer tokens is out of reach. Nothing was stored; try again later."
    wait = int(jwks.RETRY_SECONDS)


@dataclass(frozen=True)
class Claims:
    """What counts in a token that was checked."""

    client: str
    scopes: frozenset[str]
    tenants: frozenset[str]
    expires: int


@dataclass(frozen=True)
class _Client:
    """A client as a tenant registered it, whatever has become of it."""

    key: int
    caller: Caller
    revoked: bool
    suspended: bool


def is_on() -> bool:
    return bool(settings.OAUTH_ISSUER and settings.OAUTH_AUDIENCE and settings.OAUTH_JWKS_URL)


def _load_client(pair: tuple[str, str]) -> _Client | None:
    slug, client = pair
    rows = OAuthClient.objects.select_related("tenant")
    row = rows.filter(tenant__slug=slug, client_id=client).first()
    if row is None:
        return None
    caller = Caller(row.tenant_id, frozenset(row.scopes), row.bound_to, client=client)
    return _Client(row.pk, caller, row.revoked_at is not None, row.tenant.suspended_at is not None)


_clients = BriefCache(_load_client, CACHE_SECONDS)
_tenants: BriefCache[str, Tenant] = BriefCache(lambda slug: Tenant.objects.filter(slug=slug).first(), CACHE_SECONDS)
_noted: BriefCache[int, int] = BriefCache(
    lambda key: OAuthClient.objects.filter(pk=key).update(last_used_at=timezone.now()), LAST_USED_SECONDS
)


def check_token(text: str, tenant_slug: str) -> Caller:
    """The caller whose token this is, if it acts for the tenant. Raises InvalidToken, IssuerOutOfReach or Suspended."""
    if len(text) > TOKEN_LIMIT or not text.isascii():
        raise InvalidToken(UNREADABLE)
    if own_tokens.is_own(text):
        return _own(text, tenant_slug)
    claims = _checked.get(text)
    if claims is None or claims.expires <= time.time() - LEEWAY_SECONDS:
        raise InvalidToken(EXPIRED)
    if not _is_name(tenant_slug):
        raise InvalidToken(NO_TENANT)
    client = _clients.get((tenant_slug, claims.client)) if claims.client else None
    if client is not None:
        return _registered(client, claims)
    tenant = _tenants.get(tenant_slug) if tenant_slug in claims.tenants else None
    if tenant is None:
        raise InvalidToken(NO_TENANT)
    if tenant.suspended_at:
        raise Suspended
    return Caller(tenant.pk, claims.scopes, "", client=claims.client)


def _own(text: str, tenant_slug: str) -> Caller:
    """The holder of the key that the token was given for, as far as the token goes."""
    try:
        token = own_tokens.read(text)
    except own_tokens.Expired as error:
        raise InvalidToken(EXPIRED) from error
    except own_tokens.Invalid as error:
        raise InvalidToken(NOT_OWN) from error
    except SecretError as error:
        raise IssuerOutOfReach from error
    caller = let_in(own_tokens.key_of(token), tenant_slug)
    if caller is None:
        raise InvalidToken(NOT_OWN)
    return replace(caller, scopes=caller.scopes & token.scopes, client=token.client)


def _registered(client: _Client, claims: Claims) -> Caller:
    """What a tenant said of a client outweighs a claim: a revocation above all."""
    if client.revoked:
        raise InvalidToken(NO_TENANT)
    if client.suspended:
        raise Suspended
    _noted.get(client.key)  # writes at most once a minute per process
    return replace(client.caller, scopes=client.caller.scopes & claims.scopes)


def _check(text: str) -> Claims:
    """The claims of a token of the issuer's. Raises InvalidToken or IssuerOutOfReach."""
    try:
        key, algorithm = _key_of(text)
        payload = jwt.decode(
            text, key, algorithms=[algorithm], options=_CHECKS, leeway=LEEWAY_SECONDS,
            audience=settings.OAUTH_AUDIENCE, issuer=settings.OAUTH_ISSUER,
        )  # fmt: skip
        return _claims(payload)
    except jwks.OutOfReach as error:
        raise IssuerOutOfReach from error
    except jwt.ExpiredSignatureError as error:
        raise InvalidToken(EXPIRED) from error
    except jwt.ImmatureSignatureError as error:
        raise InvalidToken(NOT_YET) from error
    except (jwt.InvalidIssuerError, jwt.InvalidAudienceError, jwt.MissingRequiredClaimError) as error:
        raise InvalidToken(NOT_OURS) from error
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InvalidToken(UNREADABLE) from error


def _key_of(text: str) -> tuple[jwks.PublicKey, str]:
    """The issuer's key that the header names, and nothing else of the header: no jku, x5u, x5c or jwk is followed."""
    header = jwt.get_unverified_header(text)
    kid, algorithm = header.get("kid"), header.get("alg")
    # Checked before any key is looked for, so that nonsense never makes us ask the issuer.
    if not isinstance(algorithm, str) or algorithm not in jwks.ALGORITHMS or "crit" in header or "b64" in header:
        raise InvalidToken(UNREADABLE)
    if kid is not None and not _is_name(kid):
        raise InvalidToken(UNREADABLE)
    key = jwks.issuer_keys.find(kid, algorithm)
    if key is None:
        raise InvalidToken(UNREADABLE)
    return key, algorithm


def _claims(payload: dict[str, Any]) -> Claims:
    scope, permissions = payload.get("scope"), payload.get("permissions")
    scopes = {*(scope.split() if isinstance(scope, str) else []), *_names(permissions)}
    named = payload.get(settings.OAUTH_TENANT_CLAIM) if settings.OAUTH_TENANT_CLAIM else None
    tenants = _names([named] if isinstance(named, str) else named)
    return Claims(_client_of(payload), frozenset(scopes), tenants, int(payload["exp"]))


def _client_of(payload: dict[str, Any]) -> str:
    """`azp` or `client_id`; none where both are there and differ, because either could be the sender."""
    named = {payload[name] for name in ("azp", "client_id") if _is_name(payload.get(name))}
    return str(named.pop()) if len(named) == 1 else ""


def _names(value: Any) -> frozenset[str]:
    return frozenset(filter(_is_name, value)) if isinstance(value, list) else frozenset()


def _is_name(value: Any) -> bool:
    """What may be looked up: databases take neither NUL nor lone surrogates."""
    return isinstance(value, str) and 0 < len(value) <= NAME_LIMIT and value.isprintable()


# By the token itself. Small, because each may have 8 KiB; a client uses one token for an hour or so.
_checked = BriefCache(_check, CACHE_SECONDS, size=256)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer …`, checked against the tenant in the path. A call that has an API key goes by that."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        text = _sent(request)
        if text is None or not _is_offered(text) or request._request.META.get("HTTP_X_API_KEY"):
            return None
        return None, check_token(text, request.parser_context["kwargs"]["tenant"])

    def authenticate_header(self, request: Request) -> str:
        """RFC 6750, 3.1: an error is named only to whoever sent a token."""
        key = ApiKeyAuthentication().authenticate_header(request)
        text = _sent(request)
        if not _is_offered(text):
            return key
        refused = ', error="invalid_token"' if text is not None else ""
        return f'{key}, Bearer realm="portal"{refused}'


def _is_offered(text: str | None) -> bool:
    """Tokens of the portal's own are always taken; others where the installation trusts an issuer."""
    return is_on() or (text is not None and own_tokens.is_own(text))


def _sent(request: Request) -> str | None:
    scheme, _, text = request._request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None
