"""Which tenant the pages show: a person works in one tenant at a time; superusers in one or in all."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.admin.dialogs import leads_to
from portal.admin.rights import CHOSEN_TENANT, current_tenant_id, forget, tenants_within_reach
from portal.models import Tenant
from portal.tenancy import is_superuser

ALL = "all"
OFFERED_IN_HEADER = 12
LISTED = 100
SEARCH_LIMIT = 100


def current_tenant(request: HttpRequest) -> Tenant | None:
    """The tenant whose pages are shown; None for a superuser who looks at all. One query per request."""
    if "_portal_tenant" not in request.__dict__:
        found = Tenant.objects.filter(pk=current_tenant_id(request)).first()
        request.__dict__["_portal_tenant"] = found
    return request.__dict__["_portal_tenant"]  # type: ignore[no-any-return]


def header_items(request: HttpRequest) -> list[dict[str, Any]]:
    """UNFOLD["SITE_DROPDOWN"]: the tenants to switch to. Nothing for people of one tenant."""
    if not request.user.is_authenticated:
        return []
    offered = list(tenants_within_reach(request)[: OFFERED_IN_HEADER + 1])
    if len(offered) < 2 and not is_superuser(request.user):
        return []
    page, here = reverse("admin:choose_tenant"), current_tenant_id(request)
    items = [_item(request, page, str(tenant.pk), tenant.name, tenant.pk == here)
             for tenant in offered[:OFFERED_IN_HEADER]]  # fmt: skip
    if is_superuser(request.user):
        items.insert(0, _item(request, page, ALL, _("All tenants"), here is None))
    if len(offered) > OFFERED_IN_HEADER:
        items.append({"title": _("More tenants…"), "icon": "search", "link": page})
    return items


def _item(request: HttpRequest, page: str, key: str, title: str, chosen: bool) -> dict[str, Any]:
    attrs = {
        "hx-post": page,
        "hx-vals": json.dumps({"tenant": key}),
        "hx-headers": json.dumps({"X-CSRFToken": get_token(request)}),
        "hx-swap": "none",
    }
    return {"title": title, "link": page, "icon": "check" if chosen else "apartment", "attrs": attrs}


def is_of_another_tenant(request: HttpRequest) -> bool:
    """Whether the page that sent this showed another tenant: the person went over to this one in another window."""
    shown = request.headers.get("X-Portal-Tenant") or request.POST.get("_tenant", "")
    return bool(shown) and shown != tenant_mark(request)


def tenant_mark(request: HttpRequest) -> str:
    """What pages carry to say which tenant they show."""
    return str(current_tenant_id(request) or ALL)


def nothing_done(request: HttpRequest) -> HttpResponse:
    """The answer to such a page: it says where the person is now."""
    tenant = current_tenant(request)
    said = _("You went over to %(tenant)s in another window, so nothing was done here. Go back over, then try again.")
    said %= {"tenant": tenant.name if tenant else _("all tenants")}
    return leads_to(request, reverse("admin:index"), said, messages.WARNING)


@require_http_methods(["GET", "POST"])
def choose_tenant(request: HttpRequest) -> HttpResponse:
    """GET lists the person's tenants, POST goes over to one. Somebody else's is a 404, as if it did not exist."""
    if request.method == "POST":
        return _switch(request, request.POST.get("tenant", ""))
    from portal.admin.site import site  # noqa: PLC0415 - the site's addresses name this view

    asked = request.GET.get("q", "").replace("\x00", "")[:SEARCH_LIMIT]
    found = tenants_within_reach(request).filter(name__icontains=asked)
    context = {
        **site.each_context(request),
        "title": _("Choose a tenant"),
        "asked": asked,
        "tenants": found[:LISTED],
        "more": found.count() - LISTED,
        "here": current_tenant_id(request),
        "may_see_all": is_superuser(request.user),
    }
    return TemplateResponse(request, "admin/portal/choose_tenant.html", context)


def _switch(request: HttpRequest, key: str) -> HttpResponse:
    if key == ALL and is_superuser(request.user):
        request.session.pop(CHOSEN_TENANT, None)
        said = _("You see all tenants now.")
    else:
        tenant = tenants_within_reach(request).filter(pk=key).first() if key.isdecimal() and len(key) < 19 else None
        if tenant is None:
            raise Http404
        request.session[CHOSEN_TENANT] = tenant.pk
        said = _("You are in %(tenant)s now.") % {"tenant": tenant.name}
    forget(request)
    return leads_to(request, reverse("admin:index"), said)
