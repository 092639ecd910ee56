"""The way from a pass's page into Google Wallet: Google must have the pass before its owner is led there."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation

from passes.google.asking import ask
from passes.google.links import save_address
from passes.models import WalletPass
from passes.screens import UNFIT, NoCard, language_of, page
from portal.http import ApiError

# How often the page asks again by itself, a second apart.
TRIES = 15


def answer_for(request: HttpRequest, wallet_pass: WalletPass, token: str) -> HttpResponse:
    """Leads to Google's save page; until Google has the pass, a page that comes back by itself. Raises NoCard."""
    template = wallet_pass.template
    if wallet_pass.voided or template.google_id is None or template.tenant.suspended_at:
        raise NoCard(UNFIT, template, wallet_pass.customer)
    held = ask(wallet_pass)
    if held is not None and held.sent is not None:
        try:
            address = save_address(held)
        except ApiError as error:
            raise NoCard(UNFIT, template, wallet_pass.customer) from error
        return HttpResponseRedirect(address, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
    tried = _tried(request)
    if tried >= TRIES:
        raise NoCard(UNFIT, template, wallet_pass.customer)
    again = f"{reverse('pass-google', args=[token])}?tried={tried + 1}"
    with translation.override(language_of(template, wallet_pass.customer)):
        waiting = page(request, "pages/wait.html", {"organisation": template.organization_name, "again": again})
    waiting["Refresh"] = f"1; url={again}"
    return waiting


def _tried(request: HttpRequest) -> int:
    given = request.GET.get("tried", "0")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 4 else 0
