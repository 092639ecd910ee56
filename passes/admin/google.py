"""Google issuers in the admin: set up, tested, resumed. The key file goes in and never comes out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from passes.google.account import KEY_FILE_LIMIT, UnusableKey, read_account
from passes.google.checkup import check_up
from passes.models import GoogleIssuer
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.dialogs import DialogForm, dialog, result
from portal.admin.extend import RemoteAccount, extensions
from portal.admin.forms import SecretTextarea, TenantForm
from portal.admin.lanes import LaneAdmin, limits_dialog, resume_dialog
from portal.admin.site import site
from portal.sentences import told
from portal.tenancy import Action


class KeyFileField(forms.FileField):
    """The text of the uploaded file; None when none was chosen."""

    widget = UnfoldAdminFileFieldWidget

    def clean(self, data: Any, initial: Any = None) -> str | None:
        given = super().clean(data, initial)
        if not given:
            return None
        if (given.size or 0) > KEY_FILE_LIMIT:
            raise forms.ValidationError(_("This file is too large for a key file."))
        return bytes(given.read()).decode("utf-8", "replace")


class IssuerForm(TenantForm):
    secret_addresses: ClassVar[dict[str, str]] = {"key_file": "api_url"}

    file = KeyFileField(
        label=_("Key file"), required=False,
        help_text=_("The JSON file that Google Cloud gives for a key of a service account. It is stored encrypted."),
    )  # fmt: skip
    key_file = forms.CharField(
        label=_("Or paste its text"), required=False, max_length=KEY_FILE_LIMIT,
        widget=SecretTextarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data.get("file") or self.cleaned_data.get("key_file")
        if given:
            self.cleaned_data["key_file"] = given
            self._take(given)
        elif self.instance.pk is None and not self.has_error("file"):
            self.add_error("file", _("Choose the key file, or paste its text."))
        return super().clean()

    def _take(self, given: str) -> None:
        try:
            self.instance.client_email = read_account(given).client_email
        except UnusableKey as error:
            self.add_error("file", told(error.sentence))


@admin.register(GoogleIssuer, site=site)
class GoogleIssuerAdmin(LaneAdmin, TenantAdmin):
    change_action = add_action = delete_action = Action.CONNECT
    form = IssuerForm
    secret_lines = ("key_file",)
    list_display = ("name", "issuer_id", "client_email", "state")
    readonly_fields = ("state", "client_email")
    empty_sentence = _("A Google issuer account gives out cards for Google Wallet, by a service account that you make.")
    actions_detail = ("test", "resume", "limits")
    fieldsets = (
        (None, {"fields": ["name", "issuer_id"]}),
        (_("Service account"), {"fields": ["file", "key_file"]}),
        (_("Addresses"), {"fields": ["api_url", "save_url"], "classes": ["collapse"]}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        first, given, addresses = super().get_fieldsets(request, obj)
        if obj is None:
            return [first, given, addresses]
        known = (None, {"fields": [("name", "state"), ("issuer_id", "client_email")]})
        replaced = (_("Another key file"), {"fields": ["file", "key_file"], "classes": ["collapse"]})
        may_change = self.permits(request, self.change_action, obj)
        return [known, *([replaced] if may_change else []), addresses]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Cards on phones belong to their issuer for good."""
        fixed = ["issuer_id"] if obj is not None else []
        return [*super().get_readonly_fields(request, obj), *fixed]

    @dialog(
        label=_("Test connection"), needs=Action.CONFIGURE, title=_("Test the connection"), icon="bolt",
        submit=_("Test"), description=_("Asks Google for everything that the portal needs, once. Nothing is changed."),
    )  # fmt: skip
    def test(self, request: HttpRequest, form: DialogForm, issuer: GoogleIssuer) -> HttpResponse:
        steps = check_up(issuer)
        passed = all(step.tone == "good" for step in steps)
        shown = {"steps": steps, "passed": passed, "done_url": self.change_url(issuer)}
        return result(request, "admin/portal/tested.html", shown)

    resume = resume_dialog(
        title=_("Resume this issuer?"),
        description=_("What has waited goes to Google now. Resume once the reason is gone."),
        resumed=_("Cards go to Google again."),
    )
    limits = limits_dialog(GoogleIssuer)


def accounts(tenant_ids: Iterable[int]) -> list[RemoteAccount]:
    return [
        RemoteAccount(
            tenant_id=each.tenant_id,
            title=str(_("Google: %(name)s") % {"name": each.name}),
            url=reverse("admin:passes_googleissuer_change", args=[each.pk]),
            lane_id=each.lane_id,
            resume_url=reverse("admin:passes_googleissuer_resume", args=[each.pk]),
        )
        for each in GoogleIssuer.objects.filter(tenant_id__in=tenant_ids).only("name", "tenant_id", "lane_id")
    ]


extensions.accounts.append(accounts)
navigation.add(GoogleIssuer, _("Google issuers"), icon="add_card", group=navigation.SET_UP, position=35)
