"""The dialogs of a message to many: sending it, trying it on one customer, quiet hours and limit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from passes.messaging.audience import audience_of
from passes.messaging.sending import limits_of
from passes.models import MessageLimits, PassMessage, PassTemplate, WalletPass
from portal.admin.current import current_tenant
from portal.admin.dialogs import DialogForm
from portal.admin.replays import Moment
from portal.admin.rights import row, rows
from portal.models import Customer
from portal.tenancy import Action
from portal.watch.words import spaced


class SendForm(DialogForm):
    form_before_template = "admin/passes/message_send.html"
    starts_at = forms.DateTimeField(
        label=_("When"), required=False, widget=Moment,
        help_text=_("Empty: now. In your brand's time zone."),
    )  # fmt: skip

    def clean_starts_at(self) -> datetime | None:
        given: datetime | None = self.cleaned_data["starts_at"]
        if given and given < timezone.now():
            raise forms.ValidationError(_t("This moment is over. Leave it empty to send now."))
        return given

    def clean(self) -> dict[str, Any]:
        """What is wrong stands at a field: the dialog shows no errors of the form as a whole."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        message = row(self.request, PassMessage, self.object_id, Action.CONFIGURE)
        if problem := _empty(message):
            self.add_error("starts_at", problem)
        return cleaned

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        message = row(request, PassMessage, object_id, Action.CONFIGURE)
        audience, limits = audience_of(message), limits_of(message.tenant)
        return {
            "message": message, "audience": audience, "count": spaced(audience.count), "limits": limits,
            "quiet_end": limits.quiet_end(timezone.now()), "without_room": _without_room(message),
        }  # fmt: skip


def _empty(message: PassMessage) -> str:
    if message.text or message.values.exists():
        return ""
    return _t("Write a message or a value first, and save it.")


def _without_room(message: PassMessage) -> list[str]:
    """Templates whose cards show no message."""
    if not message.text:
        return []
    found = PassTemplate.objects.for_tenant(message.tenant_id).filter(carries_messages=False)
    return [str(each) for each in (found.filter(pk=message.template_id) if message.template_id else found)]


class TestForm(DialogForm):
    key = forms.CharField(
        label=_("Customer key"), max_length=255, widget=UnfoldAdminTextInputWidget,
        help_text=_("Yourself, for example: who has this key gets it now, whatever the conditions, the hour and the "
                    "limit are."),
    )  # fmt: skip

    def clean_key(self) -> str:
        key = self.cleaned_data["key"].strip()
        message = row(self.request, PassMessage, self.object_id, Action.CONFIGURE)
        if problem := _empty(message):
            raise forms.ValidationError(problem)
        customers = rows(self.request, Customer, Action.CONFIGURE).filter(tenant=message.tenant_id)
        found = customers.filter(lowered_key=key.lower())
        self.passes = list(WalletPass.objects.filter(customer__in=list(found[:10]), voided=False))
        if message.template_id:
            self.passes = [each for each in self.passes if each.template_id == message.template_id]
        if not self.passes:
            raise forms.ValidationError(_t("Nobody with this key has a valid card that it is for."))
        return key


class LimitsForm(DialogForm):
    quiet_from = forms.TimeField(label=_("Quiet from"), required=False, widget=UnfoldAdminTextInputWidget)
    quiet_until = forms.TimeField(
        label=_("Quiet until"), required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_("Messages wait until then. Both empty: there are no quiet hours."),
    )  # fmt: skip
    weekly_cap = forms.IntegerField(
        label=_("Messages a week"), min_value=0, max_value=1000, widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("At most so many to one customer within seven days. 0: as many as you send."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tenant = current_tenant(self.request)
        if tenant is None:
            raise Http404
        self.limits = MessageLimits.objects.filter(tenant=tenant).first() or MessageLimits(tenant=tenant)
        for name in ("quiet_from", "quiet_until", "weekly_cap"):
            value = getattr(self.limits, name)
            self.fields[name].initial = value.strftime("%H:%M") if hasattr(value, "strftime") else value

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors and (cleaned["quiet_from"] is None) != (cleaned["quiet_until"] is None):
            self.add_error("quiet_until", _t("Give both times of the quiet hours, or none."))
        return cleaned
