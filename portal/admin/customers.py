"""Customers: who they are, what is known of them and from where, and what happened lately."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.decorators import display

from portal.admin import navigation
from portal.admin.base import TenantAdmin
from portal.admin.dialogs import DialogForm, dialog, finished
from portal.admin.erasing import Erasing, erasure_of
from portal.admin.export import Cell, Exported
from portal.admin.extend import Link, extensions
from portal.admin.filters import WhenChanged
from portal.admin.pages import PageAdmin
from portal.admin.paging import BRANCH_LIMIT, ManyRows, lowered, newest
from portal.admin.site import site
from portal.ledger import kind_title
from portal.models import Customer, Event
from portal.tenancy import Action

EVENTS_SHOWN = 10
# The newest customers name the columns of an export; values that only older ones have share its last column.
VALUES_LOOKED_AT = 1000


@dataclass(frozen=True)
class Value:
    name: str
    value: Any
    source: str
    at: datetime | None


def values_of(customer: Customer, sources: dict[str, str]) -> list[Value]:
    """What is known of a customer, each with the system it came from and when."""
    found = []
    for name, value in sorted(customer.values.items()):
        origin = customer.origins.get(name, {})
        source = str(origin.get("source", ""))
        found.append(Value(name, value, sources.get(source, source), parse_datetime(str(origin.get("at", "")))))
    return found


def events_about(tenant_id: int, subjects: list[str]) -> list[Event]:
    """The newest Events of these subjects, of the first ones when there are very many."""
    about = [Q(subject=subject) for subject in subjects[:BRANCH_LIMIT]]
    events = newest(Event.objects.filter(tenant_id=tenant_id), about, EVENTS_SHOWN) if about else []
    for event in events:
        event.title = kind_title(event.kind)
    return events


def customer_cells(rows: QuerySet[Customer]) -> list[Cell]:
    """The columns of an export: what every customer has, then a column for each value."""
    looked_at = rows[:VALUES_LOOKED_AT].values_list("values", flat=True)
    names = sorted({name for values in looked_at for name in values})

    def others(customer: Customer) -> str:
        rest = {name: value for name, value in customer.values.items() if name not in names}
        return json.dumps(rest, ensure_ascii=False) if rest else ""

    def value(name: str) -> Cell:
        return name, lambda customer: customer.values.get(name)

    return [
        (str(_("Key")), lambda customer: customer.key),
        (str(_("Language")), lambda customer: customer.language),
        (str(_("Changed")), lambda customer: customer.changed_at and customer.changed_at.isoformat()),
        (str(_("Synced")), lambda customer: customer.synced_at and customer.synced_at.isoformat()),
        *map(value, names),
        (str(_("Other values")), others),
    ]


@admin.register(Customer, site=site)
class CustomerAdmin(Erasing, Exported, ManyRows, PageAdmin, TenantAdmin):
    list_display = ("key", "language_name", "changed_at", "synced_at")
    list_filter = (WhenChanged,)
    search_fields = ("lowered_key",)
    search_help_text = _("The beginning of a key, for example anna@")
    change_form_template = "admin/portal/customer.html"
    actions_detail: tuple[str, ...] = ("sync", "erase")
    empty_sentence = _("Customers come in from your connections: with the first webhook, or when you read a profile.")
    export_sentence = gettext_noop("Exported the list of customers.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        added = {column.name: column.annotation() for column in extensions.customer_columns}
        return super().get_queryset(request).filter(erased_at=None).annotate(**added)

    def begins_with(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Keys are kept as the connected system spells them; whoever searches Anna@ means anna@ too."""
        return queryset.filter(lowered_key__startswith=lowered(term))

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [*super().get_list_filter(request), *extensions.customer_filters]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        columns = super().get_list_display(request)
        return [*columns[:2], *map(_shown, extensions.customer_columns), *columns[2:]]

    def export_cells(self, rows: QuerySet[Any]) -> list[Cell]:
        return customer_cells(rows)

    @display(description=_("Language"), empty_value="")
    def language_name(self, customer: Customer) -> str:
        return customer.language.upper()

    def page_context(self, request: HttpRequest, customer: Customer) -> dict[str, Any]:
        accounts = extensions.accounts_of([customer.tenant_id])
        sources = {account.source: account.title for account in accounts if account.source}
        panels = [panel for make in extensions.customer_panels if (panel := make(request, customer))]
        return {
            "erasure": erasure_of(customer),
            "values": values_of(customer, sources),
            "identities": [(sources.get(each.namespace.removesuffix(":key"), each.namespace), each.value,
                            each.namespace.endswith(":key"), each.gone_at) for each in customer.identities.all()],
            "panels": sorted(panels, key=lambda panel: panel.position),
            "events": events_about(customer.tenant_id, extensions.subjects_of(customer)),
        }  # fmt: skip

    @dialog(
        label=_("Sync now"), needs=Action.OPERATE, title=_("Read this customer again?"), icon="sync",
        description=_("The profile is read anew from the systems that know it. Passes follow if something changed."),
    )  # fmt: skip
    def sync(self, request: HttpRequest, form: DialogForm, customer: Customer) -> HttpResponse:
        url = reverse("admin:portal_customer_change", args=[customer.pk])
        reads = sum(sync(customer) for sync in extensions.customer_syncs)
        if not reads:
            return finished(request, url, _("No connected system knows this customer."), messages.WARNING)
        self.log_change(request, customer, gettext_noop("Read again."))
        return finished(request, url, _("The profile is being read. New values show here in a moment."))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        found = super().get_actions_detail(request, object_id)
        return found if extensions.customer_syncs else [each for each in found if each.path != "sync"]

    @classmethod
    def takes(cls, action: Any) -> None:
        """Adds a dialog of a higher storey to the customer's page."""
        setattr(cls, action.__name__, action)
        cls.actions_detail = (*cls.actions_detail, action.__name__)

    @classmethod
    def takes_many(cls, action: Any) -> None:
        """Adds a `bulk_dialog` of a higher storey to the list."""
        setattr(cls, action.__name__, action)
        cls.actions = (*cls.actions, action.__name__)


def _shown(column: Any) -> Any:
    @display(description=column.title, empty_value="")
    def show(customer: Customer) -> Any:
        return column.show(getattr(customer, column.name))

    return show


extensions.links["customer"] = Link("customer", _("Customer"), Customer, "admin:portal_customer_change")
navigation.add(Customer, _("Customers"), icon="group", group=navigation.DAILY, position=10)
