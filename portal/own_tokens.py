"""Access tokens of the portal's own: each tenant is an issuer, and its API keys are the clients (RFC 6749, 4.4).

A token is worth as much as the key that it was given for: what the key may not, or no longer, the token may not either.
Issuer and audience are the tenant's address, so that a token says of itself whom it is for.
"""

from __future__ import annotations

import re
import time
import uuid
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings

from portal.access import CACHE_SECONDS, KnownKey, key_named
from portal.caching import BriefCache
from portal.models import Tenant, TokenSigningKey

ALGORITHM = "ES256"
LIFETIME_SECONDS = 3600
TOKEN_LIMIT = 8 * 1024
CLIENT = "awp_"
_SLUG = re.compile(r"[-a-zA-Z0-9_]{1,50}\Z")
_CLIENT = re.compile(r"awp_([a-z0-9]{8})\Z")
_NO_CHECKS: Any = {"verify_signature": False}
# `iat` may lie ahead where another host's clock does; `exp` is what counts.
_CHECKS: Any = {"require": ["exp", "iss", "aud", "client_id"], "verify_iat": False, "verify_sub": False,
                "verify_jti": False}  # fmt: skip
_UNREADABLE = (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError)


class Invalid(Exception):
    """Not a token of a tenant's own."""


class Expired(Invalid):
    """It was one."""


@dataclass(frozen=True)
class OwnToken:
    """What counts in a token that was checked. Whether its key is still valid is another question."""

    tenant_id: int
    prefix: str  # of the key
    scopes: frozenset[str]
    expires: int

    @property
    def client(self) -> str:
        return f"{CLIENT}{self.prefix}"


@dataclass(frozen=True)
class _PublicKey:
    tenant_id: int
    kid: str
    key: ec.EllipticCurvePublicKey


def issuer_of(tenant_slug: str) -> str:
    return f"{settings.PUBLIC_URL}/api/{tenant_slug}"


def make_token(known: KnownKey, scopes: frozenset[str]) -> tuple[str, int]:
    """A token for the holder of a key, and the seconds that it is good for. Raises SecretError."""
    row = _signing_key(known.caller.tenant_id)
    now = int(time.time())
    ends = now + LIFETIME_SECONDS
    if known.expires_at:
        ends = min(ends, int(known.expires_at.timestamp()))
    issuer, client = issuer_of(known.tenant_slug), f"{CLIENT}{known.prefix}"
    claims = {"iss": issuer, "aud": issuer, "sub": client, "client_id": client, "scope": " ".join(sorted(scopes)),
              "iat": now, "exp": ends, "jti": uuid.uuid4().hex}  # fmt: skip
    return jwt.encode(claims, row.private_key, ALGORITHM, headers={"kid": str(row.uid), "typ": "at+jwt"}), ends - now


def is_own(text: str) -> bool:
    """Whether a token says that it comes from here. That alone proves nothing."""
    return bool(_claimed(text))


def read(text: str) -> OwnToken:
    """A token of a tenant's own, checked. Raises Invalid, Expired, or SecretError."""
    found = _checked.get(text)
    if found is None or found.expires <= time.time():
        raise Expired
    return found


def known_key(text: str) -> KnownKey | None:
    """The key that a good token was given for, whatever has become of it. Raises SecretError."""
    try:
        token = read(text)
    except Invalid:
        return None
    return key_of(token)


def key_of(token: OwnToken) -> KnownKey | None:
    known = key_named(token.prefix)
    return known if known and known.caller.tenant_id == token.tenant_id else None


def _claimed(text: str) -> str:
    """The tenant that a token names as its issuer; empty where it names none of ours."""
    if len(text) > TOKEN_LIMIT or not text.isascii():
        return ""
    try:
        issuer = jwt.decode(text, options=_NO_CHECKS).get("iss")
    except _UNREADABLE:
        return ""
    before = issuer_of("")
    slug = issuer[len(before) :] if isinstance(issuer, str) and issuer.startswith(before) else ""
    return slug if _SLUG.match(slug) else ""


def _check(text: str) -> OwnToken:
    """Raises Invalid, Expired, or SecretError."""
    slug = _claimed(text)
    try:
        header = jwt.get_unverified_header(text)
        key = _keys.get(slug) if slug else None
        if key is None or header.get("kid") != key.kid or "crit" in header or "b64" in header:
            raise Invalid
        issuer = issuer_of(slug)
        told = jwt.decode(text, key.key, algorithms=[ALGORITHM], options=_CHECKS, audience=issuer, issuer=issuer)
        client = _CLIENT.match(told["client_id"])
        if client is None:
            raise Invalid
        return OwnToken(key.tenant_id, client[1], frozenset(str(told.get("scope", "")).split()), int(told["exp"]))
    except jwt.ExpiredSignatureError as error:
        raise Expired from error
    except _UNREADABLE as error:
        raise Invalid from error


def _load_key(slug: str) -> _PublicKey | None:
    """Raises SecretError."""
    row = TokenSigningKey.objects.filter(tenant__slug=slug).first()
    if row is None:
        return None
    private: Any = serialization.load_pem_private_key(row.private_key.encode(), None)
    return _PublicKey(row.tenant_id, str(row.uid), private.public_key())


def _signing_key(tenant_id: int) -> TokenSigningKey:
    """The tenant's, made when the first token is wanted. Of two that are made at once, one is kept."""
    rows = TokenSigningKey.objects
    made = rows.filter(tenant_id=tenant_id).first()
    if made is None:
        made, _ = rows.get_or_create(tenant=Tenant(pk=tenant_id), defaults={"private_key": _new_key()})
    return made


def _new_key() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption(),
        )
        .decode()
    )  # fmt: skip


_keys = BriefCache(_load_key, CACHE_SECONDS)
# By the token itself. Small, because each may have 8 KiB; a client uses one token for an hour.
_checked = BriefCache(_check, CACHE_SECONDS, size=256)
