"""The portal's own admin site: only what is registered here or through it is shown, to members and superusers only."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite

from portal.admin.colours import shades
from portal.admin.current import choose_tenant, current_tenant, is_of_another_tenant, nothing_done, tenant_mark
from portal.admin.messages import messages_page
from portal.admin.rights import allowed_tenants
from portal.admin.signin import ChangePassword, LoginForm, password_urls
from portal.models import Tenant
from portal.tenancy import Action, is_superuser


class PortalAdminSite(UnfoldAdminSite):
    site_title = site_header = "Wallet portal"
    index_title = _("Home")
    index_template = "admin/portal/home.html"
    login_form = LoginForm
    login_template = "admin/signin/login.html"
    enable_nav_sidebar = True

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._actions, self._global_actions = {}, {}  # no deleting in bulk

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and (is_superuser(user) or allowed_tenants(request, Action.VIEW)))

    def get_urls(self) -> list[URLPattern]:
        """Without Django's redirect by content type and id, which knows no tenants."""
        own = [
            path("tenant/", self.admin_view(choose_tenant), name="choose_tenant"),
            path("messages/", self.admin_view(messages_page), name="messages"),
            *password_urls(self),
        ]
        return own + [each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        if not self.has_permission(request):
            return context
        tenant = current_tenant(request)
        if tenant and tenant.colour:
            context["colors"] = {**context["colors"], "primary": shades(tenant.colour)}
        return {**context, "portal_tenant": tenant, "portal_tenant_mark": tenant_mark(request)}

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Times are shown as the tenant's clocks show them, and nothing is done for a page of another tenant."""
        inner = super().admin_view(view, cacheable)

        def in_tenant(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if view is not choose_tenant and self.has_permission(request) and is_of_another_tenant(request):
                return nothing_done(request)
            with timezone.override(zone_of(request)):
                response: HttpResponse = inner(request, *args, **kwargs)
                if not getattr(response, "is_rendered", True):
                    response.render()  # type: ignore[attr-defined]
            return response

        return update_wrapper(in_tenant, inner)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        shown = {**self.each_context(request), **(extra_context or {})}
        done = reverse(f"{self.name}:password_change_done", current_app=self.name)
        return ChangePassword.as_view(success_url=done, extra_context=shown)(request)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from portal.admin.home import home_context  # noqa: PLC0415 - it names lists of this site

        response: HttpResponse = super().index(request, {**home_context(request), **(extra_context or {})})
        return response


def zone_of(request: HttpRequest) -> ZoneInfo | None:
    """Of the tenant that is looked at; of all of them where they agree; else the installation's (None)."""
    if tenant := current_tenant(request):
        return ZoneInfo(tenant.time_zone)
    if not is_superuser(request.user):
        return None
    zones = set(Tenant.objects.values_list("time_zone", flat=True).distinct()[:2])
    return ZoneInfo(zones.pop()) if len(zones) == 1 else None


site = PortalAdminSite(name="admin")
