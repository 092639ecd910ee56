"""What the owner of a phone opens: the page of a pass, and the pass itself."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.urls import path, reverse
from django.utils import translation
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from passes.apple.bundle import MEDIA_TYPE, Unfit, build
from passes.apple.collection import MEDIA_TYPE as COLLECTION_TYPE
from passes.apple.collection import MOST, collect
from passes.browsers import Runs, runs_on
from passes.getting import get_pass
from passes.google.pages import answer_for as google_answer
from passes.joining import confirm, join
from passes.links import Read, page_of, read_link, read_link_to_all
from passes.models import TemplateImage, WalletPass
from passes.pictures import sharpest
from passes.qr import qr_address
from passes.screens import EXPIRED, UNFIT, UNKNOWN, NoCard, answered, language_of
from passes.screens import page as screen
from passes.words import words

log = logging.getLogger(__name__)

_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_FRONT = ("header", "primary", "secondary", "auxiliary")
SCANNED_FROM = frozenset({Runs.MAC, Runs.COMPUTER})
_IMAGE_ROLES = ("logo", "strip")


def _found(read: Read | None) -> WalletPass:
    """The pass that a link leads to. Raises NoCard."""
    if read is None:
        raise NoCard(UNKNOWN)
    passes = WalletPass.objects.select_related("template__apple", "template__google", "template__tenant", "customer")
    found: WalletPass | None = passes.filter(serial_number=read.what).exclude(content={}).first()
    if found is None:
        raise NoCard(UNKNOWN)
    if read.expired:
        raise NoCard(EXPIRED, found.template, found.customer)
    return found


@dataclass(frozen=True)
class Shown:
    """One field of the card's front, as its owner reads it."""

    label: str
    value: str


def front(content: Mapping[str, Any], language: str) -> dict[str, list[Shown]]:
    """The fields of the card's front by place, in the language where the template has it."""
    texts = content["texts"].get(language, {})
    groups: dict[str, list[Shown]] = {place: [] for place in _FRONT}
    for field in content["fields"]:
        if field["place"] in groups and field["value"] != "":
            label, value = field["label"], words(field, language)
            groups[field["place"]].append(Shown(texts.get(label, label), texts.get(value, value)))
    return groups


@require_safe
@answered
def page(request: HttpRequest, token: str) -> HttpResponse:
    wallet_pass = _found(read_link(token))
    language = language_of(wallet_pass.template, wallet_pass.customer)
    content = wallet_pass.content
    device = runs_on(request.headers.get("User-Agent", ""))
    colours = {name: text if _COLOUR.fullmatch(text) else "#1F2937" for name, text in content["colours"].items()}
    with translation.override(language):
        return screen(
            request,
            "pages/pass.html",
            {
                "content": content,
                "description": content["texts"].get(language, {}).get(content["description"], content["description"]),
                "colours": colours,
                "groups": front(content, language),
                "images": _image_addresses(wallet_pass, token, language),
                "address": page_of(token),
                "apple": reverse("pass-apple", args=[token]) if wallet_pass.template.apple_id else "",
                "google": reverse("pass-google", args=[token]) if wallet_pass.template.google_id else "",
                "device": device,
                "qr": qr_address(page_of(token)) if device in SCANNED_FROM else "",
            },
        )


def _image_addresses(wallet_pass: WalletPass, token: str, language: str) -> dict[str, str]:
    """{"logo": address}, the sharpest of each role. Addresses carry the hash, so a browser keeps what it has."""
    found = {}
    for role in _IMAGE_ROLES:
        if sha1 := sharpest(wallet_pass.content["images"], role, language):
            found[role] = reverse("pass-image", args=[token, sha1])
    return found


@require_safe
@answered
def image(request: HttpRequest, token: str, sha1: str) -> HttpResponse:
    """An image of the card's front. What has this address never changes."""
    wallet_pass = _found(read_link(token))
    if sha1 not in wallet_pass.content["images"].values():
        raise Http404
    if request.headers.get("If-None-Match") == f'"{sha1}"':
        return HttpResponseNotModified()
    row = TemplateImage.objects.filter(template_id=wallet_pass.template_id, sha1=sha1).first()
    if row is None:
        raise Http404
    headers = {"Cache-Control": "private, max-age=31536000, immutable", "ETag": f'"{sha1}"'}
    return HttpResponse(bytes(row.data), content_type="image/png", headers=headers)


@require_safe
@answered
def apple_pass(request: HttpRequest, token: str) -> HttpResponse:
    wallet_pass = _found(read_link(token))
    signed = _signed(wallet_pass)
    if not signed:
        raise NoCard(UNFIT, wallet_pass.template, wallet_pass.customer)
    response = HttpResponse(signed, content_type=MEDIA_TYPE)
    response["Last-Modified"] = http_date((wallet_pass.changed_at or wallet_pass.created_at).timestamp())
    response["Content-Disposition"] = 'attachment; filename="pass.pkpass"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@answered
def google_pass(request: HttpRequest, token: str) -> HttpResponse:
    return google_answer(request, _found(read_link(token)), token)


@require_safe
@answered
def apple_passes(request: HttpRequest, token: str) -> HttpResponse:
    """The newest valid passes of a customer in one file; those that cannot be made are left out."""
    one = _found(read_link_to_all(token))
    signed = [data for each in valid_passes(one) if (data := _signed(each))]
    if not signed:
        raise NoCard(UNFIT, one.template, one.customer)
    response = HttpResponse(collect(signed), content_type=COLLECTION_TYPE)
    response["Content-Disposition"] = 'attachment; filename="passes.pkpasses"'
    response["Cache-Control"] = "private, no-store"
    return response


def valid_passes(one: WalletPass) -> list[WalletPass]:
    """The passes for Apple Wallet of the same customer, newest first, as many as fit into one file."""
    passes = WalletPass.objects.for_tenant(one.tenant_id).filter(customer=one.customer_id, voided=False)
    found = passes.filter(template__apple__isnull=False).exclude(content={}).select_related("template__apple")
    return list(found.order_by("-pk")[:MOST])


def _signed(wallet_pass: WalletPass) -> bytes:
    try:
        return build(wallet_pass)
    except Unfit as problem:
        log.error("pass=%s cannot be made for Apple Wallet: %s", wallet_pass.pk, problem)
        return b""


urlpatterns = [
    path("get/<str:token>", get_pass, name="pass-get"),
    path("join/<str:token>", join, name="pass-join"),
    path("confirm/<str:token>", confirm, name="pass-confirm"),
    path("all/<str:token>", apple_passes, name="pass-collection"),
    path("<str:token>", page, name="pass-page"),
    path("<str:token>/apple", apple_pass, name="pass-apple"),
    path("<str:token>/google", google_pass, name="pass-google"),
    path("<str:token>/images/<str:sha1>.png", image, name="pass-image"),
]
