"""What a person is told by mail of the tenant they look at: each chooses for themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminSelectWidget

from portal.accounts import mailbox_of
from portal.admin.current import current_tenant
from portal.models import Membership, Tenant, Watcher
from portal.watch.digest import wanted_by


class MessagesForm(forms.Form):
    wanted = forms.ChoiceField(label=_("When"), choices=Watcher.Wanted.choices, widget=UnfoldAdminRadioSelectWidget)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget)


@require_http_methods(["GET", "POST"])
def messages_page(request: HttpRequest) -> HttpResponse:
    """Of the tenant that is looked at; of the installation for superusers who look at all of them."""
    from portal.admin.site import site  # noqa: PLC0415 - the site's addresses name this view

    tenant = current_tenant(request)
    user: User = request.user  # type: ignore[assignment]
    role = Membership.objects.filter(user=user, tenant=tenant).values_list("role", flat=True).first()
    belongs = tenant is None or role is not None
    form = MessagesForm(request.POST or None, initial=_chosen(user, tenant, role))
    if request.method == "POST" and belongs and form.is_valid():
        Watcher.objects.update_or_create(user=user, tenant=tenant, defaults=form.cleaned_data)
        messages.success(request, _("Saved. You get your messages this way from now on."))
        return HttpResponseRedirect(reverse("admin:messages"))
    context: dict[str, Any] = {
        **site.each_context(request),
        "title": _("Messages to you"),
        "form": form,
        "belongs": belongs,
        "about": tenant,
        "mailbox": mailbox_of(user),
        "mail_set_up": settings.MAIL_SET_UP,
    }
    return TemplateResponse(request, "admin/portal/messages.html", context)


def _chosen(user: User, tenant: Tenant | None, role: str | None) -> dict[str, str]:
    """What they chose, or what people of their role are told in the tenant's language."""
    watcher = Watcher.objects.filter(user=user, tenant=tenant).first() or Watcher()
    default = tenant.language if tenant else settings.LANGUAGE_CODE
    return {"wanted": wanted_by(role, watcher.wanted), "language": watcher.language or default}


def account_links(request: HttpRequest) -> list[dict[str, Any]]:
    """UNFOLD["ACCOUNT"]["navigation"]: what a person does about themselves."""
    links = [{"title": _("Messages to you"), "link": reverse("admin:messages")}]
    if request.user.is_authenticated and request.user.has_usable_password():
        links.append({"title": _("Change password"), "link": reverse("admin:password_change")})
    return links
