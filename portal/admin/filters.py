"""Filters as questions with fixed answers: none lists other rows, so none can show another tenant's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from portal.admin.chips import midnight
from portal.ledger import kind_title
from portal.ledger.registry import registry
from portal.models import Event


class Question(SimpleListFilter):
    """An answer that is not offered is no answer: it does not reach the database."""

    def value(self) -> str | None:
        given: str | None = super().value()
        return given if given in {str(answer) for answer, _title in self.lookup_choices} else None


OF_JOB = "job"  # in the address of the list of events: the key of the job whose rows are asked for


class HowDidItEnd(Question):
    title = _("how it ended")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Needs a person")), *Event.Status.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "open":
            return queryset.filter(status__in=Event.UNRESOLVED)
        return queryset.filter(status=self.value()) if self.value() else queryset


class WhatHappened(Question):
    title = _("what happened")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return sorted(
            ((kind, kind_title(kind)) for kind in {**registry.kinds, **registry.titles}), key=lambda each: str(each[1])
        )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class WhichPart(Question):
    title = _("where in its chain")
    parameter_name = "part"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("first", _("Only what started something"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(parent=None) if self.value() == "first" else queryset


def statuses_asked(request: HttpRequest) -> list[str]:
    """The statuses that the answers in the address allow; none where the list is in order without them."""
    asked = request.GET.get(HowDidItEnd.parameter_name, "")
    if asked == "open":
        return list(Event.UNRESOLVED)
    if asked in Event.Status.values:
        return [asked]
    by_status = request.GET.get(WhatHappened.parameter_name) or request.GET.get(OF_JOB)
    return Event.Status.values if by_status else []


class WhenChanged(Question):
    """Newest change first, as its index is."""

    title = _("when a value changed")
    parameter_name = "changed"
    order = ("-changed_at", "-id")

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("today", _("Today")), ("week", _("In the last 7 days")), ("month", _("In the last 30 days"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = {"today": 0, "week": 7, "month": 30}
        if self.value() is None:
            return queryset
        return queryset.filter(changed_at__gte=midnight() - timedelta(days=days[self.value() or ""]))
