"""Questions about passes. Each answer is one that an index gives, newest first, whatever there is in the table."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from passes.models import PassTemplate
from portal.admin.filters import Question
from portal.admin.rights import rows


class WhichTemplate(Question):
    title = _("template")
    parameter_name = "template"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The person's own only."""
        return [(str(template.pk), template.name) for template in rows(request, PassTemplate).only("name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(template_id=int(self.value() or 0)) if self.value() else queryset


class IsVoid(Question):
    title = _("validity")
    parameter_name = "void"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Void"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(voided=True) if self.value() else queryset
