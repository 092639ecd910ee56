"""Erasing a customer from their page, and what the page shows of somebody who was erased."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from portal import erasure
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.rights import row
from portal.models import Customer
from portal.sentences import told
from portal.tenancy import Action


class EraseForm(DialogForm):  # type: ignore[misc]  # a name for unfold's own
    form_before_template = "admin/portal/erase.html"

    key = forms.CharField(
        label=_("Type the customer's key to confirm"), widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
    )

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        customer = row(request, Customer, object_id, Action.ERASE)
        return {"customer": customer, "going": [told(sentence) for sentence in erasure.going(customer)]}

    def clean_key(self) -> str:
        typed: str = self.cleaned_data["key"]
        if typed != row(self.request, Customer, self.object_id, Action.ERASE).key.strip():
            raise forms.ValidationError(_t("This is not the key of this customer. It stands above."))
        return typed


class Erasing:
    """What CustomerAdmin adds. Somebody who was erased has a page, and nothing to do on it."""

    def scoped_object(self, request: HttpRequest, key: Any, action: Action | None = None) -> Any:
        customer = super().scoped_object(request, key, action)  # type: ignore[misc]
        if customer.erased_at:
            raise Http404
        return customer

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Customer | None:
        """Also who is in no list any more."""
        try:
            found: Customer = row(request, Customer, object_id, Action.VIEW)
        except Http404:
            return None
        return found

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        customer = self.get_object(request, object_id)
        shown = customer is not None and customer.erased_at is None
        return super().get_actions_detail(request, object_id) if shown else []  # type: ignore[misc]

    @dialog(
        label=_("Erase"), needs=Action.ERASE, title=_("Erase this customer?"), form=EraseForm, icon="person_remove",
        submit=_("Erase for good"), variant=ActionVariant.DANGER,
    )  # fmt: skip
    def erase(self, request: HttpRequest, form: EraseForm, customer: Customer) -> HttpResponse:
        url = reverse("admin:portal_customer_change", args=[customer.pk])
        with transaction.atomic():
            waits = erasure.being_erased(Customer.objects.select_for_update().get(pk=customer.pk))
            if not waits:
                erasure.erase(customer, request.user)
        return finished(request, url, _t("The customer is being erased. It takes a moment."))


def erasure_of(customer: Customer) -> dict[str, Any]:
    """For the page: when it was done and who asked for it, or that it is under way."""
    if customer.erased_at is None:
        return {"at": None, "by": "", "waits": erasure.being_erased(customer)}
    asked = erasure.asked_by(customer)
    return {"at": customer.erased_at, "by": asked.who if asked else "", "waits": False}
