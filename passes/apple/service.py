"""Apple's web service: what phones call to register, to ask what changed, to fetch, and to report trouble.

https://developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes
"""

from __future__ import annotations

import hmac
import json
import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import path
from django.utils import timezone
from django.utils.http import http_date, parse_http_date_safe
from django.views.decorators.csrf import csrf_exempt

from passes.apple.bundle import MEDIA_TYPE, build
from passes.models import Device, Registration, WalletPass
from portal import ledger
from portal.models import Event

log = logging.getLogger(__name__)

PASS_INSTALLED, PASS_REMOVED, PASS_FETCHED = "pass.installed", "pass.removed", "pass.fetched"
BODY_LIMIT = 64 * 1024
LOG_LINES = 20
_SCHEME = "ApplePass "

View = Callable[..., HttpResponse]


def _unauthorized() -> HttpResponse:
    response = HttpResponse(status=401)
    response["WWW-Authenticate"] = "ApplePass"
    return response


def _authenticated(view: View) -> View:
    """Finds the pass by type and serial and checks its token. An unknown pass and a wrong token look alike."""

    @wraps(view)
    def checked(request: HttpRequest, *, pass_type: str, serial: str, **kwargs: str) -> HttpResponse:
        wallet_pass = _find(pass_type, serial)
        header = request.headers.get("Authorization", "")
        expected = wallet_pass.authentication_token if wallet_pass else "\N{REPLACEMENT CHARACTER}" * 16
        if not hmac.compare_digest(header.encode(), (_SCHEME + expected).encode()) or wallet_pass is None:
            return _unauthorized()
        return view(request, wallet_pass, **kwargs)

    return checked


def _find(pass_type: str, serial: str) -> WalletPass | None:
    try:
        number = uuid.UUID(serial)
    except ValueError:
        return None
    passes = WalletPass.objects.select_related("template__apple", "customer", "changed_by")
    found: WalletPass | None = passes.filter(
        serial_number=number, template__apple__pass_type_identifier=pass_type
    ).first()
    return found


def _body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of the body; empty for anything else, which phones are not known to send."""
    try:
        decoded = json.loads(request.read(BODY_LIMIT))
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {"logs": decoded}


@csrf_exempt
def registration(request: HttpRequest, **kwargs: str) -> HttpResponse:
    if request.method == "POST":
        return _register(request, **kwargs)
    if request.method == "DELETE":
        return _unregister(request, **kwargs)
    return HttpResponseNotAllowed(["POST", "DELETE"])


@_authenticated
def _register(request: HttpRequest, wallet_pass: WalletPass, *, device: str) -> HttpResponse:
    """201 for a new registration, 200 for a known one; the push token is taken over both times, for it may change."""
    token = _body(request).get("pushToken")
    if not isinstance(token, str) or not 0 < len(token) <= 200 or not token.isascii() or not token.isalnum():
        return HttpResponse("pushToken is missing", status=400, content_type="text/plain")
    with transaction.atomic():
        row, _ = Device.objects.update_or_create(
            apple=wallet_pass.template.apple,
            library_identifier=device,
            defaults={"tenant_id": wallet_pass.tenant_id, "push_token": token, "token_at": timezone.now()},
        )
        _, created = Registration.objects.get_or_create(device=row, wallet_pass=wallet_pass)
        if created:
            _announce(PASS_INSTALLED, wallet_pass, "An iPhone added the pass.")
    return HttpResponse(status=201 if created else 200)


@_authenticated
def _unregister(request: HttpRequest, wallet_pass: WalletPass, *, device: str) -> HttpResponse:
    with transaction.atomic():
        gone = Registration.objects.filter(device__library_identifier=device, wallet_pass=wallet_pass)
        if gone.delete()[0]:
            Device.objects.filter(library_identifier=device, registrations=None).delete()
            _announce(PASS_REMOVED, wallet_pass, "An iPhone removed the pass.")
    return HttpResponse(status=200)


def updated_serials(request: HttpRequest, *, device: str, pass_type: str) -> HttpResponse:
    """Every pass of the type on the device that changed after the tag, and only those; 204 when there is none.

    The device identifier is the shared secret of this call: Apple sends no token with it.
    """
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    passes = WalletPass.objects.filter(
        registrations__device__library_identifier=device,
        registrations__device__apple__pass_type_identifier=pass_type,
        update_tag__gt=_tag(request.GET.get("passesUpdatedSince", "")),
    )
    rows = list(passes.values_list("serial_number", "update_tag"))
    if not rows:
        return HttpResponse(status=204)
    last = max(tag for _, tag in rows)
    return JsonResponse({"serialNumbers": [str(serial) for serial, _ in rows], "lastUpdated": str(last)})


def _tag(text: str) -> int:
    """A tag of ours; anything else counts as none, so that the phone gets everything rather than an error."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@csrf_exempt
def latest_pass(request: HttpRequest, **kwargs: str) -> HttpResponse:
    if request.method not in {"GET", "HEAD"}:
        return HttpResponseNotAllowed(["GET", "HEAD"])
    return _latest_pass(request, **kwargs)


@_authenticated
def _latest_pass(request: HttpRequest, wallet_pass: WalletPass) -> HttpResponse:
    changed_at = wallet_pass.changed_at or wallet_pass.created_at
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    if since is not None and datetime.fromtimestamp(since, UTC) >= changed_at:
        return HttpResponse(status=304)
    response = HttpResponse(build(wallet_pass), content_type=MEDIA_TYPE)
    response["Last-Modified"] = http_date(changed_at.timestamp())
    response["Cache-Control"] = "private, no-store"
    if request.method == "GET":
        _note_fetch(wallet_pass)
    return response


def _note_fetch(wallet_pass: WalletPass) -> None:
    """The first fetch of a content ends the trace of the change that made it."""
    first = WalletPass.objects.filter(pk=wallet_pass.pk, fetched_at=None, content_hash=wallet_pass.content_hash)
    if not first.update(fetched_at=timezone.now()):
        return
    _announce(PASS_FETCHED, wallet_pass, "A phone fetched the new content.", cause=wallet_pass.changed_by)


def _announce(kind: str, wallet_pass: WalletPass, sentence: str, cause: Event | None = None) -> None:
    ledger.news(
        kind,
        tenant_id=wallet_pass.tenant_id,
        subject=f"pass:{wallet_pass.pk}",
        payload={"pass": wallet_pass.pk, "wallet": "apple"},
        result=ledger.done(sentence),
        cause=cause,
    )


@csrf_exempt
def device_log(request: HttpRequest) -> HttpResponse:
    """What iOS says of its own trouble with us: {"logs": ["…"]}."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    lines = _body(request).get("logs")
    for line in lines[:LOG_LINES] if isinstance(lines, list) else []:
        log.warning("apple device log: %s", str(line)[:500].replace("\n", " "))
    return HttpResponse(status=200)


_registration_path = "v1/devices/<str:device>/registrations/<str:pass_type>"
urlpatterns = [
    path(_registration_path, updated_serials),
    path(f"{_registration_path}/<str:serial>", registration),
    path("v1/passes/<str:pass_type>/<str:serial>", latest_pass),
    path("v1/log", device_log),
]
