"""API keys and scopes: DRF authentication for the webhooks.

A wrong key, a missing one and another tenant's key all get the same 401, as if the tenant did not exist.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.caching import BriefCache
from portal.models import ApiKey, Tenant

if TYPE_CHECKING:  # DRF's views import this module through its settings
    from rest_framework.views import APIView

KEY_FORM = re.compile(r"awp_([a-z0-9]{8})_[A-Za-z0-9_-]{43}\Z")
CACHE_SECONDS = 5.0  # a revocation works everywhere within this time
LAST_USED_SECONDS = 60.0


@dataclass(frozen=True)
class Caller:
    """Who is calling: a tenant's key, its scopes, and the connection that it is bound to, if any."""

    tenant_id: int
    scopes: frozenset[str]
    bound_to: str
    key_id: int


@dataclass(frozen=True)
class _Known:
    caller: Caller
    digest: str
    tenant_slug: str
    expires_at: datetime | None


def _load(prefix: str) -> _Known | None:
    key = ApiKey.objects.select_related("tenant").filter(prefix=prefix, revoked_at=None).first()
    if key is None:
        return None
    caller = Caller(key.tenant_id, frozenset(key.scopes), key.bound_to, key.pk)
    return _Known(caller, key.digest, key.tenant.slug, key.expires_at)


_keys = BriefCache(_load, CACHE_SECONDS)
_noted: BriefCache[int, int] = BriefCache(
    lambda key_id: ApiKey.objects.filter(pk=key_id).update(last_used_at=timezone.now()), LAST_USED_SECONDS
)


def make_key(tenant: Tenant, name: str, scopes: list[str], bound_to: str = "") -> tuple[ApiKey, str]:
    """A new key: its row, and the key itself, which cannot be shown again."""
    prefix = secrets.token_hex(4)
    text = f"awp_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        tenant=tenant, name=name, prefix=prefix, digest=_digest(text), scopes=scopes, bound_to=bound_to
    )
    return key, text


def _digest(text: str) -> str:
    # A fast hash is right here: the key is 256 random bits, so there is nothing to guess.
    return hashlib.sha256(text.encode()).hexdigest()


def check_key(text: str, tenant_slug: str) -> Caller | None:
    """The caller whose key this is, if it is valid now and belongs to the tenant."""
    form = KEY_FORM.match(text)
    known = _keys.get(form.group(1)) if form else None
    if known is None or not hmac.compare_digest(known.digest, _digest(text)):
        return None
    if known.tenant_slug != tenant_slug or (known.expires_at and known.expires_at <= timezone.now()):
        return None
    _noted.get(known.caller.key_id)  # writes at most once a minute per process
    return known.caller


class ApiKeyAuthentication(BaseAuthentication):
    """The `X-API-KEY` header, checked against the tenant in the path."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        kwargs = request.parser_context["kwargs"]
        caller = check_key(request.headers.get("X-API-KEY", ""), kwargs["tenant"])
        if caller is None:
            raise AuthenticationFailed("Send a valid API key of this tenant in the X-API-KEY header.")
        return None, caller

    def authenticate_header(self, request: Request) -> str:
        return 'ApiKey realm="portal", header="X-API-KEY"'


def caller_of(request: Request) -> Caller:
    """Who makes an authenticated request."""
    return cast(Caller, request.auth)


class ScopePermission(BasePermission):
    """The caller's key must have the scope that the view names in `required_scope`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        required = getattr(view, "required_scope", None)
        self.message = f"The API key lacks the scope {required}."
        return required is not None and required in caller_of(request).scopes
