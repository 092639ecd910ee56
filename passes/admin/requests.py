"""“Get a certificate”: the steps at Apple, and the keys and requests that are made here for it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from passes.apple.request import NAME_LENGTH, new_request
from passes.models import CertificateRequest
from portal import history
from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.rights import allowed_tenants
from portal.admin.site import site
from portal.models import Change, Tenant
from portal.tenancy import Action

# Of RFC 5967; browsers keep the ending of the name, which Apple's page asks for.
MEDIA_TYPE = "application/pkcs10"


class RequestForm(DialogForm):
    tenant = forms.ModelChoiceField(
        label=_("Tenant"), queryset=Tenant.objects.none(), widget=UnfoldAdminSelectWidget, empty_label=None
    )
    name = forms.CharField(
        label=_("Name"), max_length=NAME_LENGTH, widget=UnfoldAdminTextInputWidget,
        help_text=_("What the passes are, such as Loyalty cards."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenants = Tenant.objects.filter(pk__in=allowed_tenants(self.request, Action.CONNECT))
        self.fields["tenant"].queryset = self.tenants
        if len(self.tenants) == 1:
            del self.fields["tenant"]

    @property
    def chosen(self) -> Tenant:
        return self.cleaned_data.get("tenant") or self.tenants[0]


@admin.register(CertificateRequest, site=site)
class CertificateRequestAdmin(TenantAdmin):
    delete_action = Action.CONNECT
    fields = readonly_fields = ("name", "created_at")
    list_display = ("name", "created_at")
    list_before_template = "admin/passes/get_certificate.html"
    empty_sentence = _("No request waits for its certificate.")
    actions_list = ("make",)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        steps = {"may_connect": self.has_delete_permission(request), "title": _("Get a certificate")}
        return super().changelist_view(request, {**steps, **(extra_context or {})})

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download_view)
        return [
            path("<path:object_id>/download/", view, name="passes_certificaterequest_download"),
            *super().get_urls(),
        ]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = super().get_list_display(request)
        return [*columns, "download"] if self.permits(request, Action.CONNECT) else columns

    def download_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        waiting = self.scoped_object(request, object_id, Action.CONNECT)
        name = f"{slugify(waiting.name) or 'pass'}.certSigningRequest"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return HttpResponse(waiting.request, content_type=MEDIA_TYPE, headers=disposition)

    @display(description=_("Request for Apple"))
    def download(self, waiting: CertificateRequest) -> SafeString:
        address = reverse("admin:passes_certificaterequest_download", args=[waiting.pk])
        return format_html('<a class="portal-link" href="{}">{}</a>', address, _t("Download"))

    @dialog(
        label=_("Make a request"), needs=Action.CONNECT, title=_("Make a key and a request"), form=RequestForm,
        icon="key", submit=_("Make"), variant=ActionVariant.PRIMARY,
        description=_("The private key is stored encrypted and never leaves the portal. The request goes to Apple."),
    )  # fmt: skip
    def make(self, request: HttpRequest, form: RequestForm) -> HttpResponse:
        tenant, name = form.chosen, form.cleaned_data["name"]
        key, asked = new_request(name, tenant.name)
        made = CertificateRequest.objects.create(tenant=tenant, name=name, private_key=key, request=asked)
        self.log_addition(request, made, "")
        url = reverse("admin:passes_certificaterequest_changelist")
        return finished(request, url, _("The request is ready. Download it, and give it to Apple."))


def removed(request: HttpRequest, answered: CertificateRequest) -> None:
    """Its certificate came: the key is stored beside that from now on."""
    gone = history.difference(history.document(answered, []), None)
    history.record(answered, by=request.user, kind=Change.Kind.REMOVED, differences=gone)
    answered.delete()


navigation.add(
    CertificateRequest, _("Get a certificate"), icon="workspace_premium", group=navigation.SET_UP, position=31
)
