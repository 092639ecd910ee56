"""The proof of consents: the list, a record's page, and what stands on the customer's page. Nothing changes here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display
from unfold.views import ChangeList

from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.chips import chip, when
from portal.admin.consents_file import WithJson, consent_cells
from portal.admin.export import Cell, Exported
from portal.admin.extend import Panel, extensions
from portal.admin.filters import Question
from portal.admin.pages import PageAdmin
from portal.admin.paging import ManyRows, ManyRowsList, lowered
from portal.admin.rights import allowed_tenants
from portal.admin.site import site
from portal.consents.latest import whys
from portal.consents.told import OURS, decided_at, system_of, title_of
from portal.models import ConsentRecord, Customer
from portal.templatetags.portal_admin import plain
from portal.tenancy import Action

Kind = ConsentRecord.Kind
TONES = {Kind.GIVEN: "good", Kind.WITHDRAWN: "bad", Kind.OVERRULED: "warn", Kind.HELD: "warn", Kind.CONFIRMED: "quiet"}
OF_CUSTOMER = "customer"  # in the address of the list: the key of the customer whose records are asked for
# Contents that the page of a record shows under titles of their own.
SHOWN = {"title", "before", "after", "at", "who", "event", "chain", "salt"}
TITLES = {
    "shown": _("What was shown"), "delegate": _("On behalf of the person"), "proofs": _("Proofs"),
    "regulation": _("Regulation"), "vendor_event": _("Number of the event there"),
}  # fmt: skip


def systems_of(tenants: Iterable[int]) -> dict[str, str]:
    """Source -> what people call the system."""
    return {account.source: account.title for account in extensions.accounts_of(tenants) if account.source}


class WhatWasSaid(Question):
    title = _("what happened")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(Kind.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class WhoSaidIt(Question):
    """The connections that there are: what the table holds would have to be read from one end to the other."""

    title = _("which system said it")
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        found = systems_of(allowed_tenants(request, Action.VIEW))
        return [*sorted(found.items(), key=lambda each: str(each[1])), (OURS, _("Somebody of the team"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(source=self.value()) if self.value() else queryset


class ConsentList(ManyRowsList):
    """Knows what people call the systems."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        systems = systems_of({record.tenant_id for record in self.result_list})
        for record in self.result_list:
            record.said_by = system_of(record.source, systems)


@admin.register(ConsentRecord, site=site)
class ConsentRecordAdmin(WithJson, Exported, ManyRows, PageAdmin, TenantAdmin):
    list_display = ("moment", "what", "consent", "customer", "system", "number")
    list_display_links = ("moment", "what")
    list_filter = (WhatWasSaid, WhoSaidIt)
    list_select_related = ("customer",)
    search_fields = ("customer__lowered_key",)
    search_path = "customer_id"
    search_help_text = _("The beginning of a customer's key, for example anna@")
    allowed_lookups = (OF_CUSTOMER,)
    change_form_template = "admin/portal/consent.html"
    empty_sentence = _("Each consent that is given or withdrawn shows here, with who said it, when and where.")
    export_sentence = gettext_noop("Exported the proof of consents.")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ConsentList

    def parts(self, request: HttpRequest) -> list[Q]:
        """The index by source has the kind before the number."""
        if request.GET.get(WhoSaidIt.parameter_name) and request.GET.get(WhatWasSaid.parameter_name) not in Kind.values:
            return [Q(kind=kind) for kind in Kind.values]
        return [Q()]

    def begins_with(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return Customer.objects.filter(lowered_key__startswith=lowered(term))

    def export_cells(self, rows: QuerySet[Any]) -> list[Cell]:
        return consent_cells()

    @display(description=_("When"))
    def moment(self, record: ConsentRecord) -> str:
        return when(record.recorded_at)

    @display(description=_("What"))
    def what(self, record: ConsentRecord) -> str:
        return chip(TONES[Kind(record.kind)], record.get_kind_display())

    @display(description=_("Consent"))
    def consent(self, record: ConsentRecord) -> str:
        return title_of(record)

    @display(description=_("Said by"))
    def system(self, record: ConsentRecord) -> str:
        return str(record.said_by)  # type: ignore[attr-defined]  # the list's

    def page_title(self, record: ConsentRecord) -> str:
        return title_of(record)

    def page_context(self, request: HttpRequest, record: ConsentRecord) -> dict[str, Any]:
        contents = record.contents
        numbered = ConsentRecord.objects.filter(tenant_id=record.tenant_id, number=record.number - 1)
        return {
            "tone": TONES[Kind(record.kind)],
            "name": title_of(record),
            "system": system_of(record.source, systems_of([record.tenant_id])),
            "contents": contents,
            "only_said": record.kind in (Kind.OVERRULED, Kind.HELD),
            "decided_at": decided_at(record),
            "details": [
                (TITLES.get(name, name), _plain(value)) for name, value in sorted(contents.items()) if name not in SHOWN
            ],
            "before_url": next((_page(each) for each in numbered), ""),
        }


def _plain(value: Any) -> str:
    if value is None or isinstance(value, bool | str | int | float):
        return plain(value)
    return json.dumps(value, ensure_ascii=False, indent=1)


def _page(record: ConsentRecord) -> str:
    return reverse("admin:portal_consentrecord_change", args=[record.pk])


def panel(request: HttpRequest, customer: Customer) -> Panel | None:
    found = whys(customer, systems_of([customer.tenant_id]))
    if not found:
        return None
    list_url = reverse("admin:portal_consentrecord_changelist") + "?" + urlencode({OF_CUSTOMER: customer.pk})
    shown = {"consents": [(each, _page(each.record)) for each in found], "list_url": list_url}
    return Panel(_("Consents"), "admin/portal/consents_panel.html", shown, position=20)


extensions.customer_panels.append(panel)
navigation.add(ConsentRecord, _("Consents"), icon="verified_user", group=navigation.DAILY, position=25)
