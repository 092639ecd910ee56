"""Apple's web service: what phones call to register, to ask what changed, to fetch, and to report trouble.

https://developer.apple.com/documentation/walletpasses/adding-a-web-service-to-update-passes
"""

from __future__ import annotations

import hmac
import json
import logging
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, TypeGuard

from django.db import IntegrityError, transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.urls import include, path
from django.utils import timezone
from django.utils.http import http_date, parse_http_date_safe
from django.views.decorators.csrf import csrf_exempt

from passes import notices
from passes.answering import asked
from passes.apple.bundle import MEDIA_TYPE, Unfit, build
from passes.apple.held import held
from passes.apple.phone_log import reported
from passes.happenings import PASS_FETCHED, PASS_INSTALLED, PASS_REMOVED, announce
from passes.models import Device, Registration, UpdateCounter, WalletPass
from portal.rate import Buckets
from portal.sentences import say

log = logging.getLogger(__name__)

BODY_LIMIT = 64 * 1024
LOG_LINES = 20
# Lines of a process's own log: a second, and at once. More are a flood, of which the first lines tell enough.
LOG_RATE, LOG_BURST = 20, 200
_log_lines = Buckets()
DEVICE_ID_LIMIT, PUSH_TOKEN_LIMIT = 100, 200
PATH_LIMIT = 255  # of a pass type, and of a serial number
# A phone that adds and removes the same pass at once needs no more.
TRIES = 4
# A phone may come back under ever new identifiers, so the newest registrations of a pass count and older ones go.
PHONES_PER_PASS = 100
_SCHEME = "ApplePass "

_READ_ALONG = ("template__apple", "changed_by")

View = Callable[..., HttpResponse]


def _methods(*allowed: str) -> Callable[[View], View]:
    """405 for other methods. Phones send no cookies, so there is no forged request to fear."""

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def checked(request: HttpRequest, **kwargs: str) -> HttpResponse:
            if request.method not in allowed:
                return HttpResponseNotAllowed(allowed)
            return view(request, **kwargs)

        return checked

    return decorate


def _unauthorized() -> HttpResponse:
    response = HttpResponse(status=401)
    response["WWW-Authenticate"] = "ApplePass"
    return response


def _authenticated(view: View) -> View:
    """Finds the pass by type and serial and checks its token. An unknown pass and a wrong token look alike."""

    @wraps(view)
    def checked(request: HttpRequest, *, pass_type: str, serial: str, **kwargs: str) -> HttpResponse:
        wallet_pass = _meant(pass_type, serial, request.headers.get("Authorization", ""))
        return view(request, wallet_pass, **kwargs) if wallet_pass else _unauthorized()

    return checked


def _meant(pass_type: str, serial: str, authorization: str) -> WalletPass | None:
    """The pass that the path names and whose token was sent. What is asked for most is looked for first."""
    found = _with_token(_own(pass_type, serial), authorization)
    return found or _with_token(_imported(pass_type, serial), authorization)


def _with_token(passes: list[WalletPass], authorization: str) -> WalletPass | None:
    """Compares in constant time, also where there is nothing to compare with."""
    tokens = [one.authentication_token for one in passes] or ["\N{REPLACEMENT CHARACTER}" * 16]
    right = [hmac.compare_digest(authorization.encode(), (_SCHEME + token).encode()) for token in tokens]
    return next((one for one, same in zip(passes, right, strict=False) if same), None)


def _own(pass_type: str, serial: str) -> list[WalletPass]:
    number = _uuid(serial)
    one = held(number) if number else None
    apple = one.template.apple if one else None
    # Compared here: a database may refuse the text that a stranger put into the path.
    meant = one and apple and apple.pass_type_identifier == pass_type and one.card_serial == str(number)
    return [one] if one and meant else []


def _imported(pass_type: str, serial: str) -> list[WalletPass]:
    """Of as many tenants as there are: two may share a pass type, and another vendor may have numbered both from 1."""
    if not (_is_text(pass_type) and _is_text(serial)):
        return []
    passes = WalletPass.objects.select_related(*_READ_ALONG).filter(template__apple=F("imported_under"))
    return list(passes.filter(imported_under__pass_type_identifier=pass_type, imported_serial=serial).order_by())


def _is_text(text: str) -> bool:
    """A database may refuse, or never find the end of, what a stranger puts into the path."""
    return len(text) <= PATH_LIMIT and text.isprintable()


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def is_device_id(text: str) -> bool:
    return len(text) <= DEVICE_ID_LIMIT and text.isprintable()


def _body(request: HttpRequest) -> Any:
    """The decoded JSON; None for anything else and for more than a phone has to say."""
    try:
        return json.loads(request.read(BODY_LIMIT))
    except (ValueError, RecursionError):
        return None


@_methods("POST", "DELETE")
def registration(request: HttpRequest, **kwargs: str) -> HttpResponse:
    return _register(request, **kwargs) if request.method == "POST" else _unregister(request, **kwargs)


@_authenticated
def _register(request: HttpRequest, wallet_pass: WalletPass, *, device: str) -> HttpResponse:
    """201 for a new registration, 200 for a known one; the push token is taken over both times, for it may change."""
    body = _body(request)
    token = body.get("pushToken") if isinstance(body, dict) else None
    if not is_push_token(token) or not is_device_id(device):
        return HttpResponse("No push token, or no device identifier.", status=400, content_type="text/plain")
    for _ in range(TRIES - 1):
        with suppress(IntegrityError):  # the same phone came and went meanwhile
            return _stored(wallet_pass, device, token)
    return _stored(wallet_pass, device, token)


def _stored(wallet_pass: WalletPass, device: str, token: str) -> HttpResponse:
    return HttpResponse(status=201 if _store_registration(wallet_pass, device, token) else 200)


@transaction.atomic
def _store_registration(wallet_pass: WalletPass, device: str, token: str) -> bool:
    """Whether it is new."""
    row, _ = Device.objects.update_or_create(
        apple=wallet_pass.template.apple,
        library_identifier=device,
        defaults={"tenant_id": wallet_pass.tenant_id, "push_token": token, "token_at": timezone.now()},
    )
    _, created = Registration.objects.get_or_create(device=row, wallet_pass=wallet_pass)
    if created:
        _note_installation(wallet_pass, row)
    return created


def is_push_token(token: object) -> TypeGuard[str]:
    return isinstance(token, str) and 0 < len(token) <= PUSH_TOKEN_LIMIT and token.isascii() and token.isalnum()


def _note_installation(wallet_pass: WalletPass, device: Device) -> None:
    others = Registration.objects.filter(wallet_pass=wallet_pass).exclude(device=device)
    if not others.filter(device__push_token=device.push_token).exists():  # else the same phone under a new identifier
        announce(PASS_INSTALLED, wallet_pass, say("An iPhone added the pass."), wallet="apple")
    # One comes, one goes: two are looked at, so that what is too many for whatever reason shrinks.
    _drop(list(others.order_by("-pk").values_list("pk", flat=True)[PHONES_PER_PASS - 1 : PHONES_PER_PASS + 1]))


def _drop(registrations: list[int]) -> bool:
    """Removes registrations, and devices that hold no pass any more. Whether there were any."""
    # Locked, because a phone may be adding a pass to its device this very moment.
    devices = Device.objects.select_for_update(of=("self",)).filter(registrations__in=registrations).order_by("pk")
    keys = [device.pk for device in devices]
    gone, _ = Registration.objects.filter(pk__in=registrations).delete()
    Device.objects.filter(pk__in=keys, registrations=None).delete()
    return bool(gone)


@_authenticated
def _unregister(request: HttpRequest, wallet_pass: WalletPass, *, device: str) -> HttpResponse:
    """200, however often it is asked."""
    if is_device_id(device):
        with transaction.atomic():
            mine = Registration.objects.filter(device__library_identifier=device, wallet_pass=wallet_pass)
            if _drop(list(mine.values_list("pk", flat=True))):
                announce(PASS_REMOVED, wallet_pass, say("An iPhone removed the pass."), wallet="apple")
    return HttpResponse(status=200)


@_methods("GET", "HEAD")
def updated_serials(request: HttpRequest, *, device: str, pass_type: str) -> HttpResponse:
    """Every pass of the type on the device that changed after the tag, and only those; 204 when there is none.

    The device identifier is the shared secret of this call: Apple sends no token with it.
    """
    if not is_device_id(device) or not pass_type.isprintable():
        return HttpResponse(status=204)
    tag = _tag(request.GET.get("passesUpdatedSince", ""))
    rows = _changed_after(tag, device, pass_type)
    if not rows and tag and _is_from_the_future(tag, pass_type):
        rows = _changed_after(0, device, pass_type)
    if not rows:
        return HttpResponse(status=204)
    asked(device, pass_type)
    last = max(tag for _, tag in rows)
    serials = list(dict.fromkeys(serial for serial, _ in rows))  # two tenants may have imported the same
    return JsonResponse({"serialNumbers": serials, "lastUpdated": str(last)})


def _changed_after(tag: int, device: str, pass_type: str) -> list[tuple[str, int]]:
    """The serial numbers on the cards, with their tags."""
    passes = WalletPass.objects.filter(
        registrations__device__library_identifier=device,
        registrations__device__apple__pass_type_identifier=pass_type,
        update_tag__gt=tag,
    )
    kept = passes.annotate(kept=F("registrations__device__apple"))
    rows = kept.values_list("serial_number", "imported_serial", "imported_under", "kept", "update_tag").distinct()
    return [(imported if imported is not None and under == apple else str(own), tag)
            for own, imported, under, apple, tag in rows.order_by("update_tag")]  # fmt: skip


def _is_from_the_future(tag: int, pass_type: str) -> bool:
    """A tag that was never given here: the database was restored since, and the phone would miss all that follows."""
    return not UpdateCounter.objects.filter(pass_type_identifier=pass_type, value__gte=tag).exists()


def _tag(text: str) -> int:
    """A tag of ours; anything else counts as none, so that the phone gets everything rather than an error."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@_methods("GET", "HEAD")
@_authenticated
def latest_pass(request: HttpRequest, wallet_pass: WalletPass) -> HttpResponse:
    changed_at = int((wallet_pass.changed_at or wallet_pass.created_at).timestamp())
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    if since is not None and since >= changed_at:
        return HttpResponse(status=304)
    try:
        response = HttpResponse(build(wallet_pass), content_type=MEDIA_TYPE)
    except Unfit as problem:
        log.error("pass=%s cannot be made for Apple Wallet: %s", wallet_pass.pk, problem)
        return HttpResponse("The pass cannot be made at present.", status=409, content_type="text/plain")
    response["Last-Modified"] = http_date(changed_at)
    response["Cache-Control"] = "private, no-store"
    if request.method == "GET":
        _note_fetch(wallet_pass)
    return response


def _note_fetch(wallet_pass: WalletPass) -> None:
    """The first fetch of a content ends the trace of the change that made it."""
    if wallet_pass.fetched_at is not None:
        return
    first = WalletPass.objects.filter(pk=wallet_pass.pk, fetched_at=None, content_hash=wallet_pass.content_hash)
    with transaction.atomic():
        if first.update(fetched_at=timezone.now()):
            said = say("A phone fetched the new content.")
            announce(PASS_FETCHED, wallet_pass, said, cause=wallet_pass.changed_by, wallet="apple")


@_methods("POST")
def device_log(request: HttpRequest) -> HttpResponse:
    """What iOS says of its own trouble with us: {"logs": ["…"]}, or the list alone."""
    body = _body(request)
    lines = body.get("logs") if isinstance(body, dict) else body
    reports = [reported(line) for line in lines[:LOG_LINES]] if isinstance(lines, list) else []
    for report in reports:
        if not _log_lines.take("", LOG_RATE, LOG_BURST):
            log.warning("apple device log: %s", report.text)
    notices.keep(reports)
    return HttpResponse(status=200)


_registration_path = "v1/devices/<str:device>/registrations/<str:pass_type>"
_calls = [
    path(_registration_path, updated_serials),
    path(f"{_registration_path}/<path:serial>", registration),  # another vendor's serial numbers may hold a slash
    path("v1/passes/<str:pass_type>/<path:serial>", latest_pass),
    path("v1/log", device_log),
]
urlpatterns = [
    *_calls,
    path("/", include(_calls)),  # some readers put a slash of their own after webServiceURL
]
