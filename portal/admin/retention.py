"""What is kept how long, and what the last run removed: for superusers, who set it in the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from portal import retention
from portal.admin import navigation
from portal.admin.base import SuperuserOnly, TenantAdmin
from portal.admin.site import site
from portal.models import Pruning


@dataclass(frozen=True)
class Kept:
    """One class of data, with its last run."""

    rule: retention.Rule
    pruning: Pruning | None

    @property
    def how_long(self) -> str:
        days = self.rule.days
        return ngettext("%(n)d day", "%(n)d days", days) % {"n": days} if days else _t("For good")

    @property
    def state(self) -> tuple[str, str]:
        """Tone and word."""
        if self.pruning and self.pruning.is_held:
            return "busy", _t("Running")
        if self.pruning is None or self.pruning.ended_at is None:
            return "quiet", _t("Not yet")
        return ("quiet", _t("Due")) if self.pruning.asked_at else ("good", _t("Up to date"))


@admin.register(Pruning, site=site)
class PruningAdmin(SuperuserOnly, TenantAdmin):
    """A page instead of a list: classes show before their first run, too, and nothing can be changed here."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        known = {pruning.name: pruning for pruning in Pruning.objects.all()}
        shown = {
            **self.admin_site.each_context(request),
            "title": _t("Retention"),
            "kept": [Kept(rule, known.get(rule.name)) for rule in retention.rules()],
        }
        return TemplateResponse(request, "admin/portal/retention.html", shown)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A row has no page of its own."""
        return obj is None and super().has_view_permission(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_add_permission


navigation.add(Pruning, _("Retention"), icon="auto_delete", group=navigation.INSTALLATION, position=30)
