"""Where a template begins: eight ready designs as both wallets show them, or an empty form."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from passes.admin.preview import drawn_cards
from passes.models import PassTemplate
from passes.ready.design import Ready
from passes.ready.designs import DESIGNS
from passes.ready.making import looked_at, start_from
from portal.admin.dialogs import DialogForm, dialog, leads_to
from portal.admin.rights import allowed_tenants
from portal.models import Tenant
from portal.tenancy import Action


def _language() -> str:
    """That of the reader, if cards can be in it."""
    now = (translation.get_language() or "").partition("-")[0]
    return now if now in dict(settings.LANGUAGES) else str(settings.LANGUAGES[0][0])


def _tenants(request: HttpRequest) -> Any:
    return Tenant.objects.filter(pk__in=allowed_tenants(request, Action.CONFIGURE)).order_by("name")


def _chosen(request: HttpRequest) -> Ready:
    found = DESIGNS.get(request.resolver_match.kwargs.get("design", "")) if request.resolver_match else None
    if found is None:
        raise Http404
    return found


class StartForm(DialogForm):
    tenant = forms.ModelChoiceField(
        label=_("Tenant"), queryset=Tenant.objects.none(), widget=UnfoldAdminSelectWidget, empty_label=None
    )
    name = forms.CharField(
        label=_("Name"), max_length=100, widget=UnfoldAdminTextInputWidget,
        help_text=_("For your team. It does not stand on the card."),
    )  # fmt: skip
    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget,
        help_text=_("The language of its texts. The others come as translations."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenants = _tenants(self.request)
        self.fields["tenant"].queryset = self.tenants
        if len(self.tenants) == 1:
            del self.fields["tenant"]
        self.initial |= {"name": _t(_chosen(self.request).name), "language": _language()}

    @property
    def chosen(self) -> Tenant:
        return self.cleaned_data.get("tenant") or self.tenants[0]


class ReadyDesigns:
    """Of the templates' admin: `begin/` shows the designs, `begin/<design>/` is the dialog that starts from one."""

    guided_add: ClassVar[str] = "admin:passes_passtemplate_begin"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("begin/", view(self.begin_view), name="passes_passtemplate_begin"),
            path("begin/<slug:design>/", view(self._start_view), name="passes_passtemplate_start"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def begin_view(self, request: HttpRequest) -> HttpResponse:
        tenant = _tenants(request).first()
        if tenant is None:
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("How shall the card begin?"),
            "designs": [_shown(ready, tenant) for ready in DESIGNS.values()],
            "empty_url": reverse("admin:passes_passtemplate_add"),
        }
        return TemplateResponse(request, "admin/passes/begin.html", context)

    def _start_view(self, request: HttpRequest, design: str) -> HttpResponse:
        _chosen(request)
        return self.start(request)  # type: ignore[no-any-return]

    @dialog(
        label=_("Start from this"), needs=Action.CONFIGURE, title=_("Start from this design"), form=StartForm,
        submit=_("Make the draft"), icon="style", variant=ActionVariant.PRIMARY,
        description=_("Everything in it can be changed, and no card is made before you publish."),
    )  # fmt: skip
    def start(self, request: HttpRequest, form: StartForm) -> HttpResponse:
        values = form.cleaned_data
        made = start_from(
            _chosen(request), form.chosen, name=values["name"], language=values["language"], today=timezone.localdate()
        )
        self.log_addition(request, made, "")  # type: ignore[attr-defined]
        url = reverse("admin:passes_passtemplate_change", args=[made.pk])
        return leads_to(request, url, _("The draft is ready. Put in your own pictures and texts, then publish it."))


def _shown(ready: Ready, tenant: Tenant) -> dict[str, Any]:
    template: PassTemplate = looked_at(ready, tenant, language=_language(), today=timezone.localdate())
    return {
        "name": _t(ready.name),
        "sentence": _t(ready.sentence),
        "values": list(ready.values),
        "url": reverse("admin:passes_passtemplate_start", args=[ready.key]),
        **drawn_cards(template, template.sample_values),
    }
