"""The page on which a customer gets a pass by a link of their own: nothing is made before.

Opening it makes nothing either: scanners of mails and previews of messages open every link. The pass is made when the
customer presses the button, which works without scripts; afterwards the same link leads to the page of the pass.
"""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from passes.content import ContentError
from passes.issuing import Refused, Way, make, refusal
from passes.links import Read, read_link_to_get, token_of
from passes.models import PassTemplate, WalletPass
from passes.screens import CLOSED, EXPIRED, UNFIT, UNKNOWN, NoCard, answered, language_of, page
from portal.models import Customer
from portal.sentences import say

log = logging.getLogger(__name__)

PASS_ENROLLED = "pass.enrolled"


@csrf_exempt  # the signed link alone says who asks: there is no session that another site could ride on
@require_http_methods(["GET", "HEAD", "POST"])
@answered
def get_pass(request: HttpRequest, token: str) -> HttpResponse:
    return answer_for(request, *_invited(read_link_to_get(token)))


def answer_for(request: HttpRequest, template: PassTemplate, customer: Customer) -> HttpResponse:
    """The page with the button, the pass that the button made, or the one that is there. Raises NoCard."""
    if held := _held(template, customer):
        return _to(held)
    if template.tenant.suspended_at or refusal(template, customer, Way.LINK):
        raise NoCard(CLOSED, template, customer)
    if request.method == "POST":
        return _to(_made(template, customer))
    with translation.override(language_of(template, customer)):
        return offered(request, template)


def offered(request: HttpRequest, template: PassTemplate) -> HttpResponse:
    shown = {"organisation": template.organization_name, "description": described(template)}
    return page(request, "pages/get.html", shown, sends=True)


def _invited(read: Read | None) -> tuple[PassTemplate, Customer]:
    """Raises NoCard."""
    if read is None:
        raise NoCard(UNKNOWN)
    template_id, customer_id = map(int, read.what.split("_"))
    template = PassTemplate.objects.select_related("apple", "tenant").filter(pk=template_id).first()
    customers = Customer.objects.for_tenant(template.tenant_id) if template else Customer.objects.none()
    customer = customers.filter(pk=customer_id).first()
    if template is None or customer is None:
        raise NoCard(UNKNOWN)
    if read.expired:
        raise NoCard(EXPIRED, template, customer)
    return template, customer


def _held(template: PassTemplate, customer: Customer) -> WalletPass | None:
    held: WalletPass | None = template.passes.filter(customer=customer).exclude(content={}).first()
    return held


def _made(template: PassTemplate, customer: Customer) -> WalletPass:
    """Raises NoCard."""
    said = say("%(customer)s got “%(template)s” through their link.", customer=customer, template=template)
    try:
        make(template, customer, Way.LINK, kind=PASS_ENROLLED, said=said)
    except Refused as error:
        raise NoCard(CLOSED, template, customer) from error
    except ContentError as error:
        log.error("template=%s makes no pass for customer=%s (%s)", template.pk, customer.pk, type(error).__name__)
        raise NoCard(UNFIT, template, customer) from error
    return template.passes.get(customer=customer)


def _to(held: WalletPass) -> HttpResponse:
    """303, so that a browser that sent the form asks for the page; it never answers out of its own store."""
    address = reverse("pass-page", args=[token_of(held)])
    return HttpResponseRedirect(address, status=303, headers={"Cache-Control": "no-store"})


def described(template: PassTemplate) -> str:
    """What the card is, as published, in the language of the page."""
    design = template.published or {}
    texts = design.get("texts", {}).get(translation.get_language(), {})
    return str(texts.get(design["description"], design["description"]))
