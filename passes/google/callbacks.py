"""Google's callbacks: a card was saved or deleted. Checked to the letter, recorded, answered; a worker does the rest.

https://developers.google.com/wallet/generic/use-cases/use-callbacks-for-saves-and-deletions
"""

from __future__ import annotations

import json
import logging
import time
from functools import partial
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from passes.google import installs
from passes.google.asking import GOOGLE_CALLBACK
from passes.google.client import GoogleClient
from passes.google.envelope import Forged, Told, opened
from passes.google.keys import OutOfReach, root_keys
from passes.models import GoogleIssuer, GoogleObject
from portal import ledger
from portal.body import read_body
from portal.ledger import Result, Work
from portal.models import Event
from portal.sentences import say

log = logging.getLogger(__name__)

BODY_LIMIT = 64 * 1024
SAVED, DELETED = "save", "del"


def callback_address(issuer: GoogleIssuer) -> str:
    return f"{settings.PUBLIC_URL}{reverse('google-callback', args=[issuer.uid])}"


@csrf_exempt  # the signature says who calls
@require_POST
def callback(request: HttpRequest, issuer: UUID) -> HttpResponse:
    """200 once it is committed, also for one that came before; 401 for what is not Google's, without saying why."""
    found = GoogleIssuer.objects.select_related("tenant").filter(uid=issuer, tenant__suspended_at=None).first()
    if found is None:
        return HttpResponse(status=404)
    body = read_body(request, BODY_LIMIT + 1)
    if len(body) > BODY_LIMIT:
        return HttpResponse(status=413)
    try:
        told = opened(_decoded(body), issuer_id=found.issuer_id, roots=root_keys.of(found.save_url),
                      now_ms=int(time.time() * 1000))  # fmt: skip
    except OutOfReach:
        return HttpResponse(status=503, headers={"Retry-After": "60"})
    except Forged as reason:
        log.warning("google callback=refused issuer=%s (%s)", found.pk, reason)
        return HttpResponse(status=401)
    _record(found, told)
    return HttpResponse(status=200)


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Forged("not JSON") from error


def _record(issuer: GoogleIssuer, told: Told) -> None:
    """The nonce tells a repetition. With the pass, the trace says whose it is."""
    held = GoogleObject.objects.filter(issuer=issuer, object_id=told.object_id).values_list("wallet_pass", flat=True)
    whose = {"pass": key} if (key := held.first()) else {}
    ledger.record(
        tenant_id=issuer.tenant_id,
        lane_id=issuer.lane_id,
        kind=GOOGLE_CALLBACK,
        subject=GoogleObject(object_id=told.object_id or told.class_id or issuer.issuer_id).subject,
        payload={"issuer": issuer.pk, "type": told.type, "object": told.object_id, "count": told.count, **whose},
        source=f"google:{issuer.uid.hex}",
        source_id=told.nonce,
    )


def take_callback(work: Work) -> Result | partial[Result]:
    """Handles `google.callback`: what it says is confirmed by reading the object."""
    payload = work.event.payload
    if payload["type"] not in {SAVED, DELETED}:
        return ledger.ignored(say("Google told of something that the portal does not follow."))
    found = GoogleObject.objects.for_tenant(work.event.tenant_id).select_related("issuer")
    held = found.filter(issuer=payload["issuer"], object_id=payload["object"]).first()
    if held is None:
        return ledger.ignored(say("The card belongs to no pass here."))
    resource = GoogleClient(held.issuer, work.trail).get(f"{held.type}Object", held.object_id)
    echo = resource or {}
    if installs.users_of(echo) is None:
        echo = {"hasUsers": payload["type"] == SAVED}
    return partial(_taken, held.pk, echo, work.event)


def _taken(held_id: int, echo: dict[str, object], event: Event) -> Result:
    held = GoogleObject.objects.select_for_update(of=("self",)).select_related("wallet_pass").filter(pk=held_id).first()
    if held is None:
        return ledger.ignored(say("The card belongs to no pass here."))
    if not installs.seen(held, echo, cause=event):
        return ledger.ignored(say("That was known: others hold the card too, or it came before."))
    if held.installed:
        return ledger.done(say("The pass is in Google Wallet."))
    return ledger.done(say("The pass is no longer in Google Wallet."))


urlpatterns = [path("callbacks/<uuid:issuer>", callback, name="google-callback")]
