"""The history of a tenant's configuration, newest first. It is read, never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.changes import model_title, told
from portal.admin.chips import chip
from portal.admin.filters import Question
from portal.admin.pages import PageAdmin
from portal.admin.site import site
from portal.models import Change
from portal.tenancy import Action

_TONES = {"added": "good", "changed": "busy", "removed": "bad", "done": "quiet"}
LINES_IN_LIST = 3


class OfWhat(Question):
    title = _("of what")
    parameter_name = "of"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        own = [model for model, admin in site._registry.items() if isinstance(admin, TenantAdmin)]
        kinds = [(model._meta.label_lower, model._meta.verbose_name) for model in own if model is not Change]
        return sorted(kinds, key=lambda each: str(each[1]))

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(model=self.value()) if self.value() else queryset


class WhatWasDone(Question):
    title = _("what was done")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Change.Kind.choices)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Change, site=site)
class ChangeAdmin(PageAdmin, TenantAdmin):
    view_action = Action.AUDIT
    list_display = ("at", "who", "what_kind", "object_title", "summary")
    list_display_links = ("at",)
    list_filter = (OfWhat, WhatWasDone)
    search_fields = ("who__startswith",)
    search_help_text = _("The beginning of a person's name, for example anna@")
    sortable_by = ()
    change_form_template = "admin/portal/change.html"
    empty_sentence = _("Whatever is changed from now on is listed here: who, when, before and after.")

    @display(description=_("What"))
    def what_kind(self, change: Change) -> str:
        return chip(_TONES[change.kind], change.get_kind_display())

    @display(description=_("Of"))
    def object_title(self, change: Change) -> str:
        return f"{model_title(change.model)} {change.name}".strip()

    @display(description=_("Details"))
    def summary(self, change: Change) -> str:
        names = [line.name for line in told(change)]
        more = len(names) - LINES_IN_LIST
        listed = ", ".join(names[:LINES_IN_LIST]) + (f" +{more}" if more > 0 else "")
        return " ".join(filter(None, [_t(change.sentence) if change.sentence else "", listed]))

    def page_title(self, change: Change) -> str:
        return f"{change.get_kind_display()}: {self.object_title(change)}"

    def page_context(self, request: HttpRequest, change: Change) -> dict[str, Any]:
        return {"entry": change, "lines": told(change), "object_url": _url(change)}

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """A change has no history of its own."""
        return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)


def _url(change: Change) -> str:
    if change.kind == Change.Kind.REMOVED:
        return ""
    try:
        return reverse(f"admin:{change.model.replace('.', '_')}_change", args=[change.object_key])
    except NoReverseMatch:
        return ""


navigation.add(Change, _("Changes"), icon="history", group=navigation.TEAM, position=40)
