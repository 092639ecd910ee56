"""The portal's own admin site: only what is registered here or through it is shown, to members and superusers only."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.forms import AuthenticationForm as BaseAuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.forms import AuthenticationForm
from unfold.sites import UnfoldAdminSite

from portal.admin.rights import allowed_tenants
from portal.models import Membership, Tenant
from portal.tenancy import Action, is_superuser


class LoginForm(AuthenticationForm):
    """Lets in who is a member of a tenant, or a superuser; Django's staff flag says nothing here."""

    def confirm_login_allowed(self, user: Any) -> None:
        BaseAuthenticationForm.confirm_login_allowed(self, user)
        if not user.is_superuser and not Membership.objects.filter(user=user).exists():
            raise ValidationError(
                _("You are not a member of any team yet. Ask the administrator of this installation to add you.")
            )


class PortalAdminSite(UnfoldAdminSite):
    site_title = site_header = "Wallet portal"
    index_title = _("Home")
    index_template = "admin/portal/home.html"
    login_form = LoginForm
    enable_nav_sidebar = True

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self._actions, self._global_actions = {}, {}  # no deleting in bulk

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return bool(user.is_active and (is_superuser(user) or allowed_tenants(request, Action.VIEW)))

    def get_urls(self) -> list[URLPattern]:
        """Without Django's redirect by content type and id, which knows no tenants."""
        return [each for each in super().get_urls() if getattr(each, "name", "") != "view_on_site"]

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Times are shown as the tenant's clocks show them."""
        inner = super().admin_view(view, cacheable)

        def in_zone(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            with timezone.override(zone_of(request)):
                response: HttpResponse = inner(request, *args, **kwargs)
                if not getattr(response, "is_rendered", True):
                    response.render()  # type: ignore[attr-defined]
            return response

        return update_wrapper(in_zone, inner)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        from portal.admin.home import home_context  # noqa: PLC0415 - it names lists of this site

        response: HttpResponse = super().index(request, {**home_context(request), **(extra_context or {})})
        return response


def zone_of(request: HttpRequest) -> ZoneInfo | None:
    tenants = allowed_tenants(request, Action.VIEW)
    zones = set(Tenant.objects.filter(pk__in=tenants).values_list("time_zone", flat=True)[:2]) if tenants else set()
    return ZoneInfo(zones.pop()) if len(zones) == 1 else None


site = PortalAdminSite(name="admin")
