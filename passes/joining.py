"""The page of a template that is open to everybody: a stranger shows that a mailbox is theirs, and gets a pass.

Whoever asks gets the same answer and, in the mailbox, a link: customers get their own, others one that makes them a
customer when they press the button. So nobody learns who is a customer, and nothing is kept of who does not confirm.
"""

from __future__ import annotations

from django import forms
from django.core.validators import RegexValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from passes.getting import answer_for, described, offered
from passes.issuing import Way, is_open, refusal
from passes.links import link_to_confirm, link_to_get, read_link_to_confirm, read_link_to_join
from passes.models import PassTemplate
from passes.screens import CLOSED, EXPIRED, UNKNOWN, NoCard, answered, page
from portal import ledger
from portal.customers import KEY_ONLY, known_by_key
from portal.limits import Asked, asked_for_card
from portal.mail import elsewhere, send
from portal.models import Customer, Tenant
from portal.sentences import say

CUSTOMER_ENROLLED = "customer.enrolled"
# Other letters than ASCII are spelt and compared in several ways; mail servers that take them also have a plain name.
_ascii = RegexValidator(r"\A[!-~]+\Z", gettext_lazy("Enter a valid email address."))


class JoinForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("Your e-mail address"), max_length=150, validators=[_ascii],
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )  # fmt: skip


@csrf_exempt  # there is no session that another site could ride on
@require_http_methods(["GET", "HEAD", "POST"])
@answered
def join(request: HttpRequest, token: str) -> HttpResponse:
    """In the language of the browser: nobody knows yet who it is."""
    read = read_link_to_join(token)
    template = _template(int(read.what)) if read else None
    if template is None:
        raise NoCard(UNKNOWN)
    if not is_open(template):
        raise NoCard(CLOSED, template)
    form = JoinForm(request.POST if request.method == "POST" else None)
    shown = {"organisation": template.organization_name, "description": described(template), "form": form}
    if not form.is_valid():
        return page(request, "pages/join.html", shown, sends=True)
    asked = asked_for_card(request, f"template {template.pk}", form.cleaned_data["email"])
    if asked == Asked.TOO_MANY:
        return page(request, "pages/join.html", {**shown, "too_many": True}, status=429, sends=True)
    if asked == Asked.SEND:
        language = translation.get_language() or template.language
        elsewhere(_send_link, template, form.cleaned_data["email"], language)
    return page(request, "pages/joined.html", shown)


def _template(key: int) -> PassTemplate | None:
    return PassTemplate.objects.select_related("apple", "tenant").filter(pk=key).first()


def _known(tenant_id: int, mailbox: str) -> Customer | None:
    customers = Customer.objects.for_tenant(tenant_id).filter(lowered_key=mailbox)
    found: Customer | None = customers.order_by("pk").first()
    return found


def _send_link(template: PassTemplate, mailbox: str, language: str) -> None:
    """Customers who may not have this card get no mail."""
    customer = _known(template.tenant_id, mailbox.lower())
    held = customer is not None and template.passes.filter(customer=customer).exists()
    if customer is not None and not held and refusal(template, customer, Way.LINK):
        return
    link = link_to_get(template, customer) if customer else link_to_confirm(template, mailbox)
    with translation.override(language):
        shown = {"organisation": template.organization_name, "description": described(template), "link": link}
        send("mail/card.txt", _("%(description)s of %(organisation)s") % shown, shown, mailbox)


@csrf_exempt  # the signed link alone says who asks
@require_http_methods(["GET", "HEAD", "POST"])
@answered
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """What the link in the mail leads to. Nothing is kept before the button is pressed."""
    read = read_link_to_confirm(token)
    template = _template(int(read[0].what)) if read else None
    if read is None or template is None:
        raise NoCard(UNKNOWN)
    mailbox = read[1].lower()
    customer = _known(template.tenant_id, mailbox)
    if read[0].expired:
        raise NoCard(EXPIRED, template, customer)
    if customer:
        return answer_for(request, template, customer)
    stranger = Customer(tenant_id=template.tenant_id)
    if not is_open(template) or refusal(template, stranger, Way.LINK):
        raise NoCard(CLOSED, template)
    if request.method != "POST":
        return offered(request, template)
    language = translation.get_language() or template.language
    return answer_for(request, template, _enrolled(template, mailbox, language))


def _enrolled(template: PassTemplate, mailbox: str, language: str) -> Customer:
    """The customer of this mailbox, made where there is none. One at a time in a tenant, so that only one is made."""
    with transaction.atomic():
        Tenant.objects.select_for_update(no_key=True).get(pk=template.tenant_id)
        if known := _known(template.tenant_id, mailbox):
            return known
        said = say("%(customer)s confirmed an e-mail address and became a customer.", customer=mailbox)
        cause = ledger.news(
            CUSTOMER_ENROLLED, tenant_id=template.tenant_id, subject=f"{KEY_ONLY}:profile:{mailbox}",
            result=ledger.done(said), payload={"template": template.pk},
        )  # fmt: skip
        return known_by_key(mailbox, cause=cause, language=language)
