"""What all pages for the public have in common: their headers, their language, and what they say instead of a card."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.cache import patch_vary_headers

from passes.models import PassTemplate
from portal.models import Customer

UNKNOWN, EXPIRED, UNFIT, CLOSED = "unknown", "expired", "unfit", "closed"
_STATUS = {UNKNOWN: 404, EXPIRED: 410, UNFIT: 409, CLOSED: 403}


class NoCard(Exception):
    """There is no card to show; `what` says why. Without a template, nothing is known of who made the link."""

    def __init__(self, what: str, template: PassTemplate | None = None, customer: Customer | None = None) -> None:
        super().__init__(what)
        self.what, self.template, self.customer = what, template, customer


def answered(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Makes NoCard a page that says in a sentence why there is none, and what to do."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except NoCard as reason:
            return _notice(request, reason)

    return answer


def _notice(request: HttpRequest, reason: NoCard) -> HttpResponse:
    template, what = reason.template, reason.what
    shown = {"what": what, "organisation": template.organization_name if template else ""}
    if template is None:
        return page(request, "pages/notice.html", shown, status=_STATUS[what])
    with translation.override(language_of(template, reason.customer)):
        return page(request, "pages/notice.html", shown, status=_STATUS[what])


def language_of(template: PassTemplate, customer: Customer | None = None) -> str:
    """The customer's, where the portal speaks it; else the template's."""
    known = {code for code, _ in settings.LANGUAGES}
    wanted = re.split("[-_]", customer.language.lower())[0] if customer else ""
    return wanted if wanted in known else template.language


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200, sends: bool = False
) -> HttpResponse:
    """Nothing but the page itself may load, nobody learns its address, and no search engine keeps it.

    `sends`: whether it has a form, which only this site may get.
    """
    nonce, forms_to = secrets.token_urlsafe(16), "'self'" if sends else "'none'"
    shown = {**context, "nonce": nonce, "language": translation.get_language()}
    response = render(request, template, shown, status=status)
    response["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; img-src 'self' data:; base-uri 'none'; "
        f"form-action {forms_to}; frame-ancestors 'none'"
    )
    response["Content-Language"] = translation.get_language() or settings.LANGUAGE_CODE
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    response["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ["Accept-Language"])
    return response
