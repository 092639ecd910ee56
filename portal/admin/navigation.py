"""The sidebar, in the words of its users. Higher storeys add their lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _

from portal.admin.current import current_tenant
from portal.tenancy import is_superuser

DAILY, SET_UP, TEAM, INSTALLATION = range(4)
_TITLES = {SET_UP: _("Set up"), TEAM: _("Team"), INSTALLATION: _("Installation")}


@dataclass(frozen=True)
class Entry:
    model: type[Model]
    title: Any
    icon: str
    group: int
    position: int


_entries: list[Entry] = []


def add(model: type[Model], title: Any, *, icon: str, group: int, position: int) -> None:
    _entries.append(Entry(model, title, icon, group, position))


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """UNFOLD["SIDEBAR"]["navigation"]."""
    from portal.admin.site import site  # noqa: PLC0415 - the site's module is read before any admin

    groups: dict[int, list[dict[str, Any]]] = {DAILY: [_home(request)]}
    for entry in sorted(_entries, key=lambda each: (each.group, each.position)):
        if site.get_model_admin(entry.model).has_module_permission(request):
            groups.setdefault(entry.group, []).append(_item(request, entry))
    return [
        {"title": _TITLES.get(group), "items": items, "separator": group != DAILY}
        for group, items in sorted(groups.items())
    ]


def _home(request: HttpRequest) -> dict[str, Any]:
    url = reverse("admin:index")
    return {"title": _("Home"), "icon": "home", "link": reverse_lazy("admin:index"), "active": request.path == url}


def _item(request: HttpRequest, entry: Entry) -> dict[str, Any]:
    url = reverse(f"admin:{entry.model._meta.app_label}_{entry.model._meta.model_name}_changelist")
    return {"title": entry.title, "icon": entry.icon, "link": url, "active": request.path.startswith(url)}


def tenant_name(request: HttpRequest) -> str:
    """UNFOLD["SITE_SUBHEADER"]: whose data this is."""
    if not request.user.is_authenticated:
        return ""
    if tenant := current_tenant(request):
        return tenant.name
    return str(_("All tenants")) if is_superuser(request.user) else ""


def stylesheet(request: HttpRequest) -> str:
    """UNFOLD["STYLES"]: unfold's own stylesheet has its own classes only."""
    return static("portal/portal.css")


def script(request: HttpRequest) -> str:
    """UNFOLD["SCRIPTS"]: what the portal's own pages do in the browser, in no page itself."""
    return static("portal/portal.js")


def icon(request: HttpRequest) -> str:
    """The address of the icon in UNFOLD["SITE_FAVICONS"]."""
    return static("portal/favicon.svg")
