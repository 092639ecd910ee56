"""Giving a customer a pass by hand: a dialog on the customer's page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget

from passes.content import ContentError
from passes.issuing import Refused, Way, choices_open_to, make, refusal
from passes.models import PassTemplate
from portal.admin.customers import CustomerAdmin
from portal.admin.dialogs import DialogForm, dialog, finished, leads_to
from portal.admin.rights import row
from portal.ledger.registry import name_news
from portal.models import Customer
from portal.sentences import say, told
from portal.tenancy import Action

PASS_GIVEN = "pass.given"
name_news(PASS_GIVEN, _("Pass given by hand"))
NONE_LEFT = _("No template is open to this customer: each is used already, is made in another way, or asks for other "
              "values. The choice “Passes are made” of a template says how.")  # fmt: skip


class GiveForm(DialogForm):
    """Offers the templates that the customer may have a pass of, and has none of."""

    template = forms.ModelChoiceField(label=_("Template"), queryset=PassTemplate.objects.none(), empty_label=None,
                                      widget=UnfoldAdminSelectWidget)  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        customer = row(self.request, Customer, self.object_id, Action.OPERATE)
        found = [template.pk for template in templates_for(customer, Way.HAND)]
        self.fields["template"].queryset = PassTemplate.objects.filter(pk__in=found).select_related("apple")
        if not found:
            self.fields["template"].help_text = NONE_LEFT


def templates_for(customer: Customer, way: Way) -> list[PassTemplate]:
    """The templates that the customer may get a pass of this way, and has none of."""
    templates = PassTemplate.objects.for_tenant(customer.tenant_id).filter(issue__in=choices_open_to(way))
    free = templates.exclude(passes__customer=customer)
    return [template for template in free if not refusal(template, customer, way)]


@dialog(
    label=_("Give a pass"), needs=Action.OPERATE, title=_("Give this customer a pass?"), icon="add_card",
    description=_("It is made at once. Then send the customer the link of its page."), form=GiveForm,
    variant=ActionVariant.PRIMARY,
)  # fmt: skip
def give_pass(model_admin: CustomerAdmin, request: HttpRequest, form: GiveForm, customer: Customer) -> HttpResponse:
    template = form.cleaned_data["template"]
    said = say("%(who)s gave “%(template)s” to %(customer)s.", who=request.user.get_username(), template=template,
               customer=customer)  # fmt: skip
    try:
        with transaction.atomic():
            if make(template, customer, Way.HAND, kind=PASS_GIVEN, said=said):
                model_admin.log_change(request, customer, gettext_noop("Gave a pass."))
    except (Refused, ContentError) as error:
        page = reverse("admin:portal_customer_change", args=[customer.pk])
        return finished(request, page, told(error.sentence), messages.ERROR)
    made = template.passes.get(customer=customer)
    return leads_to(request, reverse("admin:passes_walletpass_change", args=[made.pk]), _("The pass is made."))


CustomerAdmin.takes(give_pass)
