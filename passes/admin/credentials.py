"""Apple certificates: checked before they are stored, because iOS refuses a wrong one without telling anybody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from passes.admin.push_key import PushKey
from passes.admin.renewal import Renewal, SpareInline
from passes.admin.requests import removed
from passes.admin.shown import days_chip, known_facts, nfc_words, push_words
from passes.admin.uploads import UploadFields, judged, upload_of
from passes.apple.certificate import Signer, Verdict, Wanted, facts
from passes.apple.request import answers
from passes.apple.upload import Upload, pem_of, read, without_keys
from passes.models import AppleCredentials, CertificateRequest
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.extend import RemoteAccount, extensions
from portal.admin.forms import TenantForm
from portal.admin.lanes import LaneAdmin, limits_dialog, resume_dialog
from portal.admin.site import site
from portal.tenancy import Action


class AuthorityTextarea(UnfoldAdminTextareaWidget):
    """A private key that was pasted with a certificate is not shown again."""

    def format_value(self, value: Any) -> str:
        return without_keys(super().format_value(value) or "")


class CredentialsForm(TenantForm, UploadFields):
    """`verdict`: about what was uploaded; None when nothing was. `answered`: the waiting request whose key it took."""

    verdict: Verdict | None = None
    answered: CertificateRequest | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("pass_type_identifier", "team_identifier"):
            if name in self.fields:
                self.fields[name].required = False
        if "apns_authority" in self.fields:
            self.fields["apns_authority"].widget = AuthorityTextarea(attrs={"rows": 4})

    def clean_apns_authority(self) -> str:
        """Stored in clear and shown to the team, so nothing but certificates may stand in it."""
        text = self.cleaned_data["apns_authority"]
        if without_keys(text) != text:
            raise forms.ValidationError(_("A private key stands in this text. Paste the certificate alone."))
        found = read(text.encode())
        if text and not found.certificates:
            raise forms.ValidationError(_("There is no certificate in this text that can be read."))
        return "".join(pem_of(each) for each in found.certificates)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        upload = self._with_waiting_key(upload_of(cleaned), cleaned)
        if "file" in self.fields and (upload != Upload() or self.instance.pk is None):
            self.verdict = judged(upload, self._wanted(cleaned))
            for sentence in self.verdict.problems:
                self.add_error("file", sentence)
            if self.verdict.signer:
                self._take(cleaned, self.verdict.signer)
        return cleaned

    def _with_waiting_key(self, upload: Upload, cleaned: dict[str, Any]) -> Upload:
        tenant = cleaned.get("tenant") or self.instance.tenant_id
        if not tenant or not upload.certificates:
            return upload
        for waiting in CertificateRequest.objects.for_tenant(tenant):
            if any(answers(each, waiting.request) for each in upload.certificates):
                self.answered = waiting
                return upload + read(waiting.private_key.encode())
        return upload

    def _wanted(self, cleaned: dict[str, Any]) -> Wanted:
        stored = self.instance if self.instance.pk else None
        names = ("pass_type_identifier", "team_identifier")
        return Wanted(*((cleaned.get(name) or getattr(stored, name, "")).strip() for name in names))

    def _take(self, cleaned: dict[str, Any], signer: Signer) -> None:
        """What the certificate says of itself need not be typed."""
        found = facts(signer.leaf)
        cleaned["pass_type_identifier"] = found.pass_type_identifier
        cleaned["team_identifier"] = found.team_identifier
        columns = signer.columns()
        if self.instance.pk is None:
            for name, text in columns.items():
                setattr(self.instance, name, text)
        elif columns["certificate"] in self._stored():
            self.add_error("file", _("This certificate is stored already."))

    def _stored(self) -> list[str]:
        return [self.instance.certificate, *self.instance.spares.values_list("certificate", flat=True)]


@admin.register(AppleCredentials, site=site)
class AppleCredentialsAdmin(PushKey, Renewal, LaneAdmin, TenantAdmin):
    change_action = add_action = delete_action = Action.CONNECT
    form = CredentialsForm
    list_display = ("name", "pass_type_identifier", "team_identifier", "validity", "state")
    readonly_fields = ("validity", "state", "nfc", "push", "issuer", "serial")
    empty_sentence = _("Apple gives one certificate for each kind of pass. It signs them and opens the way to phones.")
    actions_detail = ("switch", "remove", "push_key", "remove_push_key", "resume", "limits")
    inlines = (SpareInline,)
    fieldsets = (
        (None, {"fields": ["name"]}),
        (_("Certificate"), {"fields": ["file", "password", "text"]}),
        (_("What it must be for"), {
            "fields": [("pass_type_identifier", "team_identifier"), "key_file", "intermediate_file"],
            "description": _("All of this may stay empty: pass type and team are read from the certificate."),
            "classes": ["collapse"],
        }),
        (_("Push"), {"fields": ["apns_url", "apns_authority"], "classes": ["collapse"]}),
    )  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """A stored certificate says what it is; files are chosen only by those who may."""
        first, given, wanted, push = super().get_fieldsets(request, obj)
        if obj is None:
            return [first, given, wanted, push]
        known = [("pass_type_identifier", "team_identifier"), ("validity", "state"), ("nfc", "push"),
                 ("issuer", "serial")]  # fmt: skip
        renewal = ["file", "password", "text", "key_file", "intermediate_file"]
        shown = [first, (_("Certificate in use"), {"fields": known})]
        if self.permits(request, self.change_action, obj):
            shown.append((_("Renew the certificate"), {"fields": renewal, "classes": ["collapse"]}))
        return [*shown, push]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Passes on phones belong to their pass type and team for good."""
        fixed = ["pass_type_identifier", "team_identifier"] if obj is not None else []
        return [*super().get_readonly_fields(request, obj), *fixed]

    def save_model(self, request: HttpRequest, obj: AppleCredentials, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and form.verdict and form.verdict.signer:
            obj.spares.create(**form.verdict.signer.columns())
            messages.info(
                request, _("The new certificate waits beside the one in use. Switch on its page when you are ready.")
            )
        for remark in form.verdict.remarks if form.verdict else ():
            messages.warning(request, remark)
        if form.answered:
            removed(request, form.answered)

    @display(description=_("Validity"))
    def validity(self, credentials: AppleCredentials) -> str:
        return days_chip(credentials.certificate)

    @display(description=_("NFC"))
    def nfc(self, credentials: AppleCredentials) -> str:
        return nfc_words(credentials.certificate)

    @display(description=_("Pushes"))
    def push(self, credentials: AppleCredentials) -> str:
        if credentials.push_key_id:
            return _t("With the team's key %(key)s") % {"key": credentials.push_key_id}
        return push_words(credentials.certificate)

    @display(description=_("Made by"))
    def issuer(self, credentials: AppleCredentials) -> str:
        found = known_facts(credentials.certificate)
        return found.issuer if found else "–"

    @display(description=_("Serial number"))
    def serial(self, credentials: AppleCredentials) -> str:
        found = known_facts(credentials.certificate)
        return found.serial if found else "–"

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
