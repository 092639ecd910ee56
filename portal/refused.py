"""Refused calls that came with a real key: noted for the key's tenant, so that its people see what is wrong.

Only the answers of refusals pass here; an accepted call costs nothing more. A sender can neither fill the table nor
make more than a few writes a minute: repeats become a count, and the oldest of a connection's rows go.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from threading import Lock

from django.db import transaction
from django.db.models import F, Max
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.request import Request

from portal.access import KnownKey, recognise
from portal.body import beginning_of
from portal.caching import BriefCache
from portal.models import Event, RefusedCall, Tenant
from portal.own_tokens import known_key
from portal.redaction import excerpt, redact
from portal.text import storable

log = logging.getLogger(__name__)

KEPT_PER_CONNECTION = 100
EXCERPT_CHARACTERS = 500
# A refusal that comes again within this time is counted on the same row.
REPEAT = timedelta(seconds=60)
# Different refusals of one key that a process notes within a minute.
NEW_A_MINUTE = 20
# Acceptance is looked for among the newest events only, so that it takes the same time whatever the ledger holds.
EVENTS_SEARCHED = 200_000

Reason = RefusedCall.Reason
_REASONS = {
    400: Reason.BODY,
    403: Reason.SCOPE,
    404: Reason.ADDRESS,
    405: Reason.METHOD,
    413: Reason.SIZE,
    415: Reason.TYPE,
    429: Reason.RATE,
    503: Reason.SUSPENDED,
}


@dataclass(frozen=True)
class _Call:
    """What makes two refusals the same."""

    tenant_id: int
    key_id: int
    source: str
    reason: str
    status: int
    method: str
    path: str
    detail: str


class _Minute:
    """What was refused to one key within a minute, in this process."""

    def __init__(self) -> None:
        self._seen: dict[_Call, int] = {}
        self._lock = Lock()

    def to_add(self, call: _Call) -> int:
        """By how many the stored count grows now; 0 for no write.

        Every call is written up to the tenth, then every tenth, from the hundredth every hundredth: the count lags by
        a tenth at most, and a million calls cost some fifty writes.
        """
        with self._lock:
            if call not in self._seen and len(self._seen) >= NEW_A_MINUTE:
                return 0
            number = self._seen[call] = self._seen.get(call, 0) + 1
        step = int(10 ** (len(str(number)) - 1))
        if number % step:
            return 0
        return step if number > step else max(1, step // 10)


_minutes: BriefCache[int, _Minute] = BriefCache(lambda key_id: _Minute(), REPEAT.total_seconds())


def note(request: HttpRequest | Request, status: int, detail: str, code: str = "") -> None:
    """Notes a refusal, if the key it came with is one of ours. `code` names the reason where the status does not."""
    sent: HttpRequest = request._request if isinstance(request, Request) else request
    key, token = sent.headers.get("X-API-KEY", ""), bearer_of(sent)
    if key or token:
        find = partial(recognise, key) if key else partial(known_key, token)
        _noted(sent, find, status, detail, code, hide=key or token)


def note_key(request: Request, known: KnownKey, status: int, detail: str, code: str = "") -> None:
    """Notes a refusal of a call whose body holds the key itself: nothing of the body is kept."""
    _noted(request._request, lambda: known, status, detail, code, hide=None)


def bearer_of(sent: HttpRequest) -> str:
    scheme, _, text = sent.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


def _noted(
    sent: HttpRequest, find: Callable[[], KnownKey | None], status: int, detail: str, code: str, hide: str | None
) -> None:
    """`hide`: what nothing may be kept of, where the body is kept."""
    try:
        if known := find():
            _note(sent, known, status, detail, code, hide)
    except Exception as error:  # the answer matters more than its note
        log.error("status=%s refusal=not noted (%s)", status, type(error).__name__)


def _note(sent: HttpRequest, known: KnownKey, status: int, detail: str, code: str, hide: str | None) -> None:
    shut_out = known.refused_for(_tenant_slug(sent))
    by_status = Reason(code) if code in Reason.values else _REASONS.get(status, Reason.OTHER)
    caller = known.caller
    call = _Call(
        tenant_id=caller.tenant_id,
        key_id=caller.key_id,
        source=caller.bound_to,
        reason=(shut_out or by_status).value,
        status=status,
        method=storable(sent.method or "")[:10],
        path=redact(storable(sent.path))[:200],
        detail=redact(storable(detail))[:500],
    )
    minute = _minutes.get(caller.key_id)
    if minute and (count := minute.to_add(call)):
        # Whoever is shut out must not keep a thread waiting for the rest of a body, nor leave data with us; a flood is
        # turned away before its bodies are read.
        body = b"" if hide is None or shut_out or known.suspended or status == 429 else _beginning(sent)
        _write(call, count, excerpt(body, EXCERPT_CHARACTERS, hide=[hide or ""]))


def _tenant_slug(sent: HttpRequest) -> str:
    """As the address names it, also where no address of ours matches."""
    if sent.resolver_match:
        return str(sent.resolver_match.kwargs.get("tenant", ""))
    parts = sent.path.split("/")
    return parts[2] if len(parts) > 2 else ""


def _beginning(sent: HttpRequest) -> bytes:
    try:
        return beginning_of(sent)
    except OSError:  # the sender hung up
        return b""


def _write(call: _Call, count: int, sent: str) -> None:
    now = timezone.now()
    with transaction.atomic():
        # One writer a tenant, so that the number of rows holds. Other rows may point to the tenant meanwhile.
        Tenant.objects.select_for_update(no_key=True).filter(pk=call.tenant_id).first()
        same = RefusedCall.objects.filter(**asdict(call), last_at__gte=now - REPEAT).values_list("pk", flat=True)
        if (known := same.first()) is not None:
            RefusedCall.objects.filter(pk=known).update(count=F("count") + count, last_at=now)
            return
        RefusedCall.objects.create(**asdict(call), count=count, excerpt=sent, at=now, last_at=now)
        kept = RefusedCall.objects.filter(tenant_id=call.tenant_id, source=call.source)
        old = list(kept.values_list("pk", flat=True)[KEPT_PER_CONNECTION:])
        if old:
            RefusedCall.objects.filter(pk__in=old).delete()


def not_heard_since(tenants: Iterable[int], since: datetime) -> list[RefusedCall]:
    """For each connection the newest refusal since which nothing of it was accepted."""
    rows = RefusedCall.objects.filter(tenant_id__in=list(tenants), last_at__gte=since)
    calls = list(rows.exclude(reason=Reason.SUSPENDED).select_related("key")[: 10 * KEPT_PER_CONNECTION])
    accepted = {pair: _accepted_at(*pair) for pair in {(call.tenant_id, call.source) for call in calls}}
    found: dict[tuple[int, str], RefusedCall] = {}
    for call in calls:
        pair = call.tenant_id, call.source
        at = accepted[pair]
        if at is None or at < call.at:
            found.setdefault(pair, call)
    return list(found.values())


def _accepted_at(tenant_id: int, source: str) -> datetime | None:
    newest = Event.objects.aggregate(newest=Max("pk"))["newest"] or 0
    events = Event.objects.filter(tenant_id=tenant_id, pk__gt=newest - EVENTS_SEARCHED)
    # What a key without a connection sent bears the name of the tenant's only one.
    events = events.filter(source=source) if source else events.exclude(source="portal")
    return events.order_by("-pk").values_list("created_at", flat=True).first()
