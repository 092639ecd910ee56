"""Apple certificates: checked before they are stored, because iOS refuses a wrong one without telling anybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from passes.apple.pem import as_pem, certificates_in, private_key_in, without_keys
from passes.apple.sign import CertificateError, check_certificate
from passes.certificates import days_left
from passes.models import AppleCredentials
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import chip
from portal.admin.extend import RemoteAccount, extensions
from portal.admin.forms import TenantForm
from portal.admin.lanes import LaneAdmin, limits_dialog, resume_dialog
from portal.admin.site import site
from portal.tenancy import Action

SOON_DAYS = 30
FILE_LIMIT = 64 * 1024
_CERTIFICATES = ("certificate", "intermediate", "apns_authority")
_CHECKED = ("certificate", "private_key", "intermediate", "pass_type_identifier", "team_identifier")


class PemField(forms.FileField):
    widget = UnfoldAdminFileFieldWidget

    def clean(self, data: Any, initial: Any = None) -> str:
        given = super().clean(data, initial)
        if not given:
            return ""
        if given.size > FILE_LIMIT:
            raise forms.ValidationError(_("This file is too large for a certificate or key."))
        try:
            return as_pem(given.read())
        except ValueError as error:
            raise forms.ValidationError(_("This is neither a PEM file nor Apple's .cer file.")) from error


class CertificateTextarea(UnfoldAdminTextareaWidget):
    """A private key that was pasted with a certificate is not shown again."""

    def format_value(self, value: Any) -> str:
        return without_keys(super().format_value(value) or "")


class CredentialsForm(TenantForm):
    certificate = forms.CharField(
        label=_("Certificate"), required=False, widget=CertificateTextarea(attrs={"rows": 4}),
        help_text=_("Paste the PEM text, or choose the file."),
    )  # fmt: skip
    intermediate = forms.CharField(
        label=_("Intermediate certificate"), required=False, widget=CertificateTextarea(attrs={"rows": 4}),
        help_text=_("Apple's WWDR certificate, as PEM text or file."),
    )  # fmt: skip
    certificate_file = PemField(label=_("or certificate file"), required=False)
    private_key_file = PemField(label=_("or key file"), required=False)
    intermediate_file = PemField(label=_("or intermediate file"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "private_key" in self.fields:
            self.fields["private_key"].required = False
        if "apns_authority" in self.fields:
            self.fields["apns_authority"].widget = CertificateTextarea(attrs={"rows": 4})

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        for name in ("certificate", "private_key", "intermediate"):
            if uploaded := given.get(f"{name}_file"):
                given[name] = uploaded
        self._keep_certificates_only(given)
        for name in ("certificate", "private_key", "intermediate"):
            kept = name == "private_key" and self.instance.pk
            if not given.get(name) and not kept and name not in self.errors:
                self.add_error(name, _("Paste it here, or choose the file."))
        cleaned = super().clean()
        if not self.errors:
            self._check(cleaned)
        return cleaned

    def _keep_certificates_only(self, given: dict[str, Any]) -> None:
        """Certificates are stored in clear and shown to the team, so nothing else may stand beside them."""
        for name in _CERTIFICATES:
            text = given.get(name)
            if not text:
                continue
            if key := private_key_in(text):
                self._take_key(name, key, given)
            try:
                given[name] = certificates_in(text)
            except ValueError:
                self.add_error(name, _("There is no certificate in this text that can be read."))

    def _take_key(self, name: str, key: str, given: dict[str, Any]) -> None:
        """An export of the keychain holds both; the key goes where it is kept secret."""
        if name == "certificate" and not given.get("private_key"):
            given["private_key"] = key
        else:
            self.add_error(name, _("A private key stands in this text. Paste the certificate alone."))

    def _check(self, cleaned: dict[str, Any]) -> None:
        values = {name: cleaned[name] if name in cleaned else getattr(self.instance, name) for name in _CHECKED}
        try:
            check_certificate(**values)
        except CertificateError as error:
            self.add_error("certificate", str(error))


@admin.register(AppleCredentials, site=site)
class AppleCredentialsAdmin(LaneAdmin, TenantAdmin):
    change_action = add_action = delete_action = Action.CONNECT
    form = CredentialsForm
    secret_lines = ("private_key",)
    list_display = ("name", "pass_type_identifier", "team_identifier", "validity", "state")
    readonly_fields = ("validity", "state")
    empty_sentence = _("Apple gives one certificate for each kind of pass. It signs them and opens the way to phones.")
    actions_detail = ("resume", "limits")
    fieldsets = (
        (None, {"fields": ["name", ("pass_type_identifier", "team_identifier")]}),
        (_("Certificate"), {"fields": ["certificate", "certificate_file"]}),
        (_("Private key"), {"fields": ["private_key", "private_key_file"]}),
        (_("Intermediate certificate"), {"fields": ["intermediate", "intermediate_file"]}),
        (_("Push"), {"fields": ["apns_url", "apns_authority"], "classes": ["collapse"]}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Files are chosen only by those who may; a stored certificate shows how long it is valid."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None:
            fieldsets[0][1]["fields"] = [*fieldsets[0][1]["fields"], ("validity", "state")]
        if not self.permits(request, self.change_action, obj):
            for _title, options in fieldsets:
                options["fields"] = [name for name in options["fields"] if not str(name).endswith("_file")]
            return [each for each in fieldsets if each[1]["fields"]]
        return fieldsets

    @display(description=_("Validity"))
    def validity(self, credentials: AppleCredentials) -> str:
        days = days_left(credentials.certificate)
        if days is None:
            return chip("bad", _("Cannot be read"))
        if days < 0:
            return chip("bad", _("Expired"))
        said = ngettext("%(n)d day left", "%(n)d days left", days) % {"n": days}
        return chip("warn" if days <= SOON_DAYS else "good", said)

    resume = resume_dialog(
        title=_("Resume the pushes?"),
        description=_("What has waited goes out now."),
        resumed=_("Pushes go out again."),
    )
    limits = limits_dialog(AppleCredentials)


def accounts(tenant_ids: Iterable[int]) -> list[RemoteAccount]:
    return [
        RemoteAccount(
            tenant_id=each.tenant_id,
            title=str(_("Apple: %(name)s") % {"name": each.name}),
            url=reverse("admin:passes_applecredentials_change", args=[each.pk]),
            lane_id=each.lane_id,
            resume_url=reverse("admin:passes_applecredentials_resume", args=[each.pk]),
        )
        for each in AppleCredentials.objects.filter(tenant_id__in=tenant_ids).only("name", "tenant_id", "lane_id")
    ]


extensions.accounts.append(accounts)
navigation.add(AppleCredentials, _("Apple certificates"), icon="verified", group=navigation.SET_UP, position=30)
