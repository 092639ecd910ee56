"""API keys and scopes: DRF authentication for the webhooks.

A wrong key, a missing one and another tenant's key all get the same 401, as if the tenant did not exist.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from portal.caching import BriefCache
from portal.models import ApiKey, RefusedCall, Tenant

if TYPE_CHECKING:  # DRF's views import this module through its settings
    from rest_framework.views import APIView

KEY_FORM = re.compile(r"awp_([a-z0-9]{8})_[A-Za-z0-9_-]{43}\Z")
CACHE_SECONDS = 5.0  # a revocation works everywhere within this time
LAST_USED_SECONDS = 60.0
LIVE_PER_LINE = 2
# Nobody knows how long a suspension lasts. Every five minutes costs nothing, and little is late when it is lifted.
SUSPENDED_RETRY_SECONDS = 300


class Suspended(APIException):
    """The key is good, its tenant rests. Nothing is stored; the sender may try again."""

    status_code = 503
    default_detail = "This tenant is suspended. Nothing was stored; try again later."
    wait = SUSPENDED_RETRY_SECONDS


class NotReplaceable(Exception):
    """The key cannot be replaced now; the message says why."""


@dataclass(frozen=True)
class Caller:
    """Who is calling: a tenant's key or client, its scopes, and the connection that it is bound to, if any."""

    tenant_id: int
    scopes: frozenset[str]
    bound_to: str
    key_id: int = 0  # 0: another issuer's client, which has no key here
    client: str = ""  # of the bearer token that it came with; empty where the key itself came


@dataclass(frozen=True)
class KnownKey:
    """A key that exists, whatever has become of it."""

    caller: Caller
    prefix: str
    digest: str
    tenant_slug: str
    expires_at: datetime | None
    revoked: bool
    suspended: bool

    def refused_for(self, tenant_slug: str) -> RefusedCall.Reason | None:
        """Why it does not let anybody in at the tenant's address. Whoever calls is not told."""
        if self.revoked:
            return RefusedCall.Reason.REVOKED
        if self.expires_at and self.expires_at <= timezone.now():
            return RefusedCall.Reason.EXPIRED
        return RefusedCall.Reason.ELSEWHERE if self.tenant_slug != tenant_slug else None


def _load(prefix: str) -> KnownKey | None:
    key = ApiKey.objects.select_related("tenant").filter(prefix=prefix).first()
    if key is None:
        return None
    caller = Caller(key.tenant_id, frozenset(key.scopes), key.bound_to, key.pk)
    suspended = key.tenant.suspended_at is not None
    return KnownKey(
        caller, key.prefix, key.digest, key.tenant.slug, key.expires_at, key.revoked_at is not None, suspended
    )


_keys = BriefCache(_load, CACHE_SECONDS)
_noted: BriefCache[int, int] = BriefCache(
    lambda key_id: ApiKey.objects.filter(pk=key_id).update(last_used_at=timezone.now()), LAST_USED_SECONDS
)


def make_key(
    tenant: Tenant,
    name: str,
    scopes: list[str],
    bound_to: str = "",
    *,
    expires_at: datetime | None = None,
    line: uuid.UUID | None = None,
) -> tuple[ApiKey, str]:
    """A new key: its row, and the key itself, which cannot be shown again."""
    prefix = secrets.token_hex(4)
    text = f"awp_{prefix}_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        tenant=tenant, name=name, prefix=prefix, digest=_digest(text), scopes=scopes, bound_to=bound_to,
        expires_at=expires_at, line=line or uuid.uuid4(),
    )  # fmt: skip
    return key, text


def live_keys() -> Q:
    """Neither revoked nor expired."""
    return Q(revoked_at=None) & (Q(expires_at=None) | Q(expires_at__gt=timezone.now()))


def replace_key(key: ApiKey, overlap: timedelta | None, *, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    """A successor that may do the same. The old key goes on for `overlap`; without one, until somebody revokes it.

    Raises NotReplaceable when the key is no longer live, or two of its line are.
    """
    with transaction.atomic():
        line = ApiKey.objects.filter(tenant_id=key.tenant_id, line=key.line)
        list(line.select_for_update())  # one after the other: who comes second sees the first one's successor
        live = list(line.filter(live_keys()))
        if key not in live:
            raise NotReplaceable(_("This key is no longer valid. Make a new one."))
        if len(live) >= LIVE_PER_LINE:
            raise NotReplaceable(
                _("Two keys of this line are valid already. Revoke one of them, or wait until one expires.")
            )
        old = live[0]
        if overlap is not None:
            until = timezone.now() + overlap
            old.expires_at = min(old.expires_at, until) if old.expires_at else until
            old.save(update_fields=["expires_at"])
        return make_key(old.tenant, old.name, old.scopes, old.bound_to, expires_at=expires_at, line=old.line)


def _digest(text: str) -> str:
    # A fast hash is right here: the key is 256 random bits, so there is nothing to guess.
    return hashlib.sha256(text.encode()).hexdigest()


def key_named(prefix: str) -> KnownKey | None:
    """The key with this beginning. That somebody names it proves nothing."""
    return _keys.get(prefix)


def recognise(text: str) -> KnownKey | None:
    """The key, if it is one of ours: also one that lets nobody in any more."""
    form = KEY_FORM.match(text)
    known = _keys.get(form.group(1)) if form else None
    return known if known and hmac.compare_digest(known.digest, _digest(text)) else None


def check_key(text: str, tenant_slug: str) -> Caller | None:
    """The caller whose key this is, if it is valid now and belongs to the tenant. Raises Suspended."""
    return let_in(recognise(text), tenant_slug)


def let_in(known: KnownKey | None, tenant_slug: str) -> Caller | None:
    """Whoever holds this key, if it is valid now and belongs to the tenant. Raises Suspended."""
    if known is None or known.refused_for(tenant_slug):
        return None
    if known.suspended:
        raise Suspended
    _noted.get(known.caller.key_id)  # writes at most once a minute per process
    return known.caller


class ApiKeyAuthentication(BaseAuthentication):
    """The `X-API-KEY` header, checked against the tenant in the path."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        kwargs = request.parser_context["kwargs"]
        caller = check_key(request.META.get("HTTP_X_API_KEY", ""), kwargs["tenant"])
        if caller is None:
            raise AuthenticationFailed("Send a valid API key of this tenant in the X-API-KEY header.")
        return None, caller

    def authenticate_header(self, request: Request) -> str:
        return 'ApiKey realm="portal", header="X-API-KEY"'


def caller_of(request: Request) -> Caller:
    """Who makes an authenticated request."""
    return cast(Caller, request.auth)


class LacksScope(PermissionDenied):
    """403 for a bearer token, in the words of RFC 6750, 3.1."""

    def __init__(self, scope: str) -> None:
        said = f"The bearer token lacks the scope {scope}, or the tenant does not let its client use it."
        super().__init__(said, code=RefusedCall.Reason.SCOPE)
        self.auth_header = f'Bearer realm="portal", error="insufficient_scope", scope="{scope}"'


class ScopePermission(BasePermission):
    """The caller's key or token must have the scope that the view names in `required_scope`."""

    code = RefusedCall.Reason.SCOPE.value

    def has_permission(self, request: Request, view: APIView) -> bool:
        required = getattr(view, "required_scope", None)
        caller = caller_of(request)
        if required is not None and required in caller.scopes:
            return True
        if caller.client:
            raise LacksScope(str(required))
        self.message = f"The API key lacks the scope {required}."
        return False
