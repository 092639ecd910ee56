"""What passes add to the list of customers and to a customer's page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from passes.admin.giving import templates_for
from passes.admin.passes import state_of
from passes.happenings import subject_of
from passes.issuing import Way
from passes.links import link_to_get
from passes.models import GoogleObject, PassTemplate, Registration, WalletPass, phones_count, phones_of_customer
from portal.admin.extend import Column, Panel, extensions
from portal.admin.rights import may_here
from portal.models import Customer
from portal.tenancy import Action


def wallet_text(phones: int) -> str:
    return ngettext("On %(n)d phone", "On %(n)d phones", phones) % {"n": phones} if phones else "–"


def panel(request: HttpRequest, customer: Customer) -> Panel:
    passes: Any = WalletPass.objects.filter(customer=customer).select_related("template").defer("content")
    found = [(each, *state_of(each, each.phones)) for each in passes.annotate(phones=phones_count())]
    shown = {"passes": found, "links": _links(request, customer)}
    return Panel(_("Passes"), "admin/passes/customer_panel.html", shown, position=10)


def _links(request: HttpRequest, customer: Customer) -> list[tuple[PassTemplate, str]]:
    """Where the customer gets passes that are made when their link is opened. Who has a link has the pass."""
    if not any(may_here(request, action, customer.tenant_id) for action in (Action.OPERATE, Action.CONFIGURE)):
        return []
    open_to = [each for each in templates_for(customer, Way.LINK) if each.issue == PassTemplate.Issue.LINK]
    return [(template, link_to_get(template, customer)) for template in open_to]


def subjects(customer: Customer) -> list[str]:
    passes = WalletPass.objects.filter(customer=customer).values_list("pk", flat=True)
    devices = Registration.objects.filter(wallet_pass__in=passes).values_list("device_id", flat=True)
    own = [f"customer.changed/passes:customer:{customer.pk}", f"customer:{customer.pk}:messages"]
    at_google = [each.subject for each in GoogleObject.objects.filter(wallet_pass__in=passes).only("object_id")]
    return [*own, *map(subject_of, passes), *(f"device:{key}" for key in devices), *at_google]


extensions.customer_columns.append(Column("wallets", _("Wallet"), phones_of_customer, wallet_text))
extensions.customer_panels.append(panel)
extensions.customer_subjects.append(subjects)
