"""What the owner of a phone opens: the page of a pass, and the pass itself."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from passes.apple.bundle import MEDIA_TYPE, Unfit, build
from passes.apple.collection import MEDIA_TYPE as COLLECTION_TYPE
from passes.apple.collection import MOST, collect
from passes.models import TemplateImage, WalletPass
from passes.words import words

log = logging.getLogger(__name__)

_signer = Signer(salt="passes.link", sep=".")
_all_signer = Signer(salt="passes.link.all", sep=".")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")
_FRONT = ("header", "primary", "secondary", "auxiliary")
_IMAGE_ROLES = ("logo", "strip")


def link(wallet_pass: WalletPass) -> str:
    """The address of the pass's page. It is signed and says nothing of the customer."""
    return str(settings.PUBLIC_URL) + reverse("pass-page", args=[_token(wallet_pass)])


def link_to_all(wallet_pass: WalletPass) -> str:
    """The address of all valid passes of the same customer. Who has the link of one pass cannot make it."""
    token = _all_signer.sign(wallet_pass.serial_number.hex)
    return str(settings.PUBLIC_URL) + reverse("pass-collection", args=[token])


def _token(wallet_pass: WalletPass) -> str:
    return _signer.sign(wallet_pass.serial_number.hex)


def _find(token: str, signer: Signer = _signer) -> WalletPass | None:
    try:
        serial = signer.unsign(token)
    except BadSignature:
        return None
    passes = WalletPass.objects.select_related("template__apple", "customer")
    found: WalletPass | None = passes.filter(serial_number=serial).exclude(content={}).first()
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


def _language(wallet_pass: WalletPass) -> str:
    """The customer's, where the portal speaks it; else the template's."""
    known = {code for code, _ in settings.LANGUAGES}
    wanted = re.split("[-_]", wallet_pass.customer.language.lower())[0]
    return wanted if wanted in known else wallet_pass.template.language


@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    wallet_pass = _find(token)
    if wallet_pass is None:
        return _notice(request, "unknown", 404)
    language = _language(wallet_pass)
    content = wallet_pass.content
    colours = {name: text if _COLOUR.fullmatch(text) else "#1F2937" for name, text in content["colours"].items()}
    with translation.override(language):
        return _page(
            request,
            "pages/pass.html",
            {
                "content": content,
                "description": content["texts"].get(language, {}).get(content["description"], content["description"]),
                "colours": colours,
                "groups": front(content, language),
                "images": _image_addresses(wallet_pass, token, language),
                "address": link(wallet_pass),
                "apple": reverse("pass-apple", args=[token]) if wallet_pass.template.apple_id else "",
            },
            200,
        )


def _image_addresses(wallet_pass: WalletPass, token: str, language: str) -> dict[str, str]:
    """{"logo": address}, the sharpest of each role. Addresses carry the hash, so a browser keeps what it has."""
    found = {}
    for role in _IMAGE_ROLES:
        names = [f"{folder}{role}{scale}.png" for folder in (f"{language}.lproj/", "") for scale in ("@3x", "@2x", "")]
        sha1 = next((kept for name in names if (kept := wallet_pass.content["images"].get(name))), "")
        if sha1:
            found[role] = reverse("pass-image", args=[token, sha1])
    return found


@require_safe
def image(request: HttpRequest, token: str, sha1: str) -> HttpResponse:
    """An image of the card's front. What has this address never changes."""
    wallet_pass = _find(token)
    if wallet_pass is None or sha1 not in wallet_pass.content["images"].values():
        raise Http404
    if request.headers.get("If-None-Match") == f'"{sha1}"':
        return HttpResponseNotModified()
    row = TemplateImage.objects.filter(template_id=wallet_pass.template_id, sha1=sha1).first()
    if row is None:
        raise Http404
    headers = {"Cache-Control": "private, max-age=31536000, immutable", "ETag": f'"{sha1}"'}
    return HttpResponse(bytes(row.data), content_type="image/png", headers=headers)


@require_safe
def apple_pass(request: HttpRequest, token: str) -> HttpResponse:
    wallet_pass = _find(token)
    if wallet_pass is None:
        return _notice(request, "unknown", 404)
    try:
        response = HttpResponse(build(wallet_pass), content_type=MEDIA_TYPE)
    except Unfit as problem:
        log.error("pass=%s cannot be made for Apple Wallet: %s", wallet_pass.pk, problem)
        with translation.override(_language(wallet_pass)):
            return _notice(request, "unfit", 409)
    response["Last-Modified"] = http_date((wallet_pass.changed_at or wallet_pass.created_at).timestamp())
    response["Content-Disposition"] = 'attachment; filename="pass.pkpass"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
def apple_passes(request: HttpRequest, token: str) -> HttpResponse:
    """The newest valid passes of a customer in one file; those that cannot be made are left out."""
    one = _find(token, _all_signer)
    if one is None:
        return _notice(request, "unknown", 404)
    signed = [data for each in valid_passes(one) if (data := _signed(each))]
    if not signed:
        with translation.override(_language(one)):
            return _notice(request, "unfit", 409)
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


def _notice(request: HttpRequest, what: str, status: int) -> HttpResponse:
    """A page that says in a sentence why there is no pass here."""
    return _page(request, "pages/notice.html", {"what": what}, status)


def _page(request: HttpRequest, template: str, context: dict[str, Any], status: int) -> HttpResponse:
    """Nothing but the page itself may load, nobody learns its address, and no search engine keeps it."""
    nonce = secrets.token_urlsafe(16)
    response = render(
        request, template, {**context, "nonce": nonce, "language": translation.get_language()}, status=status
    )
    response["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    response["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    response["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ["Accept-Language"])
    return response


urlpatterns = [
    path("all/<str:token>", apple_passes, name="pass-collection"),
    path("<str:token>", page, name="pass-page"),
    path("<str:token>/apple", apple_pass, name="pass-apple"),
    path("<str:token>/images/<str:sha1>.png", image, name="pass-image"),
]
