"""What the owner of a phone opens: the page of a pass, and the pass itself."""

from __future__ import annotations

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from passes.apple.bundle import MEDIA_TYPE, build
from passes.models import WalletPass

_signer = Signer(salt="passes.link", sep=".")


def link(wallet_pass: WalletPass) -> str:
    """The address of the pass's page. It is signed and says nothing of the customer."""
    return str(settings.PUBLIC_URL) + reverse("pass-page", args=[_signer.sign(wallet_pass.serial_number.hex)])


def _open(token: str) -> WalletPass:
    try:
        serial = _signer.unsign(token)
    except BadSignature as error:
        raise Http404 from error
    passes = WalletPass.objects.select_related("template__apple", "customer")
    found: WalletPass | None = passes.filter(serial_number=serial).first()
    if found is None:
        raise Http404
    return found


@require_safe
def page(request: HttpRequest, token: str) -> HttpResponse:
    wallet_pass = _open(token)
    return render(request, "pages/pass.html", {"pass": wallet_pass, "token": token})


@require_safe
def apple_pass(request: HttpRequest, token: str) -> HttpResponse:
    wallet_pass = _open(token)
    if wallet_pass.template.apple is None:
        raise Http404
    response = HttpResponse(build(wallet_pass), content_type=MEDIA_TYPE)
    response["Last-Modified"] = http_date((wallet_pass.changed_at or wallet_pass.created_at).timestamp())
    response["Content-Disposition"] = 'attachment; filename="pass.pkpass"'
    response["Cache-Control"] = "private, no-store"
    return response


urlpatterns = [
    path("<str:token>", page, name="pass-page"),
    path("<str:token>/apple", apple_pass, name="pass-apple"),
]
